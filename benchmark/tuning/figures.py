"""What a search looks like: history, importances, parallel coordinates, the expected best."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.declare.search import Range, Value
from benchmark.tuning.results import Tuned
from benchmark.tuning.trial import Trial
from stats.many_tasks.expected_best import expected_best
from stats.report import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw_search(tuned: Tuned, folder: Path) -> list[Path]:
    """Figures of one search as files; those that need more complete trials are left out.

    Args:
        tuned: what came of it.
        folder: where the files go.
    """
    drawn = {"history": _history(tuned)}
    if len(tuned.importances) > 1:
        title = tuned.searching.name
        drawn["importances"] = figures.importances(tuned.importances, title=title)
    if len(tuned.searching.space.names) > 1 and tuned.best:
        drawn["parallel_coordinates"] = _parallel_coordinates(tuned)
    return [path for name, figure in drawn.items() for path in figures.save(figure, folder, name)]


def draw_expected_best(results: Sequence[Tuned], folder: Path) -> list[Path]:
    """The expected best of n settings, one line a search, with a band of one sd."""
    lower = not results[0].higher_is_better
    curves = {
        tuned.searching.name: expected_best(scores, lower_is_better=lower)
        for tuned in results
        if (scores := tuned.scores())
    }
    figure = figures.expected_best(curves, metric=results[0].metric, lower_is_better=lower)
    return figures.save(figure, folder, "expected_best")


def _history(tuned: Tuned) -> Figure:
    return figures.search_history(
        [trial.number for trial in tuned.trials],
        [_score(trial) for trial in tuned.trials],
        [trial.end or "" for trial in tuned.trials],
        title=tuned.searching.name,
        metric=tuned.metric,
        lower_is_better=not tuned.higher_is_better,
    )


def _score(trial: Trial) -> float:
    """Of a complete setting; of a pruned one its last; NaN where there is none."""
    if trial.value is not None:
        return trial.value
    return trial.curve[max(trial.curve)] if trial.curve else math.nan


def _parallel_coordinates(tuned: Tuned) -> Figure:
    known = [
        (trial.params, score, trial.end != "complete")
        for trial, score in zip(tuned.trials, tuned.scores(), strict=True)
        if trial.params is not None
    ]
    axes = []
    for name, among in tuned.searching.space.space:
        place, marks = _positions(among)
        axes.append(figures.Coordinate(name, [place(p[name]) for p, _, _ in known], marks))
    return figures.parallel_coordinates(
        axes,
        [score for _, score, _ in known],
        [pruned for _, _, pruned in known],
        title=tuned.searching.name,
        metric=tuned.metric,
        lower_is_better=not tuned.higher_is_better,
    )


def _positions(
    among: tuple[Value, ...] | Range,
) -> tuple[Callable[[Value], float], list[tuple[float, str]]]:
    """Where a value stands on an axis from 0 to 1, and the marks of the axis."""
    if isinstance(among, Range):
        scale = math.log10 if among.log else float
        low, high = scale(among.low), scale(among.high)
        ends = [(0.0, f"{among.low:g}"), (1.0, f"{among.high:g}")]
        return lambda value: (scale(float(value)) - low) / (high - low), ends
    ordered = sorted(among, key=lambda v: (isinstance(v, str), v))
    last = max(1, len(ordered) - 1)
    places = {value: place / last for place, value in enumerate(ordered)}
    return lambda value: places[value], [(places[v], str(v)) for v in ordered]
