"""Where a file is damaged: a slow second look, once the fast readers have refused it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trainers.tasks.elsewhere.reading import encodings, json_records, separated
from trainers.tasks.elsewhere.reading.folders import ending

_TEXT = (*separated.ENDINGS, *json_records.ENDINGS)


def told(file: Path, error: Exception) -> str:
    """A message on a file that cannot be read, with the line if that is found.

    Args:
        file: the file.
        error: what its reader said; of JSON lines, its rows count from somewhere in the file.
    """
    if not isinstance(error, OSError):
        if said := _not_utf8(file):
            return said
        if place := _malformed(file):
            return f"{file}, line {place[0]}: {place[1]}. Correct or remove the line."
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{file} cannot be read: {first}"


def undecodable(file: Path, column: str, values: Any) -> str:
    """A message on a column with bytes that are not in UTF-8."""
    if said := _not_utf8(file):
        return said
    for row, value in enumerate(values, 1):
        try:
            value.as_py()
        except UnicodeDecodeError:
            return (
                f'{file}, row {row}, column "{column}": it is not in UTF-8. Write the file again '
                "from texts that are."
            )
    return f'{file}, column "{column}": it is damaged. Write or fetch the file again.'


def _not_utf8(file: Path) -> str:
    """A message with the first line of a text file that is not UTF-8; empty if there is none."""
    if ending(file) not in _TEXT:
        return ""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return encodings.not_utf8(file, f", line {number}", encodings.narrow(line))
    return ""


def _malformed(file: Path) -> tuple[int, str] | None:
    """The first line of a text file that does not read as the others do, and why."""
    if ending(file) in json_records.ENDINGS:
        return next(_malformed_json(file), None)
    if ending(file) in separated.ENDINGS:
        return next(_uneven_rows(file), None)
    return None


def _malformed_json(file: Path) -> Iterator[tuple[int, str]]:
    kinds: dict[str, str] = {}
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                stated = json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, f"it is no JSON object on a line of its own ({error})"
                return
            if not isinstance(stated, dict):
                yield number, "it is no JSON object, and every line must be one"
                return
            if fault := json_records.of_another_kind(kinds, stated):
                yield number, fault


def _uneven_rows(file: Path) -> Iterator[tuple[int, str]]:
    """Rows that have more or fewer fields than the header, by the line in which they begin."""
    separator = separated.header(file, ()).separator
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines, delimiter=separator)
        header, begins = 0, 1
        try:
            for fields in reader:
                header = header or len(fields)
                if fields and len(fields) != header:
                    yield begins, f"the row has {len(fields)} fields, and the header {header}"
                begins = reader.line_num + 1
        except csv.Error:  # a field beyond the module's limit
            return
