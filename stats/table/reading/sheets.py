"""Scores in workbooks of spreadsheets and in Parquet: their rows as text."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any
from zipfile import BadZipFile

from stats.errors import ScoresError

if TYPE_CHECKING:
    import pandas as pd

_PARQUET, _WORKBOOK, _OLD_WORKBOOK = b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def is_sheet(held: bytes) -> bool:
    """Whether a file begins as Parquet or a workbook does."""
    return held.startswith((_PARQUET, _WORKBOOK, _OLD_WORKBOOK))


def read_sheet(held: bytes, source: str) -> tuple[list[str], list[list[str]]]:
    """The names of the columns of a table, and its rows; of a workbook those of the first sheet.

    Raises:
        ScoresError: it is damaged, or of before 2007.
    """
    import pandas as pd

    if held.startswith(_OLD_WORKBOOK):
        raise ScoresError(f"{source}: a workbook of before 2007; save it as .xlsx or as CSV")
    kind = "Parquet" if held.startswith(_PARQUET) else "a workbook"
    try:
        if held.startswith(_PARQUET):
            return _as_text(pd.read_parquet(BytesIO(held), engine="pyarrow"))
        return _as_text(pd.read_excel(BytesIO(held), engine="openpyxl"))
    except (ValueError, KeyError, OSError, BadZipFile) as error:
        raise ScoresError(f"{source}: cannot be read as {kind} ({error})") from error


def _as_text(table: pd.DataFrame) -> tuple[list[str], list[list[str]]]:
    if list(table.index.names) != [None]:
        table = table.reset_index()

    def text(value: Any) -> str:
        return "" if value is None or value != value else str(value)

    columns = [[text(each) for each in table[name].astype(object)] for name in table.columns]
    return [str(name) for name in table.columns], [list(row) for row in zip(*columns, strict=True)]
