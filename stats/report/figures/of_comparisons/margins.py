"""The margin as a band, and an axis that has room for it."""

from __future__ import annotations

import math
from collections.abc import Iterable

from matplotlib.axes import Axes

from stats.report.figures.drawing.style import Look

#: Widths of the data that a margin may be wide and still be shown whole.
FAR = 8


def draw_margin(
    axes: Axes, margin: float | None, look: Look, along: str, zero: float = 0.0
) -> None:
    """A line at zero, and a band from −margin to +margin.

    Args:
        axes: of differences, or of scores.
        margin: in points of the metric; None draws the line alone.
        look: width and colours.
        along: the axis of the differences, "x" or "y".
        zero: where a difference of zero lies, of scores at that of the baseline.
    """
    line, span = (axes.axvline, axes.axvspan) if along == "x" else (axes.axhline, axes.axhspan)
    if margin is not None:
        span(
            zero - margin,
            zero + margin,
            color=look.palette.soft,
            alpha=0.16,
            linewidth=0,
            gid="margin",
        )
    line(zero, color=look.palette.soft, linewidth=0.7, gid="zero")


def room(values: Iterable[float], margin: float | None) -> tuple[float, float]:
    """Limits around these values with a little air; the margin joins where it is not far off.

    A margin of ten points around differences of .1 would turn every interval into a dot; the band
    then fills the axes.

    >>> room([0.0, 2.0], 1.0)
    (-1.24, 2.24)
    >>> room([0.0, 0.5], 10.0)
    (-0.04, 0.54)
    >>> room([0.0, float("nan")], None)
    (-1.0, 1.0)
    """
    found = [value for value in values if math.isfinite(value)]
    low, high = min(found, default=0.0), max(found, default=0.0)
    if margin is not None and (low == high or 2 * margin <= FAR * (high - low)):
        low, high = min(low, -margin), max(high, margin)
    if high == low:
        half = max(1.0, abs(low) * 0.1)
        return low - half, high + half
    air = round(0.08 * (high - low), 12)
    return low - air, high + air
