"""How fast it is on a GPU; prints a line for each measure, in less than eight minutes.

`python tests/gpu/speed.py [--record FILE]` needs a GPU, and the torch for it; `--device cpu
--small` is to see that it runs. Nothing of it is measured yet. Each measure is the median of
several, after some that are not counted, and the GPU is waited for before and after each.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import torch
import transformers
from torch.utils.flop_counter import FlopCounterMode

from benchmark.execute.attempt.conditions import make_repeatable
from trainers.inputs.batches import Encoded, Ragged
from trainers.loop import Fit
from trainers.methods import L2SP, LS, R3F, R4F, Base, FreeLB, Mixout
from trainers.packed.models import left_to_transformers
from trainers.settings import Training
from trainers.stacked.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
#: Measures, by what they are of.
Measured = Mapping[str, float]

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import Bert
from trainers.settings import Training
from trainers.stacked.stack import Stack
from trainers.tasks import Docstrings

study = Study(
    name="gpu",
    task=Docstrings(label="package", train=1200, dev=400, test=1600, vocabulary=4096),
    arms=Arm.grid(Bert(layers=2, width=128), "scratch", [Base(), LS()]),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=1.0),
    training=Training(epochs=EPOCHS, batch_size=32, lr=1e-3, max_length=48, device="DEVICE"),
    seeds=SEEDS,
    allow_underpowered=True,
)
"""


def seconds(work: Callable[[], object], device: str, times: int) -> float:
    """Of one call, the median of several."""

    def once() -> float:
        began = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began

    for _ in range(3):
        once()
    return median(once() for _ in range(times))


def products(device: str, small: bool) -> float:
    """FLOPs a second of large products of bf16 matrices."""
    size = 512 if small else 8192
    a, b = (torch.randn(size, size, device=device, dtype=torch.bfloat16) for _ in range(2))
    return 2 * size**3 / seconds(lambda: a @ b, device, 3 if small else 20)


def model(small: bool) -> Any:
    """A RoBERTa of the size of DistilRoBERTa."""
    size = {"num_hidden_layers": 2, "hidden_size": 64} if small else {"num_hidden_layers": 6}
    heads = {"num_attention_heads": 4, "intermediate_size": 128} if small else {}
    config = transformers.RobertaConfig(
        vocab_size=50265,
        max_position_embeddings=514,
        type_vocab_size=1,
        num_labels=2,
        pad_token_id=1,
        **size,
        **heads,
    )
    return transformers.RobertaForSequenceClassification(config)


def examples(n: int, length: int) -> Encoded:
    """Texts of made-up tokens, none of which is padded."""
    draws = np.random.default_rng(0)
    rows = [draws.integers(5, 50000, length).tolist() for _ in range(n)]
    labels = draws.integers(0, 2, n)
    return Encoded(np.arange(n), labels, {"input_ids": Ragged.of(rows)}, {"input_ids": 1})


def steps(device: str, small: bool) -> Measured:
    """Milliseconds of a step of 32 × 128 tokens by method, and its share of the products' rate."""
    data = examples(64, 16 if small else 128)
    training = Training(batch_size=32, device=device, precision="bf16")  # type: ignore[arg-type]
    make_repeatable(training)
    found: dict[str, float] = {}
    for method in (Base(), R3F(), R4F(), FreeLB(), L2SP(), Mixout()):
        fit = Fit(model(small), method, data, data, training, seed=0)
        fit.prepare()
        fit.model.train()
        optimiser = torch.optim.AdamW(fit.model.parameters(), lr=1e-5, fused=True)

        def step(fit: Fit = fit, optimiser: Any = optimiser) -> None:
            taken = fit.step(np.arange(32), 0, 0, 0.0)
            fit.method.before_step(taken)
            fit.gradient(taken)
            optimiser.step()
            fit.method.after_step(taken)
            optimiser.zero_grad()

        if device == "cuda":
            torch.cuda.reset_peak_memory_stats()
        found[f"{method.name}_ms"] = 1000 * seconds(step, device, 3 if small else 20)
        if device == "cuda":
            found[f"{method.name}_mb"] = torch.cuda.max_memory_allocated() / 1e6
        if method == Base():
            with left_to_transformers(), FlopCounterMode(display=False) as counter:
                fit.gradient(fit.step(np.arange(32), 0, 0, 0.0))
            rate = counter.get_total_flops() / (found["base_ms"] / 1000)
            found["share_of_products"] = rate / products(device, small)
            found["waits_a_step"] = float(waits(step)) if device == "cuda" else 0.0
    return found


def waits(step: Callable[[], None]) -> int:
    """How often a step waits for the GPU."""
    torch.cuda.set_sync_debug_mode("warn")
    try:
        import warnings

        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            step()
    finally:
        torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(each.message) for each in said)


def studies(device: str, small: bool) -> Measured:
    """Seconds a run of a whole command takes, with one and with several runs on the GPU."""
    found: dict[str, float] = {}
    runs = 4 if small else 20
    for per_gpu in (1,) if device == "cpu" else (1, 4, 8):
        with tempfile.TemporaryDirectory() as folder:
            text = STUDY.replace("EPOCHS", "1" if small else "5").replace("DEVICE", device)
            seeds = str(tuple(range(runs // 2)))
            (Path(folder) / "study.py").write_text(text.replace("SEEDS", seeds))
            command = [sys.executable, "-m", "benchmark", "run", "study.py"]
            if device == "cuda":
                command += ["--gpus", "1", "--runs-per-gpu", str(per_gpu)]
            began = time.perf_counter()
            subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=240)
            found[f"{per_gpu}_a_gpu"] = (time.perf_counter() - began) / runs
    return found


def texts(n: int, seed: int) -> Encoded:
    """Texts of 6 to 48 made-up tokens, as summaries of docstrings have."""
    draws = np.random.default_rng(seed)
    rows = [draws.integers(5, 4096, draws.integers(6, 49)).tolist() for _ in range(n)]
    labels = draws.integers(0, 8, n)
    return Encoded(np.arange(n), labels, {"input_ids": Ragged.of(rows)}, {"input_ids": 0})


def stacked(device: str, small: bool) -> Measured:
    """Seconds of forty runs of the demo's size as one model, and of one such run alone."""
    number, epochs = (4, 1) if small else (40, 5)
    sizes = (64, 32, 32) if small else (1200, 400, 1600)
    train, dev, test = (texts(n, seed) for seed, n in enumerate(sizes))
    training = Training(batch_size=32, lr=1e-3, device=device, precision="bf16", epochs=epochs)  # type: ignore[arg-type]
    make_repeatable(training)

    def fit(i: int, epochs: int) -> Fit:
        config = transformers.BertConfig(
            vocab_size=4096,
            hidden_size=128,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=512,
            max_position_embeddings=128,
            num_labels=8,
        )
        torch.manual_seed(i)
        made = transformers.BertForSequenceClassification(config)
        method = LS() if i % 2 else Base()
        return Fit(made, method, train, dev, replace(training, epochs=epochs), seed=i // 2)

    def took(fits: Sequence[Fit]) -> float:
        began = time.perf_counter()
        if len(fits) > 1:
            Stack(fits).run([lambda: test] * len(fits))
        else:
            fits[0].run(lambda: test)
        if device == "cuda":
            torch.cuda.synchronize()
        return time.perf_counter() - began

    for some in (1, number):
        took([fit(i, 1) for i in range(some)])  # kernels are loaded, and memory is taken
    if device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    alone, together = took([fit(0, epochs)]), took([fit(i, epochs) for i in range(number)])
    found = {"runs": number, "one_s": alone, "all_s": together, "times_one": together / alone}
    if device == "cuda":
        found["mb"] = torch.cuda.max_memory_allocated() / 1e6
    return found


def measures(device: str, small: bool) -> Iterator[tuple[str, Measured]]:
    """Each with what it is of."""
    yield "FLOPs a second of bf16 products", {"rate": products(device, small)}
    yield "milliseconds and MB of a step, DistilRoBERTa, 32 × 128 tokens", steps(device, small)
    yield "seconds of runs as one model beside one alone, 2 layers × 128", stacked(device, small)
    yield "seconds a run of a study, 2 layers × 128", studies(device, small)


def main() -> None:
    """Measure, print and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--record", type=Path)
    asked = parser.parse_args()
    if asked.device == "cuda" and not torch.cuda.is_available():
        sys.exit("no GPU is seen: --device cpu --small shows that this runs")
    kind = torch.cuda.get_device_name() if asked.device == "cuda" else "a CPU"
    print(f"{kind}, torch {torch.__version__}")
    found = {}
    for what, measured in measures(asked.device, asked.small):
        found[what] = dict(measured)
        print(f"{what}: " + ", ".join(f"{name} {value:.4g}" for name, value in measured.items()))
    if asked.record:
        asked.record.write_text(json.dumps({"device": kind, **found}, indent=1))


if __name__ == "__main__":
    main()
