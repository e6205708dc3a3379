"""Standardised mean differences, each with its interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtri, nctdtrinc, ndtri

from stats.effects.effect_sizes import d_z_rows, hedges_factor, pair_correlation_rows
from stats.errors import InvalidSetting, NotEnoughPairs
from stats.inputs import (
    FloatArray,
    check_fraction,
    finite_vector,
    paired_arms,
    two_arms,
    two_numbers,
)
from stats.intervals import mean_and_sd
from stats.register import Bounds, PairedEffect, UnpairedEffect, register

#: Beyond this t, the spread of the normal numerator no longer shows beside that of the sd.
LARGE_T = 1e3


@dataclass(frozen=True)
class EffectSize:
    """An effect size with its interval; NaN where there is no spread to measure by."""

    name: str
    estimate: float
    low: float
    high: float
    confidence: float


@dataclass(frozen=True)
class StandardisedDifference:
    """Cohen's d and Hedges' g of two unpaired arms from printed summaries, with variances."""

    d: float
    var_d: float
    g: float
    var_g: float


def d_z_interval(differences: ArrayLike, confidence: float = 0.95) -> EffectSize:
    """Cohen's d_z with its exact interval under normal differences (non-central t, Kelley 2007).

    Args:
        differences: shape (n,), candidate minus baseline.
        confidence: between 0 and 1.

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.
        InvalidSetting: `confidence` outside (0, 1).

    >>> sleep = [-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4]
    >>> effect = d_z_interval(sleep)
    >>> round(effect.estimate, 4), round(effect.low, 4), round(effect.high, 4)
    (-1.2846, -2.118, -0.4146)
    """
    check_fraction("confidence", confidence)
    vector = finite_vector(differences)
    d = d_z_rows(*mean_and_sd(vector[None, :]))
    low, high = d_z_bounds(d, len(vector), confidence)
    return EffectSize("d_z", float(d[0]), float(low[0]), float(high[0]), confidence)


def hedges_g_z_interval(differences: ArrayLike, confidence: float = 0.95) -> EffectSize:
    """Hedges' g_z, unbiased for the same parameter as d_z, and therefore with its interval.

    The interval is that of the parameter itself and is not multiplied by the factor of g, which
    would shift it off its coverage; some packages do multiply. Arguments and errors are those of
    `d_z_interval`.

    >>> effect = hedges_g_z_interval([-1.2, -2.4, -1.3, -1.3, 0.0, -1.0, -1.8, -0.8, -4.6, -1.4])
    >>> round(effect.estimate, 4), round(effect.low, 4)
    (-1.1739, -2.118)
    """
    effect = d_z_interval(differences, confidence)
    factor = hedges_factor(len(finite_vector(differences)) - 1)
    return EffectSize("hedges_g", effect.estimate * factor, effect.low, effect.high, confidence)


def d_av(baseline: ArrayLike, candidate: ArrayLike, confidence: float = 0.95) -> EffectSize:
    """Paired mean difference over the root mean square of the two arms' sds (Cumming 2012).

    The interval is Bonett's (2008); it covers 94.2 to 96.1 % of normal data at n = 5, 8 and 20
    with pair correlations of 0 to .95.

    Args:
        baseline: shape (n,), in the order of the seeds.
        candidate: shape (n,), in the same order.
        confidence: between 0 and 1.

    Returns:
        NaN with one pair and where both arms are constant.

    Raises:
        NotPaired: the arms differ in length.
        NotEnoughPairs: no score is given.
        StatsError: a score is not a finite number.
        InvalidSetting: `confidence` outside (0, 1).

    >>> effect = d_av([1, 2, 3, 4], [3, 3, 6, 6])
    >>> round(effect.estimate, 4)
    1.3093
    """
    check_fraction("confidence", confidence)
    first, second = paired_arms(baseline, candidate)
    estimate, low, high = d_av_rows(first[None, :], second[None, :], confidence)
    return EffectSize("d_av", float(estimate[0]), float(low[0]), float(high[0]), confidence)


def hedges_g(baseline: ArrayLike, candidate: ArrayLike, confidence: float = 0.95) -> EffectSize:
    """Hedges' g of two unpaired arms: unbiased mean difference over the pooled sd.

    The interval is exact for normal arms of one variance (non-central t), and as for g_z it is
    that of the parameter.

    Args:
        baseline: shape (n,), in points of the metric.
        candidate: shape (k,).
        confidence: between 0 and 1.

    Returns:
        NaN with fewer than three scores in all and where both arms are constant.

    Raises:
        NotEnoughPairs: an arm without scores.
        StatsError: a score is not a finite number.
        InvalidSetting: `confidence` outside (0, 1).

    >>> round(hedges_g([1, 2, 3, 4, 5], [3, 4, 5, 6, 7]).estimate, 4)
    1.1418
    """
    check_fraction("confidence", confidence)
    first, second = two_arms(baseline, candidate)
    estimate, low, high = hedges_g_rows(first[None, :], second[None, :], confidence)
    return EffectSize("hedges_g", float(estimate[0]), float(low[0]), float(high[0]), confidence)


def standardised_from_summary(
    means: tuple[float, float], sds: tuple[float, float], ns: tuple[int, int]
) -> StandardisedDifference:
    """Cohen's d and Hedges' g of two unpaired arms from a printed table.

    First mean minus second; variances and the factor 1 − 3/(4 df − 1) are those of Borenstein et
    al. (2009, chapter 4).

    Raises:
        NotEnoughPairs: an arm of fewer than two scores.
        InvalidSetting: an sd that is not positive.

    >>> effect = standardised_from_summary((103, 100), (5.5, 4.5), (50, 50))
    >>> round(effect.d, 4), round(effect.g, 4), round(effect.var_d, 4), round(effect.var_g, 4)
    (0.597, 0.5924, 0.0418, 0.0411)
    """
    two_numbers("means", means)
    if min(two_numbers("ns", ns)) < 2:
        raise NotEnoughPairs(f"a standardised difference needs two scores an arm, not {min(ns)}")
    if not min(two_numbers("sds", sds)) > 0:
        raise InvalidSetting(f"sds must be positive and finite, not {min(sds)}")
    df = sum(ns) - 2
    pooled = math.sqrt(sum((n - 1) * sd**2 for n, sd in zip(ns, sds, strict=True)) / df)
    d = (means[0] - means[1]) / pooled
    var_d = sum(ns) / math.prod(ns) + d**2 / (2 * sum(ns))
    factor = 1 - 3 / (4 * df - 1)
    return StandardisedDifference(d, var_d, factor * d, factor**2 * var_d)


def d_z_bounds(d: FloatArray, n_pairs: int, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Ends of the interval of each d_z; NaN where it is."""
    root = math.sqrt(n_pairs)
    low, high = noncentrality(d * root, n_pairs - 1, confidence)
    return low / root, high / root


def d_av_rows(
    baseline: FloatArray, candidate: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """d_av and the ends of its interval, of shape (m,), for arms of shape (m, n)."""
    df = baseline.shape[1] - 1
    mean, sd = mean_and_sd(candidate - baseline)
    first, second = mean_and_sd(baseline)[1] ** 2, mean_and_sd(candidate)[1] ** 2
    average = np.where(first + second > 0, (first + second) / 2, np.nan)
    d = mean / np.sqrt(average)
    # r s₁ s₂ is the covariance, which is 0 where an arm is constant and r does not exist.
    covariance = np.nan_to_num(pair_correlation_rows(baseline, candidate)) ** 2 * first * second
    quartic = first**2 + second**2 + 2 * covariance
    variance = d**2 * quartic / (8 * max(1, df) * average**2) + sd**2 / (max(1, df) * average)
    half_width = float(ndtri((1 + confidence) / 2)) * np.sqrt(variance)
    return d, d - half_width, d + half_width


def hedges_g_rows(
    baseline: FloatArray, candidate: FloatArray, confidence: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unpaired g and the ends of its interval, of shape (m,), for arms (m, n) and (m, k)."""
    n, k = baseline.shape[1], candidate.shape[1]
    df = n + k - 2
    squares = sum((arm.var(axis=1) * arm.shape[1] for arm in (baseline, candidate)), np.zeros(1))
    constant = (np.ptp(baseline, axis=1) == 0) & (np.ptp(candidate, axis=1) == 0)
    pooled = np.sqrt(np.where(constant, np.nan, squares) / max(1, df))
    d = (candidate.mean(axis=1) - baseline.mean(axis=1)) / pooled
    root = math.sqrt(n * k / (n + k))
    low, high = noncentrality(d * root, df, confidence)
    return d * hedges_factor(df), low / root, high / root


def noncentrality(t: FloatArray, df: int, confidence: float) -> tuple[FloatArray, FloatArray]:
    """Interval of the non-centrality behind each t; NaN without degrees of freedom.

    >>> low, high = noncentrality(np.array([2.0]), 7, 0.95)
    >>> round(float(low[0]), 3), round(float(high[0]), 3)
    (-0.267, 4.159)
    """
    if df < 1:
        return np.full(len(t), np.nan), np.full(len(t), np.nan)
    tail = (1 - confidence) / 2
    size = np.abs(t)
    inner, outer = (
        np.where(
            size > LARGE_T,
            # The quantile search does not end for t in the millions.
            size * math.sqrt(chdtri(df, p) / df),
            nctdtrinc(df, p, np.where(size > LARGE_T, np.nan, size)),
        )
        for p in (1 - tail, tail)
    )
    return np.where(t < 0, -outer, inner), np.where(t < 0, -inner, outer)


def _d_z(arms: FloatArray, differences: FloatArray, confidence: float) -> Bounds:
    size = d_z_rows(*mean_and_sd(differences))
    return size, *d_z_bounds(size, differences.shape[1], confidence)


def _paired_g(arms: FloatArray, differences: FloatArray, confidence: float) -> Bounds:
    size, low, high = _d_z(arms, differences, confidence)
    return size * hedges_factor(differences.shape[1] - 1), low, high


def _d_av(arms: FloatArray, differences: FloatArray, confidence: float) -> Bounds:
    return d_av_rows(arms[0], arms[1], confidence)


register(PairedEffect(name="hedges_g", symbol="g", words="Hedges' g", default=True, rows=_paired_g))
register(PairedEffect(name="d_z", symbol="d_z", words="Cohen's d_z", rows=_d_z))
register(PairedEffect(name="d_av", symbol="d_av", words="Cohen's d_av", rows=_d_av))
register(
    UnpairedEffect(name="hedges_g", symbol="g", words="Hedges' g", default=True, rows=hedges_g_rows)
)
