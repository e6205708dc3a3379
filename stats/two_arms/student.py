"""Student's t test of paired differences, as a primary test."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import nctdtr, stdtr, stdtrit

from stats.attainable import smallest_p_of_spread
from stats.errors import InvalidSetting, StatsError
from stats.inputs import FloatArray, as_floats, check_fraction
from stats.intervals import mean_and_sd, standardised
from stats.register import PairedTest, RowsTested, register


def student_rows(mean: FloatArray, sd: FloatArray, n_pairs: int) -> tuple[FloatArray, FloatArray]:
    """t and its two-sided p of each mean and sd of `n_pairs` differences.

    Exact for normal differences, and liberal at small n where they are skewed or coarse: for
    exponential differences with mean zero it rejects at .05 in 11.5 % of cases at n = 5, 10.7 %
    at n = 8 and 7.4 % at n = 20; for whole numbers from −3 to 3 in 6.2, 5.6 and 5.1 %
    (`python -m stats.simulation errors`). With one pair p is NaN. So it is where all
    differences are equal but not zero: a spread that is seen as zero in a few pairs, of a metric
    that has steps, is no evidence of a spread of zero. Where all are zero, p is 1.

    >>> t, p_value = student_rows(np.array([-1.58]), np.array([1.229995]), 10)
    >>> round(float(t[0]), 4), round(float(p_value[0]), 6)
    (-4.0621, 0.002833)
    """
    t = np.where((mean == 0) & (sd == 0), 0.0, standardised(mean, sd) * math.sqrt(n_pairs))
    if n_pairs < 2:
        return np.full(len(mean), np.nan), np.full(len(mean), np.nan)
    p_value = 2 * stdtr(n_pairs - 1, -np.abs(t))
    return t, np.where(np.isinf(t), np.nan, p_value)


def paired_t_power(effect: ArrayLike, n_pairs: ArrayLike, alpha: float = 0.05) -> FloatArray:
    """Power of the two-sided paired t test, from the non-central t (Cohen 1988).

    Args:
        effect: d_z, the mean difference over the sd of the differences; broadcast with `n_pairs`.
        n_pairs: number of pairs, at least 2.
        alpha: level of the test.

    Raises:
        InvalidSetting: fewer than two pairs, or alpha outside (0, 1).
        StatsError: an effect that is not a number.

    >>> float(paired_t_power(0.5, 34).round(3))
    0.808
    """
    check_fraction("alpha", alpha)
    pairs = as_floats(n_pairs, "numbers of pairs")
    if not (pairs >= 2).all():
        raise InvalidSetting(f"a paired t test needs at least two pairs, not {pairs.min():g}")
    size = sizes_of_effects(effect) * np.sqrt(pairs)
    critical = stdtrit(pairs - 1, 1 - alpha / 2)
    # SciPy says NaN of some tails that are too small to be computed.
    upper = 1 - np.nan_to_num(nctdtr(pairs - 1, size, critical))
    lower = np.nan_to_num(nctdtr(pairs - 1, size, -critical))
    return np.asarray(upper + lower, dtype=np.float64)


def sizes_of_effects(effect: ArrayLike) -> FloatArray:
    """Effects without their signs; StatsError where one is no number."""
    size = np.abs(as_floats(effect, "effects"))
    if np.isnan(size).any():
        raise StatsError("effects must be numbers, not NaN")
    return size


def _power(effect: float, n_pairs: int, alpha: float) -> float:
    return float(paired_t_power(effect, n_pairs, alpha))


def _tested(differences: FloatArray, _: str) -> RowsTested:
    mean, sd = mean_and_sd(differences)
    statistic, p_value = student_rows(mean, sd, differences.shape[1])
    return RowsTested(statistic, -mean, mean, p_value)


register(
    PairedTest(
        name="t",
        words="paired t test",
        rows=_tested,
        smallest_p=smallest_p_of_spread,
        power=_power,
        of_means=True,
    )
)
