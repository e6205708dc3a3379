"""Reliability diagrams: how often an arm is right when it says how sure it is."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stats.errors import NotEnoughPairs
from stats.items.calibration import Calibration
from stats.report.figures.drawing.labels import fitted
from stats.report.figures.drawing.style import SMALL, Look, drawing, letters
from stats.report.words import wording


def reliability(
    arms: Mapping[str, Calibration],
    *,
    errors: Mapping[str, str] | None = None,
    look: Look = Look(),
) -> Figure:
    """A panel for each arm: accuracy over confidence above, how many examples below.

    On the diagonal an arm is as often right as it says. Points below it are too sure of
    themselves. The expected calibration error is printed in each panel, in points.

    Args:
        arms: for each its `items.calibration.calibration`; predictions of several seeds may be
            joined.
        errors: the calibration error of each arm in points, as it is written elsewhere: that of
            joined predictions is mostly less than the mean of their seeds. Those of `arms` where
            none are given; an arm without one gets none.
        look: width and colours.

    Raises:
        NotEnoughPairs: no arm.
    """
    if not arms:
        raise NotEnoughPairs("reliability diagrams need at least one arm")
    columns = min(len(arms), 6 if look.wide else 3)
    rows = -(-len(arms) // columns)
    side = (look.width - 0.45) / columns
    names = fitted(list(arms), letters(side) - 2)
    if errors is None:
        errors = {arm: wording.score(100 * each.ece, 2) for arm, each in arms.items()}
    titles = [f"ECE {errors[arm]}" if arm in errors else "" for arm in arms]
    upper = min(side, 2.2)
    most = max(100 * max(each.counts) / sum(each.counts) for each in arms.values())
    with drawing(look, 0.3 + rows * (upper + 0.75)) as figure:
        grid = figure.subplots(
            2 * rows, columns, sharex=True, squeeze=False, height_ratios=[3.2, 1] * rows
        )
        for i, (name, each) in enumerate(zip(names, arms.values(), strict=True)):
            row, column = divmod(i, columns)
            top, bottom = grid[2 * row][column], grid[2 * row + 1][column]
            _draw_panel(top, each, i, look, first=column == 0)
            _draw_counts(bottom, each, i, look, most)
            bottom.tick_params(labelleft=column == 0)
            top.set_title("\n".join(filter(None, (name, titles[i]))), fontsize=SMALL, pad=3)
            bottom.tick_params(labelbottom=i + columns >= len(arms))
        for i in range(len(arms), rows * columns):
            row, column = divmod(i, columns)
            grid[2 * row][column].set_axis_off()
            grid[2 * row + 1][column].set_axis_off()
        figure.supxlabel("confidence [%]", fontsize="medium")
    return figure


def _draw_panel(axes: Axes, each: Calibration, place: int, look: Look, first: bool) -> None:
    palette, colour = look.palette, look.arm(place)["color"]
    axes.plot([0, 100], [0, 100], color=palette.soft, linewidth=0.7, gid="diagonal")
    filled = np.array(each.counts) > 0
    confidence, accuracy = (
        100 * np.array(values)[filled] for values in (each.confidence, each.accuracy)
    )
    axes.vlines(confidence, confidence, accuracy, color=colour, linewidth=1.6, alpha=0.45)
    axes.plot(confidence, accuracy, "o", color=colour, markersize=3, gid="accuracy")
    axes.set_xlim(-3, 103)
    axes.set_ylim(-3, 103)
    axes.set_yticks([0, 50, 100])
    axes.tick_params(labelbottom=False, labelleft=first)
    if first:
        axes.set_ylabel("right [%]")


def _draw_counts(axes: Axes, each: Calibration, place: int, look: Look, most: float) -> None:
    edges = 100 * np.array(each.edges)
    counts = np.array(each.counts)
    axes.bar(
        edges[:-1],
        100 * counts / counts.sum(),
        np.diff(edges) * 0.86,
        align="edge",
        color=look.arm(place)["color"],
    )
    axes.set_xticks([0, 50, 100])
    axes.set_ylim(0, 1.05 * most)
    axes.set_yticks([0, most], ["0", f"{most:.0f} %"])
    if place == 0:
        axes.set_title("examples", fontsize=SMALL - 0.5, pad=1)
