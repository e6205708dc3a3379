"""Effect sizes of paired differences, and what the pairing bought."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import gammaln

from stats.inputs import FloatArray, finite_vector, paired_arms
from stats.intervals import mean_and_sd, standardised
from stats.two_arms.signed_rank import signed_rank_rows


def d_z(differences: ArrayLike) -> float:
    """Mean difference over the sd of the differences (Cohen 1988).

    Args:
        differences: shape (n,), candidate minus baseline.

    Returns:
        NaN for one pair and for differences that are all equal: there is no spread to measure by.

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.

    >>> round(d_z([-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4]), 6)
    -1.284558
    """
    return float(d_z_rows(*mean_and_sd(finite_vector(differences)[None, :]))[0])


def hedges_g_z(differences: ArrayLike) -> float:
    """d_z without its small-sample bias (Hedges 1981, with the exact gamma factor, df = n − 1).

    Args:
        differences: shape (n,), candidate minus baseline.

    Returns:
        NaN wherever d_z is.

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.

    >>> round(hedges_g_z([-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4]), 4)
    -1.1739
    """
    vector = finite_vector(differences)
    return d_z(vector) * hedges_factor(len(vector) - 1)


def rank_biserial(differences: ArrayLike) -> float:
    """Matched rank-biserial correlation (W⁺ − W⁻) / (W⁺ + W⁻), zeros dropped (Kerby 2014).

    Args:
        differences: shape (n,), candidate minus baseline.

    Returns:
        Between −1 and 1; 0 when every difference is zero.

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.

    >>> d = [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01]
    >>> round(rank_biserial(d), 4)
    0.7778
    """
    return float(rank_biserial_rows(finite_vector(differences)[None, :])[0])


def pair_correlation(baseline: ArrayLike, candidate: ArrayLike) -> float:
    """Pearson correlation of two arms over their shared seeds: what pairing bought.

    Args:
        baseline: shape (n,), in the order of the seeds.
        candidate: shape (n,), in the same order.

    Returns:
        NaN when an arm has fewer than two scores, or the same score on every seed.

    Raises:
        NotPaired: the arms differ in length.
        StatsError: a score is not a finite number.

    >>> round(pair_correlation([1, 2, 3, 4], [1, 3, 2, 5]), 4)
    0.8315
    """
    first, second = paired_arms(baseline, candidate)
    return float(pair_correlation_rows(first[None, :], second[None, :])[0])


def hedges_factor(df: int) -> float:
    """Factor that unbiases a standardised mean: Γ(df/2) / (√(df/2) Γ((df − 1)/2)).

    >>> round(hedges_factor(98), 4)
    0.9923
    """
    if df < 2:
        return float("nan")
    return float(np.exp(gammaln(df / 2) - gammaln((df - 1) / 2)) / np.sqrt(df / 2))


def d_z_rows(mean: FloatArray, sd: FloatArray) -> FloatArray:
    """d_z of each row from its mean and sd."""
    return np.where(sd > 0, standardised(mean, sd), np.nan)


def rank_biserial_rows(differences: FloatArray, positive: FloatArray | None = None) -> FloatArray:
    """Rank-biserial correlation of each row of shape (m, n), from its W⁺ where that is known."""
    positive = signed_rank_rows(differences)[0] if positive is None else positive
    nonzero = np.count_nonzero(differences, axis=1)
    total = nonzero * (nonzero + 1) / 2
    return np.asarray((2 * positive - total) / np.maximum(total, 1), dtype=np.float64)


def pair_correlation_rows(baseline: FloatArray, candidate: FloatArray) -> FloatArray:
    """Pearson correlation of each pair of rows of shape (m, n)."""
    varies = (np.ptp(baseline, axis=1) > 0) & (np.ptp(candidate, axis=1) > 0)
    first = baseline - baseline.mean(axis=1, keepdims=True)
    second = candidate - candidate.mean(axis=1, keepdims=True)
    spread = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
    correlation = np.clip((first * second).sum(axis=1) / np.where(varies, spread, 1.0), -1, 1)
    return np.asarray(np.where(varies, correlation, np.nan), dtype=np.float64)
