"""The Hodges–Lehmann estimate (pseudo-median) and its exact interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr, ndtri

from stats.choices import ZEROS
from stats.inputs import FloatArray, IntArray, check_choice, check_fraction, finite_vector
from stats.two_arms.signed_rank import (
    EXACT_LIMIT,
    doubled_ranks,
    null_distributions_of_rows,
    walsh_averages,
)

#: Zero differences are differences like any other; no test of 0 answers to such an interval.
KEPT = "keep"

INTERVAL_ZEROS = (*ZEROS, KEPT)


@dataclass(frozen=True)
class HodgesLehmann:
    """Pseudo-median with its interval, and the confidence that the interval really reaches."""

    estimate: float
    low: float
    high: float
    confidence: float


def hodges_lehmann(
    differences: ArrayLike, confidence: float = 0.95, zeros: str = "wilcox"
) -> HodgesLehmann:
    """Median of the Walsh averages, with the interval that inverts the signed-rank test.

    The interval of Hollander and Wolfe (1999, section 3.3): order statistics of the n(n + 1)/2
    averages of two differences. Its confidence moves in steps, and at small n the widest interval
    there is may fall short of what was asked; what it reaches is returned.

    Interval and test answer to the same sample: `signed_rank` with the same rule for zeros has
    p ≤ 1 − `confidence` exactly when the interval excludes 0, and p < .05 exactly when an
    interval that is asked for at 95 %, and reaches it, does. Two things see to that.

    - Zeros are treated as in the test. "wilcox" drops them first, as R's `wilcox.test` does. Of
      the ranks that "pratt" and "zsplit" drop or split, those that zeros have among themselves
      are the averages of two zeros: these are left out, while averages of a zero and another
      difference stay. So both have one interval, as they have one p. "keep" leaves nothing out;
      it estimates the centre of all differences where the others estimate that of those that are
      not 0, and is the choice where no test of 0 stands beside it.
    - Ties are counted. An order statistic is chosen by the null distribution of the ranks that
      were observed. A tie of two sizes of opposite sign puts an average at 0 itself, where the
      test counts one half; where that half decides, and 0 is the end of the interval, the test
      says whether 0 belongs to it. If not, the number next to 0 is returned.

    Where all differences are dropped, estimate and ends are 0, with confidence 0. Beyond 1,000
    pairs the normal limit stands in for the null distribution, as in the test.

    Args:
        differences: shape (n,), candidate minus baseline, in points of the metric.
        confidence: what is asked for, between 0 and 1.
        zeros: a rule of `signed_rank`, or "keep".

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.
        InvalidSetting: `confidence` outside (0, 1), or an unknown rule for zeros.

    >>> hl = hodges_lehmann([-0.952, 0.147, -1.022, -0.43, -0.62, -0.59, -0.49, 0.08, -0.01])
    >>> round(hl.estimate, 3), round(hl.low, 3), round(hl.high, 3), hl.confidence
    (-0.46, -0.786, -0.01, 0.9609375)
    >>> half_zeros = [0, 0, 0, 0, 0, 0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    >>> [(zeros, hl.estimate, hl.low) for zeros in ("wilcox", "pratt", "keep")
    ...  for hl in [hodges_lehmann(half_zeros, zeros=zeros)]]
    [('wilcox', 1.75, 0.5), ('pratt', 1.25, 0.25), ('keep', 0.75, 0.0)]
    """
    vector = finite_vector(differences)
    found = hodges_lehmann_rows(vector[None, :], confidence, zeros)
    return HodgesLehmann(*(float(each[0]) for each in found))


def hodges_lehmann_rows(
    differences: FloatArray, confidence: float = 0.95, zeros: str = "wilcox"
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Estimates, lower and upper ends, and confidence, each (m,), for rows of shape (m, n)."""
    check_fraction("confidence", confidence)
    check_choice("zeros", zeros, INTERVAL_ZEROS)
    keep = zeros == KEPT
    n_zero = np.where(keep, 0, (differences == 0).sum(axis=1))
    found = np.zeros((4, len(differences)))
    for count in np.unique(n_zero[n_zero < differences.shape[1]]):
        rows = np.flatnonzero(n_zero == count)
        found[:, rows] = _rows_alike(differences[rows], int(count), confidence, zeros)
    return found[0], found[1], found[2], found[3]


def _rows_alike(
    differences: FloatArray, n_zero: int, confidence: float, zeros: str
) -> tuple[FloatArray, ...]:
    """The same of rows with this number of zeros, which the rule leaves out."""
    nonzero = differences[differences != 0].reshape(len(differences), -1) if n_zero else differences
    walsh = walsh_averages(nonzero)
    if n_zero and zeros != "wilcox":
        walsh = np.concatenate([walsh, np.repeat(nonzero / 2, n_zero, axis=1)], axis=1)
        walsh.sort(axis=1)
    if zeros == KEPT:
        ranks = np.broadcast_to(2 * np.arange(1, nonzero.shape[1] + 1), nonzero.shape)
    else:
        ranks = doubled_ranks(differences, zeros)
    critical, tail = critical_sums(ranks, (1 - confidence) / 2)
    place, row = critical // 2, np.arange(len(walsh))
    low, high = walsh[row, place], walsh[row, -1 - place]
    if zeros != KEPT:
        few_below = np.where(differences < 0, ranks, 0).sum(axis=1) <= critical
        few_above = np.where(differences > 0, ranks, 0).sum(axis=1) <= critical
        low, high = beside_zero(low, high, few_below, few_above)
    return np.clip(np.median(walsh, axis=1), low, high), low, high, 1 - 2 * tail


def critical_sums(doubled: IntArray, level: float) -> tuple[IntArray, FloatArray]:
    """The largest sum of ranks whose lower tail is below the level, else 0, and that tail.

    Args:
        doubled: shape (m, n), from `doubled_ranks`.
        level: of one side.

    Returns:
        Sums in doubled ranks and P(W ≤ sum), both of shape (m,).

    >>> critical_sums(np.array([[2, 4, 6, 8, 10, 12]]), 0.05)
    (array([4]), array([0.046875]))
    """
    critical, tail = np.zeros(len(doubled), dtype=np.int64), np.zeros(len(doubled))
    if doubled.shape[1] > EXACT_LIMIT:
        sd = np.sqrt((doubled.astype(np.float64) ** 2).sum(axis=1)) / 2
        middle = doubled.sum(axis=1) / 2
        critical = np.maximum(0, np.ceil(middle + ndtri(level) * sd) - 1).astype(np.int64)
        return critical, ndtr((critical - middle) / sd)
    for rows, cumulative, step, _ in null_distributions_of_rows(doubled):
        below = int(np.searchsorted(cumulative, level)) - 1
        reached = cumulative[max(0, below)]
        # Sums between two that can occur have the tail of the lower one.
        critical[rows] = step * int(np.searchsorted(cumulative, reached))
        tail[rows] = reached
    return critical, tail


def beside_zero(
    low: FloatArray, high: FloatArray, above: FloatArray, below: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Intervals whose ends of 0 are moved to the next number where the test rejects 0 itself.

    Args:
        low: shape (m,).
        high: shape (m,).
        above: of shape (m,), whether the truth is shown to lie above 0.
        below: whether it is shown to lie below.
    """
    low = np.where((low == 0) & above, np.nextafter(0.0, 1), low)
    high = np.where((high == 0) & below, np.nextafter(0.0, -1), high)
    return np.where(below, np.minimum(low, high), low), np.where(above, np.maximum(low, high), high)
