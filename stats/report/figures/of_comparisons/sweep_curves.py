"""Scores over an ordered hyper-parameter, beside the baseline and its margin."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator, NullLocator

from stats.changes.of_sweeps import PlacedSweep
from stats.changes.trend import dose_positions
from stats.inputs import FloatArray
from stats.report.figures.drawing.curves import MOST_BANDS
from stats.report.figures.drawing.labels import fitted, score_axis, shortened, shown
from stats.report.figures.drawing.style import STEPS, Look, drawing, legend, legend_height, letters
from stats.report.figures.of_comparisons.margins import draw_margin, room
from stats.report.sections.sweep import value

#: What is said of an axis that is not linear.
SCALES = {"linear": "", "log": " (log)", "order": " (in steps)"}


def sweep_curves(
    sweeps: Sequence[PlacedSweep],
    *,
    metric: str = "",
    split: str = "",
    lower_is_better: bool = False,
    look: Look = Look(),
) -> Figure:
    """Score over the values of a hyper-parameter, a line for each sweep of it.

    Lines and bands are the effect and its interval, drawn from the baseline's mean, which is the
    mean score where no seed is lost: a band lies inside that of the margin exactly where this value
    by itself is equivalent, if any spread was seen there. Beyond six sweeps there are no bands.
    Values stand as far apart as they are, on a logarithmic axis, or in steps: the first that leaves
    their labels room.

    Args:
        sweeps: of one hyper-parameter on one model, init and task; at least one.
        metric: title of the scores.
        split: on which they were measured.
        lower_is_better: whether the metric is a loss.
        look: width and colours.
    """
    base, margin = sweeps[0].baseline_mean, sweeps[0].found.margin
    values = np.unique(np.concatenate([each.found.values for each in sweeps]))
    names = [sweeps[0].baseline, *(each.swept.name for each in sweeps)]
    names = fitted(names, 40 if look.wide else 30)
    with drawing(look, 2.3 + legend_height(look, names)) as figure:
        axes = figure.add_subplot()
        scale, positions = _placed(values, look)
        draw_margin(axes, margin, look, along="y", zero=base)
        axes.axhline(base, color=look.palette.ink, linewidth=1.0, gid="baseline")
        for place, each in enumerate(sweeps, 1):
            x = positions[np.searchsorted(values, each.found.values)]
            _draw(axes, each, x, look, place, band=len(sweeps) <= MOST_BANDS)
        ends = chain.from_iterable(
            (*each.found.effects, *each.found.lows, *each.found.highs) for each in sweeps
        )
        low, high = room(ends, margin)
        axes.set_ylim(base + low, base + high)
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
        axes.set_xticks(positions, list(map(value, values.tolist())))
        axes.xaxis.set_minor_locator(NullLocator())
        parameter = shortened(shown(sweeps[0].swept.parameter), 30)
        axes.set_xlabel(f"{parameter}{SCALES[scale]}")
        on = f" on {shortened(shown(split), 8)}" if split else ""
        axes.set_ylabel(f"{score_axis(metric, lower_is_better, 24)}\n{on.strip()} [points]".strip())
        handles = [Line2D([], [], color=look.palette.ink, linewidth=1.0)]
        handles += [Line2D([], [], **look.arm(place + 1)) for place in range(len(sweeps))]
        legend(figure, look, handles, names)
    return figure


def _draw(
    axes: Axes, each: PlacedSweep, x: FloatArray, look: Look, place: int, *, band: bool
) -> None:
    found, style = each.found, look.arm(place)
    effects, lows, highs = (
        each.baseline_mean + np.array(row) for row in (found.effects, found.lows, found.highs)
    )
    axes.plot(x, effects, gid="curve", **style)
    if band:
        axes.fill_between(x, lows, highs, color=style["color"], alpha=0.15, linewidth=0, gid="band")


def _placed(values: FloatArray, look: Look) -> tuple[str, FloatArray]:
    """The first scale on which the labels have room, and where values stand on it."""
    widest = max(len(value(each)) for each in values.tolist()) + 1
    least = widest / letters(0.8 * look.width)  # of the length of the axis
    for scale in ("linear", "log"):
        if scale == "log" and values[0] <= 0:
            continue
        at = values if scale == "linear" else dose_positions(values, scale)
        if (np.diff(at) >= least * (at[-1] - at[0])).all():
            return scale, at
    return "order", np.arange(len(values), dtype=np.float64)
