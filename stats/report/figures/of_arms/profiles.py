"""Performance profiles: the share of runs better than each score."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stats.many_tasks.profiles import Profiles
from stats.report.figures.drawing.curves import MOST_BANDS, Curve, draw_curves
from stats.report.figures.drawing.labels import fitted, score_axis
from stats.report.figures.drawing.style import STEPS, Look, drawing, legend, legend_height


def profiles(result: Profiles, *, metric: str = "", look: Look = Look()) -> Figure:
    """One line for each method of `stats.performance_profiles`, with its band.

    Args:
        result: what that function returns.
        metric: title of the scores.
        look: width and colours.
    """
    at = np.array(result.thresholds)
    order = np.argsort(at, kind="stable")
    rows = zip(result.methods, result.fraction, result.low, result.high, strict=True)
    drawn = [
        Curve(name, at[order], np.array(share)[order], np.array(low)[order], np.array(high)[order])
        for name, share, low, high in rows
    ]
    names = fitted(result.methods, 40 if look.wide else 30)
    with drawing(look, 2.2 + legend_height(look, names)) as figure:
        axes = figure.add_subplot()
        handles = draw_curves(axes, drawn, look, step=True)
        axes.set_xlabel(f"{score_axis(metric, result.lower_is_better)}: threshold")
        level = f"\n[{100 * result.confidence:g} % band]" if len(names) <= MOST_BANDS else ""
        side = "below" if result.lower_is_better else "above"
        axes.set_ylabel(f"share of runs {side}{level}")
        axes.set_ylim(-0.02, 1.02)
        axes.xaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
        legend(figure, look, handles, names)
    return figure
