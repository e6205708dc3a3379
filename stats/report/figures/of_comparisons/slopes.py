"""Seed by seed: one line for each seed over all arms, so that one sees what they share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stats.errors import NotEnoughPairs
from stats.inputs import FloatArray
from stats.report.figures.drawing.labels import fitted, score_axis, wrapped
from stats.report.figures.drawing.placement import spread_out
from stats.report.figures.drawing.style import SMALL, STEPS, Look, drawing, letters
from stats.table.pairing import join_arms

if TYPE_CHECKING:
    from stats.report.figures.of_comparisons.seeds import Scores

#: Seeds that are named at their lines; more would not be told apart.
MOST_NAMED = 12


def slopes(
    arms: Mapping[str, Scores],
    *,
    metric: str = "",
    lower_is_better: bool = False,
    look: Look = Look(),
) -> Figure:
    """Scores of several arms on one task, joined by a line for each seed.

    Parallel lines say that seeds differ alike in every arm, and that pairing bought much. Where
    an arm lacks a seed, its line is broken. Bars are the means of the seeds that an arm has.

    Args:
        arms: scores by seed for each arm, the baseline first; NaN is a failed seed.
        metric: title of the scores.
        lower_is_better: whether the metric is a loss.
        look: width and colours.

    Raises:
        NotEnoughPairs: fewer than two arms, or no score at all.
        NotPaired: some arms with seeds, others without.
    """
    names = list(arms)
    if len(names) < 2:
        raise NotEnoughPairs(f"slopes need two arms, not {len(names)}")
    block, seeds = join_arms([(name, arms[name]) for name in names])
    if not np.isfinite(block).any():
        raise NotEnoughPairs(f"no seed of {', '.join(names)} has a score")
    across = len(names) <= (8 if look.wide else 4)
    with drawing(look, 2.9 if across else 3.5) as figure:
        axes = figure.add_subplot()
        _draw_lines(axes, block, look)
        _name_arms(axes, names, across, look)
        axes.set_ylabel(score_axis(metric, lower_is_better))
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=STEPS))
        if len(seeds) <= MOST_NAMED:
            figure.draw_without_rendering()  # only now it is known how high the axes are
            height = axes.get_position().height * figure.get_figheight()
            _name_seeds(axes, block, [str(seed) for seed in seeds], look, height)
    return figure


def _draw_lines(axes: Axes, block: FloatArray, look: Look) -> None:
    places = np.arange(len(block))
    for column in block.T:
        axes.plot(
            places,
            column,
            "o-",
            color=look.palette.soft,
            markersize=2.5,
            linewidth=0.8,
            alpha=0.8,
            gid="seed",
        )
    for place, row in enumerate(block):
        if np.isfinite(row).any():
            mean = float(np.nanmean(row))
            colour = look.palette.ink if place == 0 else look.palette.arms[0]
            axes.plot([place - 0.2, place + 0.2], [mean, mean], color=colour, lw=2.4, gid="mean")
    axes.set_xlim(-0.35, len(block) - 0.65)


def _name_seeds(axes: Axes, block: FloatArray, seeds: list[str], look: Look, height: float) -> None:
    """Each seed at the end of its line, moved apart where lines end close to each other."""
    last = [row[np.isfinite(row)][-1] if np.isfinite(row).any() else np.nan for row in block.T]
    low, high = axes.get_ylim()
    gap = 1.35 * SMALL / 72 / height * (high - low)
    named = [i for i, value in enumerate(last) if np.isfinite(value)]
    heights = spread_out([float(last[i]) for i in named], gap)
    for i, at in zip(named, heights, strict=True):
        axes.annotate(
            fitted([seeds[i]], 8)[0],
            (len(block) - 1, float(last[i])),
            (len(block) - 1 + 0.08 * (len(block) - 1) + 0.1, at),
            fontsize=SMALL,
            color=look.palette.soft,
            va="center",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": look.palette.faint, "linewidth": 0.5},
        )


def _name_arms(axes: Axes, names: list[str], across: bool, look: Look) -> None:
    room = letters(0.78 * look.width / len(names)) - 1
    if across:
        axes.set_xticks(range(len(names)), [wrapped(n, room) for n in fitted(names, 2 * room)])
    else:
        axes.set_xticks(range(len(names)), fitted(names, 20), rotation=90)
