"""How effects change over a dose, such as the amount of pre-training."""

from __future__ import annotations

from itertools import chain

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stats.changes.of_doses import CandidateTrend, TrendAnalysis
from stats.report.figures.drawing.labels import fitted, score_axis, shortened
from stats.report.figures.drawing.style import STEPS, Look, drawing, legend, legend_height
from stats.report.figures.of_comparisons.margins import draw_margin, room
from stats.report.sections.trend import grouped
from stats.report.words.wording import table_title


def dose_response(
    found: TrendAnalysis, *, margin: float | None = None, look: Look = Look()
) -> Figure:
    """Effects over doses with their t intervals as a band, one panel a model and task, or init.

    The band is that of every dose by itself, not one for the curve as a whole.

    Args:
        found: from `stats.analyse_trends`.
        margin: smallest difference that matters, in points of the metric.
        look: width and colours.
    """
    groups = grouped(found)
    candidates = list(dict.fromkeys(each.candidate for each in found.trends))
    names = fitted(candidates, 40 if look.wide else 30)
    lower = found.lower_is_better
    with drawing(look, 2.0 * len(groups) + legend_height(look, names)) as figure:
        panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (place, group) in zip(panels, groups.items(), strict=True):
            _draw(axes, group, candidates, margin, look)
            axes.set_title(shortened(table_title(*place), 80 if look.wide else 40))
            axes.set_ylabel(f"difference in\n{score_axis(found.metric, lower, 18)}")
        first = found.trends[0].trend
        panels[-1].set_xticks(first.positions, [f"{dose:g}" for dose in first.doses])
        panels[-1].set_xlabel(f"dose ({first.scale})")
        handles = [Line2D([], [], **look.arm(i + 1)) for i in range(len(candidates))]
        legend(figure, look, handles, names)
    return figure


def _draw(
    axes: Axes,
    group: list[CandidateTrend],
    candidates: list[str],
    margin: float | None,
    look: Look,
) -> None:
    draw_margin(axes, margin, look, along="y")
    for each in group:
        curve, style = each.trend, look.arm(candidates.index(each.candidate) + 1)
        axes.plot(curve.positions, curve.effects, gid="curve", **style)
        axes.fill_between(
            curve.positions,
            curve.lows,
            curve.highs,
            color=style["color"],
            alpha=0.15,
            linewidth=0,
            gid="band",
        )
    ends = chain.from_iterable((*each.trend.lows, *each.trend.highs) for each in group)
    axes.set_ylim(*room(ends, margin))
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
