"""The Hodges–Lehmann estimate (pseudo-median) and its exact interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stats.inputs import FloatArray, check_fraction, finite_vector
from stats.signed_rank import null_distribution


@dataclass(frozen=True, slots=True)
class HodgesLehmann:
    """Pseudo-median with its interval, and the confidence that the interval really reaches."""

    estimate: float
    low: float
    high: float
    confidence: float


def hodges_lehmann(differences: ArrayLike, confidence: float = 0.95) -> HodgesLehmann:
    """Median of the Walsh averages, with the interval that inverts the signed-rank test.

    The interval of Hollander and Wolfe (1999, section 3.3): order statistics of the n(n + 1)/2
    Walsh averages. Its confidence moves in steps, and at small n the widest interval there is
    may fall short of what was asked; what it reaches is returned. Ties make it conservative.

    Args:
        differences: shape (n,), candidate minus baseline, in points of the metric.
        confidence: what is asked for, between 0 and 1.

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.
        InvalidSetting: `confidence` outside (0, 1).

    >>> hl = hodges_lehmann([-0.952, 0.147, -1.022, -0.43, -0.62, -0.59, -0.49, 0.08, -0.01])
    >>> round(hl.estimate, 3), round(hl.low, 3), round(hl.high, 3), hl.confidence
    (-0.46, -0.786, -0.01, 0.9609375)
    """
    vector = finite_vector(differences)
    estimate, low, high, reached = hodges_lehmann_rows(vector[None, :], confidence)
    return HodgesLehmann(float(estimate[0]), float(low[0]), float(high[0]), reached)


def hodges_lehmann_rows(
    differences: FloatArray, confidence: float = 0.95
) -> tuple[FloatArray, FloatArray, FloatArray, float]:
    """Estimates, lower and upper ends of shape (m,) for rows of shape (m, n), and confidence."""
    check_fraction("confidence", confidence)
    walsh = walsh_averages(differences)
    cumulative = null_distribution(tuple(range(1, differences.shape[1] + 1)))
    from_end = max(1, int(np.searchsorted(cumulative, (1 - confidence) / 2)))
    reached = float(1 - 2 * cumulative[from_end - 1])
    return np.median(walsh, axis=1), walsh[:, from_end - 1], walsh[:, -from_end], reached


def walsh_averages(differences: FloatArray) -> FloatArray:
    """Sorted averages of all pairs i ≤ j of each row: (m, n) becomes (m, n(n + 1)/2).

    >>> walsh_averages(np.array([[1.0, 2.0, 4.0]])).tolist()
    [[1.0, 1.5, 2.0, 2.5, 3.0, 4.0]]
    """
    first, second = np.triu_indices(differences.shape[1])
    averages = (differences[:, first] + differences[:, second]) / 2
    averages.sort(axis=1)
    return averages
