"""The smallest p that so many pairs can reach, and the pairs that a level takes."""

from __future__ import annotations

import math

import numpy as np

from stats.inputs import FloatArray, check_choice, check_count, check_fraction
from stats.register import CORRECTIONS, correction_named

RELATIVE_EFFICIENCY = 3 / math.pi
"""Pitman efficiency of the signed-rank test against t under normal differences."""


def smallest_attainable_p(n_pairs: int, family: int = 1, correction: str = "holm") -> float:
    """Smallest two-sided signed-rank p that `n_pairs` pairs can reach: family · 2/2ⁿ.

    All differences of one sign is one of 2ⁿ equally likely sign patterns. Holm and Bonferroni
    multiply the smallest p of a family by its size; Benjamini–Hochberg need not.

    Raises:
        InvalidSetting: a family without members, a negative number of pairs, or an unknown
            correction.

    >>> smallest_attainable_p(8)
    0.0078125
    >>> smallest_attainable_p(8, family=4)
    0.03125
    """
    check_count("family", family, 1)
    check_count("n_pairs", n_pairs, 0)
    check_choice("correction", correction, CORRECTIONS)
    return min(1.0, correction_named(correction).smallest(2.0 ** (1 - n_pairs), family))


def seeds_needed_for_alpha(alpha: float, family: int = 1, correction: str = "holm") -> int:
    """Smallest number of seeds whose corrected signed-rank p can fall below `alpha`.

    Raises:
        InvalidSetting: `alpha` outside (0, 1), or a family without members.

    >>> seeds_needed_for_alpha(0.05)
    6
    >>> seeds_needed_for_alpha(0.05, family=10)
    9
    """
    check_fraction("alpha", alpha)
    n_pairs = 1
    while smallest_attainable_p(n_pairs, family, correction) >= alpha:
        n_pairs += 1
    return n_pairs


def smallest_p_of_pairs(n_baseline: int, _: int) -> float:
    """Smallest two-sided p of a test by signs, as the register asks for it."""
    return smallest_attainable_p(n_baseline)


def smallest_p_of_signs(differences: FloatArray, least: FloatArray) -> FloatArray:
    """Smallest two-sided p of each row of (m, n) where all that is not 0 has one sign.

    Args:
        differences: shape (m, n).
        least: shape (m,), what n differences can reach of which none is 0.

    >>> smallest_p_of_signs(np.array([[1.0, -2.0, 0.0, 3.0]]), np.array([0.125])).tolist()
    [0.25]
    """
    signed = np.ldexp(2.0, -np.count_nonzero(differences, axis=1))
    return np.asarray(np.clip(signed, least, 1.0), dtype=np.float64)


def smallest_p_of_spread(n_baseline: int, n_candidate: int) -> float:
    """Smallest p of a test that divides by a spread, which takes two scores and has no least p."""
    return 0.0 if min(n_baseline, n_candidate) > 1 else 1.0
