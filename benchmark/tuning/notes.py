"""What is said of tuning beside verdicts, read from a study's record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmark.record.study_record import RecordedSearch, StudyRecord


def setting(params: Mapping[str, Any]) -> str:
    """A setting in one line.

    >>> setting({"lr": 0.001, "batch_size": 32})
    'lr 0.001, batch_size 32'
    """
    return ", ".join(
        f"{name} {value:.3g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in params.items()
    )


def notes_on_tuning(record: StudyRecord) -> list[str]:
    """What is to be said of tuning beside a study's verdicts.

    Args:
        record: of the study, as it was recorded.
    """
    searched = record.tuning
    lines = [_note(each) for each in searched]
    tuned_places = {tuple(m[:3]) for each in searched for m in each.members}
    compared = record.arms
    places = {(c.model, c.init, c.method) for c in record.cells}
    for model, init in sorted({p[:2] for p in places if p in tuned_places}):
        here = [name for name in compared if (model, init, name) in places]
        untuned = [name for name in here if (model, init, name) not in tuned_places]
        with_search = [name for name in here if name not in untuned]
        if untuned and with_search:
            lines.append(_unfair(with_search, untuned, (model, init), searched))
    return lines


def _note(each: RecordedSearch) -> str:
    best = "no setting" if each.best is None else setting(each.best)
    counts = {"pruned": each.pruned, "failed": each.failed}
    ends = ", ".join(f"{count} {end}" for end, count in counts.items() if count)
    score = "" if each.dev is None else f", {each.metric} {each.dev:.2f} there"
    return (
        f"{each.search} was tuned on dev ({each.sampler}, {each.trials} settings"
        f"{f', {ends}' if ends else ''}, {each.steps:,} steps, seeds "
        f"{', '.join(map(str, each.seeds))}) over {each.space}; chosen: {best}{score}"
        + (f"; {each.problem}" if each.problem else "")
    )


def _unfair(
    tuned: Sequence[str],
    untuned: Sequence[str],
    where: tuple[str, str],
    searched: Sequence[RecordedSearch],
) -> str:
    gains = [
        each.gain_of_choice
        for each in searched
        if each.gain_of_choice is not None
        and any(m[0] == where[0] and m[1] == where[1] and m[2] in tuned for m in each.members)
    ]
    size = f"about {max(gains):.2f} points of dev score" if gains else "an unknown number of points"
    return (
        f"unfair tuning ({', '.join(where)}): {', '.join(tuned)} was tuned and "
        f"{', '.join(untuned)} was not; the best of its settings beat the median one by {size}, "
        "and a difference of up to that size may be the tuning's"
    )
