"""Tables of scores as spreadsheets and programs write them: their rows as text."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from stats.errors import ScoresError
from stats.table.reading.json_scores import Record, is_json, read_records

SEPARATORS = ",;\t|"

#: A number as 87,41 or 1.087,41.
DECIMAL_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Lines:
    """A table of text.

    Attributes:
        places: for each row where it is in the file, in words.
    """

    header: list[str]
    rows: list[list[str]]
    places: list[str]


def read_lines(path: str | Path) -> Lines:
    """The rows of a file of JSON records, or of CSV.

    The separator of CSV is the commonest of , ; tab and | in its header. A byte order mark, a first
    line such as "sep=;", blank lines, and decimal commas where columns are not separated by commas,
    are understood.

    Raises:
        ScoresError: the file cannot be read, is no table, or a row has too many or too few fields;
            the message names file and line.
    """
    source = str(path)
    text = _text(path, source)
    if is_json(text):
        return _of_records(*read_records(text, source))
    first, _, rest = text.partition("\n")
    declared = re.fullmatch(r"sep=(.)\r?", first.strip("\ufeff"), re.IGNORECASE)
    before = 1 if declared else 0
    text = rest if declared else text
    header = text.lstrip("\r\n").partition("\n")[0]
    separator = declared[1] if declared else max(SEPARATORS, key=header.count)
    return _parsed(text, separator, before, source)


def plain_numbers(cells: Sequence[str], separated_by_commas: bool = False) -> list[str]:
    """Numbers with decimal points; commas become points where no cell is written with points.

    >>> plain_numbers(["87,41", "1.087,5", ""]), plain_numbers(["1,234", "1.5"])
    (['87.41', '1087.5', ''], ['1,234', '1.5'])
    """
    with_comma = [bool(DECIMAL_COMMA.fullmatch(cell.strip())) for cell in cells]
    points = any("." in cell and not comma for cell, comma in zip(cells, with_comma, strict=True))
    if points:
        return list(cells)
    return [
        cell.replace(".", "").replace(",", ".") if comma else cell
        for cell, comma in zip(cells, with_comma, strict=True)
    ]


def _text(path: str | Path, source: str) -> str:
    try:
        held = Path(path).read_bytes()
        wide = held.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
        return held.decode("utf-16" if wide else "utf-8-sig")
    except OSError as error:
        raise ScoresError(f"{source}: {error.strerror}") from error
    except ValueError as error:  # not the encoding, or a NUL in the path
        raise ScoresError(f"{source}: not UTF-8 text; save it as CSV in UTF-8") from error


def _of_records(records: Sequence[Record], places: list[str]) -> Lines:
    """Records as rows; what one of them does not name is empty."""
    header = list(dict.fromkeys(name for record in records for name in record))
    return Lines(header, [[each.get(name, "") for name in header] for each in records], places)


def _parsed(text: str, separator: str, before: int, source: str) -> Lines:
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, places = [], []
    try:
        header = [name.strip() for name in next(reader, [])]
        if not any(header):
            raise ScoresError(f"{source}: the file is empty")
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if len(row) != len(header):
                raise ScoresError(
                    f"{source}, line {reader.line_num + before}: {len(row)} fields under "
                    f"{len(header)} column names"
                )
            rows.append(row)
            places.append(f"line {reader.line_num + before}")
    except csv.Error as error:
        raise ScoresError(
            f"{source}, line {reader.line_num + before}: not CSV ({error})"
        ) from error
    return Lines(header, rows, places)
