"""Tables of scores as spreadsheets and programs write them: their rows as text."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from stats.errors import ScoresError
from stats.table.reading.json_scores import Record, is_json, read_records
from stats.table.reading.place import Place
from stats.table.reading.sheets import is_sheet, read_sheet
from stats.table.reading.texts import bytes_of, text_of
from stats.table.reading.trainer_folders import read_trainer_folders

SEPARATORS = ",;\t|"

#: A number as 87,41 or 1.087,41.
DECIMAL_COMMA = re.compile(r"[+-]?(\d+|\d{1,3}(\.\d{3})+),\d+([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Lines:
    """A table of text.

    Attributes:
        places: for each row the file, and where it is in it, in words.
    """

    header: list[str]
    rows: list[list[str]]
    places: list[Place]


def read_files(paths: Sequence[str | Path]) -> Lines:
    """The rows of several files, one after the other; what a file has no column for is empty.

    Folders are those of runs of `transformers.Trainer`, each run a row.

    Raises:
        ScoresError: as for :func:`read_lines` and :func:`read_trainer_folders`.
    """
    folders = [Path(path) for path in paths if Path(path).is_dir()]
    read = [read_lines(path) for path in paths if not Path(path).is_dir()]
    read += [Lines(*read_trainer_folders(folders))] if folders else []
    header = list(dict.fromkeys(name for each in read for name in each.header))
    rows = []
    for each in read:
        if len({*each.header}) < len(each.header):
            return each if len(read) == 1 else _unjoined(each)
        index = {name: i for i, name in enumerate(each.header)}
        at = [index.get(name) for name in header]
        rows += [["" if i is None else row[i] for i in at] for row in each.rows]
    return Lines(header, rows, [place for each in read for place in each.places])


def read_lines(path: str | Path) -> Lines:
    """The rows of a file of JSON records, of CSV, of a workbook, or of Parquet.

    What a file is its content tells, not its name; it may be compressed by gzip. The separator of
    CSV is the commonest of , ; tab and | in its header. A byte order mark, a first line such as
    "sep=;", blank lines, and decimal commas where columns are not separated by commas, are
    understood.

    Raises:
        ScoresError: the file cannot be read, is no table, or a row has too many or too few fields;
            the message names file and line.
    """
    source = str(path)
    held = bytes_of(path)
    if is_sheet(held):
        names, cells = read_sheet(held, source)
        return Lines(names, cells, [Place(source, f"row {i}") for i in range(2, len(cells) + 2)])
    text = text_of(held, source)
    if is_json(text):
        return _of_records(*read_records(text, source), source)
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


def _unjoined(lines: Lines) -> Lines:
    """Refuse two columns of one name, which cannot be told apart in other files."""
    twice = [name for name in lines.header if lines.header.count(name) > 1]
    raise ScoresError(f'{lines.places[0].source}: column "{twice[0]}" occurs twice')


def _of_records(records: Sequence[Record], places: list[str], source: str) -> Lines:
    """Records as rows; what one of them does not name is empty."""
    header = list(dict.fromkeys(name for record in records for name in record))
    rows = [[each.get(name, "") for name in header] for each in records]
    return Lines(header, rows, [Place(source, place) for place in places])


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
            places.append(Place(source, f"line {reader.line_num + before}"))
    except csv.Error as error:
        raise ScoresError(
            f"{source}, line {reader.line_num + before}: not CSV ({error})"
        ) from error
    return Lines(header, rows, places)
