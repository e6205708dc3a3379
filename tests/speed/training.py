"""Seconds an epoch: armbench's loop beside the plain loop that users would write.

Run it with `python tests/speed/training.py`; it prints medians over interleaved rounds and their
ratios to the plain loop, all on one thread of the CPU:

- plain: shuffled batches, padded to their longest text, float32;
- by length: the same with batches of similar length;
- bf16: the same in bf16 where the processor has it;
- packed: the same without padding, all before it by the layers of transformers;
- armbench: the same with freed memory kept, as workers train.
"""

import subprocess
import sys
import tempfile
import time
from contextlib import nullcontext
from pathlib import Path
from statistics import median

ROUNDS = 3


def measure(variant: str, folder: Path) -> tuple[float, float]:
    """Seconds of one training epoch, and of scoring the test split, after a warm-up."""
    import numpy as np
    import torch

    from trainers.loop import Fit
    from trainers.machine.memory import keep_freed_memory
    from trainers.methods import Base
    from trainers.models import Bert
    from trainers.packed.models import left_to_transformers
    from trainers.settings import Training
    from trainers.steps.predicting import predict
    from trainers.tasks import Docstrings

    torch.set_num_threads(1)
    if variant == "armbench":
        keep_freed_memory()
    precision = "float32" if variant in ("plain", "by length") else "auto"
    training = Training(lr=1e-3, max_length=48, precision=precision, device="cpu").resolved()
    task, model = Docstrings(vocabulary=4096, train=1600), Bert()
    train_set, dev_set, test_set = (
        model.encode(task.load(split, folder, 0), folder, 48) for split in ("train", "dev", "test")
    )
    module = model.build(task, folder, 0).train()
    optimiser = torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)
    fit = Fit(module, Base(), train_set, dev_set, training, seed=0)

    def epoch(number: int) -> None:
        from trainers.inputs.batches import training_order

        draws = np.random.default_rng(number)
        batches = training_order(train_set.lengths, 32, draws)
        if variant == "plain":
            batches = iter(np.array_split(draws.permutation(len(train_set)), 50))
        for rows in batches:
            Base().backward(fit.step(rows, 0, 0, 0.0))
            torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()

    with nullcontext() if variant in ("packed", "armbench") else left_to_transformers():
        epoch(0)
        started = time.perf_counter()
        epoch(1)
        trained = time.perf_counter()
        predict(module, test_set, training)
        return trained - started, time.perf_counter() - trained


def main() -> None:
    """Interleave the variants, each in a process of its own."""
    from trainers.tasks import Docstrings

    variants = ("plain", "by length", "bf16", "packed", "armbench")
    times: dict[str, list[tuple[float, float]]] = {v: [] for v in variants}
    with tempfile.TemporaryDirectory() as folder:
        Docstrings(vocabulary=4096, train=1600).prepare(Path(folder))
        for _ in range(ROUNDS):
            for variant in variants:
                command = [sys.executable, __file__, variant, folder]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                epoch, score = map(float, done.stdout.split())
                times[variant].append((epoch, score))
    for column, what in enumerate(("epoch of 50 steps", "scoring 1,600 texts")):
        base = median(t[column] for t in times["plain"])
        for variant in variants:
            seconds = median(t[column] for t in times[variant])
            print(f"{what:20} {variant:10} {seconds:6.3f} s   {seconds / base:5.2f}")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(*measure(sys.argv[1], Path(sys.argv[2])))
    else:
        main()
