"""What is worth knowing of a study's data before it is trained, and does not stand in the way."""

from benchmark.study import Study
from trainers.models import Model
from trainers.tasks import Task

#: Texts that are looked at to see how many are cut.
_LOOKED_AT = 5_000


def remarks(study: Study) -> list[str]:
    """Classes that dev or test lacks, and texts that are cut, a sentence each."""
    found = [f"{task.name}: {remark}." for task in study.tasks for remark in task.remarks()]
    pairs = dict.fromkeys(
        (arm.model, task, study.training_of(arm, task).max_length)
        for task in study.tasks
        for arm in study.arms
        if task.reads == "text"
    )
    return found + [said for pair in pairs if (said := _cut(*pair))]


def _cut(model: Model, task: Task, max_length: int) -> str:
    """How many texts are longer than what is read of them; empty if none is known to be.

    The words are a lower bound of the tokens, where a vocabulary is still to be learned.
    """
    texts, total = task.some_texts(_LOOKED_AT)
    if not total:
        return ""
    lengths, exact = model.lengths(texts)
    longer = sum(length > max_length for length in lengths)
    if not longer:
        return ""
    looked_at = "" if len(lengths) == total else f" looked at (of {total:,})"
    return (
        f"{task.name}, {model.name}: {'' if exact else 'at least '}{longer:,} of {len(lengths):,} "
        f"texts{looked_at} are longer than max_length={max_length} tokens and are cut there."
    )
