"""Runs against a score that was printed elsewhere: what that supports, and what not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from scipy.special import stdtrit

from stats.effects.effect_sizes import hedges_factor
from stats.effects.standardised import noncentrality
from stats.errors import InvalidSetting, NotEnoughPairs
from stats.inputs import FloatArray
from stats.intervals import mean_and_sd
from stats.judging import Judging, families_of
from stats.printed.cells import PrintedScore, read_printed_score, sds_in
from stats.printed.scores import printed_number
from stats.printed.tests import compare_printed, welch_error
from stats.table.cube import Cell, Cube, build, select
from stats.table.direction import direction_of
from stats.table.scores import validate_scores
from stats.table.suspicious_scores import listed, remarks_on, remarks_on_margin
from stats.verdicts.claims import adjust_claims_in_families
from stats.verdicts.verdict import Verdict, judge

if TYPE_CHECKING:
    import pandas as pd

#: Digits after the point of one's own figures, which are not rounded.
EXACT = 12


@dataclass(frozen=True, kw_only=True)
class AgainstPrinted:
    """The runs of one arm beside a printed score.

    Differences are own minus printed, in points of the metric. Without a test, for want of a
    spread or of the number of runs, everything between `ci_low` and `p_equivalence_adjusted` is
    NaN.

    Attributes:
        n: scores of the arm.
        above: of them, those that are higher than the printed one.
        ci_low: end of Welch's interval, at `confidence`.
        p_value: of Welch's test at the printed figures, between `p_low` and `p_high`, which
            rounding allows.
        p_adjusted: `p_high`, corrected over the arms together with `p_equivalence`.
        hedges_g: with the ends of its interval.
        predicted_low: end of the interval, at `confidence`, that holds the mean of as many further
            runs of this arm as are behind the printed score, or one where that is not known.
    """

    method: str
    model: str
    init: str
    task: str
    n: int
    mean: float
    sd: float
    difference: float
    above: int
    ci_low: float
    ci_high: float
    confidence: float
    t: float
    df: float
    p_value: float
    p_low: float
    p_high: float
    p_adjusted: float
    hedges_g: float
    g_low: float
    g_high: float
    p_equivalence: float
    p_equivalence_adjusted: float
    predicted_low: float
    predicted_high: float
    verdict: Verdict | Literal["no test"]


@dataclass(frozen=True, kw_only=True)
class AgainstAnalysis:
    """All arms beside one printed score, and what is to be known beside it.

    Attributes:
        untested: why there is no test; "" where there is one.
    """

    study: str
    metric: str
    split: str
    judging: Judging
    printed: PrintedScore
    untested: str
    arms: tuple[AgainstPrinted, ...]
    warnings: tuple[str, ...]


def analyse_against(
    scores: pd.DataFrame,
    printed: str,
    methods: Sequence[str] | None = None,
    judging: Judging | None = None,
    *,
    study: str = "",
) -> AgainstAnalysis:
    """Hold runs against a printed mean ± spread, by Welch's t test from summaries.

    No seed is shared with what was printed. Where it has no spread, or nothing says of how many
    runs it is, there is no test: all that can be said is whether further runs of the arm would
    score so, by the prediction interval mean ± t_{n−1} s √(1/n + 1/m) (Hahn and Meeker 1991).

    Args:
        scores: as for `stats.analyse`, of one task.
        printed: as in "62.13 ± 0.67, n=5"; see `stats.printed.cells.read_printed_score`.
        methods: arms to hold against it; None for all.
        judging: margin, alpha, correction and what the metric is. The test is always Welch's.
        study: a name for the output.

    Raises:
        ScoresError: the scores contradict themselves.
        StatsError: the printed score cannot be read.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: scores of several tasks.
        NotEnoughPairs: an arm without two scores.
    """
    score = read_printed_score(printed)
    judging = judging or Judging()
    table, metric, split = select(validate_scores(scores), judging.metric, judging.split)
    direction = direction_of(table, judging.lower_is_better)
    judging = judging.of_runs(direction.lower_is_better)
    names = table["method"].drop_duplicates().tolist() if methods is None else list(methods)
    cube = build(table, names)
    tasks = list(dict.fromkeys(cell.task for cell in cube.cells))
    if len(tasks) > 1:
        raise InvalidSetting(
            f"one printed score is of one task, and the scores are of {listed(tasks)}: leave the "
            "rows of the others out"
        )
    places = [(c, m) for c, m in np.argwhere(cube.has_runs).tolist()]
    untested = _untested(score)
    arms = [_arm(cube, *place, score, untested, judging) for place in places]
    return AgainstAnalysis(
        study=study,
        metric=metric,
        split=split,
        judging=judging,
        printed=score,
        untested=untested,
        arms=tuple(_concluded(arms, [cube.cells[c] for c, _ in places], judging)),
        warnings=(
            *direction.remarks,
            *remarks_on(cube),
            *remarks_on_margin(cube, judging.margin),
            *_of_units(cube, score),
            *_of_failures(cube, places),
        ),
    )


def _untested(score: PrintedScore) -> str:
    if not score.spread:
        return "no spread is printed"
    if score.n is None:
        return 'nothing says of how many runs it is (", n=5" behind it would)'
    if score.n < 2:
        return "one run has no spread"
    return ""


def _arm(
    cube: Cube, cell: int, method: int, score: PrintedScore, untested: str, judging: Judging
) -> AgainstPrinted:
    own = cube.scores[cell, method]
    own = own[np.isfinite(own)]
    if len(own) < 2:
        place = str(cube.cells[cell])
        raise NotEnoughPairs(
            f"{cube.methods[method]}{f' ({place})' if place else ''} has {len(own)} scores; two "
            "are needed to hold them against a printed one"
        )
    means, sds = mean_and_sd(own[None, :])
    mean, sd, n = float(means[0]), float(sds[0]), len(own)
    value = float(printed_number(score.mean)[0])
    reach = float(stdtrit(n - 1, (1 + judging.confidence) / 2))
    reach *= sd * math.sqrt(1 / n + 1 / (score.n or 1))
    tested: dict[str, Any] = dict.fromkeys(_TESTED, math.nan)
    if not untested:
        tested |= _tested(mean, sd, n, score, judging)
    return AgainstPrinted(
        method=cube.methods[method],
        **cube.cells[cell]._asdict(),
        n=n,
        mean=mean,
        sd=sd,
        difference=mean - value,
        above=int((own > value).sum()),
        confidence=judging.confidence,
        predicted_low=mean - reach,
        predicted_high=mean + reach,
        p_adjusted=math.nan,
        p_equivalence_adjusted=math.nan,
        verdict="no test",
        **tested,
    )


_TESTED = (
    *("ci_low", "ci_high", "t", "df", "p_value", "p_low", "p_high", "p_equivalence"),
    *("hedges_g", "g_low", "g_high"),
)


def _tested(
    mean: float, sd: float, n: int, score: PrintedScore, judging: Judging
) -> dict[str, float]:
    """Welch's test, and g with the interval of the pooled sd; empty where no spread was seen."""
    k = score.n or 0
    theirs = float(printed_number(score.spread)[0]) * sds_in(score.kind, k)
    if sd == theirs == 0:
        return {}
    own = f"{mean:.{EXACT}f}", f"{sd:.{EXACT}f}"
    found = compare_printed(
        (score.mean, score.spread),
        own,
        (k, n),
        margin=judging.margin,
        correlations=(),
        spreads=(score.kind, "sd"),
    )
    error, df = welch_error((theirs, sd), (k, n))
    half = float(stdtrit(df, (1 + judging.confidence) / 2)) * error
    freedom, root = n + k - 2, math.sqrt(n * k / (n + k))
    d = found.difference / math.sqrt(((n - 1) * sd**2 + (k - 1) * theirs**2) / freedom)
    low, high = noncentrality(np.array([d * root]), freedom, judging.confidence)
    return {
        "ci_low": found.difference - half,
        "ci_high": found.difference + half,
        "t": found.t,
        "df": df,
        "p_value": found.p_value,
        "p_low": found.p_low,
        "p_high": found.p_high,
        "p_equivalence": found.p_equivalence,
        "hedges_g": d * hedges_factor(freedom),
        "g_low": float(low[0]) / root,
        "g_high": float(high[0]) / root,
    }


def _concluded(
    arms: Sequence[AgainstPrinted], cells: Sequence[Cell], judging: Judging
) -> list[AgainstPrinted]:
    """Corrected over the arms of a family, and judged where there was a test."""

    def column(name: str) -> FloatArray:
        return np.array([getattr(each, name) for each in arms])

    p_adjusted, inside, _ = adjust_claims_in_families(
        column("p_high"), column("p_equivalence"), families_of(cells, judging), judging.correction
    )
    lower = bool(judging.lower_is_better)
    return [
        each
        if math.isnan(each.p_value)
        else replace(
            each,
            p_adjusted=float(p),
            p_equivalence_adjusted=float(q),
            verdict=judge(float(p), float(q), each.difference, judging.alpha, lower),
        )
        for each, p, q in zip(arms, p_adjusted, inside, strict=True)
    ]


def _of_units(cube: Cube, score: PrintedScore) -> list[str]:
    known = cube.scores[np.isfinite(cube.scores)]
    value = abs(float(printed_number(score.mean)[0]))
    fractions = len(known) and known.min() >= 0 and known.max() <= 1
    percents = len(known) and known.min() > 1 and known.max() <= 100
    if (fractions and 1 < value <= 100) or (percents and 0 < value <= 1):
        return [
            f"the printed {score.mean} may be a {'percentage' if fractions else 'fraction'} and "
            f"the scores {'fractions' if fractions else 'percentages'}: bring them to one unit"
        ]
    return []


def _of_failures(cube: Cube, places: Sequence[tuple[int, int]]) -> list[str]:
    lines = []
    for cell, method in places:
        lost = cube.present[cell, method] & ~np.isfinite(cube.scores[cell, method])
        for seed in np.flatnonzero(lost).tolist():
            lines.append(f"seed {cube.seeds[seed]}: {cube.failure(cell, method, seed)}")
    return lines
