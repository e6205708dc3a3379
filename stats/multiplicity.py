"""Corrections for several comparisons in one family."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

import stats.corrections  # noqa: F401, whose files register themselves
from stats.errors import StatsError
from stats.inputs import FloatArray, IntArray, as_floats, check_choice, check_fraction
from stats.register import CORRECTIONS, correction_named


def adjust(p_values: ArrayLike, correction: str = "holm") -> FloatArray:
    """Adjusted p-values of one family, to be compared with α itself.

    Bonferroni; Holm (1979), which controls the same error rate and rejects more; Benjamini and
    Hochberg (1995), which controls the false discovery rate instead.

    Args:
        p_values: shape (k,). A NaN, a comparison that could not be made, stays NaN and still
            counts as a member of the family: failed runs must not make the others easier.
        correction: one of `register.CORRECTIONS`.

    Raises:
        InvalidSetting: an unknown correction.
        StatsError: a p-value outside [0, 1], or not a row of numbers.

    >>> adjust([0.01, 0.02, 0.03, 0.04]).round(4).tolist()
    [0.04, 0.06, 0.06, 0.06]
    """
    check_choice("correction", correction, CORRECTIONS)
    raw = as_floats(p_values, "p-values")
    if raw.ndim != 1:
        raise StatsError(f"p-values must be one-dimensional, not of shape {raw.shape}")
    if ((raw < 0) | (raw > 1)).any():
        raise StatsError(f"p-values lie between 0 and 1, not at {raw[(raw < 0) | (raw > 1)][0]}")
    filled = np.where(np.isnan(raw), 1.0, raw)
    order = np.argsort(filled, kind="stable")
    adjusted = np.empty_like(filled)
    adjusted[order] = np.minimum(1.0, correction_named(correction).rows(filled[order]))
    return np.where(np.isnan(raw), np.nan, adjusted)


def adjust_in_families(
    p_values: ArrayLike, families: Sequence[Hashable], correction: str = "holm"
) -> tuple[FloatArray, IntArray]:
    """Adjust each p-value within its own family.

    Args:
        p_values: shape (m,).
        families: for each p-value the family that it belongs to.
        correction: one of `register.CORRECTIONS`.

    Returns:
        Adjusted p-values and the size of the family of each, of shape (m,).

    >>> adjusted, size = adjust_in_families([0.01, 0.02, 0.03], ["rte", "rte", "cola"])
    >>> adjusted.tolist(), size.tolist()
    ([0.02, 0.02, 0.03], [2, 2, 1])
    """
    raw = np.asarray(p_values, dtype=np.float64)
    adjusted, size = np.empty_like(raw), np.empty(len(raw), dtype=np.int64)
    for rows in members(families):
        adjusted[rows], size[rows] = adjust(raw[rows], correction), len(rows)
    return adjusted, size


def fixed_sequence(p_values: ArrayLike, alpha: float = 0.05) -> int:
    """How many hypotheses are rejected, from the first on, in an order that was fixed in advance.

    Each is tested at α itself, up to the first that is not rejected; those behind it are not
    tested any more. The chance of any false rejection is at most α, whatever the dependence: the
    first true hypothesis of the order has to be rejected before any other true one can be
    (Maurer, Hothorn and Lehmacher 1995; Westfall and Krishen 2001).

    Args:
        p_values: shape (k,), in the order of the tests; NaN rejects nothing.
        alpha: level.

    Raises:
        StatsError: a p-value outside [0, 1], or not a row of numbers.
        InvalidSetting: `alpha` outside (0, 1).

    >>> fixed_sequence([0.01, 0.04, 0.2, 0.001])
    2
    """
    check_fraction("alpha", alpha)
    return int(leading_rows(adjust(p_values, "none")[None] < alpha)[0])


def leading_rows(rejected: NDArray[np.bool_]) -> IntArray:
    """How many are true from the first on in each row, of shape (m,), of rows of (m, k)."""
    return np.asarray(np.logical_and.accumulate(rejected, axis=1).sum(axis=1), dtype=np.int64)


def members(families: Sequence[Hashable]) -> list[list[int]]:
    """The rows of each family.

    >>> members(["rte", "cola", "rte"])
    [[0, 2], [1]]
    """
    found: dict[Hashable, list[int]] = {}
    for index, family in enumerate(families):
        found.setdefault(family, []).append(index)
    return list(found.values())


def all_pairs(n_arms: int) -> IntArray:
    """The k(k − 1)/2 pairs of arms, shape (pairs, 2)."""
    return np.array(list(combinations(range(n_arms), 2)), dtype=np.int64).reshape(-1, 2)
