"""Power of each primary test for normal differences: exact where it is known, else simulated."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from stats.errors import InvalidSetting
from stats.inputs import FloatArray, check_choice, check_count, check_fraction, check_number
from stats.judging import Judging
from stats.power.by_pairs import LARGEST_EFFECT, SMALLEST_EFFECT
from stats.power.sample_size import seeds_for_test
from stats.power.shifted import power_by_shifts
from stats.register import PAIRED_TESTS, paired_test
from stats.two_arms.primary_tests import paired_test_rows, smallest_p
from stats.two_arms.student import paired_t_power

#: Samples of `noise`; the standard error of a rate of .8 over them is 0.6 points.
SIMULATIONS = 4_000


def power_of(test: str, effect: float, n_pairs: int, alpha: float = 0.05) -> float:
    """Power of a two-sided paired test for normal differences.

    "t" by the non-central t and "sign" by the binomial distribution, exactly. "wilcoxon" and
    "permutation" by seeded simulations of the exact test, of which all is integrated out that can
    be (`stats.power.shifted`); beyond 40 and 12 pairs by the t test at n times their asymptotic
    efficiency.

    Args:
        test: one of `register.PAIRED_TESTS`.
        effect: mean difference over the sd of the differences.
        n_pairs: number of pairs, at least 2.
        alpha: level of the test; in a family, that of its strictest step.

    Raises:
        InvalidSetting: an unknown test, fewer than two pairs, or `alpha` outside (0, 1).

    >>> round(power_of("t", 0.5, 34), 3), round(power_of("sign", 1.0, 10), 3)
    (0.808, 0.513)
    """
    check_choice("test", test, PAIRED_TESTS)
    check_fraction("alpha", alpha)
    check_count("n_pairs", n_pairs, 2)
    check_number("effect", effect)
    known = paired_test(test)
    if known.power is not None:
        return known.power(effect, n_pairs, alpha)
    if n_pairs > known.simulated_up_to:
        return float(paired_t_power(effect, max(2.0, n_pairs * known.efficiency), alpha))
    if known.shifts is not None:
        return power_by_shifts(known.shifts, effect, n_pairs, alpha)
    if smallest_p(test, n_pairs, n_pairs) >= alpha:
        return 0.0
    tested = paired_test_rows(noise(n_pairs) + effect, Judging(test=test))
    return float((tested["p_value"] < alpha).mean())


def detectable_effect(test: str, n_pairs: int, power: float = 0.8, alpha: float = 0.05) -> float:
    """Smallest mean difference over sd that the test finds with this power.

    Returns:
        NaN where the test can never reach `alpha` with so few pairs.

    Raises:
        InvalidSetting: as for `power_of`, or a power outside (0, 1).

    >>> round(detectable_effect("t", 34), 3), detectable_effect("wilcoxon", 5)
    (0.495, nan)
    """
    check_fraction("power", power)
    check_fraction("alpha", alpha)
    check_choice("test", test, PAIRED_TESTS)
    check_count("n_pairs", n_pairs, 2)
    return _detectable(test, n_pairs, power, alpha)


@lru_cache(maxsize=256)
def _detectable(test: str, n_pairs: int, power: float, alpha: float) -> float:
    def missing(effect: float) -> float:
        return power_of(test, effect, n_pairs, alpha) - power

    if missing(LARGEST_EFFECT) < 0:
        return math.nan
    if missing(0.0) >= 0:
        return 0.0
    from scipy.optimize import brentq

    return float(brentq(missing, 0.0, LARGEST_EFFECT, xtol=1e-9, rtol=1e-9))


def simulated_seeds(test: str, effect: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Smallest number of pairs with this power, by `power_of`.

    Raises:
        InvalidSetting: as for `power_of`, or a power outside (0, 1).

    >>> simulated_seeds("t", 0.5), simulated_seeds("sign", 1.0)
    (34, 17)
    """
    check_fraction("power", power)
    check_detectable(effect)
    check_choice("test", test, PAIRED_TESTS)
    start = int(seeds_for_test(effect, power=power, alpha=alpha, test=test))
    return fewest(lambda n_pairs: power_of(test, effect, n_pairs, alpha), power, start)


def check_detectable(effect: float) -> None:
    """Raise InvalidSetting for an effect that no number of seeds shows."""
    check_number("effect", effect)
    if abs(effect) < SMALLEST_EFFECT:
        raise InvalidSetting(
            f"an effect of {effect:g} sds is below {SMALLEST_EFFECT:g}: hundreds of millions of "
            "pairs would be needed"
        )


def fewest(power_at: Callable[[int], float], power: float, start: int) -> int:
    """Smallest number of pairs near `start` whose power is reached, and stays so for one more."""
    n_pairs = max(2, start)
    while n_pairs > 2 and power_at(n_pairs - 1) >= power:
        n_pairs -= 1
    # Exact tests gain power in a saw-tooth, so that one more pair can have less.
    while power_at(n_pairs) < power or power_at(n_pairs + 1) < power:
        n_pairs += 1
    return n_pairs


@lru_cache(maxsize=64)
def noise(n_pairs: int) -> FloatArray:
    """Standard normal differences of shape (`SIMULATIONS`, n), the same at every call."""
    return np.random.default_rng([n_pairs, 20220]).standard_normal((SIMULATIONS, n_pairs))
