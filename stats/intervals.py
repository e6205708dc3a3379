"""Confidence intervals for a mean difference."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from stats.inputs import FloatArray, check_fraction, finite_vector


@dataclass(frozen=True)
class MeanInterval:
    """A mean with its Student interval, and the t test of mean = 0."""

    mean: float
    low: float
    high: float
    confidence: float
    t: float
    p_value: float


def t_interval(differences: ArrayLike, confidence: float = 0.95) -> MeanInterval:
    """Student's interval for the mean of paired differences.

    Covers 95.0 % of normal differences at n = 5 and 94.8 % at n = 8 in simulation, where
    bootstrap intervals stay below 89 %. With one pair the interval, t and p are NaN. When all
    differences are equal the interval collapses to their value, which says nothing of how far the
    truth may be; t and p are 0 and 1 where they are 0, and else infinite and NaN.

    Args:
        differences: shape (n,), candidate minus baseline, in points of the metric.
        confidence: between 0 and 1.

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.
        InvalidSetting: `confidence` outside (0, 1).

    >>> sleep = [-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4]
    >>> interval = t_interval(sleep)
    >>> round(interval.low, 7), round(interval.high, 7), round(interval.t, 4)
    (-2.4598858, -0.7001142, -4.0621)
    """
    check_fraction("confidence", confidence)
    vector = finite_vector(differences)[None, :]
    mean, sd = mean_and_sd(vector)
    low, high = t_bounds(mean, sd, vector.shape[1], confidence)
    none = mean[0] == sd[0] == 0
    t = 0.0 if none else float(standardised(mean, sd)[0]) * math.sqrt(vector.shape[1])
    p_value = math.nan if math.isinf(t) else 2 * float(stdtr(vector.shape[1] - 1, -abs(t)))
    return MeanInterval(float(mean[0]), float(low[0]), float(high[0]), confidence, t, p_value)


def mean_and_sd(differences: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and sample sd (n − 1) of each row; NaN sd for one pair, 0 when all are equal."""
    n_pairs = differences.shape[1]
    mean = differences.mean(axis=1)
    if n_pairs < 2:
        return mean, np.full(len(mean), np.nan)
    sd = differences.std(axis=1, ddof=1)
    # Rounding leaves 1e-17 where all values are the same, which would make any effect infinite.
    constant = differences.max(axis=1) == differences.min(axis=1)
    return np.where(constant, differences[:, 0], mean), np.where(constant, 0.0, sd)


def standardised(mean: FloatArray, sd: FloatArray) -> FloatArray:
    """Mean over sd: NaN for 0/0, signed infinity for a constant difference."""
    with np.errstate(divide="ignore", invalid="ignore"):
        return mean / sd


def t_bounds(
    mean: FloatArray, sd: FloatArray, n_pairs: int, confidence: float
) -> tuple[FloatArray, FloatArray]:
    """Lower and upper ends of the Student interval of each mean."""
    half_width = stdtrit(n_pairs - 1, (1 + confidence) / 2) * sd / math.sqrt(n_pairs)
    return mean - half_width, mean + half_width
