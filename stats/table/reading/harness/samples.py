"""Files `samples_*.jsonl` of lm-evaluation-harness: what each document of a task gave."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from stats.errors import ScoresError
from stats.table.evaluations import Documents
from stats.table.reading.texts import bytes_of, text_of

_NAME = re.compile(r"samples_(.+?)(_\d{4}-\d\d-\d\dT[\d.+-]*\d)?\.jsonl(\.gz)?")

#: What a record holds beside its metrics.
_NO_METRIC = frozenset(
    (
        *("doc_id", "doc", "target", "arguments", "resps", "filtered_resps", "filter", "metrics"),
        *("doc_hash", "prompt_hash", "target_hash"),
    )
)


def is_samples(held: bytes) -> bool:
    """Whether a file begins as one record a line of the harness does.

    >>> is_samples(b'{"doc_id": 0, "doc": {}, "target": "1", "acc": 1.0}'), is_samples(b'{"a": 1}')
    (True, False)
    """
    first = held.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0]
    if not first.startswith(b"{"):
        return False
    try:
        return set(json.loads(first)) >= {"doc_id", "doc", "target"}
    except ValueError:
        return False


def task_of(path: Path) -> str:
    """The task, which stands in the name of the file alone.

    Raises:
        ScoresError: the name is another.

    >>> task_of(Path("samples_mmlu_anatomy_2024-05-01T12-30-00.123456.jsonl"))
    'mmlu_anatomy'
    """
    found = _NAME.fullmatch(path.name)
    if not found:
        raise ScoresError(
            f"{path}: of which task it is stands in its name alone; call it samples_TASK.jsonl"
        )
    return found[1]


def read_samples(path: Path, cluster: str | None = None) -> dict[str, Documents]:
    """The documents by metric, as "exact_match,strict-match".

    Metrics that are no number of each document, or two, are left out: those of texts, as BLEU.

    Args:
        path: of the file.
        cluster: what documents of one cluster share: a path into the record, as
            "doc.passage_id"; "doc." may be left out.

    Raises:
        ScoresError: it cannot be read, a document is there twice, or has nothing at that path.
    """
    names: dict[str, list[str]] = {}
    clusters: dict[str, list[str]] = {}
    values: dict[str, list[Any]] = {}
    counts: dict[str, int] = {}
    for number, record in _records(path):
        kind = str(record.get("filter", "none"))
        counts[kind] = counts.get(kind, 0) + 1
        name = f"{record['doc_id']} {record.get('doc_hash', '')}".strip()
        of = _cluster(record, cluster, f"{path}, line {number}") if cluster else ""
        for metric in record.get("metrics") or [key for key in record if key not in _NO_METRIC]:
            key = f"{metric},{kind}"
            names.setdefault(key, []).append(name)
            clusters.setdefault(key, []).append(of)
            values.setdefault(key, []).append(record.get(metric))
    found = {}
    for key, given in values.items():
        array = _numbers(given)
        if array is None or len(given) < counts[key.partition(",")[2]] or key.startswith("bypass,"):
            continue
        if len({*names[key]}) < len(names[key]):
            twice = next(name for name in names[key] if names[key].count(name) > 1)
            raise ScoresError(f"{path}: document {twice.split()[0]} is there twice")
        found[key] = Documents(tuple(names[key]), array, tuple(clusters[key]) if cluster else ())
    return found


def _records(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text_of(bytes_of(path), str(path)).split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise ScoresError(f"{path}, line {number}: not JSON ({error})") from error
        if not isinstance(record, dict) or "doc_id" not in record:
            raise ScoresError(f"{path}, line {number}: no document of lm-evaluation-harness")
        yield number, record


def _numbers(given: list[Any]) -> np.ndarray[Any, np.dtype[np.float64]] | None:
    """Shape (n,) of numbers, (n, 2) of pairs; None of anything else."""
    pairs = [each if isinstance(each, list) else [each] for each in given]
    width = len(pairs[0])
    if width not in (1, 2) or any(len(each) != width for each in pairs):
        return None
    if not all(isinstance(value, int | float) for each in pairs for value in each):
        return None
    array = np.array(pairs, dtype=np.float64)
    return array[:, 0] if width == 1 else array


def _cluster(record: Mapping[str, Any], path: str, place: str) -> str:
    """What stands at a path into the record, or into its document."""
    for start in (record, record.get("doc")):
        value: Any = start
        for part in path.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if isinstance(value, str | int | float):
            return str(value)
    doc = record.get("doc")
    held = ", ".join(f"doc.{name}" for name in doc) if isinstance(doc, Mapping) else "no parts"
    raise ScoresError(f"{place}: nothing at {path} to be the cluster; its document has {held}")
