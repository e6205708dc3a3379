"""Tables of arms: a row for each arm and task, means with the digits that their spread needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from stats.report.sheet import TextTable, Words
from stats.report.words import digits, wording

if TYPE_CHECKING:
    import pandas as pd


def by_place(
    table: pd.DataFrame, columns: Sequence[str], cells: Sequence[tuple[str, ...]]
) -> TextTable:
    """A row for each arm and task; what all of them share is the title."""
    title, differing = wording.places(where(table))
    rows = tuple(
        (str(method), place, *row)
        for method, place, row in zip(table["method"], differing, cells, strict=True)
    )
    heading = (Words("method"), Words("where"), *columns)
    return TextTable(title, heading, rows).without_empty("where")


def where(table: pd.DataFrame, *before: str) -> list[tuple[str, ...]]:
    """Where each row is: these columns, task, model and init."""
    columns = [*before, "task", "model", "init"]
    return [tuple(row) for row in table[columns].astype(str).to_numpy()]


def records(table: pd.DataFrame) -> tuple[dict[str, Any], ...]:
    """The rows by name, at full precision."""
    rows = table.to_dict("records")
    return tuple({str(name): value for name, value in row.items()} for row in rows)


def mean_and_sd(mean: float, sd: float) -> str:
    """A mean with its spread, with as many digits as the spread needs.

    >>> mean_and_sd(3.866, 0.4123), mean_and_sd(1.0, 0.0), mean_and_sd(5.0, float("nan"))
    ('3.87 ± 0.41', '1.00', '5.00')
    """
    places = digits.decimals(mean, mean - sd, mean + sd)
    spread = f" ± {wording.score(sd, places)}" if sd > 0 else ""
    return f"{wording.score(mean, places)}{spread}"
