"""How rankings, posteriors and aggregates over tasks read."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from statistics import median
from typing import Any

from stats.bayes.posteriors import Posterior, PosteriorAnalysis
from stats.many_arms.ranked_arms import Ranking
from stats.many_tasks.aggregate import Aggregate, AggregateContrast, Aggregation
from stats.register import PAIRED_TESTS, paired_test
from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import digits
from stats.report.words.wording import (
    averages,
    correction_words,
    measured,
    places,
    points,
    probability,
    score,
    signed,
    table_title,
)

BY_MEAN_RANKS = {
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
BLOCK_NAMES = {
    "task": "blocks by task",
    "seed": "blocks by seed",
    "average": "blocks by seed, each averaged over tasks",
}


def ranking_sheet(ranking: Ranking) -> Sheet:
    """The sheet of a ranking: places, groups and every pair."""
    named = {"study": ranking.study, **_measured(ranking)}
    named |= {"model": ranking.model, "init": ranking.init}
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
        kind="ranking",
        header=_ranking_header(ranking),
        tables=(_places(ranking, records), _pairs(ranking)),
        records=tuple(named | {"task": ranking.task} | each for each in records),
        whole=asdict(ranking),
        warnings=ranking.warnings,
    )


def _groups(ranking: Ranking, method: str) -> list[int]:
    return [number for number, group in enumerate(ranking.groups, 1) if method in group]


def _places(ranking: Ranking, records: Sequence[Mapping[str, Any]]) -> TextTable:
    decimals = _decimals_of_means(ranking)
    rows = [
        (
            each["method"],
            f"{each['mean_rank']:.2f}",
            str(each["rank_low"])
            if each["rank_low"] == each["rank_high"]
            else f"{each['rank_low']} to {each['rank_high']}",
            score(each["mean_score"], decimals),
            ", ".join(map(str, each["groups"])),
        )
        for each in records
    ]
    heading = (Words("method"), "mean rank", "ranks left open", "mean score", "group")
    return TextTable(_title("Ranking", ranking), heading, tuple(rows))


def _decimals_of_means(ranking: Ranking) -> int:
    """Decimals that show a typical difference, and every two means whose methods are told apart."""
    sizes = [abs(pair.hodges_lehmann) for pair in ranking.pairs if pair.hodges_lehmann]
    mean_of = dict(zip(ranking.methods, ranking.mean_scores, strict=True))
    wanted = digits.decimals(median(sizes) if sizes else 0, means=ranking.mean_scores)
    for pair in ranking.pairs:
        if pair.separable:
            wanted = digits.that_tell_apart(mean_of[pair.first], mean_of[pair.second], wanted)
    return wanted


def _pairs(ranking: Ranking) -> TextTable:
    """Every pair, by the estimate that its test is about."""
    by_pairs = ranking.settings.post_hoc in PAIRED_TESTS
    of_means = by_pairs and paired_test(ranking.settings.post_hoc).of_means
    estimates = [
        each.mean_difference if of_means else each.hodges_lehmann for each in ranking.pairs
    ]
    rows = [
        (
            f"{pair.first} vs {pair.second}",
            signed(estimate, digits.decimals(estimate)),
            probability(pair.p_value),
            probability(pair.p_adjusted),
            "yes" if pair.separable else "no",
        )
        for pair, estimate in zip(ranking.pairs, estimates, strict=True)
    ]
    name = "mean difference" if of_means else "Hodges-Lehmann"
    settings = ranking.settings
    how = correction_words(settings.correction) if by_pairs else "studentised range"
    heading = (Words("pair"), name, "p, uncorrected", f"p ({how})", "told apart")
    return TextTable(_title("Pairs", ranking), heading, tuple(rows))


def _family(ranking: Ranking) -> str:
    """How the p-values of pairs are corrected, and over how many."""
    settings, pairs = ranking.settings, f"{len(ranking.pairs)} pairs"
    if settings.post_hoc not in PAIRED_TESTS:
        return f"corrected over {pairs}"
    name = correction_words(settings.correction)
    return name if settings.correction == "none" else f"{name} over {pairs}"


def how_told_apart(ranking: Ranking) -> str:
    """The test that tells methods apart, and the family that it is corrected over."""
    test = ranking.settings.post_hoc
    named = BY_MEAN_RANKS.get(test) or f"{paired_test(test).words} of every pair"
    return f"{named}, {_family(ranking)}"


def _title(what: str, ranking: Ranking) -> str:
    where = table_title(ranking.task, ranking.model, ranking.init)
    return f"{what}, {where}" if where else what


def _ranking_header(ranking: Ranking) -> tuple[str, ...]:
    settings, friedman = ranking.settings, ranking.friedman
    critical = ""
    if ranking.critical_difference is not None:
        critical = f"; critical difference {ranking.critical_difference:.2f}"
    return (
        f"{measured(ranking.study, ranking.metric, ranking.split, ranking.lower_is_better)}; "
        f"{friedman.n_arms} methods over {friedman.n_blocks} {BLOCK_NAMES[settings.blocks]}",
        f"Friedman chi2 {friedman.chi2:.2f}, p {probability(friedman.p_value)}; Iman-Davenport "
        f"F {friedman.f:.2f}, p {probability(friedman.p_iman_davenport)}; each is one test of all "
        "methods, not corrected",
        f"{how_told_apart(ranking)}{critical}; "
        f"alpha {probability(settings.alpha)}; methods of one group cannot be told apart",
    )


def posteriors_sheet(found: PosteriorAnalysis) -> Sheet:
    """The sheet of Bayesian signed-rank tests."""
    region = "no region of practical equivalence"
    if found.margin is not None:
        region = f"region of practical equivalence ±{points(found.margin)}"
    heading = (
        *(Words("comparison"), Words("where"), f"{found.unit}s", "baseline mean", "candidate mean"),
        *("difference", "P(worse)", "P(inside)", "P(better)"),
    )
    task = [() if found.tasks else (each.task,) for each in found.posteriors]
    title, where = places(
        [(*t, each.model, each.init) for t, each in zip(task, found.posteriors, strict=True)]
    )
    rows = tuple(
        (
            f"{each.baseline} vs {each.candidate}",
            differs,
            str(each.n_pairs),
            *_difference(each),
            *(_chance(p) for p in (each.p_worse, each.p_inside, each.p_better)),
        )
        for each, differs in zip(found.posteriors, where, strict=True)
    )
    over = averages(found.tasks) if found.tasks else "each task alone, over its seeds"
    named = {"study": found.study, **_measured(found), "tasks": found.tasks or "each"}
    return Sheet(
        kind="posteriors",
        header=(
            f"{measured(found.study, found.metric, found.split, found.lower_is_better)}; {over}",
            f"Bayesian signed-rank test, Dirichlet process prior, {found.samples:,} samples of "
            f"the posterior; {region}",
        ),
        tables=(TextTable(title, heading, rows).without_empty("where"),),
        records=tuple(named | asdict(each) for each in found.posteriors),
        whole=asdict(found),
        warnings=found.warnings,
    )


def _chance(p: float) -> str:
    """A probability that was simulated, which is never 0 or 1."""
    if 0 < p < 1 or math.isnan(p):
        shown = score(p, 3)
        return {"0.000": "<0.001", "1.000": ">0.999"}.get(shown, shown)
    return ">0.999" if p == 1 else "<0.001"


def _measured(result: Ranking | PosteriorAnalysis | Aggregation) -> dict[str, Any]:
    return {"metric": result.metric, "lower_is_better": result.lower_is_better}


def _difference(each: Posterior) -> tuple[str, str, str]:
    """Both means and their difference."""
    means = each.baseline_mean, each.candidate_mean
    places = digits.decimals(each.mean_difference, means=means)
    return score(means[0], places), score(means[1], places), signed(each.mean_difference, places)


def aggregates_sheet(aggregates: Aggregation) -> Sheet:
    """The sheet of aggregates over tasks, and of their contrasts with a baseline."""
    ours = [(each.method, each) for each in aggregates.aggregates]
    theirs = [(each.candidate, each) for each in aggregates.contrasts]
    tables = [_by_statistic("Aggregation", Words("method"), ours)]
    if theirs:
        title = f"Against {aggregates.contrasts[0].baseline}"
        tables.append(_by_statistic(title, Words("candidate"), theirs))
    named = _measured(aggregates)
    records = [{"baseline": "", **named, **asdict(each)} for each in aggregates.aggregates]
    for each in aggregates.contrasts:
        values = asdict(each)
        records.append(
            {"baseline": values["baseline"], **named, "method": values.pop("candidate"), **values}
        )
    seeds = "seeds shared by all methods" if aggregates.paired else "each method drawn apart"
    header = (
        f"{measured('', aggregates.metric, aggregates.split, aggregates.lower_is_better)}; "
        f"{len(aggregates.tasks)} tasks",
        f"{100 * aggregates.confidence:g} % percentile intervals of {aggregates.replicates:,} "
        f"stratified bootstrap replicates, {seeds}; they speak of other seeds, not of other tasks",
    )
    return Sheet(
        kind="aggregates",
        header=header,
        tables=tuple(tables),
        records=tuple(records),
        whole=asdict(aggregates),
        warnings=aggregates.warnings,
    )


Named = Sequence[tuple[str, Aggregate]] | Sequence[tuple[str, AggregateContrast]]


def _by_statistic(title: str, what: str, named: Named) -> TextTable:
    """A row for each method and a column for each statistic."""
    cells: dict[str, dict[str, str]] = {}
    for method, each in named:
        decimals = digits.decimals(each.estimate, each.low, each.high)
        decimals = 2 if each.statistic == "probability_of_improvement" else decimals
        ends = f"[{score(each.low, decimals)}, {score(each.high, decimals)}]"
        cells.setdefault(method, {})[each.statistic] = f"{score(each.estimate, decimals)} {ends}"
    statistics = list(next(iter(cells.values())))
    heading = (what, *(STATISTIC_NAMES[statistic] for statistic in statistics))
    rows = tuple((method, *(row[each] for each in statistics)) for method, row in cells.items())
    return TextTable(title, heading, rows)
