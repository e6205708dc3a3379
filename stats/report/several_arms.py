"""How rankings, pooled comparisons and aggregates over tasks read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import singledispatch
from statistics import median
from typing import Any

from stats.aggregates import Aggregate, AggregateContrast, Aggregates
from stats.compare import Comparison
from stats.inputs import check_choice
from stats.pooled import Pooled
from stats.ranking import Ranking
from stats.report import FORMATS, sheet
from stats.report.sheet import Sheet, TextTable
from stats.report.wording import CORRECTION_NAMES, interval, printable, probability, signed

POST_HOC_NAMES = {
    "wilcoxon": "exact Wilcoxon signed-rank of every pair",
    "nemenyi": "Nemenyi's test of mean ranks",
    "conover": "Conover's test of mean ranks",
}
STATISTIC_NAMES = {
    "iqm": "interquartile mean",
    "mean": "mean",
    "median": "median",
    "optimality_gap": "optimality gap",
    "probability_of_improvement": "probability of improvement",
}
ALL_CORRECTION_NAMES = {**CORRECTION_NAMES, "shaffer": "Shaffer"}


def render_several(
    result: Ranking | Pooled | Aggregates,
    format: str = "table",
    *,
    width: int = 100,
    colour: bool = False,
) -> str:
    """The result of `stats.rank`, `stats.pooled` or `stats.aggregate` as text.

    Args:
        result: one of these.
        format: one of `stats.report.FORMATS`, with the meaning that they have in `render`.
        width: columns of the terminal, for "table".
        colour: whether "table" may use ANSI colours.

    Raises:
        InvalidSetting: an unknown format.
    """
    check_choice("format", format, FORMATS)
    laid_out = layout(result)
    if format == "table":
        return sheet.to_terminal(laid_out, width, colour)
    write = {
        "markdown": sheet.to_markdown,
        "latex": sheet.to_latex,
        "csv": sheet.to_csv,
        "json": sheet.to_json,
    }[format]
    return write(laid_out)


@singledispatch
def layout(result: object) -> Sheet:
    """The sheet of a result; each kind of result has its own below."""
    raise TypeError(f"no layout for {type(result).__name__}")


@layout.register
def _(ranking: Ranking) -> Sheet:
    records = [
        {
            "method": method,
            "mean_rank": ranking.mean_ranks[place],
            "rank_low": ranking.rank_low[place],
            "rank_high": ranking.rank_high[place],
            "mean_score": ranking.mean_scores[place],
            "groups": _groups(ranking, method),
        }
        for place, method in enumerate(ranking.methods)
    ]
    return Sheet(
        header=_ranking_header(ranking),
        tables=(_places(ranking, records), _pairs(ranking)),
        records=tuple(records),
        whole=asdict(ranking),
        warnings=ranking.warnings,
    )


def _groups(ranking: Ranking, method: str) -> list[int]:
    return [number for number, group in enumerate(ranking.groups, 1) if method in group]


def _places(ranking: Ranking, records: Sequence[Mapping[str, Any]]) -> TextTable:
    rows = [
        (
            each["method"],
            f"{each['mean_rank']:.2f}",
            str(each["rank_low"])
            if each["rank_low"] == each["rank_high"]
            else f"{each['rank_low']} to {each['rank_high']}",
            f"{each['mean_score']:.{_digits(ranking.mean_scores)}f}",
            ", ".join(map(str, each["groups"])),
        )
        for each in records
    ]
    heading = ("method", "mean rank", "ranks left open", "mean score", "group")
    return TextTable("Ranking", heading, tuple(rows))


def _pairs(ranking: Ranking) -> TextTable:
    digits = _digits([abs(pair.hodges_lehmann) for pair in ranking.pairs])
    rows = [
        (
            f"{pair.first} vs {pair.second}",
            signed(pair.hodges_lehmann, digits),
            probability(pair.p_value),
            probability(pair.p_adjusted),
            "yes" if pair.separable else "no",
        )
        for pair in ranking.pairs
    ]
    heading = ("pair", "Hodges-Lehmann", "p", "corrected p", "told apart")
    return TextTable("Pairs", heading, tuple(rows))


def _ranking_header(ranking: Ranking) -> tuple[str, ...]:
    settings, friedman = ranking.settings, ranking.friedman
    correction = (
        ALL_CORRECTION_NAMES[settings.correction]
        if ranking.critical_difference is None
        else f"critical difference {ranking.critical_difference:.2f}"
    )
    return (
        f"{_what(ranking.metric, ranking.split, ranking.lower_is_better)}; "
        f"{friedman.n_arms} methods over {friedman.n_blocks} blocks by {settings.blocks}",
        f"Friedman chi2 {friedman.chi2:.2f}, p {probability(friedman.p_value)}; Iman-Davenport "
        f"F {friedman.f:.2f}, p {probability(friedman.p_iman_davenport)}",
        f"{POST_HOC_NAMES[settings.post_hoc]}, {correction} over {len(ranking.pairs)} pairs; "
        f"alpha {probability(settings.alpha)}; methods of one group cannot be told apart",
    )


@layout.register
def _(pooled: Pooled) -> Sheet:
    confidence = f"{100 * pooled.settings.confidence:g} %"
    heading = (
        *("comparison", "model, init", f"{pooled.unit}s", f"difference [{confidence} CI]"),
        *("Hedges' g", "corrected p", "verdict"),
    )
    digits = _digits([each.ci_high - each.ci_low for each in pooled.comparisons])
    rows = tuple(_comparison(each, digits) for each in pooled.comparisons)
    return Sheet(
        header=_pooled_header(pooled),
        tables=(TextTable("", heading, rows),),
        records=tuple({**asdict(each), "tasks": pooled.tasks} for each in pooled.comparisons),
        whole=asdict(pooled),
        warnings=pooled.warnings,
    )


def _comparison(each: Comparison, digits: int) -> tuple[str, ...]:
    return (
        f"{each.baseline} vs {each.candidate}",
        " · ".join(part for part in (each.model, each.init) if part),
        str(each.n_pairs),
        f"{signed(each.mean_difference, digits)} {interval(each.ci_low, each.ci_high, digits)}",
        signed(each.hedges_g, 2),
        probability(each.p_adjusted),
        each.verdict,
    )


def _pooled_header(pooled: Pooled) -> tuple[str, ...]:
    settings = pooled.settings
    averaged = "tasks within a seed" if pooled.tasks == "fixed" else "seeds within a task"
    margin = "none declared" if settings.margin is None else f"{settings.margin:g}"
    return (
        f"{_what(pooled.metric, pooled.split, settings.lower_is_better)}; {pooled.tasks} "
        f"tasks: averaged over {averaged}, tested over {pooled.unit}s",
        f"exact Wilcoxon signed-rank, {ALL_CORRECTION_NAMES[settings.correction]}; "
        f"alpha {probability(settings.alpha)}; margin {margin}",
    )


@layout.register
def _(aggregates: Aggregates) -> Sheet:
    digits = _digits([each.high - each.low for each in aggregates.aggregates])
    ours = [(each.method, each) for each in aggregates.aggregates]
    theirs = [(each.candidate, each) for each in aggregates.contrasts]
    tables = [_by_statistic("Aggregates", "method", ours, digits)]
    if theirs:
        title = f"Against {aggregates.contrasts[0].baseline}"
        tables.append(_by_statistic(title, "candidate", theirs, digits))
    records = [{"baseline": "", **asdict(each)} for each in aggregates.aggregates]
    for each in aggregates.contrasts:
        values = asdict(each)
        records.append(
            {"baseline": values["baseline"], "method": values.pop("candidate"), **values}
        )
    seeds = "seeds shared by all methods" if aggregates.paired else "each method drawn apart"
    header = (
        f"{_what(aggregates.metric, aggregates.split, aggregates.lower_is_better)}; "
        f"{len(aggregates.tasks)} tasks",
        f"{100 * aggregates.confidence:g} % percentile intervals of {aggregates.replicates:,} "
        f"stratified bootstrap replicates, {seeds}; they speak of other seeds, not of other tasks",
    )
    return Sheet(header, tuple(tables), tuple(records), asdict(aggregates), aggregates.warnings)


Named = Sequence[tuple[str, Aggregate]] | Sequence[tuple[str, AggregateContrast]]


def _by_statistic(title: str, what: str, named: Named, digits: int) -> TextTable:
    """A row for each method and a column for each statistic."""
    cells: dict[str, dict[str, str]] = {}
    for method, each in named:
        places = 2 if each.statistic == "probability_of_improvement" else digits
        ends = f"[{each.low:.{places}f}, {each.high:.{places}f}]"
        cells.setdefault(method, {})[each.statistic] = f"{each.estimate:.{places}f} {ends}"
    statistics = list(next(iter(cells.values())))
    heading = (what, *(STATISTIC_NAMES[statistic] for statistic in statistics))
    rows = tuple((method, *(row[each] for each in statistics)) for method, row in cells.items())
    return TextTable(title, heading, rows)


def _what(metric: str, split: str, lower_is_better: bool) -> str:
    where = f" on {printable(split)}" if split else ""
    direction = "lower" if lower_is_better else "higher"
    return f"{printable(metric) or 'score'}{where} ({direction} is better)"


def _digits(sizes: Sequence[float]) -> int:
    """Decimals that show two digits of the typical size, from 2 to 6."""
    known = [size for size in sizes if 0 < size < float("inf")]
    digits = 2
    while known and digits < 6 and median(known) * 10.0**digits < 10:
        digits += 1
    return digits
