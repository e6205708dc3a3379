"""Learning curves: the mean over seeds after each epoch, with the spread of the seeds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stats.errors import ScoresError
from stats.report.figures.drawing.curves import MOST_BANDS, Curve, draw_curves, whole_numbers
from stats.report.figures.drawing.labels import fitted, score_axis
from stats.report.figures.drawing.style import STEPS, Look, drawing, legend, legend_height

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("method", "seed", "epoch", "score")


def learning_curves(
    curves: pd.DataFrame,
    *,
    metric: str = "",
    split: str = "dev",
    lower_is_better: bool = False,
    look: Look = Look(),
) -> Figure:
    """Mean score of each arm after each epoch, with a band of one sd over seeds.

    Where some seeds of an arm have stopped and others go on, the line is dotted: the mean is then
    over other seeds than before. Beyond six arms there are no bands.

    Args:
        curves: the columns `method, seed, epoch, score` of one model, init and task.
        metric: title of the scores.
        split: on which they were measured.
        lower_is_better: whether the metric is a loss.
        look: width and colours.

    Raises:
        ScoresError: a column is missing, or there is no score.
    """
    missing = [name for name in COLUMNS if name not in curves]
    if missing:
        raise ScoresError(f"learning curves need the column {missing[0]}")
    kept = curves[np.isfinite(curves["score"].to_numpy(dtype=np.float64))]
    if kept.empty:
        raise ScoresError("no epoch has a score")
    arms = list(dict.fromkeys(kept["method"].tolist()))
    drawn = [_curve(name, kept[kept["method"] == name]) for name in arms]
    names = fitted(arms, 40 if look.wide else 30)
    with drawing(look, 2.2 + legend_height(look, names)) as figure:
        axes = figure.add_subplot()
        handles = draw_curves(axes, drawn, look)
        stopped = any(len(each.x) > (each.solid or 0) for each in drawn)
        axes.set_xlabel("epoch (dotted: not all seeds)" if stopped else "epoch")
        spread = " (± sd over seeds)" if len(arms) <= MOST_BANDS else ""
        axes.set_ylabel(f"{score_axis(metric, lower_is_better, 18)}\non {split}{spread}")
        whole_numbers(axes, [at for each in drawn for at in each.x.tolist()])
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
        legend(figure, look, handles, names)
    return figure


def _curve(name: str, rows: pd.DataFrame) -> Curve:
    grouped = rows.groupby("epoch")["score"]
    mean = grouped.mean().to_numpy(dtype=np.float64)
    sd = grouped.std(ddof=1).fillna(0.0).to_numpy(dtype=np.float64)
    count = grouped.size().to_numpy()
    epochs = np.array(list(grouped.groups), dtype=np.float64)
    fewer = np.flatnonzero(count < count.max())
    ascending = fewer[fewer > int(np.argmax(count))]
    solid = int(ascending[0]) if len(ascending) else len(count)
    return Curve(name, epochs, mean, mean - sd, mean + sd, solid)
