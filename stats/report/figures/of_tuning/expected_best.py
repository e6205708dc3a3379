"""What the best of n settings is expected to score, for each arm."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stats.errors import NotEnoughPairs
from stats.many_tasks.expected_best import ExpectedBest
from stats.report.figures.drawing.curves import MOST_BANDS, Curve, draw_curves, whole_numbers
from stats.report.figures.drawing.labels import fitted, score_axis
from stats.report.figures.drawing.style import STEPS, Look, drawing, legend, legend_height


def expected_best(
    arms: Mapping[str, ExpectedBest],
    *,
    metric: str = "",
    split: str = "dev",
    lower_is_better: bool = False,
    look: Look = Look(),
) -> Figure:
    """One line an arm over the number of settings tried, with a band of one sd.

    Arms that change places along the axis are ordered by their budget, not by their method
    (Dodge et al. 2019).

    Args:
        arms: for each its `many_tasks.expected_best.expected_best`.
        metric: title of the scores.
        split: on which settings were judged.
        lower_is_better: whether the metric is a loss.
        look: width and colours.

    Raises:
        NotEnoughPairs: no arm.
    """
    if not arms:
        raise NotEnoughPairs("the expected best needs at least one arm")
    drawn = []
    for name, each in arms.items():
        mean, sd = np.array(each.mean), np.array(each.sd)
        drawn.append(Curve(name, np.array(each.budget, float), mean, mean - sd, mean + sd))
    names = fitted(list(arms), 40 if look.wide else 30)
    with drawing(look, 2.2 + legend_height(look, names)) as figure:
        axes = figure.add_subplot()
        handles = draw_curves(axes, drawn, look)
        axes.set_xlabel("settings tried")
        spread = " (± sd)" if len(arms) <= MOST_BANDS else ""
        title = score_axis(metric, lower_is_better, 18)
        axes.set_ylabel(f"expected best {title}\non {split}{spread}")
        whole_numbers(axes, [at for each in drawn for at in each.x.tolist()])
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
        legend(figure, look, handles, names)
    return figure
