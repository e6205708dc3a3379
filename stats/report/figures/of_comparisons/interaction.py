"""The interaction plot: the effect of a candidate under two inits, one line a seed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stats.changes.interaction import Interaction
from stats.errors import NotPaired
from stats.inputs import FloatArray
from stats.intervals import t_interval
from stats.register import PAIRED_TESTS
from stats.report.figures.drawing.labels import fitted, shown, wrapped
from stats.report.figures.drawing.placement import swarm
from stats.report.figures.drawing.style import STEPS, Look, drawing
from stats.report.figures.of_comparisons.margins import draw_margin, room
from stats.report.words import wording
from stats.table.pairing import join_arms, lay_out_arms

if TYPE_CHECKING:
    from stats.report.figures.of_comparisons.seeds import Scores


def interaction(
    result: Interaction,
    first: tuple[Scores, Scores],
    second: tuple[Scores, Scores],
    *,
    margin: float | None = None,
    p_name: str = "p",
    look: Look = Look(),
) -> Figure:
    """Effects under both inits on the left, what they differ by on the right.

    Lines that fall or rise together are an interaction; lines that cross each other are not. Means
    under each init have their own t interval; that one covers zero and the other does not shows
    nothing, the right panel does.

    Args:
        result: what was concluded; its difference of differences and interval are drawn.
        first: scores of baseline and candidate by seed under the first init of the result.
        second: the same under its second init.
        margin: smallest difference that matters, drawn as a band over the effects.
        p_name: what p is called, with how it was corrected.
        look: width and colours.

    Raises:
        NotPaired: the scores are not those of the result.
    """
    joined = result.test in PAIRED_TESTS
    effects = _effects(result, first, second, joined)
    with drawing(look, 2.75) as figure:
        left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
        _draw_effects(left, result, effects, joined, margin, look)
        _draw_change(right, result, effects, joined, look)
        p = f"{p_name} {wording.probability(result.p_adjusted)}"
        figure.suptitle(f"{wording.double_difference(result)} · {p}", fontsize="medium")
        note = f"{shown(result.candidate)} − {shown(result.baseline)}"
        count = wording.interaction_sizes(result)
        figure.supxlabel(
            f"{fitted([note], int(look.width * 14))[0]} · n = {count}",
            fontsize="small",
            color=look.palette.soft,
        )
    return figure


def _effects(
    result: Interaction,
    first: tuple[Scores, Scores],
    second: tuple[Scores, Scores],
    joined: bool,
) -> list[FloatArray]:
    """Candidate minus baseline for each seed under either init.

    Of the seeds that all four arms share; of unpaired arms each candidate's score less the mean
    of the baseline's.
    """
    names = [f"{arm} ({init})" for init in result.inits for arm in ("baseline", "candidate")]
    arms = list(zip(names, (*first, *second), strict=True))
    four, _ = (join_arms if joined else lay_out_arms)(arms)
    if not joined:
        return [
            candidate[np.isfinite(candidate)] - np.nanmean(baseline)
            for baseline, candidate in (four[:2], four[2:])
        ]
    four = four[:, np.isfinite(four).all(axis=0)]
    if four.shape[1] != result.n_pairs:
        raise NotPaired(
            f"these four arms share {four.shape[1]} seeds, but {result.n_pairs} in the "
            "interaction: give the scores that were compared"
        )
    return [four[1] - four[0], four[3] - four[2]]


def _draw_effects(
    axes: Axes,
    result: Interaction,
    effects: list[FloatArray],
    joined: bool,
    margin: float | None,
    look: Look,
) -> None:
    palette = look.palette
    draw_margin(axes, margin, look, along="y")
    if joined:
        for pair in zip(*effects, strict=True):
            axes.plot([0, 1], pair, "o-", color=palette.soft, ms=2.8, lw=0.8, gid="seed")
    ends = [0.0]
    for x, effect in enumerate(effects):
        if not joined:
            axes.plot(np.full(len(effect), x), effect, "o", color=palette.soft, ms=2.8, gid="seed")
        side = -0.22 if x == 0 else 1.22
        mean, low, high = float(effect.mean()), math.nan, math.nan
        if joined and len(effect) > 1:
            interval = t_interval(effect, result.confidence)
            low, high = interval.low, interval.high
            axes.plot([side, side], [low, high], color=palette.arms[0], lw=2, gid="interval")
        axes.plot([side], [mean], "o", color=palette.arms[0], markersize=5.5, gid="mean")
        ends += [low, high, *effect]
    axes.set_ylim(*room(ends, margin))
    axes.set_xlim(-0.45, 1.45)
    width = 20 if look.wide else 10
    names = fitted(result.inits, 2 * width)
    axes.set_xticks([0, 1], [wrapped(name, width) for name in names])
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
    axes.set_ylabel("candidate − baseline")


def _draw_change(
    axes: Axes, result: Interaction, effects: list[FloatArray], joined: bool, look: Look
) -> None:
    palette = look.palette
    draw_margin(axes, None, look, along="y")
    raw = joined and result.scale == "raw"
    changes = effects[0] - effects[1] if raw else np.empty(0)
    ends = result.ci_low, result.ci_high
    limits = room([*changes, *ends, result.difference_of_differences, 0.0], None)
    if raw:
        columns = np.array(swarm(changes.tolist(), 0.03 * (limits[1] - limits[0])))
        axes.plot(-0.3 + 0.06 * columns, changes, "o", color=palette.soft, ms=3, gid="changes")
    if all(map(math.isfinite, ends)):
        axes.plot([0.15, 0.15], ends, color=palette.ink, linewidth=2, gid="change interval")
    change = result.difference_of_differences
    axes.plot([0.15], [change], "o", color=palette.ink, markersize=5.5, gid="change")
    axes.set_xlim(-0.6, 0.6)
    axes.set_ylim(*limits)
    axes.set_xticks([-0.3, 0.15] if raw else [0.15], ["each\nseed", "mean"][not raw :])
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
    unit = "" if result.scale == "raw" else " [log odds]"
    width = 22 if look.wide else 12
    names = [wrapped(name, 2 * width, 1) for name in fitted(result.inits, width)]
    axes.set_ylabel(f"{names[0]} − {names[1]}{unit}")
