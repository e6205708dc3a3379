"""Tables of arms: a row for each arm and task, means with the digits that their spread needs."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from scipy.special import stdtrit

from benchmark.report.gather import PLACE
from stats.report.sheet import TextTable, Words
from stats.report.words import digits, wording

if TYPE_CHECKING:
    import pandas as pd

#: Of an interval of a mean over seeds.
_CONFIDENCE = 0.95


def over_seeds(table: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Mean, sd and 95 % t interval over the seeds of each place.

    Args:
        table: a row for each run, with the columns of a place and those named.
        names: columns of numbers; what a run does not say is NaN.

    Returns:
        The columns of a place, and for each name `…_mean`, `…_sd`, `…_low` and `…_high`.
    """
    import pandas as pd

    grouped = table.groupby(list(PLACE), sort=False)[list(names)]
    mean, sd, n = grouped.mean(), grouped.std(), grouped.count()
    half = stdtrit(n - 1, (1 + _CONFIDENCE) / 2) * sd / n**0.5
    parts = {"mean": mean, "sd": sd, "low": mean - half, "high": mean + half}
    return pd.concat(
        [part.add_suffix(f"_{each}") for each, part in parts.items()], axis=1
    ).reset_index()


def mean_sd_and_interval(row: Mapping[Hashable, Any], name: str) -> str:
    """A number of :func:`over_seeds`; of one run, and where all runs agree, the mean alone.

    >>> mean_sd_and_interval({"a_mean": 4.0, "a_sd": 1.0, "a_low": 1.5, "a_high": 6.5}, "a")
    '4.00 ± 1.00 [1.50, 6.50]'
    """
    mean, sd, low, high = (row[f"{name}_{each}"] for each in ("mean", "sd", "low", "high"))
    if not sd > 0:
        return mean_and_sd(mean, sd)
    places = digits.decimals(mean, mean - sd, mean + sd)
    return f"{mean_and_sd(mean, sd)} [{wording.score(low, places)}, {wording.score(high, places)}]"


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
