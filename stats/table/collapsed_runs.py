"""Which runs have collapsed.

Fine-tuning fails bimodally: most runs of an arm score alike, and a few learn nothing (Mosbach et
al. 2021).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.errors import StatsError
from stats.inputs import FloatArray, as_floats, check_number, check_positive

#: A collapsed run lies so many spreads beyond the median of its arm.
SPREADS = 8.0

#: Sd of a normal law over its median absolute deviation.
NORMAL_MAD = 1.4826


def collapsed(
    arms: ArrayLike,
    *,
    below: float | None = None,
    margin: float | None = None,
    lower_is_better: bool = False,
) -> NDArray[np.bool_]:
    """Which runs have collapsed: far worse than the other runs of their arm.

    A run has collapsed that is worse than the median of its arm by more than 8 spreads, and by
    more than the margin, if there is one. The spread is the median absolute deviation from the
    medians of the arms, over all runs that are given and times 1.4826, which is the sd of a normal
    law; where it is 0, because most scores of an arm are equal, it is a hundredth of the median. An
    arm of which half has collapsed has no median to tell it by: then `below` names the score. An
    arm with fewer than three scores has none either.

    Of two arms without a collapse the rule names some run in these percentages of comparisons, at
    n = 5, 8, 20: normal 0.1, 0.2, 0.0; whole numbers from −3 to 3 0.5, 0.4, 0.0; t with 3 degrees
    of freedom 1.4, 4.7, 6.4; exponential losses, which have a few very bad seeds by themselves,
    5.1, 11.2, 14.4. Of runs that are lost by 15 sd of a run it finds 70.7, 93.8, 99.7 %, and of
    those lost by 6 sd only 9.0, 20.7, 8.4 % (`python -m stats.simulation collapse`).

    Args:
        arms: shape (k, n), scores of arms that are looked at together; NaN where there is none,
            which is no collapse.
        below: declared instead: a run has collapsed that is no better than this score, for
            instance what always the same answer would get.
        margin: smallest difference that matters, in points of the metric.
        lower_is_better: whether the metric is a loss.

    Returns:
        Booleans of the shape of the arms.

    Raises:
        StatsError: scores that are no table of numbers.
        InvalidSetting: `below` is no number, or the margin is not a positive one.

    >>> kd = [88.1, 88.4, 50.3, 87.9, 88.2]
    >>> collapsed([[87.5, 87.9, 87.2, 87.7, 87.4], kd])[1].tolist()
    [False, False, True, False, False]
    """
    sign = -1.0 if lower_is_better else 1.0
    scores = sign * as_floats(arms, "scores")
    if scores.ndim != 2:
        raise StatsError(f"scores of arms must be of shape (arms, runs), not {scores.shape}")
    if below is not None:
        check_number("below", below)
        return np.asarray(scores <= sign * below)
    if margin is not None:
        check_positive("margin", margin)
    median, spread = _medians_and_spread(scores)
    reach = np.maximum(SPREADS * spread, margin or 0.0)
    return np.asarray(scores < (median - reach)[:, None])


def _medians_and_spread(scores: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Median of each arm, NaN with fewer than three scores, and the spread beside it."""
    enough = np.isfinite(scores).sum(axis=1) >= 3
    median = np.full(len(scores), np.nan)
    median[enough] = np.nanmedian(scores[enough], axis=1)
    away = np.abs(scores - median[:, None])
    # The middle one of an odd number is its arm's median, and says nothing of the spread.
    odd = enough & (np.isfinite(scores).sum(axis=1) % 2 == 1)
    known = np.sort(away[np.isfinite(away)])[int(odd.sum()) :]
    spread = NORMAL_MAD * float(np.median(known)) if len(known) else 0.0
    return median, np.where(spread > 0, spread, np.abs(median) / 100)
