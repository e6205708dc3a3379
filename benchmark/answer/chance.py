"""Baselines that learned nothing, beside which no effect can show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from benchmark.errors import StoreError
from benchmark.record.predictions import Predictions, read_predictions

if TYPE_CHECKING:
    import pandas as pd

    from benchmark.record.query import Query
    from benchmark.record.recorded import Recorded
    from benchmark.record.study_record import StudyRecord

#: The best score of every metric that a constant answer has, and how little of the way counts.
_PERFECT, _LITTLE = 100.0, 0.1


def notes_on_chance(
    record: StudyRecord,
    scores: pd.DataFrame,
    query: Query,
    finished: Mapping[str, Recorded],
) -> list[str]:
    """A line for each baseline that is hardly better than giving every example the same answer.

    Its 95 % interval over seeds reaches down to the best such answer, and its median seed has less
    than a tenth of the way from there to 100: neither one collapsed seed among good ones is such a
    baseline, nor a wide interval of two. *Equivalent* and *negligible* would else read as a
    property of the method, where nothing was learned at all.

    Args:
        record: of the study, as it was recorded.
        scores: from :func:`benchmark.record.scores_table`.
        query: to the record of its runs, with the labels of the examples.
        finished: these runs, by key.
    """
    from trainers.metrics import best_constant

    lines = []
    baseline = scores[scores["method"] == record.baseline].dropna(subset="score")
    for (task, split, metric), runs in baseline.groupby(["task", "split", "metric"], sort=False):
        if split not in ("dev", "test"):  # what is no answer to examples
            continue
        keys = (cell.key for cell in record.cells if cell.task == task)
        there = [finished[key] for key in keys if key in finished]
        try:
            kept = _of_any(there, query, str(split))
        except StoreError as error:
            lines.append(
                f"whether {record.baseline} learned anything on {task} is not known: {error}"
            )
            continue
        least = best_constant(str(metric), kept.labels, kept.logits.shape[1]) if kept else None
        if least is None:
            continue
        for model, init, mean in _hardly_above(runs, least):
            lines.append(
                f"{record.baseline} ({model} · {init} · {task}) learned nothing that shows: "
                f"{metric} {mean:.2f}, and {least:.2f} for always the same answer; "
                "what changes nothing here may still matter where something is learned"
            )
    return lines


def _of_any(runs: Sequence[Recorded], query: Query, split: str) -> Predictions | None:
    """What the first run that can be read said; the right answers are the same for all of them.

    Raises:
        StoreError: what they kept is gone or damaged, with all of their names.
    """
    problems = []
    for run in runs:
        try:
            return read_predictions(query, run, split)
        except StoreError as error:
            problems.append(str(error))
    raise StoreError("; ".join(problems))


def _hardly_above(runs: pd.DataFrame, least: float) -> Iterator[tuple[str, str, float]]:
    from stats import t_interval

    for (model, init), part in runs.groupby(["model", "init"], sort=False):
        found = t_interval(part["score"])
        gained = float(part["score"].median()) - least
        if len(part) > 1 and found.low <= least and gained < _LITTLE * (_PERFECT - least):
            yield str(model), str(init), found.mean
