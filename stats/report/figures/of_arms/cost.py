"""Cost beside effect: what an arm gains, and what it takes, its teacher included."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from stats.errors import NotEnoughPairs
from stats.report.figures.drawing.labels import fitted
from stats.report.figures.drawing.style import STEPS, Look, drawing, legend, legend_height
from stats.report.figures.of_comparisons.margins import draw_margin, room
from stats.verdicts.compare import ComparisonResult

#: Ratio of the dearest to the cheapest arm from which on the axis is logarithmic.
MANY_TIMES = 12


@dataclass(frozen=True)
class Cost:
    """What one run of an arm takes.

    Attributes:
        seconds: of training, without the teacher.
        teacher_seconds: of training the teachers that it needs.
        peak_memory_mb: the most memory that it or a teacher holds, in MB; NaN if not known.
        sd: of the seconds with those of the teachers, over runs; NaN if not known.
    """

    seconds: float
    teacher_seconds: float = 0.0
    peak_memory_mb: float = math.nan
    sd: float = math.nan

    @property
    def total(self) -> float:
        """Seconds with those of the teachers."""
        return self.seconds + self.teacher_seconds


@dataclass(frozen=True)
class _Arm:
    name: str
    place: int
    effect: float
    low: float
    high: float
    cost: Cost


def cost(
    comparisons: Sequence[ComparisonResult],
    costs: Mapping[str, Cost],
    *,
    unit: str = "s",
    margin: float | None = None,
    lower_is_better: bool = False,
    look: Look = Look(),
) -> Figure:
    """Mean differences over seconds of training, and over peak memory where that is known.

    Bars across are one sd of the seconds over runs. A thin line leads from an arm's own seconds to
    those with its teacher's. The stairs join the arms that no other arm beats in both mean and
    cost (the Pareto front of the means); intervals say how sure the means are. The baseline
    stands at zero.

    Args:
        comparisons: of one baseline with its candidates on one model, init and task.
        costs: of the baseline and of each candidate; arms without a known cost are left out,
            and named below.
        unit: of the seconds: whose they are.
        margin: smallest difference that matters, drawn as a band.
        lower_is_better: whether the metric is a loss.
        look: width and colours.

    Raises:
        NotEnoughPairs: no arm with a cost.
    """
    every = _arms(comparisons, costs)
    arms = [arm for arm in every if math.isfinite(arm.cost.total) and math.isfinite(arm.effect)]
    if not arms:
        raise NotEnoughPairs("no compared arm has a known cost")
    measured = all(math.isfinite(arm.cost.peak_memory_mb) for arm in arms)
    names = fitted([arm.name for arm in arms], 40 if look.wide else 30)
    lost = [arm.name for arm in every if arm not in arms]
    with drawing(look, 2.35 + legend_height(look, names) + 0.14 * bool(lost)) as figure:
        panels = figure.subplots(1, 1 + measured, sharey=True, squeeze=False)[0]
        limits = room([v for arm in arms for v in (arm.effect, arm.low, arm.high)], margin)
        for axes, what in zip(panels, ("seconds", "memory"), strict=False):
            draw_margin(axes, margin, look, along="y")
            handles = _draw_arms(axes, arms, what, look)
            _draw_front(axes, arms, what, lower_is_better, look)
            axes.set_ylim(*limits)
            _scale(axes, [end for arm in arms for end in _ends(arm.cost, what)])
        panels[0].set_xlabel(f"training [{unit}] (± sd)\nwith its teacher")
        panels[0].set_ylabel("candidate − baseline")
        panels[0].yaxis.set_major_locator(MaxNLocator(5, steps=STEPS))
        if measured:
            panels[1].set_xlabel("peak memory [MB]")
        if lost:
            text = "not shown, cost or effect not known: " + ", ".join(fitted(lost, 12)[:2])
            text += f" and {len(lost) - 2} more" if len(lost) > 2 else ""
            figure.suptitle(text, fontsize="small", color=look.palette.soft)
        legend(figure, look, handles, names)
    return figure


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Places of the points (cost, gain) that none beats in one without losing in the other.

    >>> pareto_front([(1.0, 0.0), (2.0, 1.0), (3.0, 0.5), (2.0, 0.8)])
    [0, 1]
    """
    return [
        i
        for i, (cost, gain) in enumerate(points)
        if not any(c <= cost and g >= gain and (c < cost or g > gain) for c, g in points)
    ]


def _arms(comparisons: Sequence[ComparisonResult], costs: Mapping[str, Cost]) -> list[_Arm]:
    unknown = Cost(math.nan)
    arms = [
        _Arm(
            each.candidate,
            place,
            each.mean_difference,
            each.ci_low,
            each.ci_high,
            costs.get(each.candidate, unknown),
        )
        for place, each in enumerate(comparisons, start=1)
    ]
    for name in dict.fromkeys(each.baseline for each in comparisons):
        arms.insert(0, _Arm(name, 0, 0.0, math.nan, math.nan, costs.get(name, unknown)))
    return arms


def _taken(cost: Cost, what: str) -> float:
    return cost.total if what == "seconds" else cost.peak_memory_mb


def _ends(cost: Cost, what: str) -> tuple[float, float]:
    """Where an arm and its spread begin and end."""
    taken = _taken(cost, what)
    spread = cost.sd if what == "seconds" and math.isfinite(cost.sd) else 0.0
    return max(taken - spread, 0.05 * taken), taken + spread


def _draw_arms(axes: Axes, arms: Sequence[_Arm], what: str, look: Look) -> list[Line2D]:
    handles = []
    for arm in arms:
        style = look.arm(arm.place)
        style |= {"linestyle": "none", "markersize": 5}
        x, colour = _taken(arm.cost, what), style["color"]
        if math.isfinite(arm.low) and math.isfinite(arm.high):
            axes.plot([x, x], [arm.low, arm.high], color=colour, lw=1.1, gid="interval")
        if what == "seconds" and math.isfinite(arm.cost.sd):
            axes.plot(_ends(arm.cost, what), [arm.effect] * 2, color=colour, lw=1.1, gid="spread")
        if what == "seconds" and arm.cost.teacher_seconds > 0:
            own = arm.cost.seconds
            axes.plot([own, x], [arm.effect] * 2, color=colour, lw=0.8, ls=":", gid="teacher")
        axes.plot([x], [arm.effect], gid="arm", **style)
        handles.append(Line2D([], [], **style))
    return handles


def _draw_front(axes: Axes, arms: Sequence[_Arm], what: str, lower: bool, look: Look) -> None:
    sign = -1 if lower else 1
    points = [(_taken(arm.cost, what), sign * arm.effect) for arm in arms]
    front = sorted({points[i] for i in pareto_front(points)})
    if len(front) > 1:
        x, y = zip(*front, strict=True)
        axes.plot(
            x,
            [sign * each for each in y],
            drawstyle="steps-post",
            color=look.palette.soft,
            linewidth=0.9,
            zorder=0.5,
            gid="front",
        )


def _scale(axes: Axes, taken: Sequence[float]) -> None:
    low, high = min(taken), max(taken)
    if low > 0 and high / low > MANY_TIMES:
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(numticks=4))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(low / 1.4, high * 1.4)
    else:
        axes.set_xlim(0, high * 1.12 if high > 0 else 1)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=STEPS))
