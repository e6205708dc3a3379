"""What a column must hold, and how a row is named in which it does not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from trainers.errors import TaskError
from trainers.tasks.elsewhere.reading.tables import Rows


def texts(rows: Rows, column: str) -> Any:
    """The texts of a column, as an array of strings.

    Raises:
        TaskError: with file and row, a text is missing, empty or blank.
    """
    values = rows.table.column(column)
    require(rows, column, values.is_null(nan_is_null=True), "the text is missing")
    values = as_text(rows, column, values)
    blank = pc.equal(pc.utf8_trim_whitespace(values), "")
    require(rows, column, blank, "the text is empty")
    return values


def as_text(rows: Rows, column: str, values: Any) -> Any:
    """The values as an array of strings, the missing among them; TaskError if they are no text."""
    if pa.types.is_dictionary(values.type):  # pandas' categories
        values = values.cast(values.type.value_type)
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        return values.cast(pa.large_string())
    raise TaskError(f'{rows.where(0)}, column "{column}": it holds {values.type}, not text.')


def listed(names: Sequence[str]) -> str:
    """The first names in quotes, and how many more there are.

    >>> listed(["a", "b"])
    '"a", "b"'
    """
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(f'"{name}"' for name in names[:8]) + more


def require(
    rows: Rows,
    column: str,
    bad: Any,
    problem: str,
    way_out: str = "Correct or remove what is wrong.",
) -> None:
    """Raise TaskError with the first row where `bad` is true, and the number of others."""
    flags = np.asarray(bad.to_numpy(zero_copy_only=False) if isinstance(bad, pa.Array) else bad)
    found = np.flatnonzero(flags)
    if not len(found):
        return
    first = int(found[0])
    value = str(rows.table.column(column)[first].as_py())[:40]
    others = f" So it is in {len(found) - 1} further rows." if len(found) > 1 else ""
    raise TaskError(
        f'{rows.where(first)}, column "{column}": {problem}; it reads "{value}".{others} {way_out}'
    )
