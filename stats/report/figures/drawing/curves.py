"""Lines with bands, one for each of several arms: what learning curves and their kin share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stats.inputs import FloatArray
from stats.report.figures.drawing.style import Look

#: Arms with bands; those of more would cover each other.
MOST_BANDS = 6


def _nothing() -> FloatArray:
    return np.empty(0)


@dataclass(frozen=True)
class Curve:
    """A line of an arm.

    Attributes:
        x: shape (points,).
        y: the same.
        low: lower ends of a band, or empty.
        high: upper ends.
        solid: how many points from the first rest on all seeds; the rest is dotted.
    """

    name: str
    x: FloatArray
    y: FloatArray
    low: FloatArray = field(default_factory=_nothing)
    high: FloatArray = field(default_factory=_nothing)
    solid: int | None = None


def whole_numbers(axes: Axes, x: Iterable[float]) -> None:
    """Ticks of the axis below at whole numbers only, also where all of x are one number."""
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True, min_n_ticks=1))
    found = list(x)
    if min(found) == max(found):
        axes.set_xlim(found[0] - 0.5, found[0] + 0.5)


def draw_curves(
    axes: Axes, curves: Sequence[Curve], look: Look, *, step: bool = False
) -> list[Line2D]:
    """Draw them, and give handles for a legend in the same order.

    Args:
        axes: where.
        curves: at most twelve stay apart.
        look: width and colours.
        step: whether lines are steps.
    """
    handles = []
    for place, curve in enumerate(curves):
        style = look.arm(place)
        if step and len(curve.x):
            style["drawstyle"] = "steps-post"
        every = max(1, len(curve.x) // 8)
        style |= {"markevery": (place * every // max(1, len(curves)), every), "markersize": 3.5}
        solid = len(curve.x) if curve.solid is None else curve.solid
        axes.plot(curve.x[:solid], curve.y[:solid], gid="curve", **style)
        if solid < len(curve.x):
            tail = slice(max(0, solid - 1), None)
            dotted = style | {"linestyle": ":", "marker": "."}
            axes.plot(curve.x[tail], curve.y[tail], gid="fewer seeds", **dotted)
        if len(curve.low) and len(curves) <= MOST_BANDS:
            axes.fill_between(
                curve.x,
                curve.low,
                curve.high,
                step="post" if step else None,
                color=style["color"],
                alpha=0.15,
                linewidth=0,
                gid="band",
            )
        handles.append(Line2D([], [], **{k: v for k, v in style.items() if k != "markevery"}))
    return handles
