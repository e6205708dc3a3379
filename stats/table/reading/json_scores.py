"""Scores as programs write them: a JSON array of records, or one record a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from stats.errors import ScoresError

Record = dict[str, str]


def is_json(text: str) -> bool:
    """Whether a text begins as JSON does, and no table does.

    >>> is_json(' [{"method": "kd"}]'), is_json("method,seed,score")
    (True, False)
    """
    return text.lstrip("\ufeff \t\r\n")[:1] in ("{", "[")


def read_records(text: str, source: str) -> tuple[list[Record], list[str]]:
    """The records with their values as they are written, and where each of them stands.

    Raises:
        ScoresError: it is no JSON, no records, or a value is a list or an object.

    >>> read_records('{"method": "kd", "seed": 1, "score": 87.50}', "x.jsonl")
    ([{'method': 'kd', 'seed': '1', 'score': '87.50'}], ['line 1'])
    """
    records, places = [], []
    for place, found in _found(text.lstrip("\ufeff"), source):
        if not isinstance(found, dict):
            raise ScoresError(
                f"{source}, {place}: not a record such as "
                '{"method": "kd", "seed": 1, "score": 87.5}; one for each score is needed'
            )
        records.append({name: _text(each, name, source, place) for name, each in found.items()})
        places.append(place)
    return records, places


def _found(text: str, source: str) -> Iterator[tuple[str, Any]]:
    """What is at each place of an array, or on each line."""
    if text.lstrip()[:1] == "[":
        for number, each in enumerate(_parsed(text, source, ""), 1):
            yield f"record {number}", each
        return
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"line {number}", _parsed(line, source, f", line {number}")


def _parsed(text: str, source: str, place: str) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=str)
    except (ValueError, RecursionError) as error:
        raise ScoresError(
            f"{source}{place}: not JSON ({error}); one array of records is read, or one record on "
            "each line"
        ) from error


def _text(value: Any, name: str, source: str, place: str) -> str:
    if isinstance(value, (list, dict)):
        raise ScoresError(
            f'{source}, {place}: "{name}" is no single value; one record for each score is needed'
        )
    return "" if value is None else str(value)
