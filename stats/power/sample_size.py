"""How many seeds each primary test needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stats.attainable import seeds_needed_for_alpha
from stats.inputs import IntArray, check_choice, check_count, check_fraction
from stats.power.by_pairs import pairs_for_paired_t
from stats.register import (
    CORRECTIONS,
    PAIRED_TESTS,
    UNPAIRED_TESTS,
    correction_named,
    primary_test,
)


def seeds_for_test(
    effect: ArrayLike,
    family: int = 1,
    power: float = 0.8,
    alpha: float = 0.05,
    correction: str = "holm",
    test: str = "wilcoxon",
) -> IntArray:
    """Seeds an arm that a primary test needs for this power in a family of comparisons.

    The paired t number at the strictest step of the correction over the Pitman efficiency of the
    test under normal differences, and never fewer than an exact test needs to reject at all.
    For small samples it is an approximation; `power.simulated.simulated_seeds` simulates the test
    itself.

    Args:
        effect: mean difference over the sd of a difference, of any shape; for unpaired arms the
            sd of the difference of two independent scores.
        family: number of comparisons corrected together.
        power: between 0 and 1.
        alpha: level of the family.
        correction: as in `stats.adjust`.
        test: one of `register.PAIRED_TESTS` or `register.UNPAIRED_TESTS`.

    Raises:
        InvalidSetting: a setting outside what it can be.
        StatsError: an effect that is not a number.

    >>> [int(seeds_for_test(0.5, test=test)) for test in ("t", "wilcoxon", "sign")]
    [34, 36, 54]
    """
    check_choice("test", test, (*PAIRED_TESTS, *UNPAIRED_TESTS))
    check_choice("correction", correction, CORRECTIONS)
    check_fraction("alpha", alpha)
    check_count("family", family, 1)
    strictest = correction_named(correction).level(alpha, family)
    seeds = np.ceil(pairs_for_paired_t(effect, power, strictest) / primary_test(test).efficiency)
    return np.maximum(
        seeds.astype(np.int64), seeds_needed_for_alpha(alpha, family, correction, test)
    )


def pairs_for_signed_rank(
    effect: ArrayLike,
    family: int = 1,
    power: float = 0.8,
    alpha: float = 0.05,
    correction: str = "holm",
) -> IntArray:
    """Pairs that the exact signed-rank test needs for this power in a family of comparisons.

    The paired t number at the strictest step of the correction, divided by the asymptotic
    relative efficiency 3/π (Lehmann 1975; the default of G*Power), and never fewer than the
    exact test needs to be able to reject at all.

    Args:
        effect: d_z, of any shape; the answer has the same shape.
        family: number of comparisons corrected together.
        power: between 0 and 1.
        alpha: level of the family.
        correction: as in `stats.adjust`.

    Errors are those of `seeds_for_test`, of which this is the case "wilcoxon".

    >>> int(pairs_for_signed_rank(0.5))
    36
    """
    return seeds_for_test(effect, family, power, alpha, correction)
