"""Two methods on the folds of a repeated cross-validation, which share their training data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from stats.inputs import FloatArray, check_fraction, check_rope, finite_vector
from stats.intervals import mean_and_sd, standardised
from stats.judging import Judging


@dataclass(frozen=True)
class CorrelatedT:
    """The posterior of the mean difference, a Student distribution, and the test beside it.

    Attributes:
        p_below: posterior probability that the mean difference lies below −rope.
        p_rope: inside ±rope; 0 without a rope.
        p_above: above rope.
        error: scale of the posterior, which is the corrected standard error.
        p_value: of the two-sided corrected resampled t test, from the same numbers.
    """

    mean: float
    error: float
    df: int
    low: float
    high: float
    confidence: float
    p_below: float
    p_rope: float
    p_above: float
    p_value: float
    rope: float


def correlated_t(
    differences: ArrayLike, test_fraction: float, rope: float = 0.0, *, confidence: float = 0.95
) -> CorrelatedT:
    """Bayesian correlated t test (Corani and Benavoli 2015).

    Folds that share training data are correlated, and their plain t test is far too sure. The
    correlation is taken as the test fraction (Nadeau and Bengio 2003), which multiplies the
    variance of the mean by 1 + n ρ/(1 − ρ). With seeds that draw new data, or only a new
    initialisation, nothing is shared in this way: take `stats.compare`.

    When all differences are equal the posterior is one point, which counts half to each side if
    it lies on the edge of the rope; p_value is then 0, or 1 for a difference of 0.

    Args:
        differences: shape (n,), candidate minus baseline on each fold of each repetition.
        test_fraction: ρ, the part of the data that a fold tests on: 1/10 for ten folds.
        rope: half width of the region of practical equivalence, in points.
        confidence: of the interval, which is credible and, with this prior, confident too.

    Raises:
        NotEnoughPairs: fewer than two differences.
        StatsError: a difference is not a finite number.
        InvalidSetting: a test fraction or confidence outside (0, 1), or a negative rope.

    >>> folds = [0.2, 0.5, -0.1, 0.4, 0.3, 0.6, 0.1, 0.2, 0.4, 0.4]
    >>> result = correlated_t(folds, test_fraction=0.1, rope=0.1)
    >>> round(result.p_below, 4), round(result.p_rope, 4), round(result.p_above, 4)
    (0.0011, 0.0305, 0.9684)
    """
    vector = finite_vector(differences, at_least=2)
    check_fraction("test_fraction", test_fraction)
    check_fraction("confidence", confidence)
    check_rope(rope)
    means, sds = mean_and_sd(vector[None, :])
    mean, df = float(means[0]), len(vector) - 1
    ratio = np.array([test_fraction / (1 - test_fraction)])
    error = float(corrected_error(sds, len(vector), ratio)[0])
    half_width = float(stdtrit(df, (1 + confidence) / 2)) * error
    below, above = _tail(-rope - mean, error, df), _tail(mean - rope, error, df)
    return CorrelatedT(
        mean=mean,
        error=error,
        df=df,
        low=mean - half_width,
        high=mean + half_width,
        confidence=confidence,
        p_below=below,
        p_rope=max(0.0, 1 - below - above) if rope > 0 else 0.0,
        p_above=above,
        p_value=min(1.0, 2 * _tail(-abs(mean), error, df)),
        rope=rope,
    )


def corrected_error(sd: FloatArray, n: int, ratio: FloatArray) -> FloatArray:
    """Standard error of the mean difference of n folds: s √(1/n + n_test/n_train).

    Nadeau and Bengio (2003) for random splits, Bouckaert and Frank (2004) for the k·r folds of a
    cross-validation in k folds that is repeated r times, whose ratio is 1/(k − 1).

    Args:
        sd: shape (m,), of the differences on the folds.
        n: folds, of all repetitions.
        ratio: shape (m,), examples that a fold tests on, over those that it trains on.

    >>> corrected_error(np.array([1.0]), 100, np.array([1 / 9])).round(4).tolist()
    [0.348]
    """
    return np.asarray(sd * np.sqrt(1 / n + ratio), dtype=np.float64)


def corrected_t_rows(
    mean: FloatArray, error: FloatArray, df: int, judging: Judging
) -> dict[str, FloatArray]:
    """t, p, interval and p of equivalence of many means, from their corrected errors.

    Where no spread was seen, p is NaN unless the mean is 0, and p of equivalence is NaN: a spread
    that is seen as zero on a few folds is no evidence of one.

    Args:
        mean: shape (m,).
        error: shape (m,), from `corrected_error`.
        df: folds less one; with 0 all is NaN.
        judging: for confidence and margin.
    """
    if df < 1:
        absent = np.full(len(mean), np.nan)
        return dict.fromkeys(("t", "p_value", "ci_low", "ci_high", "p_equivalence"), absent)
    none = (mean == 0) & (error == 0)
    t = np.where(none, 0.0, standardised(mean, error))
    half_width = stdtrit(df, (1 + judging.confidence) / 2) * error
    if judging.margin is None:
        inside = np.full(len(mean), np.nan)
    else:
        seen = np.where(error == 0, np.nan, error)
        inside = stdtr(df, -(judging.margin - np.abs(mean)) / seen)
    return {
        "t": t,
        "p_value": np.where(np.isinf(t), np.nan, 2 * stdtr(df, -np.abs(t))),
        "ci_low": mean - half_width,
        "ci_high": mean + half_width,
        "p_equivalence": inside,
    }


def _tail(distance: float, error: float, df: int) -> float:
    """P(T ≤ distance / error); a point without error lies on one side, or half on either."""
    if error == 0:
        return 0.5 * ((distance > 0) + (distance >= 0))
    return float(stdtr(df, distance / error))
