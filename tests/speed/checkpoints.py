"""What it takes to write a run down and to go on from there, for BERTs of three sizes.

Run it with `python tests/speed/checkpoints.py [FOLDER]`; what is written lies in the folder, by
default the system's own for such. A run is one by AdamW with a best epoch behind it, four times its
weights; seconds are those on the wall, and those of processors.
"""

import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import torch

from benchmark.store.cache import Cache
from trainers.machine.clock import Stopwatch, cpu_seconds
from trainers.models import Bert
from trainers.resume.checkpoints import Keeper
from trainers.resume.snapshot import Snapshot
from trainers.resume.trail import Trail
from trainers.settings import Training
from trainers.steps.learner import Learner

SIZES = ((2, 128), (4, 512), (12, 768))


def measure(layers: int, width: int, cache: Cache) -> str:
    """One line for one size."""
    from transformers import BertForSequenceClassification

    model = BertForSequenceClassification(Bert(layers=layers, width=width).config(30_000, 2))
    kept: list[Snapshot] = []
    checkpoints = Keeper(kept.append, every=0.0, asked=lambda: True)
    trail = Trail(model, SimpleNamespace(), Stopwatch(), checkpoints)
    learner = Learner.of(model, [{"params": [*model.parameters()]}], Training(), 10, 10)
    trail.learn_with(learner)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    learner.step(None)
    learner.select(1.0)
    wall, cpu = time.perf_counter(), cpu_seconds()
    trail.offer()
    with cache.making("resume", f"{width}") as folder:
        kept.pop().save(folder)
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    began = time.perf_counter()
    assert not cache.flaw("resume", f"{width}")
    Snapshot.open(cache.path("resume", f"{width}"))
    read = time.perf_counter() - began
    size = cache.results()["resume", f"{width}"] / 1e6
    return (
        f"{layers:2} x {width:3}: {size:5.0f} MB, written in {wall:.2f} s, {cpu:.2f} s of "
        f"processors, {wall / 0.6:.1f} % of a minute; read in {read:.2f} s"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if sys.argv[1:] else None) as place:
        for size in SIZES:
            print(measure(*size, Cache(Path(place))), flush=True)
