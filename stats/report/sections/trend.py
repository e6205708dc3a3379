"""How trends read: a table of effects over doses."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stats.changes.of_doses import CandidateTrend, TrendAnalysis
from stats.register import primary_test
from stats.report.sheet import Sheet, TextTable
from stats.report.words.wording import (
    correction_words,
    measured,
    printable,
    probability,
    table_title,
    with_interval,
)

UNITS = {
    "log1p": "for ten times 1 + dose",
    "log": "for ten times the dose",
    "linear": "for each unit of dose",
    "order": "from one dose to the next",
}


def trends_sheet(found: TrendAnalysis) -> Sheet:
    """The sheet of trends: for each model and task, or init, effects by dose and their slope."""
    first = found.trends[0].trend
    doses = ", ".join(f"{printable(name)} = {dose:g}" for name, dose in found.doses.items())
    return Sheet(
        kind="trends",
        header=(
            measured(found.study, found.metric, found.split, found.lower_is_better),
            f"dose by {found.over}: {doses}",
            f"slope: least squares within each seed, {UNITS[first.scale]}; over seeds "
            f"{primary_test(first.test).words}, {correction_words(found.correction)} over the "
            "candidates",
            f"candidate - baseline [{100 * first.confidence:g} % t interval of each by itself]",
        ),
        tables=tuple(
            effects_table(table_title(*place), each) for place, each in grouped(found).items()
        ),
        records=tuple(record for each in found.trends for record in _records(found, each)),
        whole=asdict(found),
        warnings=found.warnings,
    )


def grouped(found: TrendAnalysis) -> dict[tuple[str, str], list[CandidateTrend]]:
    """The trends of each task, or init, and each model, by these two."""
    groups: dict[tuple[str, str], list[CandidateTrend]] = {}
    for each in found.trends:
        groups.setdefault((each.where, each.model), []).append(each)
    return groups


def effects_table(title: str, group: list[CandidateTrend], dose_name: str = "dose") -> TextTable:
    """The effects of some candidates at each dose, with the slope of each."""
    trends = [each.trend for each in group]
    rows = [
        (f"{dose:g}", *(with_interval(t.effects[i], t.lows[i], t.highs[i]) for t in trends))
        for i, dose in enumerate(trends[0].doses)
    ]
    rows += [
        ("slope", *(with_interval(t.slope, t.ci_low, t.ci_high) for t in trends)),
        ("p of the slope", *(probability(t.p_adjusted) for t in trends)),
        ("seeds", *(str(each.n_seeds) for each in group)),
    ]
    heading = (dose_name, *(f"{each.baseline} vs {each.candidate}" for each in group))
    return TextTable(title, heading, tuple(rows))


def _records(found: TrendAnalysis, each: CandidateTrend) -> list[dict[str, Any]]:
    named = {name: getattr(each, name) for name in ("baseline", "candidate", "model", "where")}
    what = {"metric": found.metric, "lower_is_better": found.lower_is_better}
    of_slope = {
        name: getattr(each.trend, name)
        for name in ("slope", "ci_low", "ci_high", "p_value", "p_adjusted", "scale", "test")
    }
    curve = zip(
        *(getattr(each.trend, n) for n in ("doses", "effects", "lows", "highs")), strict=True
    )
    return [
        {"study": found.study, **what, **named, "n_seeds": each.n_seeds}
        | {"dose": dose, "effect": effect, "effect_low": low, "effect_high": high}
        | of_slope
        for dose, effect, low, high in curve
    ]
