"""What an audit could not check, and which column of the table would let it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from stats.audit.cell import AVERAGE, COUNTED, METRICS, PrintedCell, grouped
from stats.audit.sizes import SIZES, letters

#: Names of columns that are averages in most tables, by their letters.
AVERAGES = re.compile(r"(glue|superglue|macro|micro|task|all)?(avg|average|mean|overall)(score)?s?")

#: What the name of a metric of one's own says that it may be, and the name that is known.
KINDS = (
    (re.compile(r"(?<![a-z])f[-_ ]?(1|score|measure)(?![a-z0-9])"), "a kind of F1", "f1"),
    (
        re.compile(r"matthews|(?<![a-z])mcc(?![a-z])"),
        "Matthews' correlation",
        "matthews_correlation",
    ),
    (re.compile(r"(?<![a-z])acc(uracy)?(?![a-z])"), "an accuracy", "accuracy"),
)

#: Names that are listed; of more, their number is said.
SHOWN = 4


def unchecked(cells: Sequence[PrintedCell]) -> tuple[str, ...]:
    """One sentence for each kind of check that some figures were not put to."""
    means = [cell for cell in cells if cell.mean]
    return (
        *_averages(means),
        *_metrics([cell for cell in means if not _looks_like_average(cell)]),
        *_sizes(means),
        *_differences(means),
    )


def _averages(means: Sequence[PrintedCell]) -> Iterator[str]:
    unsaid = [cell for cell in means if _looks_like_average(cell) and cell.metric != AVERAGE]
    if unsaid:
        yield (
            f"not checked as averages: {_listed(unsaid)}; if they are averages of the arm's other "
            f"tasks, give them {AVERAGE} in column metric"
        )
    said = [cell for cell in means if cell.metric == AVERAGE]
    arms = {cell.arm for cell in means if cell.metric != AVERAGE}
    if alone := [cell for cell in said if cell.arm not in arms]:
        yield f"not checked as averages, for the arm has no other task: {_listed(alone)}"


def _looks_like_average(cell: PrintedCell) -> bool:
    return AVERAGES.fullmatch(letters(cell.task)) is not None


def _metrics(means: Sequence[PrintedCell]) -> Iterator[str]:
    if none := [cell for cell in means if not cell.metric]:
        yield (
            f"neither range nor whole counts are checked without a metric: {_listed(none)}; column "
            f"metric would let it ({', '.join(METRICS)})"
        )
    for (metric,), theirs in grouped(means, lambda cell: (cell.metric,)).items():
        if metric not in ("", *METRICS):
            yield (
                f'neither range nor whole counts are checked for the metric "{metric}": '
                f"{_listed(theirs)}; if it is {_perhaps(metric)} in column metric"
            )


def _perhaps(metric: str) -> str:
    """What a metric that is not known may be, and what it is then to be called."""
    for words, what, name in KINDS:
        if words.search(metric.lower()):
            return f"{what}, call it {name}"
    if AVERAGES.fullmatch(letters(metric)):
        return f"the average of the arm's other tasks, call it {AVERAGE}"
    return f"one of {', '.join(METRICS)}, call it so"


def _sizes(means: Sequence[PrintedCell]) -> Iterator[str]:
    unsized = [cell for cell in means if cell.metric in COUNTED and cell.counts is None]
    if splits := [cell for cell in unsized if letters(cell.task) in SIZES]:
        yield (
            f"not checked as whole counts, for the size of the test set hangs on the split: "
            f"{_listed(splits)}; column split (dev or test) or examples would let it"
        )
    unknown = [cell for cell in unsized if letters(cell.task) not in SIZES]
    if others := [cell for cell in unknown if not _looks_like_average(cell)]:
        yield (
            f"not checked as whole counts, for the size of the test set is not known: "
            f"{_listed(others)}; column examples would let it"
        )


def _differences(means: Sequence[PrintedCell]) -> Iterator[str]:
    if bare := [cell for cell in means if not cell.sd and cell.n > 1]:
        yield f"differences are not tested without an sd: {_listed(bare)}; column sd would let it"
    if single := [cell for cell in means if cell.n == 1]:
        yield f"differences of single runs are not tested: {_listed(single)}"


def _listed(cells: Sequence[PrintedCell]) -> str:
    """How many figures, and of which tasks."""
    tasks = list(dict.fromkeys(f"{cell.task} {cell.split}".strip() for cell in cells))
    more = f" and {len(tasks) - SHOWN} more" if len(tasks) > SHOWN else ""
    figures = "1 figure" if len(cells) == 1 else f"{len(cells)} figures"
    return figures + (f" of {', '.join(tasks[:SHOWN])}{more}" if any(tasks) else "")
