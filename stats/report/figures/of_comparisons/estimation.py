"""The estimation plot of a comparison: every seed, and the mean difference with its interval."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stats.inputs import FloatArray
from stats.report.figures.drawing.labels import fitted, score_axis, wrapped
from stats.report.figures.drawing.placement import swarm
from stats.report.figures.drawing.style import STEPS, Look, drawing
from stats.report.figures.of_comparisons.margins import draw_margin, room
from stats.report.figures.of_comparisons.seeds import SideBySide, side_by_side
from stats.report.words import wording
from stats.verdicts.compare import ComparisonResult

if TYPE_CHECKING:
    from stats.report.figures.of_comparisons.seeds import Scores


def estimation(
    comparison: ComparisonResult,
    baseline: Scores,
    candidate: Scores,
    *,
    margin: float | None = None,
    metric: str = "",
    lower_is_better: bool = False,
    look: Look = Look(),
) -> Figure:
    """Paired points on the left, their differences with mean and interval on the right.

    In the manner of Gardner and Altman (1986), but the differences have a scale of their own:
    seeds often differ by more than arms do, and on a common scale the interval would vanish.

    Args:
        comparison: what was concluded; its mean difference and interval are drawn.
        baseline: scores by seed, as `stats.compare` takes them; NaN is a failed seed.
        candidate: the same kind.
        margin: smallest difference that matters, drawn as a band.
        metric: title of the scores.
        lower_is_better: whether the metric is a loss.
        look: width and colours.

    Raises:
        NotPaired: the scores are not those of the comparison.
    """
    sides = side_by_side(comparison, baseline, candidate)
    with drawing(look, 2.75) as figure:
        left, right = figure.subplots(1, 2, width_ratios=[1.15, 1])
        _draw_scores(left, sides, comparison, look)
        left.set_ylabel(score_axis(metric, lower_is_better))
        _draw_difference(right, sides, comparison, margin, look)
        figure.suptitle(
            f"{wording.difference(comparison)} · {comparison.verdict}", fontsize="medium"
        )
        if note := _note(sides, comparison):
            figure.supxlabel(note, fontsize="small", color=look.palette.soft)
    return figure


def _draw_scores(axes: Axes, sides: SideBySide, comparison: ComparisonResult, look: Look) -> None:
    palette = look.palette
    colours = (palette.ink, palette.arms[0])
    for low, high in zip(sides.baseline[sides.paired], sides.candidate[sides.paired], strict=True):
        axes.plot([0, 1], [low, high], color=palette.soft, linewidth=0.7, alpha=0.7, gid="pair")
    columns = zip((sides.baseline, sides.candidate), colours, (0, 1), strict=True)
    for scores, colour, x in columns:
        _draw_arm(axes, x, scores, sides, comparison.paired, colour, palette.paper)
    longest = 20 if look.wide else 10
    names = fitted([comparison.baseline, comparison.candidate], 2 * longest)
    axes.set_xticks([0, 1], [wrapped(name, longest) for name in names])
    axes.set_xlim(-0.45, 1.45)
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))


def _draw_arm(
    axes: Axes,
    x: float,
    scores: FloatArray,
    sides: SideBySide,
    joined: bool,
    colour: str,
    paper: str,
) -> None:
    """Points of an arm, hollow where a seed has no partner, and a bar at their mean."""
    found = np.isfinite(scores)
    alone = found & ~sides.paired & joined
    counted = found & ~alone
    for which, face in ((counted, colour), (alone, paper)):
        if not which.any():
            continue  # the layout would make room for a point that is nowhere
        axes.plot(
            np.full(which.sum(), x),
            scores[which],
            "o",
            color=colour,
            markerfacecolor=face,
            linestyle="none",
            gid="scores",
            clip_on=False,
        )
    if counted.any():
        side = -0.28 if x == 0 else 0.28
        axes.plot([x + side / 2, x + side], [scores[counted].mean()] * 2, color=colour, lw=2.2)


def _draw_difference(
    axes: Axes, sides: SideBySide, comparison: ComparisonResult, margin: float | None, look: Look
) -> None:
    palette, verdict = look.palette, look.verdict(comparison.verdict)
    draw_margin(axes, margin, look, along="y")
    differences, ends = sides.differences, (comparison.ci_low, comparison.ci_high)
    limits = room([*differences, *ends, comparison.mean_difference, 0.0], margin)
    near = (limits[1] - limits[0]) * 0.03
    axes.plot(
        -0.3 + 0.06 * np.array(swarm(differences.tolist(), near)),
        differences,
        "o",
        color=palette.soft,
        markersize=3,
        linestyle="none",
        gid="differences",
    )
    if all(map(math.isfinite, ends)):
        axes.plot([0.15, 0.15], ends, color=verdict["color"], linewidth=2, gid="interval")
    axes.plot(
        [0.15],
        [comparison.mean_difference],
        linestyle="none",
        markersize=6,
        markeredgewidth=1.2,
        gid="mean",
        **verdict,
    )
    axes.set_xlim(-0.6, 0.6)
    axes.set_ylim(*limits)
    axes.set_xticks([-0.3, 0.15], ["each\nseed" if len(differences) else "", "mean"])
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
    axes.set_ylabel("candidate − baseline")


def _note(sides: SideBySide, comparison: ComparisonResult) -> str:
    """How many pairs, and which seeds make none."""
    if not comparison.paired:
        return f"n = {comparison.n_baseline} + {comparison.n_candidate}, not paired"
    level = f"n = {comparison.n_pairs} pairs, {100 * comparison.confidence:g} % t interval"
    lost = [str(each) for each, ok in zip(sides.seeds, sides.paired, strict=True) if not ok]
    if not lost:
        return level
    listed = ", ".join(lost[:4]) + (f" and {len(lost) - 4} more" if len(lost) > 4 else "")
    return f"{level}\nno pair: seed {listed} (hollow)"
