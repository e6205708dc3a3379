"""Power and sample size of a verdict of equivalence."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from scipy.special import chdtri, ndtr, stdtrit

from stats.errors import InvalidSetting
from stats.inputs import check_count, check_fraction, check_number, check_positive

#: Quantiles of the sd over which power is averaged; power is then right to 4 decimals.
NODES = 2_000

MOST_PAIRS = 1_000_000


def tost_power(
    n_pairs: int, sd: float, margin: float, difference: float = 0.0, alpha: float = 0.05
) -> float:
    """Probability that the two one-sided paired t tests show equivalence (Phillips 1990).

    Args:
        n_pairs: number of pairs.
        sd: of the paired differences, in points of the metric.
        margin: smallest difference that matters, in points.
        difference: the true mean difference, in points.
        alpha: level of the tests.

    Returns:
        0 with fewer than two pairs.

    Raises:
        InvalidSetting: an sd or margin that is not positive, or `alpha` outside (0, 1).

    >>> round(tost_power(20, sd=1.0, margin=1.0), 3), round(tost_power(8, 0.6, 0.5), 3)
    (0.992, 0.398)
    """
    check_positive("sd", sd)
    check_positive("margin", margin)
    check_fraction("alpha", alpha)
    check_number("difference", difference)
    check_count("n_pairs", n_pairs, 0)
    if n_pairs < 2:
        return 0.0
    return inside_power(sd / math.sqrt(n_pairs), n_pairs - 1, margin, difference, alpha)


def inside_power(error: float, df: int, margin: float, difference: float, alpha: float) -> float:
    """Power of two one-sided t tests of an estimate with this true standard error."""
    share = (np.arange(NODES) + 0.5) / NODES
    ratio = np.sqrt(chdtri(df, share) / df)  # of the observed sd to the true one
    critical = float(stdtrit(df, 1 - alpha)) * ratio
    inside = ndtr((margin - difference) / error - critical)
    below = ndtr(critical - (margin + difference) / error)
    return float(np.maximum(inside - below, 0).mean())


def pairs_for_tost(
    sd: float, margin: float, difference: float = 0.0, power: float = 0.8, alpha: float = 0.05
) -> int:
    """Smallest number of pairs that shows equivalence with this power.

    Raises:
        InvalidSetting: as for `tost_power`; a power outside (0, 1); a true difference that is not
            inside the margin; or more than a million pairs needed.

    >>> pairs_for_tost(sd=0.6, margin=0.5), pairs_for_tost(sd=0.6, margin=0.5, power=0.9)
    (14, 18)
    """
    check_fraction("power", power)
    check_positive("margin", margin)
    check_number("difference", difference)
    if abs(difference) >= margin:
        raise InvalidSetting(f"a true difference of {difference} is not inside ±{margin}")

    return fewest_inside(lambda n: tost_power(n, sd, margin, difference, alpha), power)


def fewest_inside(power_at: Callable[[int], float], power: float) -> int:
    """Smallest number, at least 2, from which on this growing power is reached.

    Raises:
        InvalidSetting: it is more than a million.
    """

    def enough(n: int) -> bool:
        return power_at(n) >= power

    high = 2
    while not enough(high):
        high *= 2
        if high > MOST_PAIRS:
            raise InvalidSetting(f"more than {MOST_PAIRS:,} seeds are needed: a wider margin")
    low = max(2, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return high
