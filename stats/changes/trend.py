"""Does an effect grow or fall with a dose? One slope for each seed, tested over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stats.errors import InvalidSetting, StatsError
from stats.inputs import FloatArray, as_floats, check_choice, finite_table, finite_vector
from stats.intervals import mean_and_sd, t_bounds
from stats.judging import Judging
from stats.ties import noise_scale, settle
from stats.two_arms.primary_tests import paired_test_rows

#: Where a dose stands: log10(1 + dose), log10(dose), the dose itself, or its rank from 0.
DOSE_SCALES = ("log1p", "log", "linear", "order")


@dataclass(frozen=True)
class Trend:
    """An effect over doses, and the test of its slope.

    Attributes:
        doses: ascending, shape (k,).
        positions: of the doses on the scale.
        effects: mean over seeds at each dose, in points of the metric.
        lows: ends of the t interval of each mean, by itself: a band for every dose, not for the
            curve as a whole.
        slope: mean over seeds of the least-squares slope of each, in points a unit of the scale:
            a tenfold, a unit of dose, or a step from one dose to the next.
        ci_low: end of its t interval, at `confidence`.
        seed_slopes: shape (n,), in the order given.
        p_value: two-sided, of `test` on these slopes.
        p_adjusted: corrected over the trends that are looked at together.
    """

    doses: tuple[float, ...]
    positions: tuple[float, ...]
    effects: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    slope: float
    ci_low: float
    ci_high: float
    confidence: float
    seed_slopes: tuple[float, ...]
    p_value: float
    p_adjusted: float
    scale: str
    test: str


def trend(
    differences: ArrayLike,
    doses: Sequence[float],
    *,
    scale: str = "log1p",
    alpha: float = 0.05,
    test: str = "wilcoxon",
    zeros: str = "wilcox",
    resolution: float | Sequence[float] | None = None,
) -> Trend:
    """Test whether an effect has a slope over doses that every seed was given.

    The slopes are a summary measure of each seed, and only they are tested (Matthews, Altman,
    Campbell and Royston 1990): what a seed adds to all of its effects cancels, and neither equal
    variances nor independence of a seed's effects is assumed. A slope is a straight line's; an
    effect that rises and falls again may have none. On a log scale a dose of 0 lies far from the
    others and decides much; "order" gives every step the same weight.

    Args:
        differences: shape (n, k), candidate minus baseline of each seed at each dose.
        doses: k different numbers, in any order, from 0 upwards.
        scale: one of `DOSE_SCALES`.
        alpha: intervals have confidence 1 − alpha.
        test: of the slopes, one of `register.PAIRED_TESTS`.
        zeros: what the signed-rank test does with slopes of zero.
        resolution: smallest step of the metric, to which differences are rounded; one, or one for
            each dose.

    Raises:
        NotEnoughPairs: fewer than two seeds or doses.
        StatsError: a difference or a dose is not a finite number.
        InvalidSetting: doses that are equal, negative, or 0 on the scale "log", or another
            setting outside what it can be.

    The eleven girls of Potthoff and Roy (1964) at the ages 8, 10, 12 and 14: .4795 mm a year.

    >>> girls = [[21, 20, 21.5, 23], [21, 21.5, 24, 25.5], [20.5, 24, 24.5, 26],
    ...          [23.5, 24.5, 25, 26.5], [21.5, 23, 22.5, 23.5], [20, 21, 21, 22.5],
    ...          [21.5, 22.5, 23, 25], [23, 23, 23.5, 24], [20, 21, 22, 21.5],
    ...          [16.5, 19, 19, 19.5], [24.5, 25, 28, 28]]
    >>> growth = trend(girls, [8, 10, 12, 14], scale="linear")
    >>> round(growth.slope, 4), growth.p_value
    (0.4795, 0.0009765625)
    """
    judging = Judging(alpha=alpha, test=test, zeros=zeros)
    table = finite_table(differences, ("seed", "dose"), "differences")
    given = finite_vector(doses, "doses", at_least=2)
    if len(given) != table.shape[1]:
        raise StatsError(f"{len(given)} doses for differences at {table.shape[1]}")
    order = np.argsort(given)
    positions = dose_positions(given[order], scale)
    table = _rounded(table, resolution)[:, order]
    slopes = _slopes(table, positions)
    mean, sd = mean_and_sd(np.vstack([slopes, table.T]))
    low, high = t_bounds(mean, sd, len(table), judging.confidence)
    p_value = float(paired_test_rows(slopes[None, :], judging)["p_value"][0])
    return Trend(
        doses=tuple(given[order].tolist()),
        positions=tuple(positions.tolist()),
        effects=tuple(mean[1:].tolist()),
        lows=tuple(low[1:].tolist()),
        highs=tuple(high[1:].tolist()),
        slope=float(mean[0]),
        ci_low=float(low[0]),
        ci_high=float(high[0]),
        confidence=judging.confidence,
        seed_slopes=tuple(slopes.tolist()),
        p_value=p_value,
        p_adjusted=p_value,
        scale=scale,
        test=judging.test,
    )


def dose_positions(ascending: FloatArray, scale: str) -> FloatArray:
    """Where doses stand on a scale.

    Raises:
        InvalidSetting: an unknown scale, or doses that do not fit it.

    >>> dose_positions(np.array([0.0, 9.0, 99.0]), "log1p").tolist()
    [0.0, 1.0, 2.0]
    """
    check_choice("scale", scale, DOSE_SCALES)
    if (np.diff(ascending) <= 0).any():
        raise InvalidSetting("doses must differ from each other")
    if ascending[0] < 0 or (scale == "log" and ascending[0] == 0):
        least = "above 0" if scale == "log" else "from 0 upwards"
        raise InvalidSetting(f'doses on the scale "{scale}" must be {least}, not {ascending[0]:g}')
    if scale == "order":
        return np.arange(len(ascending), dtype=np.float64)
    if scale == "linear":
        return ascending
    logs: FloatArray = np.log10(ascending + 1 if scale == "log1p" else ascending)
    return logs


def _rounded(table: FloatArray, resolution: float | Sequence[float] | None) -> FloatArray:
    """The differences with their ties restored, dose by dose."""
    steps = as_floats(np.nan if resolution is None else resolution, "resolution").ravel()
    if len(steps) not in (1, table.shape[1]):
        raise InvalidSetting(f"{len(steps)} resolutions for {table.shape[1]} doses")
    return settle(table.T, scale=noise_scale(table), resolution=steps[:, None]).T


def _slopes(table: FloatArray, positions: FloatArray) -> FloatArray:
    """The least-squares slope of each row; those that differ by float noise alone are equal."""
    centred = positions - positions.mean()
    weights = centred / (centred**2).sum()
    reach = float(noise_scale(table) * np.abs(weights).sum())
    return settle(table @ weights, scale=reach)
