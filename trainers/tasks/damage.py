"""Where a file is damaged: a slow second look, once the fast readers have refused it."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_JSON = (".jsonl", ".json")
#: What JSON calls the values that Python reads.
_KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}


def told(file: Path, error: Exception) -> str:
    """A message on a file that cannot be read, with the line if that is found.

    Args:
        file: the file.
        error: what its reader said; of JSON lines, its rows count from somewhere in the file.
    """
    if not isinstance(error, OSError):
        if line := _undecodable_line(file):
            return _not_utf8(file, line)
        if place := _malformed(file):
            return f"{file}, line {place[0]}: {place[1]}. Correct or remove the line."
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{file} cannot be read: {first}"


def undecodable(file: Path, column: str, values: Any) -> str:
    """A message on a column with bytes that are not in UTF-8."""
    if line := _undecodable_line(file):
        return _not_utf8(file, line)
    for row, value in enumerate(values, 1):
        try:
            value.as_py()
        except UnicodeDecodeError:
            return (
                f'{file}, row {row}, column "{column}": it is not in UTF-8. Write the file again '
                "from texts that are."
            )
    return f'{file}, column "{column}": it is damaged. Write or fetch the file again.'


def _not_utf8(file: Path, line: int) -> str:
    return (
        f"{file}, line {line}: it is not in UTF-8. Convert it: iconv -f latin1 -t utf-8 {file.name}"
    )


def _undecodable_line(file: Path) -> int | None:
    """The first line of a text file that is not UTF-8, from 1; None where there is none."""
    if file.suffix not in (".csv", *_JSON):
        return None
    with file.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return None


def _malformed(file: Path) -> tuple[int, str] | None:
    """The first line of a text file that does not read as the others do, and why."""
    if file.suffix in _JSON:
        found = _malformed_json(file)
    elif file.suffix == ".csv":
        found = _uneven_csv(file)
    else:
        return None
    return next(found, None)


def _malformed_json(file: Path) -> Iterator[tuple[int, str]]:
    kinds: dict[str, str] = {}
    with file.open(encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                stated = json.loads(line)
            except ValueError as error:
                yield number, f"it is no JSON object on a line of its own ({error})"
                return
            if not isinstance(stated, dict):
                yield number, "it is no JSON object, and every line must be one"
                return
            for column, value in stated.items():
                kind = _KINDS.get(type(value), "an object")
                if value is not None and kinds.setdefault(column, kind) != kind:
                    yield number, f'"{column}" is {kind}, and {kinds[column]} before'


def _uneven_csv(file: Path) -> Iterator[tuple[int, str]]:
    """Rows that have more or fewer fields than the header, by the line in which they begin."""
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.reader(lines)
        header, begins = 0, 1
        try:
            for fields in reader:
                header = header or len(fields)
                if fields and len(fields) != header:
                    yield begins, f"the row has {len(fields)} fields, and the header {header}"
                begins = reader.line_num + 1
        except csv.Error:  # a field beyond the module's limit
            return
