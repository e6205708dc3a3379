"""Two classifiers on the same test items: McNemar's test."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from stats.errors import NotPaired, StatsError
from stats.inputs import check_fraction


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of the items on which exactly one of two classifiers is right.

    Attributes:
        only_baseline: items that only the baseline gets right.
        only_candidate: items that only the candidate gets right.
        difference: of the accuracies, candidate − baseline, as a fraction.
        error: standard error of the difference over test sets like this one.
        low: end of the Wald interval with the correction of Agresti and Min.
        p_value: exact, two-sided.
        mid_p: the observed outcome counted half; closer to its level, not guaranteed.
    """

    only_baseline: int
    only_candidate: int
    n_items: int
    difference: float
    error: float
    low: float
    high: float
    confidence: float
    p_value: float
    mid_p: float


def mcnemar(
    baseline_correct: ArrayLike, candidate_correct: ArrayLike, *, confidence: float = 0.95
) -> McNemar:
    """Test whether two fixed classifiers differ in accuracy on items like these.

    It speaks of two trained models, not of two methods: another seed is another model. The
    interval adds ½ to each cell (Agresti and Min 2005). Fagerland et al. (2013) recommend mid-p.
    Without an item on which they disagree both p are 1.

    Args:
        baseline_correct: shape (n,), whether each item was right, as booleans or 0 and 1.
        candidate_correct: the same items in the same order.
        confidence: of the interval.

    Raises:
        NotPaired: different numbers of items.
        StatsError: no item, or a value other than 0 and 1; the message says where.
        InvalidSetting: confidence outside (0, 1).

    >>> baseline = [1] * 40 + [1] * 2 + [0] * 10 + [0] * 8
    >>> candidate = [1] * 40 + [0] * 2 + [1] * 10 + [0] * 8
    >>> test = mcnemar(baseline, candidate)
    >>> round(test.p_value, 5), round(test.mid_p, 5)
    (0.03857, 0.02246)
    """
    from scipy.stats import binom

    check_fraction("confidence", confidence)
    first = correctness(baseline_correct, "baseline")
    second = correctness(candidate_correct, "candidate")
    if len(first) != len(second):
        raise NotPaired(f"{len(first)} items of the baseline and {len(second)} of the candidate")
    lost, won, n = int((first & ~second).sum()), int((second & ~first).sum()), len(first)
    fewer, discordant = min(lost, won), lost + won
    p_value = min(1.0, 2 * float(binom.cdf(fewer, discordant, 0.5)))
    mid_p = 2 * float(binom.cdf(fewer, discordant, 0.5)) - float(binom.pmf(fewer, discordant, 0.5))
    center = (won - lost) / (n + 2)
    half_width = float(ndtri((1 + confidence) / 2)) * _error(lost + 0.5, won + 0.5, n + 2)
    return McNemar(
        only_baseline=lost,
        only_candidate=won,
        n_items=n,
        difference=(won - lost) / n,
        error=_error(lost, won, n),
        low=max(-1.0, center - half_width),
        high=min(1.0, center + half_width),
        confidence=confidence,
        p_value=p_value,
        mid_p=min(1.0, mid_p) if discordant else 1.0,
    )


def correctness(values: ArrayLike, what: str) -> NDArray[np.bool_]:
    """Booleans of shape (n,) from booleans, or from 0 and 1.

    Raises:
        StatsError: no item, not one-dimensional, or another value.
    """
    given = np.asarray(values)
    if given.ndim != 1 or not len(given):
        raise StatsError(f"{what}: give whether each item was right, shape (n,), not {given.shape}")
    right = given == 1
    if not (right | (given == 0)).all():
        place = int(np.flatnonzero(~(right | (given == 0)))[0])
        raise StatsError(f"{what}: item {place} is {given[place]}; 1 is right, 0 is wrong")
    return np.asarray(right, dtype=np.bool_)


def _error(lost: float, won: float, n: int) -> float:
    return math.sqrt(max(0.0, lost + won - (won - lost) ** 2 / n)) / n
