"""One candidate against one baseline, paired by seed unless they share none."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stats.errors import NotEnoughPairs
from stats.inputs import FloatArray
from stats.judging import Judging, by_task
from stats.table.collapsed_runs import collapsed
from stats.table.pairing import Seed, join_arms, lay_out_arms
from stats.verdicts.claims import adjust_claims_in_families
from stats.verdicts.paired import paired_statistics
from stats.verdicts.unpaired import measure_unpaired
from stats.verdicts.verdict import Verdict, judge, seeds_to_decide


@dataclass(frozen=True, kw_only=True)
class ComparisonResult:
    """A candidate against a baseline on one task, model and init.

    Differences are candidate minus baseline in points of the metric, means are over the paired
    seeds, and whatever cannot be computed is NaN: intervals and effect sizes with one pair,
    everything with none, and `p_equivalence` without a margin. Where all differences are equal no
    spread was seen, and NaN are standardised effects, p of t unless all are 0, and
    `p_equivalence` by t, so that nothing is concluded from these.
    For unpaired arms means are over all scores, the interval is Welch's, Hodges–Lehmann is the
    shift, and rank-biserial is Cliff's δ.

    Attributes:
        n_pairs: seeds on which both arms have a score.
        n_baseline: scores of the baseline that take part; `n_pairs` where arms are paired.
        collapsed_seeds: on which a run of either arm looks collapsed, by the rule of
            `table.collapsed_runs.collapsed`; they take part.
        ci_low: end of the t interval of the mean difference, at `confidence`.
        hl_low: end of the exact interval of the Hodges–Lehmann estimate, at `hl_confidence`.
        wilcoxon_statistic: sum of the positive ranks.
        test: the primary test, that of `statistic` and `p_value`.
        p_adjusted: corrected in the family, as `adjust_claims` does, together with
            `p_equivalence_adjusted` where there is a margin; these two decide the verdict.
        smallest_attainable_p: of that test with these ties and zeros (2/2ⁿ for signed ranks of n
            differences that are not 0); with `_adjusted`, after the correction of the family.
        effect: name of the effect size that is shown.
        effect_low: end of its interval, at `confidence`.
        pair_correlation: of the two arms over the seeds that they share.
        seeds_needed: for an inconclusive verdict, the pairs, or scores an arm, that take 80 %
            power to find a difference of the margin at the observed sd; never fewer than are
            there, and as many where they have that power already.
        unit: what is counted: a "seed", or a "task" where tasks are a sample.
    """

    baseline: str
    candidate: str
    model: str
    init: str
    task: str
    paired: bool
    n_pairs: int
    n_baseline: int
    n_candidate: int
    dropped_seeds: tuple[Seed, ...]
    collapsed_seeds: tuple[Seed, ...]
    baseline_mean: float
    candidate_mean: float
    mean_difference: float
    ci_low: float
    ci_high: float
    confidence: float
    hodges_lehmann: float
    hl_low: float
    hl_high: float
    hl_confidence: float
    wilcoxon_statistic: float
    test: str
    statistic: float
    p_value: float
    p_adjusted: float
    smallest_attainable_p: float
    smallest_attainable_p_adjusted: float
    d_z: float
    hedges_g: float
    rank_biserial: float
    effect: str
    effect_size: float
    effect_low: float
    effect_high: float
    pair_correlation: float
    p_equivalence: float
    p_equivalence_adjusted: float
    verdict: Verdict
    seeds_needed: int | None
    unit: str = "seed"


def compare(
    baseline_scores: Any,
    candidate_scores: Any,
    *,
    alpha: float = 0.05,
    margin: float | None = None,
    resolution: float | None = None,
    zeros: str = "wilcox",
    lower_is_better: bool = False,
    paired: bool = True,
    test: str | None = None,
    effect: str = "hedges_g",
    equivalence: str = "t",
    names: tuple[str, str] = ("baseline", "candidate"),
) -> ComparisonResult:
    """Compare two arms, whose scores are paired by seed unless `paired` is False.

    Args:
        baseline_scores: scores by seed, as a Series or a mapping, joined on the seed; or an
            array in the same order of seeds as the other. NaN is a failed seed, and is dropped.
            Unpaired arrays may differ in length.
        candidate_scores: the same kind.
        alpha: level of the tests; intervals have confidence 1 − alpha.
        margin: smallest difference that matters, in points of the metric.
        resolution: smallest step of the metric, to which differences are rounded.
        zeros: what the signed-rank test does with zero differences.
        lower_is_better: whether the metric is a loss.
        paired: False for arms that do not share their seeds; pairs are then not looked for.
        test: the primary test, one of `register.PAIRED_TESTS` (default "wilcoxon") or of
            `register.UNPAIRED_TESTS` (default "mann-whitney").
        effect: the effect size to show, one of `register.PAIRED_EFFECTS` or
            `register.UNPAIRED_EFFECTS`.
        equivalence: of means, by "t", or of pseudo-medians, by "ranks"; how often either errs
            under skew is said by `tost` and `rank_equivalence`.
        names: of the two arms, for tables and messages.

    Raises:
        NotPaired: the scores cannot be joined.
        NotEnoughPairs: fewer than two seeds have both scores, or an unpaired arm has fewer than
            two scores.
        InvalidSetting: a setting outside what it can be, or a test of paired data for unpaired
            ones, or the other way round.

    The data of Hollander and Wolfe (1999, table 3.1):

    >>> before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    >>> after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    >>> result = compare(before, after, margin=0.5, lower_is_better=True)
    >>> result.p_value, round(result.hodges_lehmann, 2), result.verdict
    (0.0390625, -0.46, 'better')
    """
    judging = Judging(
        alpha=alpha,
        margin=margin,
        resolution=resolution,
        zeros=zeros,
        lower_is_better=lower_is_better,
        paired=paired,
        test=test or "",
        effect=effect,
        equivalence=equivalence,
    )
    where: dict[str, Any] = {"baseline": names[0], "candidate": names[1]}
    where |= {"model": "", "init": "", "task": ""}
    compared = _compare_paired if paired else _compare_unpaired
    return compared(baseline_scores, candidate_scores, where, judging)


def _compare_paired(
    baseline_scores: Any, candidate_scores: Any, where: dict[str, Any], judging: Judging
) -> ComparisonResult:
    names = (where["baseline"], where["candidate"])
    arms, seeds = join_arms(list(zip(names, (baseline_scores, candidate_scores), strict=True)))
    valid = np.logical_and.reduce(np.isfinite(arms))
    n_pairs = int(valid.sum())
    if n_pairs < 2:
        raise NotEnoughPairs(
            f"{names[0]} and {names[1]} share {n_pairs} scored seeds; 2 needed"
            + (" (or paired=False, if seeds mean nothing)" if valid.size > 1 else "")
        )
    step = by_task(judging.resolution, [""])
    measures = paired_statistics(arms[:, valid][:, None, :], judging, step)
    where["n_pairs"] = n_pairs
    where["dropped_seeds"] = tuple(seeds[i] for i in np.flatnonzero(~valid))
    where["collapsed_seeds"] = _collapsed(np.where(valid, arms, np.nan), seeds, judging)
    return conclude_comparisons([where], measures, ["alone"], judging)[0]


def _compare_unpaired(
    baseline_scores: Any, candidate_scores: Any, where: dict[str, Any], judging: Judging
) -> ComparisonResult:
    names = (where["baseline"], where["candidate"])
    arms, seeds = lay_out_arms(list(zip(names, (baseline_scores, candidate_scores), strict=True)))
    step = by_task(judging.resolution, [""])
    measures, sizes, shared = measure_unpaired(arms[:, None, :], judging, step)
    for name, size in zip(names, sizes[:, 0].tolist(), strict=True):
        if size < 2:
            raise NotEnoughPairs(f"{name} has {size} scored seeds; 2 needed")
    where |= dict(zip(("n_baseline", "n_candidate"), sizes[:, 0].tolist(), strict=True))
    where |= {"n_pairs": int(shared[0]), "dropped_seeds": ()}
    where["collapsed_seeds"] = _collapsed(arms, seeds or range(arms.shape[1]), judging)
    if not len(seeds):  # arrays: their places are not seeds
        where["n_pairs"] = 0
        measures["pair_correlation"] = np.full(1, np.nan)
    return conclude_comparisons([where], measures, ["alone"], judging)[0]


def _collapsed(arms: FloatArray, seeds: Sequence[Seed], judging: Judging) -> tuple[Seed, ...]:
    lost = collapsed(arms, margin=judging.margin, lower_is_better=bool(judging.lower_is_better))
    return tuple(seeds[place] for place in np.flatnonzero(lost.any(axis=0)).tolist())


def conclude_comparisons(
    arms: Sequence[dict[str, Any]],
    measures: dict[str, FloatArray],
    families: Sequence[Hashable],
    judging: Judging,
) -> list[ComparisonResult]:
    """Comparisons from their measures: correction, verdict, and what more seeds would take.

    Args:
        arms: for each of m comparisons its names, `n_pairs`, `dropped_seeds` and
            `collapsed_seeds`; for unpaired
            ones `n_baseline` and `n_candidate` too.
        measures: arrays of shape (m,), as `paired_statistics` returns them.
        families: for each comparison the family in which it is corrected.
        judging: of the analysis.
    """
    p_adjusted, p_inside, size = adjust_claims_in_families(
        measures["p_value"], measures["p_equivalence"], families, judging.correction
    )
    # Without a pair nothing can be rejected.
    smallest = np.nan_to_num(measures["smallest_attainable_p"], nan=1.0)
    columns = {name: values.tolist() for name, values in measures.items() if name != "sd"}
    columns |= {
        "p_adjusted": p_adjusted.tolist(),
        "p_equivalence_adjusted": p_inside.tolist(),
        "smallest_attainable_p": smallest.tolist(),
        "smallest_attainable_p_adjusted": _attainable(smallest, families, judging).tolist(),
        "seeds_needed": seeds_to_decide(measures["sd"], size, judging),
    }
    fixed: dict[str, Any] = {"confidence": judging.confidence, "paired": judging.paired}
    fixed |= {"test": judging.test, "effect": judging.effect}
    rows = zip(*columns.values(), strict=True)
    return [
        _concluded(
            {"n_baseline": n, "n_candidate": k} | arm | fixed,
            dict(zip(columns, row, strict=True)),
            judging,
        )
        for arm, (n, k), row in zip(arms, _sizes(arms), rows, strict=True)
    ]


def _attainable(smallest: FloatArray, families: Sequence[Hashable], judging: Judging) -> FloatArray:
    """The smallest corrected p of each comparison.

    Corrections are monotone in every p, so all at their smallest give the smallest of each.
    """
    inside = np.full(len(smallest), np.nan if judging.margin is None else 0.0)
    return adjust_claims_in_families(smallest, inside, families, judging.correction)[0]


def _sizes(arms: Sequence[dict[str, Any]]) -> list[tuple[int, int]]:
    return [
        (arm.get("n_baseline", arm["n_pairs"]), arm.get("n_candidate", arm["n_pairs"]))
        for arm in arms
    ]


def _concluded(arm: dict[str, Any], values: dict[str, Any], judging: Judging) -> ComparisonResult:
    verdict = judge(
        values["p_adjusted"],
        values["p_equivalence_adjusted"],
        values.pop("direction"),
        judging.alpha,
        bool(judging.lower_is_better),
    )
    needed = values.pop("seeds_needed")
    if verdict != "inconclusive" or needed is None:
        return ComparisonResult(**arm, **values, verdict=verdict, seeds_needed=None)
    more = max(needed, min(arm["n_baseline"], arm["n_candidate"]))
    return ComparisonResult(**arm, **values, verdict=verdict, seeds_needed=more)
