"""The critical-difference diagram: mean ranks, and bars over arms that cannot be told apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from stats.many_arms.ranked_arms import Ranking
from stats.report.figures.drawing.labels import CHARACTER, fitted, length
from stats.report.figures.drawing.style import SMALL, Look, drawing, letters
from stats.report.sections.several_arms import how_told_apart

#: Inches from one bar to the next.
BAR = 0.09

#: Inches from one name to the next.
NAME = 0.16

#: Inches that a line of text takes below them.
LINE = 0.14


def critical_difference(ranking: Ranking, *, look: Look = Look()) -> Figure:
    """Arms on an axis of mean ranks, the best on the left (Demšar 2006).

    A bar joins neighbours of which no two can be told apart by the post-hoc test of the ranking;
    that they are alike is not shown by it. The critical difference is drawn where the test has
    one.

    Args:
        ranking: what `stats.rank` returns.
        look: width and colours.
    """
    groups = [group for group in ranking.groups if len(group) > 1]
    half = -(-len(ranking.methods) // 2)
    bars = 0.1 + BAR * len(groups)
    height = 0.62 + bars + NAME * half + 0.1 + LINE
    with drawing(look, height) as figure:
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set_axis_off()
        axes.set_xlim(0, look.width)
        axes.set_ylim(height, 0)  # inches from the top
        place = _axis(axes, ranking, look)
        _draw_groups(axes, ranking, groups, place, look)
        _draw_names(axes, ranking, place, 0.62 + bars, look)
        shown: dict[str, Any] = {"size": SMALL - 0.5, "ha": "center", "va": "center"}
        text = f"mean rank, {len(ranking.blocks)} blocks; bars: not told apart"
        axes.text(look.width / 2, 0.09, text, **shown)
        axes.text(look.width / 2, height - LINE / 2, how_told_apart(ranking), **shown)
    return figure


class _Places:
    """From a mean rank to inches."""

    def __init__(self, width: float, names: Sequence[str]) -> None:
        needed = (max(map(length, names)) + 10) * CHARACTER * SMALL / 72 + 0.2
        self.margin = min(max(needed, 0.15 * width), 0.37 * width)
        self.step = (width - 2 * self.margin) / max(1, len(names) - 1)

    def __call__(self, rank: float) -> float:
        return self.margin + (rank - 1) * self.step


def _axis(axes: Axes, ranking: Ranking, look: Look) -> _Places:
    arms = len(ranking.methods)
    place = _Places(look.width, ranking.methods)
    ink = look.palette.ink
    axes.plot([place(1), place(arms)], [0.52, 0.52], color=ink, linewidth=0.8)
    every = 1 if arms <= 8 or look.wide else 2
    for rank in range(1, arms + 1):
        axes.plot([place(rank)] * 2, [0.47, 0.52], color=ink, linewidth=0.8)
        if (rank - 1) % every == 0:
            axes.text(place(rank), 0.44, str(rank), size=SMALL, ha="center", va="bottom")
    if ranking.critical_difference is not None:
        length = ranking.critical_difference * place.step
        left = min(0.08, look.width - length)
        axes.plot([left, left + length], [0.26, 0.26], "|-", color=ink, lw=1, ms=4, gid="CD")
        text = f"CD = {ranking.critical_difference:.2f}"
        axes.text(left, 0.36, text, size=SMALL - 0.5, va="center")
    return place


def _draw_groups(
    axes: Axes, ranking: Ranking, groups: Sequence[Sequence[str]], place: _Places, look: Look
) -> None:
    ranks = dict(zip(ranking.methods, ranking.mean_ranks, strict=True))
    for row, group in enumerate(groups):
        y = 0.62 + BAR * row
        ends = _ends([place(rank) for rank in ranks.values()], [place(ranks[n]) for n in group])
        axes.plot(ends, [y, y], color=look.palette.ink, lw=2.4, solid_capstyle="butt", gid="group")


def _ends(arms: Sequence[float], joined: Sequence[float]) -> tuple[float, float]:
    """Ends of a bar: a little beyond its arms, but not as far as the next ones."""
    low, high = min(joined), max(joined)
    before = max((x for x in arms if x < low), default=0.0)
    after = min((x for x in arms if x > high), default=float("inf"))
    return low - min(0.03, 0.4 * (low - before)), high + min(0.03, 0.4 * (after - high))


def _draw_names(axes: Axes, ranking: Ranking, place: _Places, top: float, look: Look) -> None:
    count = len(ranking.methods)
    half = -(-count // 2)
    names = fitted(ranking.methods, letters(place.margin - 0.2) - 8)
    for i, (name, rank) in enumerate(zip(names, ranking.mean_ranks, strict=True)):
        on_left = i < half
        y = top + NAME * (i if on_left else count - 1 - i) + NAME / 2
        edge = place(1) - 0.1 if on_left else place(count) + 0.1
        axes.plot(
            [place(rank), place(rank), edge],
            [0.52, y, y],
            color=look.palette.soft,
            linewidth=0.7,
            gid="arm",
        )
        text = f"{name}  {rank:.2f}" if on_left else f"{rank:.2f}  {name}"
        axes.text(
            edge + (-0.03 if on_left else 0.03),
            y,
            text,
            size=SMALL,
            ha="right" if on_left else "left",
            va="center",
        )
