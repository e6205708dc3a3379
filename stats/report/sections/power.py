"""How a power plan reads: a table and a curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from stats.power.of_studies import ComparisonPlan, PowerAnalysis
from stats.power.planning import POWERS, PowerPlan, PowerPoint
from stats.power.unpaired_plan import UnpairedPlan
from stats.register import primary_test
from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import wording

#: Columns of a full bar.
BAR = 24

NAMES = ("baseline", "candidate", "model", "init", "task", "sd_pairs")


def plan_sheet(plan: PowerPlan) -> Sheet:
    """The sheet of a plan: what so many pairs show, what power takes, and both over n."""
    fixed = _fixed(plan)
    return Sheet(
        kind="power",
        header=(
            f"{plan.n_pairs} pairs, sd of the differences {plan.sd:g}, {_settings(plan)}",
            _reach(plan),
            f"better, at a true gain of {plan.gain:g}: {_percent(plan.here.better)}; "
            f"equivalent, at a true difference of 0: {_percent(plan.here.equivalent)}",
        ),
        tables=(_needs(plan), _curve("", plan)),
        records=tuple(fixed | asdict(each) for each in plan.curve),
        whole=asdict(plan),
        warnings=(),
    )


def unpaired_sheet(plan: UnpairedPlan) -> Sheet:
    """The sheet of a plan of two arms that share no seeds."""
    fixed = _fixed(plan)
    needs = (
        ("smallest difference found", *(_points(each) for each in plan.detectable)),
        (f"scores an arm to find {plan.gain:g}", *(f"{n:,}" for n in plan.scores_for_gain)),
        ("scores an arm for equivalent at 0", *(f"{n:,}" for n in plan.scores_for_equivalent)),
    )
    curve = tuple(
        (f"{each.n_scores}{' <' * (each == plan.here)}", _bar(each.found), _bar(each.equivalent))
        for each in plan.curve
    )
    return Sheet(
        kind="unpaired power",
        header=(
            f"{plan.n_scores} scores an arm, sd of the scores of an arm {plan.sd:g}, "
            f"{_settings(plan)}",
            _reach(plan),
            f"found, at a true difference of {plan.gain:g}: {_percent(plan.here.found)}; "
            f"equivalent, at a true difference of 0: {_percent(plan.here.equivalent)}",
        ),
        tables=(
            TextTable("", ("", *(f"{100 * power:.0f} % power" for power in POWERS)), needs),
            TextTable("", ("scores an arm", f"found at {plan.gain:g}", "equivalent at 0"), curve),
        ),
        records=tuple(fixed | asdict(each) for each in plan.curve),
        whole=asdict(plan),
        warnings=(),
    )


def plans_sheet(found: PowerAnalysis) -> Sheet:
    """The sheet of the plans of several comparisons, with the curve of the widest."""
    first = found.plans[0].plan
    title, where = wording.places([(each.task, each.model, each.init) for each in found.plans])
    widest = max(range(len(where)), key=lambda i: found.plans[i].plan.sd)
    hardest = found.plans[widest]
    curve = f"the largest sd: {hardest.baseline} vs {hardest.candidate}"
    curve = ", ".join(filter(None, (curve, where[widest])))
    study = f"study {wording.printable(found.study)}; " if found.study else ""
    on = f" on {wording.printable(found.split)}" if found.split else ""
    return Sheet(
        kind="power",
        header=(
            f"{study}{first.n_pairs} pairs, {_settings(first)}",
            _reach(first),
            f"sd of the differences{on} of the runs so far; what is found, and pairs for a "
            "verdict, are for 80 % power",
        ),
        tables=(_comparisons(found, title, where), _curve(curve, hardest.plan)),
        records=tuple({"study": found.study} | _record(each) for each in found.plans),
        whole=asdict(found),
        warnings=found.warnings,
    )


def _comparisons(found: PowerAnalysis, title: str, where: Sequence[str]) -> TextTable:
    heading = (
        *(Words("comparison"), Words("where"), "sd (pairs)", "found"),
        *(f"better at {found.plans[0].plan.gain:g}", "equivalent at 0"),
        *("pairs for better", "pairs for equivalent"),
    )
    rows = tuple(
        (
            f"{each.baseline} vs {each.candidate}",
            differs,
            f"{each.plan.sd:.3g} ({each.sd_pairs})",
            _points(each.plan.detectable[0]),
            _percent(each.plan.here.better),
            _percent(each.plan.here.equivalent),
            f"{each.plan.pairs_for_better[0]:,}",
            f"{each.plan.pairs_for_equivalent[0]:,}",
        )
        for each, differs in zip(found.plans, where, strict=True)
    )
    return TextTable(title, heading, rows).without_empty("where")


def _record(each: ComparisonPlan) -> dict[str, Any]:
    named = {name: getattr(each, name) for name in NAMES}
    pairs = {
        "pairs_for_better": each.plan.pairs_for_better[0],
        "pairs_for_equivalent": each.plan.pairs_for_equivalent[0],
    }
    return named | _fixed(each.plan) | asdict(each.plan.here) | pairs


def _fixed(plan: PowerPlan | UnpairedPlan) -> dict[str, Any]:
    names = ("sd", "margin", "gain", "alpha", "family", "correction", "test")
    return {name: getattr(plan, name) for name in names}


def _settings(plan: PowerPlan | UnpairedPlan) -> str:
    family = f"; {wording.correction_words(plan.correction)} over a family of {plan.family}"
    return (
        f"margin {plan.margin:g}; alpha {wording.probability(plan.alpha)}"
        f"{family if plan.family > 1 else ''}"
    )


def _reach(plan: PowerPlan | UnpairedPlan) -> str:
    reach = wording.probability(plan.smallest_attainable_p) if plan.smallest_attainable_p else "0"
    never = " (alpha can never be reached)" if plan.smallest_attainable_p >= plan.alpha else ""
    return f"{primary_test(plan.test).words}; smallest attainable corrected p {reach}{never}"


def _needs(plan: PowerPlan) -> TextTable:
    heading = ("", *(f"{100 * power:.0f} % power" for power in POWERS))
    rows = (
        ("smallest difference found", *(_points(each) for each in plan.detectable)),
        (f"pairs for better at {plan.gain:g}", *(f"{n:,}" for n in plan.pairs_for_better)),
        ("pairs for equivalent at 0", *(f"{n:,}" for n in plan.pairs_for_equivalent)),
    )
    return TextTable("", heading, rows)


def _curve(title: str, plan: PowerPlan) -> TextTable:
    heading = ("pairs", "found, 80 %", f"better at {plan.gain:g}", "equivalent at 0")
    rows = tuple(_point(each, each.n_pairs == plan.n_pairs) for each in plan.curve)
    return TextTable(title, heading, rows)


def _point(each: PowerPoint, here: bool) -> tuple[str, ...]:
    pairs = f"{each.n_pairs} <" if here else str(each.n_pairs)
    return pairs, _points(each.detectable), _bar(each.better), _bar(each.equivalent)


def _bar(power: float) -> str:
    return f"{_percent(power):>5} {'#' * round(BAR * power):<{BAR}}"


def _points(value: float) -> str:
    return "never" if math.isnan(value) else f"{value:.2g}"


def _percent(power: float) -> str:
    return f"{100 * power:.0f} %"
