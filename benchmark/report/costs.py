"""What each arm costs, with everything that it needs and another arm does not."""

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from benchmark.report.gather import PLACE, Gathered
from benchmark.tracking import Recorded

if TYPE_CHECKING:
    import pandas as pd

MEASURED = (
    *("relative_flops", "seconds", "teacher_seconds", "pretraining_seconds", "total_seconds"),
    "peak_memory_mb",
)


def costs(gathered: Gathered) -> "pd.DataFrame":
    """Mean cost of one run of each arm on each task.

    A teacher is charged whole to every run that learns from it, as to somebody who trains that one
    run; so is the pre-training. Seconds are of the wall clock, and runs beside each other slow
    each other down.

    Returns:
        The columns of a place, `n` (runs), `relative_flops` (of a step, in multiples of base's;
        NaN for runs older than the count), `seconds` (of the runs themselves),
        `teacher_seconds`, `pretraining_seconds`, `total_seconds` (the first two), and
        `peak_memory_mb` (the most of a run or its teacher, in megabytes); NaN where a run that
        another one needs is no longer in the record.
    """
    import pandas as pd

    rows = [
        {**{name: cell[name] for name in PLACE}, **_cost(run, gathered.finished)}
        for cell, run in gathered.runs
    ]
    if not rows:
        return pd.DataFrame(columns=[*PLACE, "n", *MEASURED])
    each = pd.DataFrame(rows)
    grouped = each.groupby(list(PLACE), sort=False)
    table = grouped[list(MEASURED)].mean()
    table.insert(0, "n", grouped.size())
    return table.reset_index()


def _cost(run: Recorded, finished: Mapping[str, Recorded]) -> dict[str, float]:
    needed = {key: (role, other) for key, role, other in _needed(run, finished)}
    teachers = [other for role, other in needed.values() if role == "teacher"]
    bodies = [other for role, other in needed.values() if role == "body"]
    own, teaching = _measure(run, "seconds"), sum(_measure(each, "seconds") for each in teachers)
    return {
        "relative_flops": _measure(run, "relative_flops"),
        "seconds": own,
        "teacher_seconds": teaching,
        "pretraining_seconds": sum(_measure(each, "seconds") for each in bodies),
        "total_seconds": own + teaching,
        "peak_memory_mb": max(_measure(each, "peak_memory_mb") for each in (run, *teachers)),
    }


def _needed(
    run: Recorded, finished: Mapping[str, Recorded]
) -> Iterator[tuple[str, str, Recorded | None]]:
    """Every run that this one stands on: its key, whether it taught or pre-trained, the run."""
    for tag, key in run.tags.items():
        role = tag.removeprefix("needs.")
        if role not in ("teacher", "body"):
            continue
        other = finished.get(key)
        yield key, role, other
        if other is not None:
            yield from _needed(other, finished)


def _measure(run: Recorded | None, name: str) -> float:
    return run.scores.get(name, math.nan) if run else math.nan
