"""Whether the weights of the models that are still to be trained fit into this machine's memory."""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path

import torch

from benchmark.checks.preflight import size
from benchmark.errors import NotReady
from benchmark.execute.todo import Todo
from benchmark.runs.alike import declared_alike
from benchmark.runs.kinds import PretrainRun, TrainRun
from benchmark.runs.plan import Plan
from benchmark.user_code.foreign import is_foreign
from trainers.models import HubModel, Model
from trainers.models.anatomy import skeleton
from trainers.tasks import Task

#: Numbers of four bytes for each weight that is trained: itself, its gradient, and two moments.
_FOR_EACH = 4 * 4


def require_memory(plan: Plan, needed: Todo, study_file: Path) -> None:
    """Refuse a study one of whose models can be trained nowhere on this machine.

    Args:
        plan: all of its runs.
        needed: those that are to be executed.
        study_file: as the user gave it, for the message.

    Raises:
        NotReady: with what it takes and what is there.
    """
    there = _total()
    seen = set()
    for run, *_ in declared_alike(plan.runs[k] for k in needed.jobs):
        if not isinstance(run, PretrainRun | TrainRun):
            continue
        model, task = run.model, run.task
        place = weighs_alike(model, task)
        if place in seen or is_foreign(model, task):  # what others wrote is tried in a process
            continue
        seen.add(place)
        module = skeleton(model, task)
        weights = sum(p.numel() for p in module.parameters()) if module else 0
        if weights * _FOR_EACH > there:
            raise NotReady(
                f"{study_file}: {model.name} has {weights:,} weights, which take "
                f"{size(weights * _FOR_EACH)} in training, and this machine has {size(there)} of "
                "memory: take a smaller model."
            )


def weighs_alike(model: Model, task: Task) -> Hashable:
    """What decides on how large a model is; one of the hub is as large on every task, but for its
    head.
    """
    return model, None if isinstance(model, HubModel) else task


def _total() -> int:
    """Bytes of memory, of the machine or of its accelerator, whichever has more."""
    own = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if not torch.cuda.is_available():
        return own
    return max(own, torch.cuda.get_device_properties(0).total_memory)
