"""Where the runs of a session are executed: the engine that a command line asks for."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from benchmark.errors import BenchmarkError
from benchmark.execute.engines import Engine
from benchmark.execute.engines.inline import InlineEngine
from benchmark.execute.engines.local import LocalEngine
from benchmark.execute.engines.ray.cluster import RayCluster, Resources
from benchmark.execute.engines.ray.engine import RayEngine
from benchmark.execute.engines.slurm.cluster import Cluster
from benchmark.execute.engines.slurm.engine import SlurmEngine
from benchmark.execute.engines.slurm.options import asked_cluster
from benchmark.execute.gpus.gpu import FindGpus, Gpu
from benchmark.execute.gpus.packing import Packing
from benchmark.record.recorded import Recorded
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import Plan
from benchmark.session.machine import RunsPerGpu, default_workers, gpus_of, packing_of
from benchmark.store.store import Store

#: Jobs of a cluster side by side, where nothing else is asked.
_JOBS = 8


@dataclass(frozen=True)
class Asked:
    """What a command line asks of the engine.

    Attributes:
        engine: its name.
        workers: runs side by side, if the user said how many.
        gpus: those of this machine that runs are trained on; none leaves it to the study's device.
        runs_per_gpu: runs side by side on each of them.
        slurm: where runs are executed as jobs of Slurm.
        address: of Ray's head, if the user named one.
    """

    engine: str = "local"
    workers: int | None = None
    gpus: tuple[Gpu, ...] = ()
    runs_per_gpu: RunsPerGpu = 1
    slurm: Cluster | None = None
    address: str | None = None

    @classmethod
    def of(cls, options: argparse.Namespace, find_gpus: FindGpus) -> Asked:
        """What these options ask; this process sees no other GPUs afterwards.

        Args:
            options: of the command.
            find_gpus: finds out which there are, where the command line asks for some.

        Raises:
            BenchmarkError: they do not go together, or there are no such GPUs.
        """
        engine = getattr(options, "engine", None) or "local"
        address, per_gpu = (getattr(options, name, None) for name in ("address", "runs_per_gpu"))
        if engine == "inline":
            _refuse_several(options)
        if engine == "ray":
            _refuse_own_gpus(options)
            if address is None:
                address = os.environ.get("RAY_ADDRESS") or None
        elif address is not None:
            raise BenchmarkError("--address is that of a Ray cluster: add --engine ray.")
        if engine == "slurm" and per_gpu is not None:
            raise BenchmarkError(
                "--runs-per-gpu is of GPUs of this machine: with --engine slurm each job executes "
                "one run after the other, on what it asks for by --slurm gres=gpu:1; leave it out."
            )
        return cls(
            engine=engine,
            workers=options.workers,
            slurm=asked_cluster(options),
            gpus=() if engine == "ray" else gpus_of(options, find_gpus),
            runs_per_gpu=per_gpu or 1,
            address=address,
        )


def _refuse_several(options: argparse.Namespace) -> None:
    """Refuse what asks for runs side by side where they go one after the other."""
    for name in ("workers", "gpus", "runs_per_gpu"):
        if getattr(options, name, None) not in (None, 1):
            raise BenchmarkError(
                "--engine inline executes one run after the other, in the process of the command: "
                f"leave out --{name.replace('_', '-')}."
            )


def _refuse_own_gpus(options: argparse.Namespace) -> None:
    """Refuse what says how GPUs of this machine are used, where Ray gives them out."""
    if getattr(options, "gpus", None) is not None:
        raise BenchmarkError(
            "--gpus names GPUs of this machine: with --engine ray every run of a study that trains "
            "on GPUs takes one of the cluster; leave out --gpus, and say with --workers how many."
        )
    if getattr(options, "runs_per_gpu", None) == "auto":
        raise BenchmarkError(
            "--runs-per-gpu auto measures GPUs of this machine: with --engine ray give a number, "
            "and a run takes that part of a GPU."
        )


@dataclass(frozen=True)
class Execution:
    """Where the runs of a plan are executed.

    Attributes:
        asked: what the command line says of it.
        plan: the runs as declared.
        study_file: declares them.
        store: where they are recorded.
        rehearses: whether runs are tiny.
        harmless: whether that is all that they are, so that they need no process of their own.
        similar: finished runs of the same kinds as those of the plan.
    """

    asked: Asked
    plan: Plan
    study_file: Path
    store: Store
    rehearses: bool
    harmless: bool
    similar: Callable[[], Mapping[str, Recorded]]

    def check(self) -> None:
        """Refuse what the engine could not execute, before anything is trained.

        Raises:
            BenchmarkError: with what it says.
        """
        if self._slurm:
            self._slurm.check()
        if self._ray:
            self._ray.check(self.asked.workers, self.study_file, self.store)

    @cached_property
    def workers(self) -> int:
        """Runs side by side."""
        if self.rehearses or self.asked.engine == "inline":
            return 1
        if self.asked.gpus:
            return self.packing().side_by_side([*self.plan.runs.values()])
        if self._slurm and not self.asked.workers:
            return _JOBS
        if self._ray and not self.asked.workers:
            return self._ray.room()
        return self.asked.workers or default_workers(self.plan)

    def packing(self) -> Packing:
        """How runs are placed on the GPUs of this machine, with nothing on them yet."""
        similar = self.similar() if self.asked.runs_per_gpu == "auto" else {}
        return packing_of(self.asked.gpus, self.asked.runs_per_gpu, self.plan, similar)

    @cached_property
    def engine(self) -> Engine:
        """Executes them."""
        if self.harmless or self.asked.engine == "inline":
            return InlineEngine(self.study_file)
        if self._slurm:
            return SlurmEngine(self.workers, self.study_file, self.store, self._slurm)
        if self._ray:
            return RayEngine(self.workers, self.study_file, self.store, self._ray)
        if self.asked.gpus:
            packing = self.packing()
            return LocalEngine(packing.most, self.study_file, packing=packing)
        return LocalEngine(self.workers, self.study_file)

    @property
    def logs(self) -> str:
        """Where to find what its runs print, if that is not on the terminal."""
        if isinstance(self.engine, SlurmEngine):
            return f"What Slurm's jobs print is kept in {self.engine.pool.logs}/JOB_0_log.out."
        if isinstance(self.engine, RayEngine):
            return f"What runs print is kept in {self.engine.logs}."
        return ""

    @cached_property
    def _slurm(self) -> Cluster | None:
        """The cluster, with as many processors for each run as it has threads."""
        return self.asked.slurm and self.asked.slurm.with_processors(self._threads)

    @cached_property
    def _ray(self) -> RayCluster | None:
        """The cluster of Ray, with what a run takes of it."""
        if self.asked.engine != "ray":
            return None
        per_gpu = self.asked.runs_per_gpu
        on_gpu = any(run.training.device != "cpu" for run in self._runs)
        part = 1 / per_gpu if on_gpu and isinstance(per_gpu, int) else 0.0
        return RayCluster(self.asked.address, Resources(self._threads, part))

    @property
    def _threads(self) -> int:
        """Of the run that has most of them."""
        return max(run.training.threads for run in self._runs)

    @property
    def _runs(self) -> list[TrainRun]:
        return [run for run in self.plan.runs.values() if isinstance(run, TrainRun)]
