"""Equivalence: is the difference shown to be smaller than the margin?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr

from stats.errors import NotEnoughPairs
from stats.inputs import (
    FloatArray,
    check_count,
    check_number,
    check_positive,
    finite_vector,
    two_numbers,
)
from stats.intervals import mean_and_sd


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided t tests; `p_value` is the larger of the two."""

    t_lower: float
    t_upper: float
    p_lower: float
    p_upper: float
    p_value: float
    df: float
    margin: float


def tost(differences: ArrayLike, margin: float) -> Equivalence:
    """Two one-sided paired t tests of |mean difference| < margin (Schuirmann 1987).

    Rejects at α exactly when the t interval at confidence 1 − 2α lies inside ±margin. With one
    pair p is NaN. So it is when all differences are equal: a spread that is seen as zero in a few
    pairs is no evidence of a spread of zero. `rank_equivalence` has an answer there.

    Exact for normal differences, and liberal where a few seeds are very bad: for exponential
    differences whose mean lies at −margin, a wide one, equivalence is claimed at .05 in 15.5 % of
    cases at n = 5, 14.4 % at n = 8 and 10.5 % at n = 20; for whole numbers from −3 to 3 in at
    most 5.6 % (`python -m stats.simulation margin`).

    Args:
        differences: shape (n,), candidate minus baseline, in points of the metric.
        margin: smallest difference that matters, in the same points.

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.
        InvalidSetting: the margin is not a positive number.

    >>> round(tost([0.2, -0.1, 0.3, 0.0, -0.2, 0.1, 0.1, -0.3], margin=0.5).p_value, 6)
    0.000128
    """
    vector = finite_vector(differences)
    mean, sd = mean_and_sd(vector[None, :])
    error = float(sd[0]) / math.sqrt(len(vector))
    return two_one_sided(float(mean[0]), error, len(vector) - 1, margin)


def tost_from_summary(mean: float, sd: float, n_pairs: int, margin: float) -> Equivalence:
    """`tost` from a printed mean difference and the sd of the differences; NaN for an sd of 0.

    Raises:
        NotEnoughPairs: fewer than two pairs.
        InvalidSetting: a margin that is not positive, a negative sd, or a mean that is no number.

    >>> test = tost_from_summary(mean=0.04, sd=1.2, n_pairs=100, margin=0.36)
    >>> round(test.t_lower, 4), round(test.t_upper, 4), round(test.p_value, 6)
    (3.3333, -2.6667, 0.004475)
    """
    check_number("mean", mean)
    if sd != 0:
        check_positive("sd", sd)
    check_count("n_pairs", n_pairs, 0)
    if n_pairs < 2:
        raise NotEnoughPairs(f"an equivalence test needs at least two pairs, not {n_pairs}")
    return two_one_sided(mean, sd / math.sqrt(n_pairs), n_pairs - 1, margin)


def tost_welch_from_summary(
    mean_difference: float, sds: tuple[float, float], ns: tuple[int, int], margin: float
) -> Equivalence:
    """Two one-sided Welch tests from the means, sds and sizes of two unpaired samples.

    p is NaN where both sds are 0, as in `tost`.

    Raises:
        NotEnoughPairs: a sample of fewer than two.
        InvalidSetting: the margin is not a positive number.

    >>> test = tost_welch_from_summary(0.03, (0.95, 0.83), (95, 89), margin=0.384)
    >>> round(test.df, 4), round(test.p_value, 6)
    (181.1344, 0.003839)
    """
    check_number("mean_difference", mean_difference)
    if min(two_numbers("ns", ns)) < 2:
        raise NotEnoughPairs(f"an equivalence test needs at least two scores an arm, not {min(ns)}")
    variances = [sd**2 / n for sd, n in zip(two_numbers("sds", sds, 0), ns, strict=True)]
    spread = sum(v**2 / (n - 1) for v, n in zip(variances, ns, strict=True))
    degrees = sum(variances) ** 2 / spread if spread else math.inf
    return two_one_sided(mean_difference, math.sqrt(sum(variances)), degrees, margin)


def two_one_sided(estimate: float, error: float, df: float, margin: float) -> Equivalence:
    """The two tests for an estimate with this standard error and degrees of freedom."""
    check_positive("margin", margin)
    distances = np.array([margin + estimate, margin - estimate])
    inside = errors_inside(distances, np.array(error))
    p_lower, p_upper = (float(p) for p in stdtr(df, -inside))
    return Equivalence(
        t_lower=float(inside[0]),
        t_upper=float(-inside[1]),
        p_lower=p_lower,
        p_upper=p_upper,
        p_value=float(np.maximum(p_lower, p_upper)),
        df=float(df),
        margin=margin,
    )


def tost_rows(mean: FloatArray, sd: FloatArray, n_pairs: int, margin: float) -> FloatArray:
    """The larger of the two p-values for each mean and sd of `n_pairs` differences."""
    inside = errors_inside(margin - np.abs(mean), sd / math.sqrt(n_pairs))
    return np.asarray(stdtr(n_pairs - 1, -inside), dtype=np.float64)


def errors_inside(distance: FloatArray, error: FloatArray) -> FloatArray:
    """Standard errors from the estimate to the bound; NaN where no error was seen."""
    return distance / np.where(error == 0, np.nan, error)
