"""Whether classes of a user's own give back what training goes on with."""

from __future__ import annotations

import numpy as np

from trainers.errors import ModelError, TaskError
from trainers.tasks import Examples, Split, Task


def check_returned(owner: object, hook: str, returned: object, kind: type) -> None:
    """Refuse what a hook of a model returned in place of something else.

    Raises:
        ModelError: with what it should have been.
    """
    if not isinstance(returned, kind):
        raise ModelError(f"{_told(owner, hook, returned)} in place of {kind.__name__}.")


def check_examples(task: Task, split: Split, returned: object) -> None:
    """Refuse examples that no model could learn from.

    Raises:
        TaskError: they are none, their columns are of unlike lengths, or a label is of no class.
    """
    if not isinstance(returned, Examples):
        raise TaskError(f"{_told(task, 'load', returned)} in place of Examples.")
    columns = {"labels": returned.labels, **returned.inputs}
    lengths = {name: len(values) for name, values in columns.items()}
    where = f"{type(task).__name__}.load, {split}: "
    if set(lengths.values()) != {len(returned.ids)}:
        told = ", ".join(f"{count:,} {name}" for name, count in lengths.items())
        raise TaskError(f"{where}{len(returned.ids):,} ids and {told}; there must be as many each.")
    if not len(returned):
        raise TaskError(f"{where}it holds no example.")
    if task.writes == "text":
        _check_targets(where, returned)
        return
    classes = len(task.classes)
    labels = np.asarray(returned.labels)
    wrong = labels[(labels < 0) | (labels >= classes)]
    if len(wrong):
        raise TaskError(
            f"{where}label {wrong[0]} of {len(wrong):,} examples stands for none of the {classes} "
            f"classes; labels count from 0 to {classes - 1}."
        )


def _check_targets(where: str, examples: Examples) -> None:
    if "target" not in examples.inputs:
        raise TaskError(f'{where}its examples have no "target", the text that is to be written.')
    empty = [i for i, text in enumerate(examples.inputs["target"]) if not str(text).strip()]
    if empty:
        number = int(examples.ids[empty[0]])
        raise TaskError(f"{where}the target of example {number} is empty; leave the example out.")


def _told(owner: object, hook: str, returned: object) -> str:
    shown = repr(returned)
    return f"{type(owner).__name__}.{hook} returned {shown[:57] + '...' if shown[60:] else shown}"
