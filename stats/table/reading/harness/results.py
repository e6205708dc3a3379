"""Files `results_*.json` of lm-evaluation-harness: scores of one model on tasks and groups."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stats.errors import ScoresError
from stats.table.reading.texts import bytes_of, text_of

#: When a file was written, at the end of its name.
_DATE = re.compile(r"_(\d{4}-\d\d-\d\dT[\d.+-]*\d)\.jsonl?(\.gz)?$")

#: Which part of `model_args` is the model, the first that is there.
_NAMED_BY = ("peft", "delta", "pretrained", "model", "path", "engine")


@dataclass(frozen=True)
class TaskScore:
    """A metric of a task or group.

    Attributes:
        metric: with its filter, as "acc,none".
        error: standard error, NaN where none is given.
        parts: the tasks of a group; empty for a task.
    """

    task: str
    metric: str
    score: float
    error: float
    lower_is_better: bool | None
    settings: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class ResultsFile:
    """One file.

    Attributes:
        model: its name or path.
        arguments: how it was loaded, each as "name=value".
        scores: of groups, and of tasks that belong to none which has a score itself.
    """

    path: Path
    model: str
    arguments: tuple[str, ...]
    scores: tuple[TaskScore, ...]


def is_results(held: bytes) -> bool:
    """Whether a file begins as JSON with results of the harness does.

    >>> is_results(b'{"results": {"rte": {"acc,none": 0.5}}, "config": {}}'), is_results(b"[]")
    (True, False)
    """
    if not held.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") or b'"results"' not in held:
        return False
    try:
        found = json.loads(held)
    except ValueError:
        return False
    rows = found.get("results")
    return isinstance(rows, dict) and all(isinstance(row, dict) for row in rows.values())


def date_of(path: Path) -> str:
    """When the file was written, by its name; "" where that does not say it."""
    found = _DATE.search(path.name)
    return found[1] if found else ""


def read_results(path: Path) -> ResultsFile:
    """One file of results.

    Raises:
        ScoresError: it cannot be read, or says of no model which it is.
    """
    found = json.loads(text_of(bytes_of(path), str(path)))
    config = found.get("config") or {}
    arguments = _arguments(config.get("model_args"))
    named = dict(each.partition("=")[::2] for each in arguments)
    by_arguments = next((named[each] for each in _NAMED_BY if each in named), "")
    model = str(found.get("model_name") or by_arguments or config.get("model") or "")
    if not model:
        raise ScoresError(f"{path}: neither model_name nor config says which model this is")
    return ResultsFile(path, model, arguments, tuple(_scores(found)))


def _arguments(written: Any) -> tuple[str, ...]:
    if isinstance(written, Mapping):
        return tuple(f"{name}={value}" for name, value in written.items())
    return tuple(filter(None, str(written or "").split(",")))


def _scores(found: Mapping[str, Any]) -> Iterator[TaskScore]:
    """Scores of groups, and of tasks that stand for themselves."""
    rows = {name.lstrip(" -"): row for name, row in found["results"].items()}
    groups = {name: parts for name, parts in (found.get("group_subtasks") or {}).items() if parts}
    scored = {name: dict(_metrics(row)) for name, row in rows.items()}
    inside = {part for name in groups if scored.get(name) for part in _below(name, groups, set())}
    for task, metrics in scored.items():
        if task in inside:
            continue
        leaves = [each for each in _below(task, groups, set()) if each not in groups]
        for metric, score in metrics.items():
            name, _, kind = metric.partition(",")
            yield TaskScore(
                task=task,
                metric=metric,
                score=score,
                error=_number(rows[task].get(f"{name}_stderr,{kind}")),
                lower_is_better=_is_lower_better(found, task, name),
                settings=_settings(found, task),
                parts=tuple(leaves),
            )


def _below(group: str, groups: Mapping[str, Sequence[str]], seen: set[str]) -> Iterator[str]:
    """The groups and tasks of a group, at any depth, each once."""
    for part in groups.get(group, ()):
        if part not in seen:
            seen.add(part)
            yield part
            yield from _below(part, groups, seen)


def _metrics(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for metric, value in row.items():
        name, comma, _ = metric.partition(",")
        if not comma or name.endswith("_stderr") or name == "bypass":
            continue
        if math.isfinite(number := _number(value)):
            yield metric, number


def _number(value: Any) -> float:
    """A number, NaN where it is none, as "N/A" for an error that is not known."""
    return float(value) if isinstance(value, int | float) else math.nan


def _is_lower_better(found: Mapping[str, Any], task: str, metric: str) -> bool | None:
    higher = ((found.get("higher_is_better") or {}).get(task) or {}).get(metric)
    return None if higher is None else not higher


def _settings(found: Mapping[str, Any], task: str) -> str:
    shots = (found.get("n-shot") or {}).get(task)
    version = (found.get("versions") or {}).get(task)
    parts = [f"{shots}-shot"] if isinstance(shots, int) else []
    return ", ".join([*parts, *([f"version {version}"] if version is not None else [])])
