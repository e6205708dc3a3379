"""The smallest p that so many seeds can reach, and the seeds that a level takes."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from stats.inputs import FloatArray, check_choice, check_count, check_fraction
from stats.register import (
    CORRECTIONS,
    PAIRED_TESTS,
    UNPAIRED_TESTS,
    PrimaryTest,
    correction_named,
    primary_test,
)

#: Pitman efficiency of the signed-rank test against t under normal differences.
RELATIVE_EFFICIENCY = 3 / math.pi


def smallest_attainable_p(
    n_pairs: int, family: int = 1, correction: str = "holm", test: str = "wilcoxon"
) -> float:
    """Smallest corrected two-sided p that this test can give to so many pairs, or scores an arm.

    Of a test by signs it is family · 2/2ⁿ: all differences of one sign is one of 2ⁿ equally likely
    sign patterns. Holm and Bonferroni multiply the smallest p of a family by its size;
    Benjamini–Hochberg need not.

    Args:
        n_pairs: pairs; of an unpaired test, scores of either arm.
        family: number of comparisons corrected together.
        correction: one of `register.CORRECTIONS`.
        test: one of `register.PAIRED_TESTS` or `register.UNPAIRED_TESTS`.

    Raises:
        InvalidSetting: a family without members, a negative number of pairs, or an unknown test
            or correction.

    >>> smallest_attainable_p(8)
    0.0078125
    >>> [smallest_attainable_p(8, family=4, test=test) for test in ("wilcoxon", "t")]
    [0.03125, 0.0]
    """
    check_count("n_pairs", n_pairs, 0)
    known, corrected = _asked(family, correction, test)
    return corrected(known.smallest_p(n_pairs, n_pairs))


def seeds_needed_for_alpha(
    alpha: float, family: int = 1, correction: str = "holm", test: str = "wilcoxon"
) -> int:
    """Smallest number of seeds an arm whose corrected p can fall below `alpha`.

    Args:
        alpha: level of the family.
        family: number of comparisons corrected together.
        correction: one of `register.CORRECTIONS`.
        test: one of `register.PAIRED_TESTS` or `register.UNPAIRED_TESTS`.

    Raises:
        InvalidSetting: `alpha` outside (0, 1), a family without members, an unknown test or
            correction, or a test that no number of seeds brings there.

    >>> seeds_needed_for_alpha(0.05)
    6
    >>> [seeds_needed_for_alpha(0.05, 4, test=test) for test in ("wilcoxon", "t", "mann-whitney")]
    [8, 2, 5]
    """
    check_fraction("alpha", alpha)
    known, corrected = _asked(family, correction, test)
    return known.seeds_for(alpha, corrected)


def _asked(family: int, correction: str, test: str) -> tuple[PrimaryTest, Callable[[float], float]]:
    """A test, and what the correction makes of the p that all of the family share."""
    check_choice("test", test, (*PAIRED_TESTS, *UNPAIRED_TESTS))
    check_count("family", family, 1)
    check_choice("correction", correction, CORRECTIONS)
    smallest = correction_named(correction).smallest
    return primary_test(test), lambda p_value: min(1.0, smallest(p_value, family))


def smallest_p_of_pairs(n_pairs: int, _: int) -> float:
    """Smallest two-sided p of a test by signs, as the register asks for it."""
    return min(1.0, 2.0 ** (1 - n_pairs))


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
