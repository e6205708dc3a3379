"""What a number of pairs can show, before anything is trained."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri

from stats.errors import InvalidSetting
from stats.inputs import (
    FloatArray,
    IntArray,
    check_fraction,
)
from stats.two_arms.student import paired_t_power, sizes_of_effects

#: Effects beyond these need hundreds of millions of pairs, or the fewest there can be.
SMALLEST_EFFECT, LARGEST_EFFECT = 1e-4, 50.0

#: For many effects at once, those that so many pairs detect are looked up instead of searched.
TABLED_PAIRS = 200


def pairs_for_paired_t(effect: ArrayLike, power: float = 0.8, alpha: float = 0.05) -> IntArray:
    """Smallest number of pairs that gives the paired t test this power.

    Args:
        effect: d_z, of any shape and not NaN; the answer has the same shape. Effects are held
            between 1e-4 and 50.
        power: between 0 and 1.
        alpha: level of the two-sided test.

    Raises:
        InvalidSetting: power or alpha outside (0, 1).
        StatsError: an effect that is not a number.

    >>> int(pairs_for_paired_t(0.5))
    34
    """
    check_fraction("power", power)
    check_fraction("alpha", alpha)
    size = np.clip(sizes_of_effects(effect), SMALLEST_EFFECT, LARGEST_EFFECT)
    if size.size <= TABLED_PAIRS:
        return _search_pairs(size, power, alpha)
    detected_by = np.searchsorted(_tabled_effects(power, alpha), size, side="right")
    pairs = np.asarray(TABLED_PAIRS + 2 - detected_by, dtype=np.int64)
    beyond = detected_by == 0
    pairs[beyond] = _search_pairs(size[beyond], power, alpha)
    return pairs


@lru_cache(maxsize=16)
def _tabled_effects(power: float, alpha: float) -> FloatArray:
    """Effects that 2 … `TABLED_PAIRS` + 1 pairs detect with this power, the smallest first."""
    pairs = np.arange(2, TABLED_PAIRS + 2)
    low, high = np.zeros(len(pairs)), np.full(len(pairs), LARGEST_EFFECT)
    for _ in range(60):
        middle = (low + high) / 2
        enough = paired_t_power(middle, pairs, alpha) >= power
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high[::-1]


def _search_pairs(size: FloatArray, power: float, alpha: float) -> IntArray:
    low = np.full(size.shape, 2, dtype=np.int64)
    high = low.copy()
    while (short := paired_t_power(size, high, alpha) < power).any():
        high = np.where(short, 2 * high, high)
    while (low < high).any():
        middle = (low + high) // 2
        enough = paired_t_power(size, middle, alpha) >= power
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
    return high


def noether_sample_size(superiority: float, power: float = 0.95, alpha: float = 0.05) -> int:
    """Pairs that show P(A > B) > ½ one-sided when it is `superiority` (Noether 1987).

    The rule that Bouthillier et al. (2021) recommend for benchmarks, from the normal limit of
    the rank test.

    Args:
        superiority: the true P(A > B), other than ½.
        power: between 0 and 1.
        alpha: one-sided level.

    Raises:
        InvalidSetting: an argument outside (0, 1), or a superiority of ½.

    >>> noether_sample_size(0.75)
    29
    """
    for what, value in (("superiority", superiority), ("power", power), ("alpha", alpha)):
        check_fraction(what, value)
    if superiority == 0.5:
        raise InvalidSetting("superiority is 0.5: there is nothing to show")
    distance = float(ndtri(power) - ndtri(alpha))
    return max(1, math.ceil((distance / (math.sqrt(6) * (superiority - 0.5))) ** 2))
