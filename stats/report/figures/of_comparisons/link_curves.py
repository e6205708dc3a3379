"""Scores along a chain of tasks: the mean of each arm at each link, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from stats.changes.of_links import ArmTrend, LinkAnalysis
from stats.report.figures.drawing.curves import MOST_BANDS, Curve, draw_curves, whole_numbers
from stats.report.figures.drawing.labels import fitted, score_axis, shortened
from stats.report.figures.drawing.style import STEPS, Look, drawing, legend, legend_height
from stats.report.sections.links import arms_by_place
from stats.report.words.wording import table_title


def link_curves(
    found: LinkAnalysis,
    *,
    beside: Mapping[tuple[str, str], float] | None = None,
    beside_name: str = "",
    look: Look = Look(),
) -> Figure:
    """Mean score of each arm over links with its t interval as a band, a panel a task and model.

    A band is that of every link by itself. Beyond six arms there are none.

    Args:
        found: from `stats.changes.of_links.analyse_links`.
        beside: by task and model a score to see them beside, drawn as a dotted line.
        beside_name: what that is.
        look: width and colours.
    """
    groups = arms_by_place(found)
    names = list(dict.fromkeys(each.arm for each in found.arms))
    shown = fitted([*names, beside_name] if beside else names, 40 if look.wide else 30)
    with drawing(look, 2.1 * len(groups) + legend_height(look, shown)) as figure:
        panels = figure.subplots(len(groups), 1, sharex=True, squeeze=False)[:, 0]
        handles: list[Line2D] = []
        for axes, (place, arms) in zip(panels, groups.items(), strict=True):
            drawn = [_curve(name, arms) for name in names]
            handles = draw_curves(axes, drawn, look)
            level = (beside or {}).get(place, np.nan)
            dotted: dict[str, Any] = {
                "color": look.palette.soft,
                "linestyle": ":",
                "linewidth": 1.2,
            }
            if np.isfinite(level):
                axes.axhline(level, gid="beside", **dotted)
            if beside:
                handles.append(Line2D([], [], **dotted))
            whole_numbers(axes, [at for each in drawn for at in each.x.tolist()])
            axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
            axes.set_title(shortened(table_title(*place), 80 if look.wide else 40))
            axes.set_ylabel(score_axis(found.metric, found.lower_is_better, 18))
        bands = " (band: t interval)" if len(names) <= MOST_BANDS else ""
        panels[-1].set_xlabel(f"link of the chain{bands}")
        legend(figure, look, handles, shown)
    return figure


def _curve(name: str, arms: list[ArmTrend]) -> Curve:
    own = next((each.trend for each in arms if each.arm == name), None)
    if own is None:
        return Curve(name, np.empty(0), np.empty(0))
    x, mean, low, high = map(np.array, (own.doses, own.effects, own.lows, own.highs))
    return Curve(name, x, mean, low, high)
