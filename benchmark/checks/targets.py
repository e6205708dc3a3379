"""Texts to be written that are longer than what a model can write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from benchmark.declare.study import Study
from trainers.models import Model
from trainers.resolve.needs import Needed
from trainers.tasks import Task

_WAY_OUT = "shorten them, leave them out, or take a model with more positions"


def unfit_targets(study: Study, fit: Sequence[Task]) -> Iterator[Needed]:
    """Targets for which a model has no room, a line for each task and model.

    Only those are tokenised that have enough signs for it, since no token has less than one.

    Args:
        study: as declared.
        fit: those of its tasks whose data are here.
    """
    for task in fit:
        targets = task.targets() if task.writes == "text" and task in study.tasks else None
        if targets is None:
            continue
        texts = [*targets.inputs["target"]]
        for model, max_length in _writers(study, task):
            room = model.longest_target(max_length)
            if room is None:
                continue
            long = [i for i, text in enumerate(texts) if len(text) >= room]
            lengths = np.array(model.target_lengths([texts[i] for i in long]), np.int64)
            if (lengths <= room).all():
                continue
            over = [(long[i], int(lengths[i])) for i in np.flatnonzero(lengths > room)]
            first, length = over[0]
            others = f"; so it is in {len(over) - 1} further rows" if len(over) > 1 else ""
            where = (
                f"{targets.places[first]}: the target has {length:,} tokens, and {model.name} has "
                f"room for {room:,}{others}"
            )
            yield Needed("data", task.name, where, _WAY_OUT)


def _writers(study: Study, task: Task) -> list[tuple[Model, int]]:
    """Every model that learns a task's targets, and after how many tokens it cuts a source."""
    found: list[tuple[Model, int]] = []
    for arm in study.arms:
        training = study.training_of(arm, task)
        found.append((arm.model, training.max_length))
        teacher = arm.method.teacher_for(training)
        if teacher is not None and not isinstance(teacher.model, str):
            found.append((teacher.model, (teacher.training or training).max_length))
    there = dict.fromkeys(found)
    return [(model, cut) for model, cut in there if not model.requirements("scratch")]
