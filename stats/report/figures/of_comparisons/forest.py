"""A forest plot: one interval for each place where a candidate was compared, with its verdict."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from stats.errors import InvalidSetting, NotEnoughPairs
from stats.report.figures.drawing.labels import fitted, score_axis, wrapped
from stats.report.figures.drawing.style import SMALL, STEPS, TALLEST, Look, bare, drawing
from stats.report.figures.of_comparisons.margins import draw_margin, room
from stats.report.words import wording
from stats.verdicts.compare import ComparisonResult

#: Inches from one row to the next: two lines of small text and air.
ROW = 0.3

#: Comparisons that one figure takes.
MOST_ROWS = int((TALLEST - 0.8) / ROW)


def forest(
    comparisons: Sequence[ComparisonResult],
    pooled: Sequence[ComparisonResult] = (),
    *,
    margin: float | None = None,
    metric: str = "",
    lower_is_better: bool = False,
    look: Look = Look(),
) -> Figure:
    """Mean differences with their intervals, one row a comparison, those over all tasks last.

    Each row ends in its numbers and its verdict in words, so that colour carries nothing alone.
    What all rows share (a candidate, a model, an init) is said once, above.

    Args:
        comparisons: in the order of the rows, at most `MOST_ROWS` with the pooled ones.
        pooled: over all tasks; drawn as diamonds below a line.
        margin: smallest difference that matters, drawn as a band.
        metric: whose points the differences are.
        lower_is_better: whether the metric is a loss.
        look: width and colours.

    Raises:
        NotEnoughPairs: nothing to draw.
        InvalidSetting: more rows than fit on a page.
    """
    rows = [*comparisons, *pooled]
    if not rows:
        raise NotEnoughPairs("a forest plot needs at least one comparison")
    check_rows(len(rows))
    where = [*map(_place, comparisons), *(("all tasks", *_place(each)[1:]) for each in pooled)]
    title, names = wording.places(where)
    with drawing(look, 0.75 + ROW * len(rows) + 0.12 * bool(title)) as figure:
        axes = figure.add_subplot()
        draw_margin(axes, margin, look, along="x")
        for y, each in enumerate(rows):
            _draw_row(axes, y, each, look, diamond=y >= len(comparisons))
        if comparisons and pooled:
            axes.axhline(len(comparisons) - 0.5, color=look.palette.faint, linewidth=0.7)
        _scale(axes, rows, margin)
        _name_rows(axes, names, look)
        axes.set_xlabel(_axis(rows, metric, lower_is_better))
        if title:
            figure.suptitle(fitted([title], int(look.width * 14))[0], fontsize="medium")
    return figure


def check_rows(count: int) -> None:
    """Refuse more rows than a page takes.

    Raises:
        InvalidSetting: with how many there may be.
    """
    if count > MOST_ROWS:
        raise InvalidSetting(
            f"a figure takes {MOST_ROWS} comparisons, not {count}: draw one for each candidate"
        )


def _place(each: ComparisonResult) -> tuple[str, ...]:
    return each.task, f"{each.candidate} − {each.baseline}", each.model, each.init


def _draw_row(axes: Axes, y: int, each: ComparisonResult, look: Look, diamond: bool) -> None:
    style: dict[str, Any] = look.verdict(each.verdict)
    ends = each.ci_low, each.ci_high
    if all(map(math.isfinite, ends)):
        axes.plot(ends, [y, y], color=style["color"], linewidth=1.6, gid="interval")
    if diamond:
        style |= {"marker": "D"}
    axes.plot([each.mean_difference], [y], linestyle="none", markersize=5, gid="mean", **style)
    numbers = wording.difference(each)
    text = f"{numbers}  {each.verdict}" if look.wide else f"{numbers}\n{each.verdict}"
    axes.text(
        1.03,
        y,
        text,
        transform=axes.get_yaxis_transform(),
        fontsize=SMALL,
        va="center",
        linespacing=1.05,
    )


def _scale(axes: Axes, rows: Sequence[ComparisonResult], margin: float | None) -> None:
    found = [v for each in rows for v in (each.ci_low, each.ci_high, each.mean_difference)]
    axes.set_xlim(*room([*found, 0.0], margin))
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.xaxis.set_major_locator(MaxNLocator(4, steps=STEPS))


def _name_rows(axes: Axes, names: Sequence[str], look: Look) -> None:
    width = 34 if look.wide else 17
    axes.set_yticks(range(len(names)), [wrapped(n, width) for n in fitted(names, 2 * width)])
    axes.tick_params(axis="y", length=0)
    bare(axes, "left")


def _axis(rows: Sequence[ComparisonResult], metric: str, lower_is_better: bool) -> str:
    levels = {each.confidence for each in rows}
    level = f" [{100 * levels.pop():g} % CI]" if len(levels) == 1 else ""
    return f"candidate − baseline{level}\n{score_axis(metric, lower_is_better)}"
