"""What is worth knowing of a study's data before it is trained, and does not stand in the way."""

from __future__ import annotations

from benchmark.declare.study import Study
from trainers.models import Model
from trainers.tasks import Task

#: Texts that are looked at to see how many are cut.
_LOOKED_AT = 5_000


def remarks(study: Study) -> list[str]:
    """Classes that dev or test lacks, and texts that are cut, a sentence each."""
    read = tuple(dict.fromkeys((*study.tasks, *study.chained_tasks, *study.probed_tasks)))
    found = [f"{task.name}: {remark}." for task in read for remark in task.remarks()]
    pairs = dict.fromkeys(
        (arm.model, task, study.training_of(arm, task).max_length)
        for task in read
        for arm in study.arms
        if task.reads == "text"
    )
    return found + [said for pair in pairs if (said := _cut(*pair))]


def _cut(model: Model, task: Task, max_length: int) -> str:
    """How many texts are longer than what is read of them, and which is the longest.

    Empty if none is known to be longer.

    The words are a lower bound of the tokens, where a vocabulary is still to be learned.
    """
    texts = task.some_texts(_LOOKED_AT)
    if texts is None:
        return ""
    lengths, exact = model.lengths(texts.inputs)
    longer = sum(length > max_length for length in lengths)
    if not longer:
        return ""
    all_of_them = len(lengths) == texts.total
    looked_at = "" if all_of_them else f" looked at (of {texts.total:,}, with the longest)"
    longest = texts.places[lengths.index(max(lengths))]
    return (
        f"{task.name}, {model.name}: {'' if exact else 'at least '}{longer:,} of {len(lengths):,} "
        f"texts{looked_at} are longer than max_length={max_length} tokens and are cut there; "
        f"the longest is {longest}."
    )
