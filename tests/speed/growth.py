"""How the time and the memory of training grow, and what is left to gain.

`python tests/speed/growth.py --record FILE --figure FILE` trains steps of a BERT of 2 layers × 128
on 32 texts of 16 tokens with 8 classes, on one thread, and changes one of these at a time: tokens a
text, width, classes, and the texts of an epoch. Each point is a process of its own. It prints
milliseconds a step (of an epoch for the last), the most memory of the process, the exponent of a
power law through the upper half of the points, and the share of the time that the step's products
of matrices would take at the rate that this processor reaches on large ones.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

USUAL = {"tokens": 16, "width": 128, "classes": 8, "texts": 640}
VARIED = {
    "tokens": (16, 32, 64, 128, 256),
    "width": (64, 128, 256, 512),
    "classes": (2, 8, 64, 512, 4096),
    "texts": (640, 2560, 10240, 40960),
}
BATCH, ROUNDS = 32, 5
Step = Callable[[Any], None]


def steps(tokens: int, width: int, classes: int, texts: int) -> tuple[Step, list[Any]]:
    """What takes a step on a batch, and the batches of an epoch."""
    import numpy as np
    from transformers import BertForSequenceClassification

    from trainers.inputs.batches import Encoded, Ragged, training_order
    from trainers.loop import Fit
    from trainers.methods import Base
    from trainers.models import Bert
    from trainers.settings import Training
    from trainers.steps.learner import Learner

    draws = np.random.default_rng(0)
    training = Training(batch_size=BATCH, lr=1e-3, max_length=tokens, device="cpu").resolved()
    config = Bert(layers=2, width=width, positions=max(tokens, 128)).config(4096, classes)
    words = draws.integers(5, 4096, texts * tokens, dtype=np.int32)
    ragged = {"input_ids": Ragged(words, np.arange(texts + 1) * tokens)}
    labels = draws.integers(0, classes, texts)
    examples = Encoded(np.arange(texts), labels, ragged, {"input_ids": 0})
    fit = Fit(BertForSequenceClassification(config), Base(), examples, examples, training, 0)
    fit.model.train()
    groups = Base().parameter_groups(fit.model, training)
    learner = Learner.of(fit.model, groups, training, 10**6, 1)

    def step(batch: Any) -> None:
        fit.gradient(fit.step(batch, 0, 0, 0.0))
        learner.step(training.clip)
        fit.at.steps += 1

    return step, [*training_order(examples.lengths, BATCH, draws)]


def point(**asked: int) -> dict[str, float]:
    """Milliseconds a step and an epoch, megabytes, and GFLOPs of a step."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from trainers.machine.memory import keep_freed_memory

    torch.set_num_threads(1)
    keep_freed_memory()
    step, batches = steps(**asked)
    for batch in batches[:5]:
        step(batch)
    with FlopCounterMode(display=False) as counter:
        step(batches[0])
    some, taken = batches[:20], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for batch in some:
            step(batch)
        taken.append((time.perf_counter() - began) / len(some))
    began = time.perf_counter()
    for batch in batches:
        step(batch)
    return {
        "step_ms": 1e3 * median(taken),
        "epoch_ms": 1e3 * (time.perf_counter() - began),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "gflop": counter.get_total_flops() / 1e9,
    }


def peak() -> float:
    """GFLOP/s of large products of matrices, in the precision that runs have, on one thread."""
    import torch

    from trainers.settings import has_native_bf16

    torch.set_num_threads(1)
    kind = torch.bfloat16 if has_native_bf16("cpu") else torch.float32
    a, b = (torch.randn(1024, 1024, dtype=kind) for _ in range(2))
    best = 0.0
    for _ in range(20):
        began = time.perf_counter()
        a @ b
        best = max(best, 2 * 1024**3 / (time.perf_counter() - began) / 1e9)
    return best


def exponent(xs: list[float], ys: list[float]) -> float:
    """Slope of log y on log x over the upper half of the points."""
    import numpy as np

    upper = slice(len(xs) // 2 if len(xs) > 3 else 0, None)
    return float(np.polyfit(np.log(xs[upper]), np.log(ys[upper]), 1)[0])


def measured() -> dict[str, Any]:
    """All points, what they grow by, and the rate of the processor."""
    rate, found = peak(), {}
    print(f"load {os.getloadavg()[0]:.1f}; large products of matrices at {rate:.0f} GFLOP/s")
    for name, values in VARIED.items():
        what = "epoch_ms" if name == "texts" else "step_ms"
        points = []
        for value in values:
            asked = json.dumps(USUAL | {name: value})
            command = [sys.executable, __file__, "--point", asked]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            points.append({name: value} | json.loads(done.stdout))
            one = points[-1]
            share = one["gflop"] / rate / (one["step_ms"] / 1e3)
            print(
                f"{name} {value:6}  {one[what]:9.1f} ms  {one['peak_mb']:6.0f} MB  "
                f"{one['gflop']:7.2f} GFLOP a step, {100 * share:.0f} % of that rate",
                flush=True,
            )
        grows = exponent([p[name] for p in points], [p[what] for p in points])
        memory = exponent([p[name] for p in points], [p["peak_mb"] for p in points])
        found[name] = {"points": points, "time_exponent": grows, "memory_exponent": memory}
        print(f"  time grows by the power {grows:.2f} of {name}, memory by {memory:.2f}")
    return {"gflop_per_second": rate, "usual": USUAL, "varied": found}


def drawn(found: Mapping[str, Any], path: Path) -> None:
    """Time against each quantity, beside what the products of matrices would take."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, all_axes = plt.subplots(1, len(VARIED), figsize=(11, 2.8), layout="constrained")
    for axes, (name, one) in zip(all_axes, found["varied"].items(), strict=True):
        what = "epoch_ms" if name == "texts" else "step_ms"
        xs = [point[name] for point in one["points"]]
        steps = [-(-point["texts"] // BATCH) if name == "texts" else 1 for point in one["points"]]
        least = [
            1e3 * n * point["gflop"] / found["gflop_per_second"]
            for n, point in zip(steps, [{**USUAL, **p} for p in one["points"]], strict=True)
        ]
        axes.loglog(xs, [point[what] for point in one["points"]], "o-", label="measured")
        axes.loglog(xs, least, "--", color="#888", label="products at full rate")
        axes.set_xlabel("texts of an epoch" if name == "texts" else name)
        axes.set_xticks(xs, [f"{x:g}" for x in xs])
        axes.yaxis.set_major_formatter("{x:g}")
        axes.minorticks_off()
        if name != "texts":
            axes.set_ylim(0.3, 150)
        axes.set_title(f"power {one['time_exponent']:.2f}", fontsize=9)
        axes.grid(visible=True, alpha=0.3)
    all_axes[0].set_ylabel("milliseconds a step")
    all_axes[-1].set_ylabel("milliseconds an epoch")
    all_axes[0].legend(fontsize=8)
    figure.savefig(path)


def main() -> None:
    """Measure, print, and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--record", type=Path, help="JSON file for what is found")
    parser.add_argument("--figure", type=Path, help="file for a figure of it")
    parser.add_argument("--point", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.point:
        print(json.dumps(point(**json.loads(asked.point))))
        return
    found = measured()
    if asked.record:
        asked.record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if asked.figure:
        drawn(found, asked.figure)


if __name__ == "__main__":
    main()
