"""Examples that are judged on and that a model has seen: named, with their rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from trainers.tasks.duplicates.near_duplicates import NEAR
from trainers.tasks.elsewhere.reading.tables import Rows
from trainers.tasks.task import Split

#: Of two rows of a group: 1 where they are copies, less where they are nearly so, 0 where only
#: others between them make them one group.
Likeness = Callable[[int, int], float]

#: What should be apart: judged on, and trained or selected on.
_APART: tuple[tuple[Split, Split], ...] = (("test", "train"), ("dev", "train"), ("test", "dev"))
_RULE = f"{NEAR:.0%} of their runs of three words are the same"
#: How many rows are named of each kind.
_NAMED = 10


class Twin(NamedTuple):
    """An example that is judged on, and one of another split that it is like.

    Attributes:
        row: of the source.
        other: row of the example in the other split.
        likeness: 1 for copies.
    """

    row: int
    other: int
    likeness: float


def twins(
    groups: NDArray[np.int64],
    judged_on: NDArray[np.int64],
    seen: NDArray[np.int64],
    likeness: Likeness,
) -> list[Twin]:
    """Every example that is judged on and is like one that is seen, with the likest.

    Args:
        groups: shape (n,), of all rows: only rows of one group are compared.
        judged_on: rows.
        seen: rows.
        likeness: of two rows.
    """
    by_group: dict[int, list[int]] = defaultdict(list)
    for row in seen[np.isin(groups[seen], groups[judged_on])].tolist():
        by_group[int(groups[row])].append(row)
    found = []
    for row in judged_on.tolist():
        best = Twin(row, -1, 0.0)
        for other in by_group.get(int(groups[row]), ()):
            best = max(best, Twin(row, other, likeness(row, other)), key=lambda twin: twin.likeness)
            if best.likeness == 1:
                break
        if best.likeness:
            found.append(best)
    return found


def told(
    source: Rows,
    groups: NDArray[np.int64],
    rows: Mapping[Split, NDArray[np.int64]],
    likeness: Likeness,
) -> list[str]:
    """What of test and dev is in train, and what of test is in dev, a clause for each kind."""
    found = []
    for judged_on, seen in _APART:
        alike = twins(groups, rows[judged_on], rows[seen], likeness)
        for how, kind in (
            ("copies of", [twin for twin in alike if twin.likeness == 1]),
            (f"near duplicates ({_RULE}) of", [twin for twin in alike if twin.likeness < 1]),
        ):
            if kind:
                found.append(
                    f"{len(kind):,} of {len(rows[judged_on]):,} examples of {judged_on} are {how} "
                    f"examples of {seen}: {_places(source, kind)}"
                )
    return found


def _places(source: Rows, found: Sequence[Twin]) -> str:
    """The first rows and those that they are like, by file."""
    by_files: dict[tuple[str, str], list[tuple[str, str]]] = defaultdict(list)
    for twin in found[:_NAMED]:
        (file, row), (other_file, other) = map(source.place, (twin.row, twin.other))
        by_files[file, other_file].append((row, other))
    said = "; ".join(
        f"{file}, {_rows([row for row, _ in pairs])} (like {_rows([o for _, o in pairs])} of "
        f"{'the same file' if other_file == file else other_file})"
        for (file, other_file), pairs in by_files.items()
    )
    more = len(found) - _NAMED
    return said + (f"; and {more:,} more" if more > 0 else "")


def _rows(numbers: Sequence[str]) -> str:
    return f"row{'s' * (len(numbers) > 1)} {', '.join(numbers)}"
