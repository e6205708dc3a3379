"""Two scores of one run: all of them are named, and copies told from contradictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stats.errors import ScoresError
from stats.table.reading.place import PlaceOf

if TYPE_CHECKING:
    import pandas as pd

#: Duplicates that are listed one by one.
MOST = 50


def check_once(
    table: pd.DataFrame, given: pd.DataFrame, place: PlaceOf, identity: Sequence[str]
) -> None:
    """Refuse runs that have two scores.

    Args:
        table: validated scores.
        given: the same rows as they were written, with the columns that are not read.
        place: where a row stands.
        identity: columns that together name a run.

    Raises:
        ScoresError: there are some; the message says which, where the first score of each is, and
            which of them contradict it. Those that do come first.
    """
    columns = list(identity)
    if not table.duplicated(columns).any():
        return
    sources = {place(row).source for row in table.index}
    first: dict[tuple[Any, ...], tuple[Any, float]] = {}
    copies: list[str] = []
    contradicting: list[str] = []

    def told_place(row: Any) -> str:
        return place(row).row if len(sources) == 1 else str(place(row))

    for row, *run, score in table[[*columns, "score"]].itertuples(name=None):
        earlier, before = first.setdefault(tuple(run), (row, score))
        if earlier == row:
            continue
        where, origin = told_place(row), told_place(earlier)
        same = score == before or (score != score and before != before)
        named = ", ".join(f"{n} {v}" for n, v in zip(columns, run, strict=True) if v != "")
        told = "a copy" if same else f"{score:g} after {before:g}"
        spelled = _spelled(given, earlier, row)
        line = f"{where}: {named} (first in {origin}, {told}{spelled})"
        (copies if same else contradicting).append(line)
    lines = [*contradicting, *copies]
    source = sources.pop() if len(sources) == 1 else f"{len(sources)} files"
    what = "a second score" if len(lines) == 1 else f"{len(lines)} second scores"
    more = f"; and {len(lines) - MOST} more" if len(lines) > MOST else ""
    raise ScoresError(
        f"{source}: {what} of runs, {len(copies)} of them copies: {'; '.join(lines[:MOST])}{more}."
        + _way_out(table, given.drop(columns=table.columns, errors="ignore"), columns)
    )


def _spelled(given: pd.DataFrame, *rows: Any) -> str:
    """How the seed is written in both rows, where that differs."""
    first, second = (str(given["seed"][row]).strip() for row in rows)
    return "" if first == second else f', where it is written "{first}", here "{second}"'


def _way_out(table: pd.DataFrame, ignored: pd.DataFrame, columns: Sequence[str]) -> str:
    """Columns that are not read and tell the runs apart; else to leave one score of each."""
    apart = [
        str(name)
        for name in ignored
        if not table[list(columns)].assign(other=ignored[name].astype(str)).duplicated().any()
    ]
    if not apart:
        return " Leave one score of each run"
    return (
        f" The column {' or '.join(apart)} tells them apart, and is not read: if it is a task, "
        "model, init, split or metric, call it so; of a fold say --folds, of an item --items"
    )
