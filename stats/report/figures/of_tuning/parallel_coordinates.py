"""Parallel coordinates: each setting of a search as a line to its score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from stats.errors import InvalidSetting, NotEnoughPairs
from stats.inputs import FloatArray
from stats.report.figures.drawing.labels import fitted, shortened, shown, wrapped
from stats.report.figures.drawing.style import SMALL, Look, drawing, letters


@dataclass(frozen=True)
class Coordinate:
    """A hyper-parameter as an axis.

    Attributes:
        places: of the settings, from 0 to 1, shape (settings,).
        marks: places on the axis with their text.
    """

    name: str
    places: ArrayLike
    marks: Sequence[tuple[float, str]]


def parallel_coordinates(
    coordinates: Sequence[Coordinate],
    scores: ArrayLike,
    pruned: Sequence[bool] = (),
    *,
    title: str = "",
    metric: str = "",
    split: str = "dev",
    lower_is_better: bool = False,
    look: Look = Look(),
) -> Figure:
    """A line for each setting through its hyper-parameters; the last axis is the score.

    Better settings are drawn in a stronger colour and over the others, pruned ones dotted. The
    colours differ in lightness, so that they need no hue to be told apart.

    Args:
        coordinates: the axes, from left to right.
        scores: shape (settings,).
        pruned: for each setting whether it was stopped early; none if empty.
        title: the arm that was tuned.
        metric: of the objective.
        split: on which settings were judged.
        lower_is_better: whether the metric is a loss.
        look: width and colours.

    Raises:
        NotEnoughPairs: no setting.
        InvalidSetting: axes with another number of settings than there are scores.
    """
    values = np.asarray(scores, dtype=np.float64)
    if not values.size:
        raise NotEnoughPairs("a search without scores has no parallel coordinates")
    if any(np.shape(each.places) != values.shape for each in coordinates):
        raise InvalidSetting(f"each axis needs one place for each of {len(values)} settings")
    low, high = float(values.min()), float(values.max())
    last = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    lines = np.column_stack([*(np.asarray(each.places, float) for each in coordinates), last])
    stopped = np.asarray(pruned, dtype=bool) if len(pruned) else np.zeros(len(values), dtype=bool)
    score = (f"{metric or 'score'} on {split}", _ends(low, high))
    with drawing(look, 2.6) as figure:
        axes = figure.add_subplot()
        _draw_settings(axes, lines, 1 - last if lower_is_better else last, stopped, look)
        _draw_axes(axes, [*((each.name, each.marks) for each in coordinates), score], look)
        dotted = " (dotted: pruned)" if stopped.any() else ""
        if title or dotted:
            short = shortened(shown(title), int(look.width * 14) - len(dotted))
            figure.suptitle(f"{short}{dotted}".strip(), fontsize="medium")
    return figure


def _ends(low: float, high: float) -> list[tuple[float, str]]:
    if high == low:
        return [(0.5, f"{low:.4g}")]
    digits = max(0, min(8, 2 - int(np.floor(np.log10(high - low)))))
    return [(0.0, f"{low:.{digits}f}"), (1.0, f"{high:.{digits}f}")]


def _draw_settings(
    axes: Axes, lines: FloatArray, gains: FloatArray, stopped: FloatArray, look: Look
) -> None:
    ends = [look.palette.faint, look.palette.arms[0]]
    colours = mpl.colors.LinearSegmentedColormap.from_list("gain", ends)
    for i in np.argsort(gains, kind="stable"):
        axes.plot(
            np.arange(lines.shape[1]),
            lines[i],
            color=colours(0.15 + 0.85 * float(gains[i])),
            linestyle=":" if stopped[i] else "-",
            linewidth=0.9 if stopped[i] else 0.8 + 0.8 * float(gains[i]),
            gid="setting",
        )


def _draw_axes(
    axes: Axes, columns: Sequence[tuple[str, Sequence[tuple[float, str]]]], look: Look
) -> None:
    paper = {"facecolor": look.palette.paper, "alpha": 0.85, "linewidth": 0, "pad": 0.6}
    width = letters(0.96 * look.width / len(columns)) - 1
    for x, (_, marks) in enumerate(columns):
        axes.axvline(x, color=look.palette.soft, linewidth=0.7)
        for y, text in marks:
            axes.annotate(
                shortened(shown(text), max(4, width - 3)),
                (x, y),
                (-3 if x == len(columns) - 1 else 3, 0),
                textcoords="offset points",
                ha="right" if x == len(columns) - 1 else "left",
                va="center",
                fontsize=SMALL,
                bbox=paper,
            )
    names = fitted([name for name, _ in columns], 2 * width)
    axes.set_xticks(range(len(columns)), [wrapped(name, width) for name in names])
    axes.set_xlim(-0.08, len(columns) - 0.92)
    axes.set_ylim(-0.04, 1.04)
    axes.set_yticks([])
    axes.tick_params(axis="x", length=0)
    axes.spines[["left", "bottom"]].set_visible(False)
