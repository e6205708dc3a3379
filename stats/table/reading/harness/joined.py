"""Results and samples of several models as one list of evaluations."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stats.errors import ScoresError
from stats.table.evaluations import Documents, Evaluation
from stats.table.reading.harness.results import (
    ResultsFile,
    TaskScore,
    date_of,
    is_results,
    read_results,
)
from stats.table.reading.harness.samples import is_samples, read_samples, task_of
from stats.table.reading.named_runs import methods_and_seeds
from stats.table.reading.texts import bytes_of

#: Of one model: by task and metric, what each document gave, and the file that says so.
_Logged = Mapping[tuple[str, str], tuple[Documents, str]]


def harness_files(paths: Sequence[Path]) -> list[Path]:
    """The files of the harness among files and in folders; none where nothing is of it.

    Raises:
        ScoresError: some are, and others are not, or a file cannot be read.
    """
    found: list[Path] = []
    others: list[Path] = []
    for path in paths:
        if path.is_dir():
            patterns = ("results_*.json", "samples_*.jsonl", "samples_*.jsonl.gz")
            inside = sorted(each for pattern in patterns for each in path.rglob(pattern))
            found += inside
            others += [] if inside else [path]
            continue
        held = bytes_of(path)
        (found if is_results(held) or is_samples(held) else others).append(path)
    if found and others:
        raise ScoresError(
            f"{others[0]} is nothing of lm-evaluation-harness, and {found[0]} is: give files of "
            "one kind"
        )
    return list(dict.fromkeys(found))


def read_evaluations(files: Sequence[Path], cluster: str | None = None) -> list[Evaluation]:
    """What every model gave on every task, by every metric.

    Samples belong to the results that were written at the same time into the same folder. Where
    results have the score of a group, as MMLU, its tasks are one, with the documents of all; else
    each task stands for itself.

    Args:
        files: from `harness_files`.
        cluster: as of `read_samples`.

    Raises:
        ScoresError: a file cannot be read, or a model was evaluated twice on a task.
    """
    results = [path for path in files if is_results(bytes_of(path))]
    samples = [path for path in files if path not in results]
    read = [read_results(path) for path in results]
    names = _model_names(read)
    logged: dict[str, dict[tuple[str, str], tuple[Documents, str]]] = {}
    for path in samples:
        of_model = logged.setdefault(_model_of(path, read, names), {})
        for metric, documents in read_samples(path, cluster).items():
            place = (task_of(path), metric)
            if place in of_model and not _same(of_model[place][0], documents):
                raise ScoresError(_twice(place[0], of_model[place][1], path))
            of_model[place] = (documents, str(path))
    models = list(dict.fromkeys([*names, *logged]))
    called = dict(zip(models, methods_and_seeds(models), strict=True))
    found = [
        replace(each, method=called[model][0] or model, seed=called[model][1])
        for model in models
        for each in _of_model(
            model,
            [one for one, name in zip(read, names, strict=True) if name == model],
            logged.get(model, {}),
        )
    ]
    _check_models(found, called)
    return found


def _model_names(read: Sequence[ResultsFile]) -> list[str]:
    """For each file its model; where it was loaded in several ways for one task, with how."""
    names = []
    for each in read:
        alike = [other for other in read if other.model == each.model]
        shared = set.intersection(*(set(other.arguments) for other in alike))
        tasks = [
            (task, other.arguments)
            for other in alike
            for task in dict.fromkeys(row.task for row in other.scores)
        ]
        several = len({*tasks}) > len({task for task, _ in tasks})
        own = [part for part in each.arguments if part not in shared] if several else []
        names.append(",".join([each.model, *own]))
    return names


def _model_of(path: Path, read: Sequence[ResultsFile], names: Sequence[str]) -> str:
    """Whose samples these are; else what their folder is called after."""
    beside = [
        (date_of(each.path) == date_of(path), name)
        for each, name in zip(read, names, strict=True)
        if each.path.parent == path.parent
    ]
    at_once = [name for same, name in beside if same]
    if at_once or len({name for _, name in beside}) == 1:
        return at_once[0] if at_once else beside[0][1]
    if beside:
        raise ScoresError(f"{path}: no results_*.json of the same time says which model this is")
    return path.absolute().parent.name.replace("__", "/")


def _of_model(model: str, read: Sequence[ResultsFile], logged: _Logged) -> Iterator[Evaluation]:
    seen: dict[tuple[str, str], tuple[TaskScore, Path]] = {}
    parts = set()
    for results in read:
        for row in results.scores:
            place = (row.task, row.metric)
            before = seen.setdefault(place, (row, results.path))
            if before[1] == results.path:
                documents, _ = logged.get(place, (None, ""))
                parts |= {*row.parts}
                yield _evaluation(model, row, documents or _joined(row, logged), results.path)
            elif before[0] != row:
                raise ScoresError(_twice(row.task, str(before[1]), results.path))
    for (task, metric), (documents, source) in logged.items():
        if (task, metric) not in seen and task not in parts:
            row = TaskScore(task, metric, math.nan, math.nan, None, "")
            yield _evaluation(model, row, documents, Path(source))


def _evaluation(
    model: str, row: TaskScore, documents: Documents | None, source: Path
) -> Evaluation:
    return Evaluation(
        method=model,
        seed=None,
        task=row.task,
        metric=row.metric.removesuffix(",none"),
        score=row.score,
        error=row.error,
        lower_is_better=row.lower_is_better,
        settings=row.settings,
        documents=documents,
        source=str(source),
    )


def _joined(row: TaskScore, logged: _Logged) -> Documents | None:
    """The documents of all tasks of a group; None where one of them was not logged."""
    there = [part for part in row.parts if (part, row.metric) in logged]
    held = [(part, logged[part, row.metric][0]) for part in there]
    if not held or len(held) < len(row.parts):
        return None
    return Documents(
        tuple(f"{part} {name}" for part, each in held for name in each.names),
        np.concatenate([each.values for _, each in held]),
        tuple(f"{part} {name}" for part, each in held for name in each.clusters),
    )


def _same(first: Documents, second: Documents) -> bool:
    return first.names == second.names and np.array_equal(first.values, second.values)


def _twice(task: str, first: str, second: Path) -> str:
    return f"{second}: {task} once more, with other scores than in {first}; leave one of them"


def _check_models(found: Sequence[Evaluation], called: Mapping[str, object]) -> None:
    if len({*called.values()}) == len(called):
        return
    known: dict[object, str] = {}
    for model, name in called.items():
        if name in known:
            raise ScoresError(
                f"{known[name]} and {model} are one seed of one method by their names; leave one"
            )
        known[name] = model
