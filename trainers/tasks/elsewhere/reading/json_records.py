"""Tables in JSON: an object a line, or one document that holds a list of objects.

`datasets` reads them too, but lets numbers among texts pass, takes a list under a key for one row,
and counts the row that is damaged from somewhere in the file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import json as json_lines

from trainers.errors import TaskError
from trainers.tasks.elsewhere.reading import blocks

#: The endings of such files.
ENDINGS = (".jsonl", ".json")
#: What JSON calls the values that Python reads.
KINDS = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}


def read(file: Path, columns: Sequence[str]) -> Any:
    """The file as a table; of a document the columns asked for that it has.

    Raises:
        TaskError: it is a document without one list of objects, or its values are of several kinds.
    """
    stated = _document(file)
    if stated is None:
        return blocks.fitting(
            lambda size: json_lines.read_json(file, json_lines.ReadOptions(block_size=size))
        )
    records = _records(file, stated, columns)
    for row, record in enumerate(records, 1):
        if not isinstance(record, Mapping):
            kind = KINDS.get(type(record), "nothing")
            raise TaskError(f"{file}, row {row}: it is {kind}, and every row must be an object.")
    there = list(dict.fromkeys(name for record in records for name in record))
    wanted = [name for name in columns if name in there] or there[:1]
    if set(columns) - set(there):  # the names are all that the message needs
        return pa.table({name: pa.nulls(0) for name in there})
    return pa.table({name: _column(file, records, name) for name in wanted})


def _document(file: Path) -> Any:
    """What the whole file says; None where every line is an object of its own."""
    with file.open(encoding="utf-8-sig") as lines:
        filled = (line.strip() for line in lines if line.strip())
        first, second = next(filled, ""), next(filled, "")
        if first and (first[0] not in "[{" or (first[0] == "[" and second and _is_whole(first))):
            raise TaskError(f"{file}, line 1: it is no JSON object, and every line must be one.")
        if not first or (second and _is_whole(first)):
            return None
        lines.seek(0)
        try:
            return json.load(lines)
        except (ValueError, RecursionError) as error:
            if first.startswith("{"):
                return None
            raise TaskError(f"{file} is no whole list in JSON: {error}. Write it again.") from error


def _is_whole(line: str) -> bool:
    """Whether a line says something on its own."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _records(file: Path, stated: Any, columns: Sequence[str]) -> Sequence[Any]:
    """The rows of a document, as they are or under its only key with a list of objects."""
    if isinstance(stated, list):
        return stated
    if not any(isinstance(value, list | dict) for value in stated.values()):
        return [stated]  # one line of JSON lines
    if set(columns) <= set(stated) and not any(
        isinstance(stated[name], list | dict) for name in columns
    ):
        return [stated]
    lists = [key for key, value in stated.items() if _is_list_of_objects(value)]
    if len(lists) == 1:
        found: Sequence[Any] = stated[lists[0]]
        return found
    said = ", ".join(f'"{key}"' for key in [*lists, *stated][:8])
    way_out = (
        "Write each list into a file of its own, named after its split"
        if lists
        else 'Write it as records; with pandas: to_json(FILE, orient="records", lines=True)'
    )
    raise TaskError(
        f"{file}: it is one JSON object with {said}, and not one list of examples. {way_out}."
    )


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _column(file: Path, records: Sequence[Mapping[str, Any]], name: str) -> Any:
    values = [record.get(name) for record in records]
    kinds: dict[str, str] = {}
    for row, value in enumerate(values, 1):
        if fault := of_another_kind(kinds, {name: value}):
            raise TaskError(f"{file}, row {row}: {fault}. Correct or remove the row.")
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise TaskError(f'{file}, column "{name}": {error}.') from error


def of_another_kind(kinds: dict[str, str], record: Mapping[str, Any]) -> str:
    """What in a record is of another kind than in those before it, noted in `kinds`; or ""."""
    for name, value in record.items():
        kind = KINDS.get(type(value), "an object")
        if value is not None and kinds.setdefault(name, kind) != kind:
            return f'"{name}" is {kind}, and {kinds[name]} before'
    return ""
