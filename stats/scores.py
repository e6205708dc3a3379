"""The tidy table of scores that everything here reads."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from stats.errors import ScoresError
from stats.inputs import LARGEST

if TYPE_CHECKING:
    import pandas as pd

Place = Callable[[Any], str]

IDENTITY = ("model", "init", "method", "task", "seed", "split", "metric")
"""Columns that together name one score; each combination may occur once."""

REQUIRED = ("method", "seed", "score")
COLUMNS = (*IDENTITY, "score", "status")

NO_SCORE = frozenset({"", "nan", "na", "n/a", "null", "none", "<na>"})
"""How a failed seed may be written in the column of scores, in lower case."""


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read a tidy CSV of scores.

    The file has the columns `method, seed, score`, and may have `model, init, task, split,
    metric`, and `status`, which says why a score is missing. Other columns are left out. A score
    that is empty or NaN is a failed seed, and stays as a row.

    Returns:
        The columns of `stats.scores.COLUMNS`, absent ones filled with "".

    Raises:
        ScoresError: the file cannot be read, has no rows, lacks a column, or holds text in
            `score`, an infinite score, or two scores for the same run; the message names file,
            line and column.
    """
    source = str(path)
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as lines:
            header, rows, numbers = _parse(csv.reader(lines, strict=True), source)
    except OSError as error:
        raise ScoresError(f"{source}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ScoresError(f"{source}: not UTF-8 text; save it as CSV in UTF-8") from error
    _check_columns(header, source)
    import pandas as pd

    columns = zip(*rows, strict=True) if rows else [()] * len(header)
    frame = pd.DataFrame(
        {name: np.array(column, dtype=object) for name, column in zip(header, columns, strict=True)}
    )
    return _validated(frame, source, [f"line {number}" for number in numbers])


def validate_scores(frame: pd.DataFrame, source: str = "scores") -> pd.DataFrame:
    """Check a data frame of scores as `read_scores` checks a file.

    Args:
        frame: at least the columns `method, seed, score`.
        source: what messages call the frame; rows are counted from 0.

    Returns:
        A new frame with the columns of `stats.scores.COLUMNS`.

    Raises:
        ScoresError: as for `read_scores`.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise ScoresError(f"{source}: a data frame is needed, not {type(frame).__name__}")
    _check_columns([str(name) for name in frame.columns], source)
    return _validated(frame.reset_index(drop=True), source, None)


def _parse(reader: Any, source: str) -> tuple[list[str], list[list[str]], list[int]]:
    rows, numbers = [], []
    try:
        header = [name.strip() for name in next(reader, [])]
        if not header:
            raise ScoresError(f"{source}: the file is empty")
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise ScoresError(
                    f"{source}, line {reader.line_num}: {len(row)} fields under "
                    f"{len(header)} column names"
                )
            rows.append(row)
            numbers.append(reader.line_num)
    except csv.Error as error:
        raise ScoresError(f"{source}, line {reader.line_num}: not CSV ({error})") from error
    return header, rows, numbers


def _validated(frame: pd.DataFrame, source: str, places: list[str] | None) -> pd.DataFrame:
    if frame.empty:
        raise ScoresError(f"{source}: no scores in it")
    import pandas as pd

    def place(row: Any) -> str:
        where = f"row {row}" if places is None else places[int(row)]
        return f"{source}, {where}"

    table = pd.DataFrame(index=frame.index)
    for name in COLUMNS:
        if name == "score":
            table[name] = _scores(frame[name], place)
        elif name == "seed":
            table[name] = _seeds(frame[name], place)
        else:
            table[name] = _names(frame[name]) if name in frame else ""
    _check_methods(table, place)
    _check_once(table, place)
    return table


def _check_columns(held: list[str], source: str) -> None:
    missing = [name for name in REQUIRED if name not in held]
    if missing:
        unsplit = len(held) == 1 and any(mark in held[0] for mark in ";\t")
        hint = "; separate columns with commas" if unsplit else ""
        raise ScoresError(
            f"{source}: no column {' or '.join(missing)}; it has {', '.join(held) or 'none'}{hint}"
        )
    for name in COLUMNS:
        if held.count(name) > 1:
            raise ScoresError(f"{source}: column {name} occurs {held.count(name)} times")


def _scores(column: pd.Series[Any], place: Place) -> pd.Series[float]:
    import pandas as pd

    scores = pd.to_numeric(column, errors="coerce").astype("float64")
    for row in column.index[scores.isna()]:
        if not _is_missing(column[row]):
            text = str(column[row]).strip()
            raise ScoresError(
                f'{place(row)}, column score: "{text}" is not a number; leave failed seeds empty'
            )
    infinite = column.index[np.abs(scores) >= LARGEST]
    if len(infinite):
        raise ScoresError(
            f"{place(infinite[0])}, column score: infinite; leave failed seeds empty and say why "
            "in the column status"
        )
    return scores


def _is_missing(value: Any) -> bool:
    return value is None or str(value).strip().lower() in NO_SCORE


def _seeds(column: pd.Series[Any], place: Place) -> pd.Series[Any]:
    """Whole numbers where all seeds are, else names; 42 and 42.0 and "42" are one seed."""
    import pandas as pd

    missing = column.isna() | (_names(column) == "")
    if missing.any():
        raise ScoresError(f"{place(column.index[missing][0])}, column seed: empty")
    numbers = pd.to_numeric(column, errors="coerce")
    if (numbers.notna() & (numbers % 1 == 0)).all():
        return numbers.astype("int64")
    return _names(column)


def _names(column: pd.Series[Any]) -> pd.Series[Any]:
    """Text without the blanks around it, "" where missing; one object for each distinct name."""
    codes, distinct = column.factorize()
    names = np.array([*(str(each).strip() for each in distinct), ""], dtype=object)
    return column.__class__(names[codes], index=column.index, dtype="str")


def _check_methods(table: pd.DataFrame, place: Place) -> None:
    nameless = table.index[table["method"] == ""]
    if len(nameless):
        raise ScoresError(f"{place(nameless[0])}, column method: empty")


def _check_once(table: pd.DataFrame, place: Place) -> None:
    identity = list(IDENTITY)
    again = table.duplicated(identity)
    if not again.any():
        return
    row = int(np.flatnonzero(again)[0])
    run = {name: table[name].iloc[row] for name in identity}
    same = np.logical_and.reduce([table[name] == value for name, value in run.items()])
    first = place(np.flatnonzero(same)[0]).rsplit(", ", 1)[-1]
    named = ", ".join(f"{name} {value}" for name, value in run.items() if value != "")
    raise ScoresError(f"{place(row)}: a second score for {named} (the first is in {first})")
