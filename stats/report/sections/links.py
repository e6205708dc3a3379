"""How scores along a chain read: a table of each arm's means over links, and of its slope."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stats.changes.of_links import ArmTrend, LinkAnalysis
from stats.register import primary_test
from stats.report.sections.trend import effects_table, grouped
from stats.report.sheet import Sheet, TextTable
from stats.report.words.digits import decimals
from stats.report.words.wording import (
    correction_words,
    measured,
    printable,
    probability,
    score,
    table_title,
    with_interval,
)


def links_sheet(found: LinkAnalysis) -> Sheet:
    """The sheet of a chain: of each task and model scores by link with slopes, then effects."""
    first = found.arms[0].trend
    names = ", ".join(f"{link} = {printable(name)}" for name, link in found.links.items())
    level = f"{100 * first.confidence:g} %"
    tables = []
    for place, arms in arms_by_place(found).items():
        tables.append(_scores_table(table_title(*place), arms))
        if effects := (grouped(found.effects) if found.effects else {}).get(place):
            title = f"{table_title(*place)}: candidate - baseline"
            tables.append(effects_table(title, effects, "link"))
    return Sheet(
        kind="links",
        header=(
            measured(found.study, found.metric, found.split, found.lower_is_better),
            f"links of the chain: {names}",
            "slope: least squares within each seed, in points a link; over seeds "
            f"{primary_test(first.test).words}, {correction_words(found.correction)} over the "
            "arms, and apart from these over the candidates",
            f"mean over seeds [{level} t interval of each by itself], then the same of candidate - "
            "baseline",
        ),
        tables=tuple(tables),
        records=tuple(record for each in found.arms for record in _records(found, each)),
        whole=asdict(found),
        warnings=found.warnings,
    )


def arms_by_place(found: LinkAnalysis) -> dict[tuple[str, str], list[ArmTrend]]:
    """The trends of each task and model, by these two."""
    groups: dict[tuple[str, str], list[ArmTrend]] = {}
    for each in found.arms:
        groups.setdefault((each.task, each.model), []).append(each)
    return groups


def _scores_table(title: str, arms: list[ArmTrend]) -> TextTable:
    trends = [each.trend for each in arms]
    rows = [
        (f"{link:g}", *(_mean(t.effects[i], t.lows[i], t.highs[i]) for t in trends))
        for i, link in enumerate(trends[0].doses)
    ]
    rows += [
        ("slope", *(with_interval(t.slope, t.ci_low, t.ci_high) for t in trends)),
        ("p of the slope", *(probability(t.p_adjusted) for t in trends)),
        ("seeds", *(str(each.n_seeds) for each in arms)),
    ]
    return TextTable(title, ("link", *(each.arm for each in arms)), tuple(rows))


def _mean(mean: float, low: float, high: float) -> str:
    """A score with its interval, which has no sign as differences have."""
    places = decimals(mean, low, high)
    shown = [score(each, places) for each in (mean, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}]"


def _records(found: LinkAnalysis, each: ArmTrend) -> list[dict[str, Any]]:
    own = each.trend
    names = {link: name for name, link in found.links.items()}
    of_slope = {
        name: getattr(own, name)
        for name in ("slope", "ci_low", "ci_high", "p_value", "p_adjusted", "test")
    }
    curve = zip(own.doses, own.effects, own.lows, own.highs, strict=True)
    return [
        {"study": found.study, "metric": found.metric, "model": each.model, "task": each.task}
        | {"method": each.arm, "n_seeds": each.n_seeds, "link": int(link), "init": names[int(link)]}
        | {"score": mean, "score_low": low, "score_high": high}
        | of_slope
        for link, mean, low, high in curve
    ]
