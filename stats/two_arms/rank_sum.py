"""The exact Mann–Whitney (Wilcoxon rank-sum) test with ties, and the shift it estimates."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import comb

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from stats.attainable import RELATIVE_EFFICIENCY
from stats.inputs import FloatArray, IntArray, check_fraction, two_arms
from stats.register import RowsTested, UnpairedTest, register
from stats.ties import midranks
from stats.two_arms.hodges_lehmann import HodgesLehmann, beside_zero
from stats.two_arms.signed_rank import two_sided

#: Scores in both arms together, up to which the null distribution is counted.
EXACT_LIMIT = 100


@dataclass(frozen=True)
class MannWhitney:
    """Result of `mann_whitney`; `statistic` counts pairs that the candidate wins, ties half."""

    statistic: float
    p_value: float
    p_greater: float
    p_less: float
    n_baseline: int
    n_candidate: int
    exact: bool


def mann_whitney(baseline: ArrayLike, candidate: ArrayLike) -> MannWhitney:
    """Exact Mann–Whitney test of two unpaired arms, with ties.

    The null distribution is conditional on the observed mid-ranks, counted by dynamic
    programming, where SciPy's exact method ignores ties. The null hypothesis is that both arms
    have one law. Beyond 100 scores in all it is the normal limit with the conditional variance
    and a continuity correction.

    Args:
        baseline: shape (n,), in points of the metric. Scores that are to tie must be equal.
        candidate: shape (k,).

    Raises:
        NotEnoughPairs: an arm without scores.
        StatsError: a score is not a finite number.

    Permeability of the human chorioamnion (Hollander and Wolfe 1999, table 4.1; R's
    `wilcox.test` says W = 35, p = .1272 one-sided):

    >>> at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    >>> early = [1.15, 0.88, 0.90, 0.74, 1.21]
    >>> test = mann_whitney(early, at_term)
    >>> test.statistic, round(test.p_greater, 4), round(test.p_value, 4)
    (35.0, 0.1272, 0.2544)
    """
    first, second = two_arms(baseline, candidate)
    statistic, greater, less = mann_whitney_rows(first[None, :], second[None, :])
    return MannWhitney(
        statistic=float(statistic[0]),
        p_value=float(two_sided(greater, less)[0]),
        p_greater=float(greater[0]),
        p_less=float(less[0]),
        n_baseline=len(first),
        n_candidate=len(second),
        exact=len(first) + len(second) <= EXACT_LIMIT,
    )


def hodges_lehmann_shift(
    baseline: ArrayLike, candidate: ArrayLike, confidence: float = 0.95
) -> HodgesLehmann:
    """Median of all differences candidate − baseline, with the interval that inverts the test.

    Order statistics of the n · k differences (Hollander and Wolfe 1999, section 4.3), chosen by
    the null distribution of the ranks that were observed. As in `hodges_lehmann`, the confidence
    that is reached is returned, and `mann_whitney` has p ≤ 1 − `confidence` exactly when the
    interval excludes 0, also with ties. Where these make both tails unlike, neither exceeds
    (1 − `confidence`)/2.

    Args:
        baseline: shape (n,), in points of the metric.
        candidate: shape (k,).
        confidence: what is asked for, between 0 and 1.

    Raises:
        NotEnoughPairs: an arm without scores.
        StatsError: a score is not a finite number.
        InvalidSetting: `confidence` outside (0, 1).

    R's `wilcox.test(at_term, early, conf.int = TRUE)`, the sign turned:

    >>> at_term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]
    >>> early = [1.15, 0.88, 0.90, 0.74, 1.21]
    >>> shift = hodges_lehmann_shift(at_term, early)
    >>> round(shift.estimate, 3), round(shift.low, 2), round(shift.high, 2)
    (-0.305, -0.76, 0.15)
    """
    first, second = two_arms(baseline, candidate)
    found = shift_rows(first[None, :], second[None, :], confidence)
    return HodgesLehmann(*(float(each[0]) for each in found))


def mann_whitney_rows(
    baseline: FloatArray, candidate: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Statistics, P(U ≥ u) and P(U ≤ u) of shape (m,) for arms of shape (m, n) and (m, k)."""
    k = candidate.shape[1]
    doubled = _doubled_ranks(baseline, candidate)
    rank_sum = doubled[:, -k:].sum(axis=1)
    statistic = rank_sum / 2 - k * (k + 1) / 2
    if doubled.shape[1] > EXACT_LIMIT:
        return statistic, *_normal_limit(doubled, rank_sum, k)
    greater, less = np.empty(len(doubled)), np.empty(len(doubled))
    for rows, (at_most, at_least), step in _null_distributions(doubled, k):
        reached = rank_sum[rows] // step
        less[rows], greater[rows] = at_most[reached], at_least[reached]
    return statistic, greater, less


def shift_rows(
    baseline: FloatArray, candidate: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Estimates, lower and upper ends, and the confidence they reach, each of shape (m,)."""
    check_fraction("confidence", confidence)
    n, k = baseline.shape[1], candidate.shape[1]
    differences = (candidate[:, :, None] - baseline[:, None, :]).reshape(len(baseline), n * k)
    differences.sort(axis=1)
    doubled = _doubled_ranks(baseline, candidate)
    lost = 2 * n * k - (doubled[:, -k:].sum(axis=1) - k * (k + 1))
    few, many, tail = _critical_losses(doubled, k, (1 - confidence) / 2)
    few, many = np.where(tail < 0.5, few, 0), np.where(tail < 0.5, many, 2 * n * k)
    row = np.arange(len(differences))
    low, high = differences[row, few // 2], differences[row, (many - 1) // 2]
    low, high = beside_zero(low, high, lost <= few, lost >= many)
    estimate = np.clip(np.median(differences, axis=1), low, high)
    return estimate, low, high, np.maximum(0.0, 1 - 2 * tail)


def _doubled_ranks(baseline: FloatArray, candidate: FloatArray) -> IntArray:
    """Twice the mid-ranks of all scores, those of the candidate last."""
    ranks = midranks(np.concatenate([baseline, candidate], axis=1))
    return np.rint(2 * ranks).astype(np.int64)


def _null_distributions(doubled: IntArray, k: int) -> Iterator[tuple[IntArray, FloatArray, int]]:
    """The rows that share their ranks, `subset_sums` of these in steps, and the size of a step."""
    patterns, which, counts = np.unique(
        np.sort(doubled, axis=1), axis=0, return_inverse=True, return_counts=True
    )
    members = np.split(np.argsort(which.ravel(), kind="stable"), np.cumsum(counts)[:-1])
    for pattern, rows in zip(patterns, members, strict=True):
        step = int(np.gcd.reduce(pattern))
        yield rows, subset_sums(tuple((pattern // step).tolist()), k), step


def _critical_losses(
    doubled: IntArray, k: int, level: float
) -> tuple[IntArray, IntArray, FloatArray]:
    """Where either tail falls below the level, else the ends of the null distribution.

    Returns:
        Twice the most pairs that a better candidate may lose, twice the fewest that a worse one
        must, and the larger of both tails there, each of shape (m,).
    """
    size = doubled.shape[1]
    most = 2 * k * (size - k) + k * (k + 1)  # the rank sum of a candidate that wins all, doubled
    if size > EXACT_LIMIT:
        sd = np.sqrt(k * (size - k) / (size - 1) * doubled.var(axis=1))
        reach = np.floor(1 - ndtri(level) * sd).astype(np.int64) + 1
        middle = k * (size - k)
        tail = np.where(sd > 0, ndtr((1 - reach) / np.where(sd > 0, sd, 1.0)), 0.5)
        return np.maximum(middle - reach, 0), np.minimum(middle + reach, 2 * middle), tail
    few, many = np.empty(len(doubled), dtype=np.int64), np.empty(len(doubled), dtype=np.int64)
    tail = np.empty(len(doubled))
    for rows, (at_most, at_least), step in _null_distributions(doubled, k):
        ends = at_most[at_most > 0], at_least[::-1][at_least[::-1] > 0]
        reached = max(end[max(0, np.searchsorted(end, level) - 1)] for end in ends)
        # Sums between two that can occur have the tail of the more extreme one.
        low, high = (end[np.searchsorted(end, reached, side="right") - 1] for end in ends)
        many[rows] = most - step * int(np.flatnonzero(at_most == low)[0])
        few[rows] = most - step * int(np.flatnonzero(at_least == high)[-1])
        tail[rows] = reached
    return few, many, tail


def _normal_limit(doubled: IntArray, rank_sum: IntArray, k: int) -> tuple[FloatArray, FloatArray]:
    size = doubled.shape[1]
    centred = rank_sum - k * doubled.mean(axis=1)
    sd = np.sqrt(k * (size - k) / (size - 1) * doubled.var(axis=1))
    certain = sd == 0
    scale = np.where(certain, 1.0, sd)
    greater = np.where(certain, 1.0, ndtr((1 - centred) / scale))
    less = np.where(certain, 1.0, ndtr((1 + centred) / scale))
    return greater, less


@lru_cache(maxsize=64)
def subset_sums(ranks: tuple[int, ...], size: int) -> FloatArray:
    """P(sum ≤ s) and P(sum ≥ s) for s = 0 … Σranks, over all subsets of this size.

    >>> subset_sums((1, 2, 3), 2).round(3).tolist()
    [[0.0, 0.0, 0.0, 0.333, 0.667, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0, 0.667, 0.333, 0.0]]
    """
    counts = np.zeros((size + 1, sum(ranks) + 1))
    counts[0, 0] = 1
    for rank in ranks:
        counts[1:, rank:] += counts[:-1, : counts.shape[1] - rank].copy()
    # Each tail is summed from its own end, so that far tails keep their relative accuracy.
    tails: FloatArray = np.stack([np.cumsum(counts[size]), np.cumsum(counts[size, ::-1])[::-1]])
    tails /= tails[0, -1]
    tails.flags.writeable = False
    return tails


def _smallest(n_baseline: int, n_candidate: int) -> float:
    return min(1.0, 2 / comb(n_baseline + n_candidate, n_candidate))


def _tested(baseline: FloatArray, candidate: FloatArray) -> RowsTested:
    statistic, greater, less = mann_whitney_rows(baseline, candidate)
    return RowsTested(statistic, greater, less, two_sided(greater, less))


register(
    UnpairedTest(
        name="mann-whitney",
        words="exact Mann-Whitney (unpaired)",
        default=True,
        rows=_tested,
        smallest_p=_smallest,
        by_deals=True,
        efficiency=RELATIVE_EFFICIENCY,
    )
)
