"""How a power plan looks in a terminal: a table and a curve."""

from __future__ import annotations

import math

from stats.planning import POWERS, PowerPlan, PowerPoint
from stats.report import wording

BAR = 24
"""Columns of a full bar."""


def render_power(plan: PowerPlan) -> str:
    """The plan as text: what so many pairs show, what power takes, and both over n."""
    return "\n".join([*_header(plan), "", *_needs(plan), "", *_curve(plan)]) + "\n"


def _header(plan: PowerPlan) -> list[str]:
    family = f"; {wording.CORRECTION_NAMES[plan.correction]} over a family of {plan.family}"
    reach = wording.probability(plan.smallest_attainable_p) if plan.smallest_attainable_p else "0"
    never = " (alpha can never be reached)" if plan.smallest_attainable_p >= plan.alpha else ""
    return [
        f"{plan.n_pairs} pairs, sd of the differences {plan.sd:g}, margin {plan.margin:g}; "
        f"alpha {wording.probability(plan.alpha)}{family if plan.family > 1 else ''}",
        f"{wording.TEST_NAMES[plan.test]}; smallest attainable corrected p {reach}{never}",
        f"better, at a true gain of {plan.gain:g}: {_percent(plan.here.better)}; "
        f"equivalent, at a true difference of 0: {_percent(plan.here.equivalent)}",
    ]


def _needs(plan: PowerPlan) -> list[str]:
    heads = [f"{100 * power:.0f} % power" for power in POWERS]
    rows = [
        ("smallest difference found", [_points(each) for each in plan.detectable]),
        (f"pairs for better at {plan.gain:g}", [f"{n:,}" for n in plan.pairs_for_better]),
        ("pairs for equivalent at 0", [f"{n:,}" for n in plan.pairs_for_equivalent]),
    ]
    lines = [f"{'':<30}" + "".join(f"{head:>14}" for head in heads)]
    return lines + [f"{name:<30}" + "".join(f"{cell:>14}" for cell in row) for name, row in rows]


def _curve(plan: PowerPlan) -> list[str]:
    head = f"{'pairs':>5}  {'found':>7}  {f'better at {plan.gain:g}':<{BAR + 6}} equivalent at 0"
    return [head, *(_point(each, each.n_pairs == plan.n_pairs) for each in plan.curve)]


def _point(each: PowerPoint, here: bool) -> str:
    mark = "<" if here else ""
    return (
        f"{each.n_pairs:>5}  {_points(each.detectable):>7}  {_bar(each.better)}"
        f" {_bar(each.equivalent)} {mark}"
    ).rstrip()


def _bar(power: float) -> str:
    filled = "#" * round(BAR * power)
    return f"{_percent(power):>5} {filled:<{BAR}}"


def _points(value: float) -> str:
    return "never" if math.isnan(value) else f"{value:.2g}"


def _percent(power: float) -> str:
    return f"{100 * power:.0f} %"
