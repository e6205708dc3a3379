"""What each arm costs, with everything that it needs and another arm does not."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from benchmark.record.recorded import IN_PARTS, STACKED, Recorded
from benchmark.report.gather import PLACE, Gathered

if TYPE_CHECKING:
    import pandas as pd

#: Whose time is a cost: that of the processors and, where there is one, of the accelerator.
UNITS = ("cpu", "gpu")
#: How large its model is, in weights.
WEIGHTS = ("parameters", "nonzero_parameters")
#: Who spends it: the run, its teachers, both, and what its weights were pre-trained by.
SPENT = ("{}_seconds", "teacher_{}_seconds", "total_{}_seconds", "pretraining_{}_seconds")
MEASURED = (
    "relative_flops",
    *(name.format(unit) for unit in UNITS for name in SPENT),
    *("wall_seconds", "peak_memory_mb", "gpu_joules"),
    *WEIGHTS,
)


def costs(gathered: Gathered) -> pd.DataFrame:
    """Mean cost of one run of each arm on each task, with its spread.

    A teacher is charged whole to every run that learns from it, as to somebody who trains that one
    run; so is the pre-training. Time is that of processors and accelerators, which somebody else's
    work on the machine does not add to; that on the wall is beside it.

    Returns:
        The columns of a place; `n` (runs) and `measured` (those whose processor time is known);
        means over the runs that know them, and `…_sd` over these, of `relative_flops` (of a step,
        in multiples of base's), `cpu_seconds` (of the runs themselves), `teacher_cpu_seconds`,
        `total_cpu_seconds` (both), `pretraining_cpu_seconds`, the same four with `gpu`,
        `wall_seconds`, `peak_memory_mb` (the most of a run or its teacher, in megabytes),
        `gpu_joules` (of the run itself, with all that shared its accelerator), `parameters` and
        `nonzero_parameters` (of its model);
        `load_low` and `load_high`, between which the load of the machine was; `crowded`, the runs
        during which it had more to do than it has processors; `in_parts`, those whose batches
        were split for want of memory; and `stacked`, those that were trained as one model with
        others, of whose time each knows its share and of whose memory nothing. NaN is what no run
        knows, or what stands on a run that is no longer in the record.
    """
    import pandas as pd

    rows = [{**cell.place, **_cost(run, gathered.finished)} for cell, run in gathered.runs]
    of_runs = [f"{name}_sd" for name in MEASURED]
    load = ("load_low", "load_high", "crowded")
    every = [*PLACE, "n", "measured", *MEASURED, *of_runs, *load, "in_parts", "stacked"]
    if not rows:
        return pd.DataFrame(columns=every)
    grouped = pd.DataFrame(rows).groupby(list(PLACE), sort=False)
    table = grouped[list(MEASURED)].mean()
    table[of_runs] = grouped[list(MEASURED)].std()
    table["n"], table["measured"] = grouped.size(), grouped["cpu_seconds"].count()
    table["load_low"], table["load_high"] = grouped["load_low"].min(), grouped["load_high"].max()
    table["crowded"] = grouped["crowded"].sum()
    for name in ("in_parts", "stacked"):
        table[name] = grouped[name].sum()
    return table.reset_index()[every]


def any_pruned(table: pd.DataFrame) -> bool:
    """Whether a hundredth of the weights of some arm are zero: a padding token's are, unpruned."""
    return bool((table["nonzero_parameters"] < 0.99 * table["parameters"]).any())


def unit_of(table: pd.DataFrame) -> str:
    """Whose time these arms are compared by: the accelerator's, where all of them used one."""
    return "gpu" if len(table) and table["total_gpu_seconds"].notna().all() else "cpu"


def remarks(table: pd.DataFrame, places: Sequence[str]) -> list[str]:
    """What is to be known beside a table of costs: what was not measured, and a load that changed.

    Args:
        table: from :func:`costs`.
        places: how its rows are called.
    """
    found = []
    known, runs = int(table["measured"].sum()), int(table["n"].sum())
    if known < runs:
        found.append(
            f"The processor time of {runs - known} of {runs} runs was not measured: they were "
            "recorded by an older version. They are left out of the means of time: "
            + _counted(places, table["n"] - table["measured"], table["n"])
        )
    shares = table["crowded"] / table["measured"]
    if table["measured"].any() and shares.nunique() > 1:
        found.append(
            "During some runs the machine had more to do than it has processors, which makes "
            "processor time longer too, since caches and memory are shared, and not of all arms "
            "alike: " + _counted(places, table["crowded"], table["measured"])
        )
    if table["in_parts"].any():
        found.append(
            "Some runs had no memory for a whole batch and were trained with each in parts: the "
            "gradients are the same means up to rounding, dropout is drawn for each part, and such "
            "a run took less memory and more time. Training(accumulate=…) does so for all: "
            + _counted(places, table["in_parts"], table["n"])
        )
    if table["stacked"].any():
        found.append(
            "Some runs were trained as one model with others. Their time is a share of what all of "
            "them took, less than a run takes that is trained alone, so that it says nothing "
            "beside one of such; what memory each took is not known: "
            + _counted(places, table["stacked"], table["n"])
        )
    return found


def load_line(table: pd.DataFrame) -> str:
    """Between what the load of the machine lay while the runs were made; empty if not known."""
    low, high = table["load_low"].min(), table["load_high"].max()
    if not math.isfinite(low):
        return ""
    return (
        f"Load of the machine while they ran, these runs included: {low:.1f} to {high:.1f} "
        "processes."
    )


def _counted(
    places: Sequence[str],
    counts: pd.Series[int],
    of: pd.Series[int],
) -> str:
    rows = zip(places, counts.tolist(), of.tolist(), strict=True)
    return "; ".join(f"{place}: {count:g} of {n}" for place, count, n in rows if n) + "."


def _cost(run: Recorded, finished: Mapping[str, Recorded]) -> dict[str, float]:
    needed = {key: (role, other) for key, role, other in _needed(run, finished)}
    teachers = [other for role, other in needed.values() if role == "teacher"]
    bodies = [other for role, other in needed.values() if role == "body"]
    found = {
        "relative_flops": _measure(run, "relative_flops"),
        "wall_seconds": _measure(run, "seconds"),
        "gpu_joules": _measure(run, "gpu_joules"),
        **{name: _measure(run, name) for name in WEIGHTS},
        "peak_memory_mb": max(_measure(each, "peak_memory_mb") for each in (run, *teachers)),
        "in_parts": float(IN_PARTS in run.tags),
        "stacked": float(STACKED in run.tags),
        **_load(run),
    }
    for unit in UNITS:
        metric = f"{unit}_seconds"
        own, teaching = _measure(run, metric), sum(_measure(each, metric) for each in teachers)
        spent = (own, teaching, own + teaching, sum(_measure(each, metric) for each in bodies))
        found |= {name.format(unit): value for name, value in zip(SPENT, spent, strict=True)}
    return found


def _load(run: Recorded) -> dict[str, float]:
    ends = [_measure(run, "load_start"), _measure(run, "load_end")]
    crowded = max(ends) > _measure(run, "processors")
    return {"load_low": min(ends), "load_high": max(ends), "crowded": float(crowded)}


def _needed(
    run: Recorded, finished: Mapping[str, Recorded]
) -> Iterator[tuple[str, str, Recorded | None]]:
    """Every run that this one stands on: its key, whether it taught or pre-trained, the run."""
    for role, key in run.needs.items():
        other = finished.get(key)
        yield key, role, other
        if other is not None:
            yield from _needed(other, finished)


def _measure(run: Recorded | None, name: str) -> float:
    return run.scores.get(name, math.nan) if run else math.nan
