"""From two p-values to one of five words."""

from __future__ import annotations

from typing import Literal

import numpy as np

from stats.inputs import FloatArray, IntArray, check_fraction, check_number, check_probability
from stats.judging import Judging
from stats.power.sample_size import seeds_for_test

Verdict = Literal["better", "worse", "negligible", "equivalent", "inconclusive"]


def decide(
    p_adjusted: float,
    p_equivalence: float,
    difference: float,
    alpha: float = 0.05,
    lower_is_better: bool = False,
) -> Verdict:
    """The verdict on a candidate against its baseline.

    | p_adjusted < α? | p_equivalence < α? | verdict |
    |---|---|---|
    | yes | no | better or worse, by the sign of the difference |
    | yes | yes | negligible: real, but inside the margin |
    | no | yes | equivalent: shown to be inside the margin |
    | no | no | inconclusive |

    No level is better than that of the two p-values: `tost` says how often it errs under skew.

    Args:
        p_adjusted: p of the primary test, corrected in its family; NaN rejects nothing.
        p_equivalence: p of the equivalence test; NaN where there is no margin.
        difference: anything with the sign of the direction in which the test rejects; for the
            signed-rank test that is not always the sign of the mean, which an outlier can turn.
            Zero or NaN decides nothing.
        alpha: level of both tests.
        lower_is_better: whether the metric is a loss.

    Raises:
        InvalidSetting: a p-value outside [0, 1], alpha outside (0, 1), or a difference that is no
            number.

    >>> decide(0.031, float("nan"), 1.2), decide(0.031, 0.002, 1.2), decide(0.4, 0.2, 1.2)
    ('better', 'negligible', 'inconclusive')
    """
    check_fraction("alpha", alpha)
    for what, p in (("p_adjusted", p_adjusted), ("p_equivalence", p_equivalence)):
        if p == p:  # NaN is what cannot be computed
            check_probability(what, p)
    if difference == difference:
        check_number("difference", difference)
    return judge(p_adjusted, p_equivalence, difference, alpha, lower_is_better)


def judge(
    p_adjusted: float,
    p_equivalence: float,
    difference: float,
    alpha: float,
    lower_is_better: bool,
) -> Verdict:
    """`decide` of numbers that were computed here and need no check."""
    differs, inside = p_adjusted < alpha, p_equivalence < alpha
    if inside:
        return "negligible" if differs else "equivalent"
    if not (differs and abs(difference) > 0):
        return "inconclusive"
    return "better" if (difference > 0) != lower_is_better else "worse"


def seeds_to_decide(sd: FloatArray, family_size: IntArray, judging: Judging) -> list[int | None]:
    """Seeds that 80 % power would take at the margin and the observed sd of the differences.

    Not the power of the observed effect, which says no more than its p-value does (Hoenig and
    Heisey 2001).

    Args:
        sd: shape (m,), 0 or NaN where there was no spread to observe.
        family_size: shape (m,), comparisons corrected together with each.
        judging: whose margin is the effect; without one the answers are None.
    """
    needed: list[int | None] = [None] * len(sd)
    if judging.margin is None:
        return needed
    known = sd > 0
    effect = judging.margin / np.where(known, sd, np.nan)
    for size in np.unique(family_size[known]):
        rows = np.flatnonzero(known & (family_size == size))
        pairs = seeds_for_test(
            effect[rows],
            int(size),
            alpha=judging.alpha,
            correction=judging.correction,
            test=judging.test,
        )
        for row, count in zip(rows.tolist(), pairs.tolist(), strict=True):
            needed[row] = count
    return needed
