"""Welch's t test: two unpaired arms whose variances need not be equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from stats.attainable import smallest_p_of_spread
from stats.inputs import FloatArray, check_fraction, two_arms
from stats.intervals import mean_and_sd
from stats.register import RowsTested, UnpairedTest, register


@dataclass(frozen=True)
class Welch:
    """Difference of two means with its interval, and the test of no difference."""

    difference: float
    low: float
    high: float
    confidence: float
    t: float
    df: float
    p_value: float


def welch(baseline: ArrayLike, candidate: ArrayLike, confidence: float = 0.95) -> Welch:
    """Welch's (1947) test and interval for candidate mean − baseline mean, arms unpaired.

    Where both arms are constant the interval is a point. p is then 1 if they agree, and else NaN:
    a spread that is seen as zero in a few scores is no evidence of a spread of zero.

    Args:
        baseline: shape (n,), at least two scores, in points of the metric.
        candidate: shape (k,), at least two scores.
        confidence: between 0 and 1.

    Raises:
        NotEnoughPairs: an arm with fewer than two scores.
        StatsError: a score is not a finite number.
        InvalidSetting: `confidence` outside (0, 1).

    R's `t.test(extra ~ group, data = sleep)`, the sign turned:

    >>> first = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
    >>> second = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
    >>> test = welch(first, second)
    >>> round(test.t, 4), round(test.df, 3), round(test.p_value, 5)
    (1.8608, 17.776, 0.07939)
    >>> round(test.low, 7), round(test.high, 7)
    (-0.2054832, 3.3654832)
    """
    check_fraction("confidence", confidence)
    first, second = two_arms(baseline, candidate, at_least=2)
    rows = welch_rows(first[None, :], second[None, :], confidence)
    return Welch(confidence=confidence, **{name: float(values[0]) for name, values in rows.items()})


def welch_rows(
    baseline: FloatArray, candidate: FloatArray, confidence: float
) -> dict[str, FloatArray]:
    """Fields of `Welch` of shape (m,) for arms of shape (m, n) and (m, k)."""
    means, variances, shares = [], [], []
    for arm in (baseline, candidate):
        mean, sd = mean_and_sd(arm)
        means.append(mean)
        variances.append(sd**2 / arm.shape[1])
        shares.append(variances[-1] ** 2 / max(1, arm.shape[1] - 1))
    difference = means[1] - means[0]
    error = np.sqrt(variances[0] + variances[1])
    varies = error != 0  # NaN, an arm of one score, counts as varying and stays NaN
    df = np.where(varies, error**4 / np.where(varies, shares[0] + shares[1], 1.0), np.inf)
    certain = np.where(difference == 0, 0.0, np.copysign(np.inf, difference))
    t = np.where(varies, difference / np.where(varies, error, 1.0), certain)
    half_width = np.where(varies, stdtrit(df, (1 + confidence) / 2) * error, 0.0)
    return {
        "difference": difference,
        "low": difference - half_width,
        "high": difference + half_width,
        "t": t,
        "df": df,
        "p_value": np.where(np.isinf(t), np.nan, 2 * stdtr(df, -np.abs(t))),
    }


def _tested(baseline: FloatArray, candidate: FloatArray) -> RowsTested:
    rows = welch_rows(baseline, candidate, 0.95)  # whose interval is not asked for
    return RowsTested(rows["t"], -rows["difference"], rows["difference"], rows["p_value"])


register(
    UnpairedTest(
        name="welch",
        words="Welch's t test (unpaired)",
        rows=_tested,
        smallest_p=smallest_p_of_spread,
        of_means=True,
    )
)
