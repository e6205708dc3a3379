"""One candidate against one baseline, paired by seed."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stats.errors import NotEnoughPairs
from stats.inputs import FloatArray
from stats.multiplicity import adjust_in_families
from stats.paired import paired_statistics
from stats.pairing import Seed, join_arms
from stats.power import smallest_attainable_p
from stats.settings import Settings
from stats.verdict import Verdict, decide, seeds_to_decide


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A candidate against a baseline on one task, model and init.

    Differences are candidate minus baseline in points of the metric, means are over the paired
    seeds, and whatever cannot be computed is NaN: intervals and effect sizes with one pair,
    everything with none, standardised effects when all differences are equal, and
    `p_equivalence` without a margin.

    Attributes:
        ci_low: end of the t interval of the mean difference, at `confidence`.
        hl_low: end of the exact interval of the Hodges–Lehmann estimate, at `hl_confidence`.
        wilcoxon_statistic: sum of the positive ranks.
        smallest_attainable_p: 2/2ⁿ; with `_adjusted`, after the correction of the family.
        seeds_needed: for an inconclusive verdict, the seeds that 80 % power would take at the
            margin and the observed sd.
    """

    baseline: str
    candidate: str
    model: str
    init: str
    task: str
    n_pairs: int
    dropped_seeds: tuple[Seed, ...]
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
    p_value: float
    p_adjusted: float
    smallest_attainable_p: float
    smallest_attainable_p_adjusted: float
    d_z: float
    hedges_g: float
    rank_biserial: float
    pair_correlation: float
    p_equivalence: float
    verdict: Verdict
    seeds_needed: int | None


def compare(
    baseline_scores: Any,
    candidate_scores: Any,
    *,
    alpha: float = 0.05,
    margin: float | None = None,
    resolution: float | None = None,
    zeros: str = "wilcox",
    lower_is_better: bool = False,
    names: tuple[str, str] = ("baseline", "candidate"),
) -> Comparison:
    """Compare two arms whose scores are paired by seed.

    Args:
        baseline_scores: scores by seed, as a Series or a mapping, joined on the seed; or an
            array in the same order of seeds as the other. NaN is a failed seed, and is dropped.
        candidate_scores: the same kind.
        alpha: level of the tests; intervals have confidence 1 − alpha.
        margin: smallest difference that matters, in points of the metric.
        resolution: smallest step of the metric, to which differences are rounded.
        zeros: what the signed-rank test does with zero differences.
        lower_is_better: whether the metric is a loss.
        names: of the two arms, for tables and messages.

    Raises:
        NotPaired: the scores cannot be joined.
        NotEnoughPairs: fewer than two seeds have both scores.
        InvalidSetting: α, margin, resolution or zeros outside what they can be.

    The data of Hollander and Wolfe (1999, table 3.1):

    >>> before = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    >>> after = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    >>> result = compare(before, after, margin=0.5, lower_is_better=True)
    >>> result.p_value, round(result.hodges_lehmann, 2), result.verdict
    (0.0390625, -0.46, 'better')
    """
    settings = Settings(
        alpha=alpha,
        margin=margin,
        resolution=resolution,
        zeros=zeros,
        lower_is_better=lower_is_better,
    )
    arms, seeds = join_arms([(names[0], baseline_scores), (names[1], candidate_scores)])
    valid = np.logical_and.reduce(np.isfinite(arms))
    n_pairs = int(valid.sum())
    if n_pairs < 2:
        raise NotEnoughPairs(f"{names[0]} and {names[1]} share {n_pairs} scored seeds; 2 needed")
    measures = paired_statistics(arms[:, valid][:, None, :], settings)
    where: dict[str, Any] = {"baseline": names[0], "candidate": names[1]}
    where |= {"model": "", "init": "", "task": "", "n_pairs": n_pairs}
    where["dropped_seeds"] = tuple(seeds[i] for i in np.flatnonzero(~valid))
    return conclude_comparisons([where], measures, ["alone"], settings)[0]


def conclude_comparisons(
    arms: Sequence[dict[str, Any]],
    measures: dict[str, FloatArray],
    families: Sequence[Hashable],
    settings: Settings,
) -> list[Comparison]:
    """Comparisons from their measures: correction, verdict, and what more seeds would take.

    Args:
        arms: for each of m comparisons its names, `n_pairs` and `dropped_seeds`.
        measures: arrays of shape (m,), as `paired_statistics` returns them.
        families: for each comparison the family in which it is corrected.
        settings: of the analysis.
    """
    smallest = [smallest_attainable_p(arm["n_pairs"]) for arm in arms]
    p_adjusted, size = adjust_in_families(measures["p_value"], families, settings.correction)
    # Corrections are monotone in every p, so all at their smallest give the smallest of each.
    attainable, _ = adjust_in_families(smallest, families, settings.correction)
    columns = {name: values.tolist() for name, values in measures.items() if name != "sd"} | {
        "p_adjusted": p_adjusted.tolist(),
        "smallest_attainable_p": smallest,
        "smallest_attainable_p_adjusted": attainable.tolist(),
        "seeds_needed": seeds_to_decide(measures["sd"], size, settings),
    }
    rows = zip(*columns.values(), strict=True)
    return [
        _concluded(arm, dict(zip(columns, row, strict=True)), settings)
        for arm, row in zip(arms, rows, strict=True)
    ]


def _concluded(arm: dict[str, Any], values: dict[str, Any], settings: Settings) -> Comparison:
    verdict = decide(
        values["p_adjusted"],
        values["p_equivalence"],
        values["hodges_lehmann"],
        settings.alpha,
        settings.lower_is_better,
    )
    values["seeds_needed"] = values["seeds_needed"] if verdict == "inconclusive" else None
    return Comparison(**arm, **values, confidence=settings.confidence, verdict=verdict)
