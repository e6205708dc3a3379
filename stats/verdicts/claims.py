"""Differences and equivalences of one family, corrected together: either is a claim."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from stats.errors import StatsError
from stats.inputs import FloatArray, IntArray, check_choice
from stats.multiplicity import adjust, members
from stats.register import CORRECTIONS, correction_named


def adjust_claims(
    p_values: ArrayLike, p_equivalence: ArrayLike, correction: str = "holm"
) -> tuple[FloatArray, FloatArray]:
    """Adjusted p-values of "there is a difference" and of "it lies inside the margin".

    A family of k comparisons has 2k null hypotheses: no difference, and a difference of the margin
    or more. Of the two of one comparison at most one is true, so at most k are true at once.

    "holm" is Holm's procedure with this bound, after Shaffer (1986): the p-values are gone through
    from the smallest one, and each is multiplied by the number of comparisons of which not both
    hypotheses are rejected yet. This holds the chance of any false claim, of either kind, at α:
    before the first true hypothesis is rejected only false ones are, so that every comparison
    with a true one still counts in the factor, which is thus at least the number t of true ones;
    rejecting it takes a p of at most α/t, and by Bonferroni's inequality the chance that any of t
    has one is at most α, whatever their dependence. The smallest p is multiplied by k, as it is
    without equivalence; what it costs is that later factors fall only where a difference is shown
    to be real and to lie inside the margin.

    "bonferroni" multiplies all by k, for the same reason. "benjamini-hochberg" takes the k as the
    largest possible number of true hypotheses: p is multiplied by k over its rank among the 2k,
    but by no less than 1. "none" changes nothing.

    Args:
        p_values: shape (k,), of the tests of no difference; NaN as in `adjust`.
        p_equivalence: shape (k,), of the tests of equivalence.
        correction: one of `register.CORRECTIONS`.

    Returns:
        Both adjusted, each of shape (k,).

    Raises:
        InvalidSetting: an unknown correction.
        StatsError: p-values outside [0, 1], or rows of different length.

    >>> different, inside = adjust_claims([0.5, 0.6, 0.008], [0.001, 0.012, 0.9])
    >>> different.round(4).tolist(), inside.round(4).tolist()
    ([1.0, 1.0, 0.024], [0.003, 0.036, 1.0])
    """
    check_choice("correction", correction, CORRECTIONS)
    both = [adjust(each, "none") for each in (p_values, p_equivalence)]
    if len(both[0]) != len(both[1]):
        raise StatsError(f"{len(both[0])} p-values of differences, {len(both[1])} of equivalence")
    adjusted = adjust_claims_rows(both[0][None], both[1][None], correction)
    return adjusted[0][0], adjusted[1][0]


def adjust_claims_rows(
    p_values: FloatArray, p_equivalence: FloatArray, correction: str
) -> tuple[FloatArray, FloatArray]:
    """`adjust_claims` of many families of k comparisons at once, each a row of shape (m, k)."""
    raw = np.concatenate([p_values, p_equivalence], axis=1)
    filled = np.where(np.isnan(raw), 1.0, raw)
    order = np.argsort(filled, axis=1, kind="stable")
    ascending = np.take_along_axis(filled, order, axis=1)
    adjusted = np.empty_like(filled)
    corrected = np.minimum(1.0, _corrected(ascending, order, correction))
    np.put_along_axis(adjusted, order, corrected, axis=1)
    adjusted = np.where(np.isnan(raw), np.nan, adjusted)
    size = p_values.shape[1]
    return adjusted[:, :size], adjusted[:, size:]


def _corrected(ascending: FloatArray, order: IntArray, correction: str) -> FloatArray:
    how = correction_named(correction)
    return how.claims(ascending, order) if how.claims else how.rows(ascending)


def adjust_claims_in_families(
    p_values: ArrayLike,
    p_equivalence: ArrayLike,
    families: Sequence[Hashable],
    correction: str = "holm",
) -> tuple[FloatArray, FloatArray, IntArray]:
    """`adjust_claims` within each family of a table, and the size of the family of each row.

    Args:
        p_values: shape (m,).
        p_equivalence: shape (m,); all NaN where there is no margin, and then no such hypothesis.
        families: for each row the family that it belongs to.
        correction: one of `register.CORRECTIONS`.

    >>> adjust_claims_in_families([0.02, 0.03], [np.nan, np.nan], ["rte", "rte"])[0].tolist()
    [0.04, 0.04]
    """
    raw = np.asarray(p_values, dtype=np.float64)
    inside = np.asarray(p_equivalence, dtype=np.float64)
    declared = not np.isnan(inside).all()
    adjusted, inside_adjusted = np.empty_like(raw), np.full(len(raw), np.nan)
    size = np.empty(len(raw), dtype=np.int64)
    for rows in members(families):
        size[rows] = len(rows)
        if declared:
            both = adjust_claims(raw[rows], inside[rows], correction)
            adjusted[rows], inside_adjusted[rows] = both
        else:
            adjusted[rows] = adjust(raw[rows], correction)
    return adjusted, inside_adjusted, size
