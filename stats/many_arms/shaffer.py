"""Shaffer's correction for all pairs of several arms."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from stats.choices import BY_ALL_PAIRS
from stats.errors import InvalidSetting
from stats.inputs import FloatArray, IntArray, as_floats, check_choice, check_count
from stats.multiplicity import adjust
from stats.register import CORRECTIONS


def all_pairs_corrections() -> tuple[str, ...]:
    """Shaffer's, and every correction that there is for any family."""
    return (BY_ALL_PAIRS, *CORRECTIONS)


def adjust_all_pairs(p_values: ArrayLike, n_arms: int, correction: str = "shaffer") -> FloatArray:
    """Adjusted p-values of a family that holds every pair of `n_arms` arms.

    Shaffer's static procedure (1986) is Holm's with one thing more: pairs are not logically
    independent. If A and B differ, C cannot equal both, so that of the three pairs of three arms
    two are never true null hypotheses alone. Where the i-th smallest p is multiplied by
    m − i + 1 in Holm's procedure, it is here by the largest number of true hypotheses not above
    that which is possible at all. It keeps the family-wise error of Holm, and is never weaker.

    It is valid only where "no difference" is transitive, and only for the family of all pairs:
    comparisons with one baseline take `stats.adjust`.

    Args:
        p_values: shape (k(k − 1)/2,), in any order of pairs. NaN stays NaN and still counts.
        n_arms: k, at least 2.
        correction: one of `all_pairs_corrections`; all but "shaffer" are those of `adjust`.

    Raises:
        InvalidSetting: an unknown correction, fewer than two arms, or another number of
            p-values than there are pairs.
        StatsError: a p-value outside [0, 1].

    The five classifiers of García and Herrera (2008, table 5):

    >>> p = [4.487e-8, 1.736e-7, 0.0028805, 0.0048488, 0.0079635, 0.0101123, 0.0127630,
    ...      0.0247447, 0.7439715, 0.8064959]
    >>> adjust_all_pairs(p, n_arms=5).round(5).tolist()[2:8]
    [0.01728, 0.02909, 0.04778, 0.04778, 0.05105, 0.07423]
    """
    check_choice("correction", correction, all_pairs_corrections())
    raw = as_floats(p_values, "p-values")
    check_count("n_arms", n_arms, 2)
    n_pairs = n_arms * (n_arms - 1) // 2
    if raw.shape != (n_pairs,):
        raise InvalidSetting(f"{n_arms} arms have {n_pairs} pairs, not {raw.size} p-values")
    if correction != "shaffer":
        return adjust(raw, correction)
    order = np.argsort(adjust(raw, "none"), kind="stable")  # refuses p outside [0, 1]
    ascending = np.nan_to_num(raw[order], nan=1.0)
    adjusted = np.empty(n_pairs)
    factors = largest_possible_true(n_arms)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(ascending * factors))
    return np.where(np.isnan(raw), np.nan, adjusted)


def largest_possible_true(n_arms: int) -> IntArray:
    """For each step of Holm's procedure the most pairs that can still be equal.

    >>> largest_possible_true(5).tolist()
    [10, 6, 6, 6, 6, 4, 4, 3, 2, 1]
    """
    n_pairs = n_arms * (n_arms - 1) // 2
    bits = _numbers_of_true_pairs(n_arms)
    possible = [count for count in range(1, n_pairs + 1) if bits >> count & 1]
    remaining = np.arange(n_pairs, 0, -1)
    return np.array(possible)[np.searchsorted(possible, remaining, side="right") - 1]


@lru_cache(maxsize=32)
def _numbers_of_true_pairs(n_arms: int) -> int:
    """Bit s is set where a partition of the arms into equal ones leaves s true hypotheses.

    Shaffer's recursion S(k) = ∪ⱼ {C(j, 2) + x : x ∈ S(k − j)}, with sets as bits of a number.
    """
    reached = [1]
    for arms in range(1, n_arms + 1):
        bits = 0
        for equal in range(1, arms + 1):
            bits |= reached[arms - equal] << (equal * (equal - 1) // 2)
        reached.append(bits)
    return reached[n_arms]
