"""The history of a search: every setting in its order, and the best so far."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stats.errors import NotEnoughPairs
from stats.inputs import FloatArray
from stats.report.figures.drawing.curves import whole_numbers
from stats.report.figures.drawing.labels import fitted, score_axis
from stats.report.figures.drawing.style import STEPS, Look, drawing, legend

ENDS = ("complete", "pruned", "failed")


def search_history(
    numbers: Sequence[int],
    scores: Sequence[float],
    ends: Sequence[str],
    *,
    title: str = "",
    metric: str = "",
    split: str = "dev",
    lower_is_better: bool = False,
    look: Look = Look(),
) -> Figure:
    """Scores of the settings of a search; failed ones are ticks at the foot.

    Args:
        numbers: of the settings.
        scores: of the same shape; of a pruned one its last; NaN where there is none.
        ends: of the same shape, each "complete", "pruned" or "failed"; others are left out.
        title: the arm that was tuned.
        metric: of the objective.
        split: on which settings were judged.
        lower_is_better: whether the metric is a loss.
        look: width and colours.

    Raises:
        NotEnoughPairs: no setting.
    """
    if not len(numbers):
        raise NotEnoughPairs("a search without settings has no history")
    at, values = np.asarray(numbers, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    kinds = np.asarray(ends, dtype=object)
    with drawing(look, 2.5) as figure:
        axes = figure.add_subplot()
        handles = _draw_ends(axes, at, values, kinds, look)
        complete = (kinds == "complete") & np.isfinite(values)
        if complete.any():
            handles["best so far"] = _draw_best(
                axes, at, np.where(complete, values, np.nan), lower_is_better, look
            )
        axes.set_xlabel("setting")
        axes.set_ylabel(f"{score_axis(metric, lower_is_better, 24)} on {split}")
        whole_numbers(axes, at.tolist())
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
        if title:
            figure.suptitle(fitted([title], int(look.width * 14))[0], fontsize="medium")
        if handles:
            legend(figure, look, list(handles.values()), list(handles))
    return figure


def _draw_ends(
    axes: Axes,
    at: FloatArray,
    values: FloatArray,
    kinds: np.ndarray[tuple[int], np.dtype[np.object_]],
    look: Look,
) -> dict[str, Line2D]:
    palette = look.palette
    marks = {"complete": ("o", palette.arms[0]), "pruned": ("x", palette.soft)}
    handles: dict[str, Line2D] = {}
    for kind, (marker, colour) in marks.items():
        found = (kinds == kind) & np.isfinite(values)
        if found.any():
            handles[kind] = axes.plot(
                at[found], values[found], marker, color=colour, ms=3.5, gid=kind
            )[0]
    failed = at[kinds == "failed"]
    if len(failed):
        handles["failed"] = axes.plot(
            failed,
            np.full(len(failed), 0.02),
            "|",
            color=palette.arms[1],
            markersize=7,
            markeredgewidth=1.6,
            transform=axes.get_xaxis_transform(),
            gid="failed",
        )[0]
    return handles


def _draw_best(axes: Axes, at: FloatArray, complete: FloatArray, lower: bool, look: Look) -> Line2D:
    order = np.argsort(at, kind="stable")
    ordered = complete[order]
    best = np.fmin.accumulate(ordered) if lower else np.fmax.accumulate(ordered)
    return axes.step(
        at[order], best, where="post", color=look.palette.arms[0], linewidth=1, gid="best"
    )[0]
