"""The permutation test of two unpaired arms: labels of scores are exchanged."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import ArrayLike

from stats.inputs import FloatArray, check_count, random_stream, two_arms
from stats.register import RowsTested, UnpairedTest, register
from stats.ties import RELATIVE_NOISE
from stats.two_arms.permutation import BLOCK, RESAMPLES

#: Ways to deal the labels, up to which all are counted; ten against ten has 184,756.
EXACT_PATTERNS = 200_000


@dataclass(frozen=True)
class UnpairedPermutation:
    """Result of `unpaired_permutation_test`; `exact` where every pattern was counted."""

    difference: float
    p_value: float
    p_greater: float
    p_less: float
    exact: bool


def unpaired_permutation_test(
    baseline: ArrayLike, candidate: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0
) -> UnpairedPermutation:
    """Permutation test of candidate mean − baseline mean, arms unpaired (Pitman 1937).

    The null hypothesis is that both arms have one law, not merely one mean: with 5 scores of
    three times the sd of 20 others, equal means are rejected at .05 in 21 % of cases.
    Welch's test is for that case.

    All ways to deal the labels are counted up to 200,000 of them (ten against ten). Beyond, p is
    (b + 1)/(m + 1) over m random deals, and can never be 0. p is twice the smaller tail.

    Args:
        baseline: shape (n,), in points of the metric.
        candidate: shape (k,).
        resamples: random deals where there are too many to count.
        seed: of the random deals.

    Raises:
        NotEnoughPairs: an arm without scores.
        StatsError: a score is not a finite number.
        InvalidSetting: fewer than one resample.

    >>> unpaired_permutation_test([1, 2, 3, 4], [11, 12, 13, 14]).p_value == 2 / 70
    True
    """
    check_count("resamples", resamples, 1)
    check_count("seed", seed, 0)
    first, second = two_arms(baseline, candidate)
    greater, less, p_value = unpaired_permutation_rows(
        first[None, :], second[None, :], resamples, seed
    )
    return UnpairedPermutation(
        difference=float(second.mean() - first.mean()),
        p_value=float(p_value[0]),
        p_greater=float(greater[0]),
        p_less=float(less[0]),
        exact=comb(len(first) + len(second), len(second)) <= EXACT_PATTERNS,
    )


def unpaired_permutation_rows(
    baseline: FloatArray, candidate: FloatArray, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Both tails and the two-sided p, of shape (m,), for arms of shape (m, n) and (m, k)."""
    pooled = np.concatenate([baseline, candidate], axis=1)
    pooled = pooled - pooled.mean(axis=1, keepdims=True)
    size, chosen = pooled.shape[1], candidate.shape[1]
    noise = RELATIVE_NOISE * np.abs(pooled).sum(axis=1)
    observed = pooled[:, -chosen:].sum(axis=1)
    low, high = (observed - noise)[:, None], (observed + noise)[:, None]
    patterns = comb(size, chosen)
    exact = patterns <= EXACT_PATTERNS
    step = max(1, BLOCK // max(size, len(pooled)))
    blocks = _all_deals if exact else partial(_random_deals, resamples=resamples, seed=seed)
    counts = np.zeros((2, len(pooled)))
    for deals in blocks(size, chosen, step):
        sums = pooled @ deals.T
        counts += [(sums >= low).sum(axis=1), (sums <= high).sum(axis=1)]
    greater, less = counts / patterns if exact else (counts + 1) / (resamples + 1)
    return greater, less, np.minimum(1.0, 2 * np.minimum(greater, less))


def _all_deals(size: int, chosen: int, step: int) -> Iterator[FloatArray]:
    """Every choice of `chosen` of `size` scores as rows of ones, in blocks of (step, size)."""
    deals = _indicators(size, chosen)
    yield from (deals[start : start + step] for start in range(0, len(deals), step))


@lru_cache(maxsize=4)
def _indicators(size: int, chosen: int) -> FloatArray:
    places = np.array(list(combinations(range(size), chosen)))
    deals = np.zeros((len(places), size))
    np.put_along_axis(deals, places, 1.0, axis=1)
    return deals


def _random_deals(
    size: int, chosen: int, step: int, resamples: int, seed: int
) -> Iterator[FloatArray]:
    random = random_stream(seed)
    for start in range(0, resamples, step):
        deals = np.zeros((min(step, resamples - start), size))
        deals[:, :chosen] = 1.0
        yield random.permuted(deals, axis=1)


def smallest_p_of_deals(
    baseline: FloatArray, candidate: FloatArray, least: FloatArray
) -> FloatArray:
    """Smallest p of each row where one arm has the lowest scores of both, ties as they are.

    Args:
        baseline: shape (m, n).
        candidate: shape (m, k).
        least: shape (m,), smallest p of arms of these sizes without ties.
    """
    n, k = baseline.shape[1], candidate.shape[1]
    if comb(n + k, k) > EXACT_PATTERNS:  # a few ties make no p that matters
        return least
    ordered = np.sort(np.concatenate([baseline, candidate], axis=1), axis=1)
    ways = np.array([min(_ways(row, k), _ways(row[::-1], k)) for row in ordered])
    return np.asarray(np.clip(least * ways, 0.0, 1.0), dtype=np.float64)


def _ways(ordered: FloatArray, k: int) -> int:
    """How many choices of k scores are as extreme as the first k."""
    last = ordered[k - 1]
    return comb(int((ordered == last).sum()), int((ordered[:k] == last).sum()))


def _smallest(n_baseline: int, n_candidate: int) -> float:
    patterns = comb(n_baseline + n_candidate, n_candidate)
    return min(1.0, 2 / (RESAMPLES + 1 if patterns > EXACT_PATTERNS else patterns))


def _tested(baseline: FloatArray, candidate: FloatArray) -> RowsTested:
    difference = candidate.mean(axis=1) - baseline.mean(axis=1)
    return RowsTested(difference, *unpaired_permutation_rows(baseline, candidate))


register(
    UnpairedTest(
        name="unpaired-permutation",
        words="permutation test of the means (unpaired)",
        rows=_tested,
        smallest_p=_smallest,
        by_deals=True,
        simulated_up_to=8,
        of_means=True,
    )
)
