"""Tables as text, a row a line: by which sign fields are separated, and whether quotes mean it.

`datasets` reads them by pandas, to which texts such as "NA" and "null" are missing, a semicolon
separates nothing, and a line break within quotes shifts the line that an error names.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
from pyarrow import csv as arrow_csv

from trainers.tasks.elsewhere.reading import blocks

#: The endings of such files.
ENDINGS = (".csv", ".tsv")
#: What separates fields: the first by which the columns asked for are there is taken.
SEPARATORS = (",", ";", "\t", "|")

_SAID_BY_EXCEL = re.compile(r"sep=(.)\s*", re.IGNORECASE)
_WELL_QUOTED = re.compile(r'"(?:[^"]|"")*"\s*|[^"].*|', re.DOTALL)
_NUMBER = re.compile(r"[+-]?[\d.,]+(e[+-]?\d+)?", re.IGNORECASE)


class Header(NamedTuple):
    """The first line of a file.

    Attributes:
        separator: of its fields.
        names: the fields.
        line: how many lines stand before it.
    """

    separator: str
    names: Sequence[str]
    line: int = 0

    @property
    def reads_like_an_example(self) -> bool:
        """Whether the fields are hardly names of columns: numbers, sentences, the same twice."""
        return (
            len(set(self.names)) < len(self.names)
            or any(_NUMBER.fullmatch(name.strip()) for name in self.names)
            or any(len(name.split()) > 4 for name in self.names)
        )


def header(file: Path, columns: Sequence[str]) -> Header:
    """The first line, by the separator by which the columns are there, else most fields are."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        first = lines.readline()
        if said := _SAID_BY_EXCEL.fullmatch(first):
            return Header(said[1], _fields(lines.readline(), said[1]), 1)
    found = [Header(sign, _fields(first, sign)) for sign in SEPARATORS]
    fitting = [each for each in found if columns and set(columns) <= set(each.names)]
    return (fitting or sorted(found, key=lambda each: -len(each.names)))[0]


def read(file: Path, columns: Sequence[str]) -> Any:
    """The file as a table whose columns asked for stay as they are written, "NA" and "True" too."""
    first = header(file, columns)
    quotes = first.separator != "\t" or _quotes_enclose(file)
    parsing = arrow_csv.ParseOptions(
        delimiter=first.separator,
        quote_char='"' if quotes else False,
        newlines_in_values=quotes,
    )
    typed = {c: pa.string() for c in columns}
    converting = arrow_csv.ConvertOptions(column_types=typed, strings_can_be_null=False)

    def read(size: int) -> Any:
        reading = arrow_csv.ReadOptions(skip_rows=first.line, block_size=size)
        return arrow_csv.read_csv(file, reading, parsing, converting)

    return blocks.fitting(read)


def _fields(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=separator), [])
    except csv.Error:  # a field beyond the module's limit
        return [line]


def _quotes_enclose(file: Path) -> bool:
    """Whether quotes enclose fields, as spreadsheets write them, or are signs like any other.

    Between tabs they are often the latter, unpaired, and would swallow the lines up to the next.
    """
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        tabs = {line.count("\t") for line in lines if line.strip()}
        if len(tabs) > 1:  # a line break within a field, which only quotes allow
            return True
        lines.seek(0)
        fields = (field for line in lines for field in line.rstrip("\r\n").split("\t"))
        return all(_WELL_QUOTED.fullmatch(field) for field in fields)
