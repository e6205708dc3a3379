"""Models that were evaluated once each: a score on a task, and what each document gave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stats.errors import InvalidSetting, UnknownName
from stats.inputs import FloatArray


@dataclass(frozen=True)
class Documents:
    """What each document of a test set gave.

    Attributes:
        names: of each document, alike for every model.
        values: shape (n,), or (n, 2) where a metric is made of two numbers each.
        clusters: for each document what it shares with others; empty where that is not asked.
    """

    names: tuple[str, ...]
    values: FloatArray
    clusters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One model on one task by one metric.

    Attributes:
        seed: of its training, None where nothing says it.
        metric: with the filter of its answers behind a comma, as "exact_match,strict-match".
        score: as it was printed; NaN where it was not.
        error: standard error over documents, as it was printed; NaN where it was not.
        lower_is_better: None where nothing says it.
        settings: what has to be alike for models to be compared, as "5-shot, version 3".
        documents: None where they were not logged.
        source: the file that says so.
    """

    method: str
    seed: int | str | None
    task: str
    metric: str
    score: float
    error: float
    lower_is_better: bool | None
    settings: str
    documents: Documents | None
    source: str


def of_one_metric(evaluations: Sequence[Evaluation], metric: str | None) -> list[Evaluation]:
    """Those by one metric on each task.

    Args:
        evaluations: of whatever metrics.
        metric: with its filter, of which ",none" says nothing, or without where a task has it with
            one filter alone; None where each task has one metric alone.

    Raises:
        UnknownName: no task has it.
        InvalidSetting: a task has several that may be meant.
    """
    known = list(dict.fromkeys(each.metric for each in evaluations))
    if metric is None:
        chosen = list(evaluations)
    else:
        metric = metric.removesuffix(",none")
        exact = [each for each in evaluations if each.metric == metric]
        chosen = exact or [each for each in evaluations if each.metric.split(",")[0] == metric]
        if not chosen:
            raise UnknownName("metric", metric, known)
    for task in dict.fromkeys(each.task for each in chosen):
        held = list(dict.fromkeys(each.metric for each in chosen if each.task == task))
        if len(held) > 1:
            raise InvalidSetting(
                f"{task} has the metrics {' and '.join(held)}: say which, as --metric {held[0]}"
            )
    return chosen
