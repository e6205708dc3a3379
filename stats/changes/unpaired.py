"""Does an effect change from one init to another, where no seeds are shared?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr, stdtrit

from stats.effects.log_odds import log_odds
from stats.inputs import FloatArray
from stats.judging import Judging, by_task

#: Of baseline and candidate under the first init, then under the second.
SIGNS = np.array([-1.0, 1.0, 1.0, -1.0])

#: Ranks do not add up to a double difference, and exchanging scores between four arms assumes that
#: there is no effect at all; means and their errors do neither.
UNPAIRED_INTERACTION_TEST = "welch"


def unpaired_interaction_statistics(
    four: FloatArray, tasks: Sequence[str], judging: Judging
) -> dict[str, FloatArray]:
    """Welch's test and interval of the double differences of four independent arms.

    The variance of the double difference is the sum of the four s²/n, with the degrees of freedom
    of Welch (1947) and Satterthwaite (1946). Where all arms are constant the interval is a
    point, and p is 1 for a double difference of 0 and NaN otherwise.

    Args:
        four: shape (4, m, places), NaN where an arm has no score, two scores in each at least:
            baseline and candidate under the first init, then under the second.
        tasks: names of the m tasks.
        judging: of the analysis.

    Returns:
        Arrays of shape (m,), named as in `Interaction`.
    """
    if judging.interaction_scale == "log_odds":
        four = log_odds(four, by_task(judging.test_examples, tasks))
    sizes = np.isfinite(four).sum(axis=2)
    constant = np.nanmax(four, axis=2) == np.nanmin(four, axis=2)
    variances = np.where(constant, 0.0, np.nanvar(four, axis=2, ddof=1)) / sizes
    change = SIGNS @ np.nanmean(four, axis=2)
    error = np.sqrt(variances.sum(axis=0))
    varies = error > 0
    shares = (variances**2 / (sizes - 1)).sum(axis=0)
    df = np.where(varies, error**4 / np.where(varies, shares, 1.0), np.inf)
    t = change / np.where(varies, error, 1.0)
    half_width = np.where(varies, stdtrit(df, (1 + judging.confidence) / 2) * error, 0.0)
    unknown = np.where(change == 0, 1.0, np.nan)
    return {
        "difference_of_differences": change,
        "ci_low": change - half_width,
        "ci_high": change + half_width,
        "p_value": np.where(varies, 2 * stdtr(df, -np.abs(t)), unknown),
    }
