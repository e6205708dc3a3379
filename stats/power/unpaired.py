"""Power of the tests of two unpaired arms, for normal scores of one spread."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from scipy.special import nctdtr, stdtrit

from stats.inputs import FloatArray, check_choice, check_count, check_fraction, check_number
from stats.judging import Judging
from stats.power.sample_size import seeds_for_test
from stats.power.simulated import SIMULATIONS, check_detectable, fewest
from stats.register import UNPAIRED_TESTS, unpaired_test
from stats.two_arms.primary_tests import smallest_p, unpaired_test_rows


def unpaired_power(test: str, effect: float, n_scores: int, alpha: float = 0.05) -> float:
    """Power of a two-sided test of two unpaired arms of `n_scores` normal scores each.

    By 4,000 seeded simulations of the test itself; beyond 40 scores an arm, and 8 for the
    permutation test, by Student's t test at n times the asymptotic efficiency.

    Args:
        test: one of `register.UNPAIRED_TESTS`.
        effect: mean difference over the sd of the difference of two independent scores, as in
            `stats.seeds_for_test`: Cohen's d over √2.
        n_scores: of each arm, at least 2.
        alpha: level of the test; in a family, that of its strictest step.

    Raises:
        InvalidSetting: an unknown test, fewer than two scores, or `alpha` outside (0, 1).

    G*Power has .801 for d = .5 with 64 scores an arm:

    >>> round(unpaired_power("welch", 0.5 / 2**0.5, 64), 3)
    0.801
    """
    check_choice("test", test, UNPAIRED_TESTS)
    check_fraction("alpha", alpha)
    check_count("n_scores", n_scores, 2)
    check_number("effect", effect)
    if n_scores > unpaired_test(test).simulated_up_to:
        return _t_power(effect, n_scores * unpaired_test(test).efficiency, alpha)
    if smallest_p(test, n_scores, n_scores) >= alpha:
        return 0.0
    baseline, candidate = _noise(n_scores)
    judging = Judging(test=test, paired=False)
    tested = unpaired_test_rows(baseline, candidate + effect, judging)
    return float((tested["p_value"] < alpha).mean())


def unpaired_seeds(test: str, effect: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Smallest number of scores an arm with this power, by `unpaired_power`.

    Raises:
        InvalidSetting: as for `unpaired_power`, or a power outside (0, 1).

    >>> unpaired_seeds("welch", 0.5 / 2**0.5), unpaired_seeds("mann-whitney", 2**0.5)
    (64, 6)
    """
    check_choice("test", test, UNPAIRED_TESTS)
    check_fraction("power", power)
    check_detectable(effect)
    start = int(seeds_for_test(effect, power=power, alpha=alpha, test=test))
    return fewest(lambda n: unpaired_power(test, effect, n, alpha), power, start)


@lru_cache(maxsize=32)
def _noise(n_scores: int) -> FloatArray:
    """Two arms of normal scores whose difference has sd 1, the same at every call."""
    random = np.random.default_rng([n_scores, 20221])
    return random.standard_normal((2, SIMULATIONS, n_scores)) / math.sqrt(2)


def _t_power(effect: float, n_scores: float, alpha: float) -> float:
    """Power of the two-sample t test, from the non-central t (Cohen 1988)."""
    df = 2 * n_scores - 2
    size = abs(effect) * math.sqrt(n_scores)
    critical = stdtrit(df, 1 - alpha / 2)
    # SciPy says NaN of some tails that are too small to be computed.
    upper = 1 - np.nan_to_num(nctdtr(df, size, critical))
    return float(upper + np.nan_to_num(nctdtr(df, size, -critical)))
