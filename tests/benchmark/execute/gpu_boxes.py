"""Made-up machines with GPUs, and a study of moments that goes on any of them."""

import argparse
import time
from collections.abc import Iterable
from pathlib import Path

from benchmark.declare.loading import load_study
from benchmark.execute.engines.local import LocalEngine
from benchmark.execute.gpus.gpu import Gpu, GpuBox
from benchmark.execute.gpus.memory import KnownMemory
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.job import Ended, Progress
from benchmark.execute.scheduler import Outcome, Scheduler, run_plan
from benchmark.execute.todo import todo
from benchmark.record.query import Query
from benchmark.record.writer import Writer
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import Plan, make_plan
from benchmark.store.connection import Connection
from benchmark.store.store import Store

STUDY = """
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits


@dataclass(frozen=True)
class Odd(Base):
    name: ClassVar[str] = "odd"

    def loss(self, step):
        ODD
        return super().loss(step)


study = Study(
    name="box",
    task=Digits(digits=(5, 6), train=20, dev=20, test=20),
    arms=Arm.grid(ResNet((4,)), ["scratch"], [Base(), Odd()]),
    comparison=Comparison("base", "odd"),
    judging=Judging(margin=2.0),
    training=Training(epochs=EPOCHS, batch_size=16, lr=3e-3, precision="float32"),
    seeds=SEEDS,
    allow_underpowered=True,
)
"""


def write_study(
    folder: Path, odd: str = "pass", epochs: int = 1, seeds: Iterable[int] = (1, 2)
) -> Path:
    """A study file whose second arm does something odd in every step.

    Its device is "auto", which is the CPU where the GPUs are made up.
    """
    path = folder / "box.py"
    text = STUDY.replace("ODD", odd).replace("EPOCHS", str(epochs))
    path.write_text(text.replace("SEEDS", str(tuple(seeds))))
    return path


def box(*memory_mb: float, kind: str = "made up", watts: float | None = None) -> GpuBox:
    """A machine of GPUs with so many megabytes each, which processes know as "10", "11", …"""
    gpus = (Gpu(i, kind, size, f"{10 + i}", watts) for i, size in enumerate(memory_mb))
    return GpuBox(tuple(gpus), "0.0")


def packing(*memory_mb: float, most: int, memory: KnownMemory | None = None) -> Packing:
    """How runs are placed on such a machine."""
    return Packing(box(*memory_mb).gpus, most, memory)


def options(study: Path, **said: object) -> argparse.Namespace:
    """A command line."""
    names = ("data", "optuna_storage", "workers", "environments", "gpus", "runs_per_gpu")
    told = dict.fromkeys(names) | {"store": str(study.parent / "mlruns")}
    return argparse.Namespace(study=study, debug=False, **(told | said))


class Bench:
    """A study on made-up GPUs, and what was on them when each of its runs began."""

    def __init__(self, study: Path, placed: Packing, store: str = "mlruns") -> None:
        self.packing = placed
        self.connection = Connection(Store(str(study.parent / store)))
        self.plan: Plan = make_plan(load_study(study))
        self.engine = LocalEngine(placed.most, study, packing=placed)
        self.began: list[tuple[str, int]] = []
        self.on: dict[str, Gpu] = {}
        writer = Writer(self.connection)
        self.scheduler = Scheduler(
            self.engine, Query(self.connection), writer, writer.experiment("box"), {}, self._note
        )

    def run(self) -> Outcome:
        needed = todo(self.plan, self.query.finished(self.plan.runs), self.connection.store)
        return run_plan(self.plan, needed.jobs, self.scheduler, lambda _: 1.0, lambda _: None)

    def wait(self, kind: type, most: float = 60) -> Progress | Ended:
        deadline = time.monotonic() + most
        while time.monotonic() < deadline:
            for event in self.scheduler.step():
                if isinstance(event, kind):
                    return event
        raise AssertionError("nothing came")

    @property
    def query(self) -> Query:
        return Query(self.connection)

    def _note(self, run) -> None:
        gpu = self.packing.slots.gpu_of(run.key)
        if isinstance(run, TrainRun) and gpu:  # of a stack the first one has the place
            self.on[run.key] = gpu
            self.began.append((run.method_name, len(self.packing.slots.on(gpu))))
