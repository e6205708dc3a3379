"""Whether the disk has room for what a study still has to write, asked before it is trained."""

from __future__ import annotations

import shutil
from collections.abc import Hashable
from functools import cache
from heapq import nlargest
from pathlib import Path

from benchmark.checks.memory import weighs_alike
from benchmark.checks.preflight import size, told
from benchmark.errors import NotReady
from benchmark.execute.attempt.resuming import KIND
from benchmark.execute.todo import Todo
from benchmark.runs.alike import declared_alike
from benchmark.runs.kinds import DataRun, Output, PretrainRun, TrainRun
from benchmark.runs.plan import Plan
from benchmark.runs.probing import FeaturesRun, ProbeRun
from benchmark.store.store import Store
from benchmark.user_code.foreign import is_foreign
from trainers.generation.teaching import KEPT
from trainers.models import Model
from trainers.models.anatomy import skeleton
from trainers.probing.features import width
from trainers.resolve.needs import Needed
from trainers.resume.trail import COPIES
from trainers.tasks import Task
from trainers.tasks.paper.glue_server import server_files

#: Bytes of the number of an example or of a class, and of a logit or a feature.
_NUMBER, _LOGIT = 8, 4
#: What is as large as its model makes it.
_OF_MODEL = ("weights", "features")
#: Bytes of a token, written out.
_SIGNS = 6


def require_space(plan: Plan, needed: Todo, store: Store, study_file: Path, at_once: int) -> None:
    """Refuse a study for which the disk is too small.

    Args:
        plan: all of its runs.
        needed: those that are to be executed.
        store: where they write.
        study_file: as the user gave it, for the message.
        at_once: runs side by side.

    Raises:
        NotReady: with what is to be written and what is free.
    """
    root = store.cache.root
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    passing = under_way(plan, needed, store, at_once)
    need = to_write(plan, needed) + passing
    if need > free:
        kept = (
            f" ({size(passing)} of it to go on from where runs are broken off)" if passing else ""
        )
        where = f"the study still has to write about {size(need)}{kept}, and {size(free)} are free"
        get = "free some space, or give another --store DIR"
        raise NotReady(told([Needed("disk", str(there), where, get)], study_file))


def to_write(plan: Plan, needed: Todo) -> int:
    """Bytes that the runs to execute leave in the cache and in their records, nearly."""
    return sum(left_by(plan, needed).values())


def left_by(plan: Plan, needed: Todo) -> dict[str, int]:
    """Bytes that each of the runs to execute leaves, by key."""
    bytes_of, found = cache(_bytes_of), {}
    alike: dict[tuple[object, ...], int] = {}  # by what declares runs, and what they leave
    for k, outputs in needed.jobs.items():
        run = plan.runs[k]
        assert isinstance(run, DataRun | PretrainRun | TrainRun | FeaturesRun | ProbeRun)
        if isinstance(run, ProbeRun):
            found[k] = 0  # its predictions are not kept
            continue
        model = None if isinstance(run, DataRun) else run.model
        place = id(run.task), id(model), outputs
        if place not in alike:
            asked = [(o, run.task, model if o in _OF_MODEL else None) for o in outputs]
            alike[place] = sum(bytes_of(*each) for each in asked)
        found[k] = alike[place]
    return found


def features_in(examples: int, model: Model, task: Task) -> int:
    """Numbers in the features of so many examples; 0 where the model does not say its width."""
    module = skeleton(model, task)
    return examples * width(module) if module else 0


def under_way(plan: Plan, needed: Todo, store: Store, at_once: int) -> int:
    """Bytes that runs side by side keep to go on from, nearly, for the largest that may meet.

    It is twice what a run keeps: the one before is there until the next is written. How large a
    model of a user's own is nobody knows yet.

    Args:
        plan: all of its runs.
        needed: those that are to be executed.
        store: where some may have been broken off before.
        at_once: how many go side by side.
    """
    weights: dict[Hashable, int] = {}
    there = {folder.name for folder in (store.cache.root / KIND).glob("*")}
    found: list[int] = []
    for runs in declared_alike(plan.runs[k] for k in needed.jobs):
        run = runs[0]
        if not isinstance(run, PretrainRun | TrainRun) or is_foreign(run.model, run.task):
            continue
        alike = weighs_alike(run.model, run.task)
        if alike not in weights:
            weights[alike] = _bytes_of("weights", run.task, run.model)
        kept = COPIES * weights[alike]
        found += [(1 if each.key in there else 2) * kept for each in runs]
    return sum(nlargest(at_once, found))


def _bytes_of(output: Output, task: Task, model: Model | None) -> int:
    """What a run on a task leaves of a kind; `model` is given for weights and features."""
    if output == "data":
        return task.disk_need()
    if output == "weights":
        module = skeleton(model, task) if model else None
        return sum(w.nbytes for w in module.state_dict().values()) if module else 0
    if output == "features" and model:
        examples = sum(task.sizes.values())
        return _NUMBER * examples + _LOGIT * features_in(examples, model, task)
    if output == "hidden":
        return sum(_NUMBER * len(task.unlabelled(file.split)) for file in server_files(task))
    sizes, logits = task.sizes, _LOGIT * len(task.classes)
    if task.writes == "text":  # a token and a logit for each of the most likely ones
        logits = 2 * _LOGIT * KEPT * task.decoding.longest if output == "logits" else _LOGIT * 8
    if output == "texts":
        return sizes["train"] * (_NUMBER + _SIGNS * task.decoding.longest)
    if output == "logits":
        return sizes["train"] * (_NUMBER + logits)
    return (sizes["dev"] + sizes["test"]) * (2 * _NUMBER + logits)
