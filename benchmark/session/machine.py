"""What of this machine a session takes: workers on its cores, or its GPUs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from typing import Literal

from benchmark.checks.gpus import chosen
from benchmark.errors import BenchmarkError
from benchmark.execute.gpus.gpu import FindGpus, Gpu, environment_of
from benchmark.execute.gpus.memory import KnownMemory
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.gpus.stacks import Stacking
from benchmark.record.recorded import IN_PARTS, STACKED, Recorded
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import Plan

RunsPerGpu = int | Literal["auto"]


def default_workers(plan: Plan) -> int:
    """One run a core by default; on an accelerator, which they would share, one in all."""
    runs = [run for run in plan.runs.values() if isinstance(run, TrainRun)]
    return 1 if any(run.training.device != "cpu" for run in runs) else runs_for_cores(plan)


def runs_for_cores(plan: Plan) -> int:
    """How many runs there are threads for."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    runs = (run for run in plan.runs.values() if isinstance(run, TrainRun))
    return max(1, (cores or 1) // max(run.training.threads for run in runs))


def gpus_of(options: argparse.Namespace, find: FindGpus) -> tuple[Gpu, ...]:
    """The GPUs that a command line asks for, none where it does not; this process sees no others.

    Args:
        options: of the command.
        find: finds out what is there.

    Raises:
        BenchmarkError: options that do not go together, or GPUs that are not there.
    """
    asked = getattr(options, "gpus", None)
    per_gpu = getattr(options, "runs_per_gpu", None)
    if asked is None:
        if per_gpu is not None:
            raise BenchmarkError(
                f"--runs-per-gpu {per_gpu} says nothing without GPUs: add --gpus all, or leave it "
                "out."
            )
        return ()
    if options.workers:
        raise BenchmarkError(
            f"--workers {options.workers} and --gpus both say how many runs go side by side: leave "
            "out --workers, and say with --runs-per-gpu how many share a GPU."
        )
    gpus = chosen(asked, find())
    os.environ.update(environment_of(gpus))
    return gpus


def packing_of(
    gpus: tuple[Gpu, ...],
    per_gpu: RunsPerGpu,
    plan: Plan,
    similar: Mapping[str, Recorded],
) -> Packing:
    """How runs are placed on GPUs.

    Args:
        gpus: the GPUs.
        per_gpu: runs on each, or "auto" for as many as have room, and a core to feed them.
        plan: the runs.
        similar: runs of the same kinds that are recorded.
    """
    if per_gpu != "auto":
        return Packing(gpus, per_gpu, stacking=Stacking())
    measures: dict[str, list[Mapping[str, float]]] = {}
    for done in similar.values():
        if IN_PARTS not in done.tags and STACKED not in done.tags:  # which took less, or unknown
            measures.setdefault(done.kind, []).append(done.scores)
    most = max(1, runs_for_cores(plan) // len(gpus))
    return Packing(gpus, most, KnownMemory(measures, plan.runs.values()), Stacking())
