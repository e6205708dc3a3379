"""Scores in percent on a scale without a ceiling."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stats.errors import InvalidSetting, StatsError
from stats.inputs import FloatArray


def log_odds(scores: ArrayLike, test_examples: ArrayLike | None = None) -> FloatArray:
    """Log odds of scores in percent, such as accuracy: log(p / (100 − p)).

    From 90 to 95 % is as far as from 50 to 67.9 %, which the raw scale, with its ceiling at 100,
    hides. With `test_examples` every score is moved by half an example of each kind (Haldane
    1956, Anscombe 1956): log((k + ½) / (N − k + ½)) for k of N right, which is finite at 0 and
    100 and nearly unbiased.

    Args:
        scores: of any shape, in percent; NaN stays NaN.
        test_examples: size N of the test set behind each score, broadcast against the scores;
            None, or NaN, makes no correction.

    Raises:
        StatsError: a score outside 0 to 100; a score of 0 or 100 without `test_examples`; or
            scores that are all at most 1, and so look like fractions.
        InvalidSetting: `test_examples` below 1.

    >>> log_odds([50, 90, 95]).round(3).tolist(), log_odds(100, test_examples=200).round(2)
    ([0.0, 2.197, 2.944], np.float64(5.99))
    """
    values = np.asarray(scores, dtype=np.float64)
    known = values[np.isfinite(values)]
    outside = known[(known < 0) | (known > 100)]
    if len(outside):
        raise StatsError(f"log odds are of scores from 0 to 100 %, not of {outside[0]:g}")
    if len(known) and (known > 0).any() and known.max() <= 1:
        raise StatsError("log odds are of percentages, and no score is above 1: multiply by 100")
    sizes = np.asarray(np.nan if test_examples is None else test_examples, dtype=np.float64)
    if (sizes < 1).any():
        raise InvalidSetting(f"test_examples must be at least 1, not {np.nanmin(sizes):g}")
    unknown = np.isnan(sizes)
    if (((values == 0) | (values == 100)) & unknown).any():
        raise StatsError("a score of 0 or 100 % has no log odds; give test_examples")
    examples, half = np.where(unknown, 100.0, sizes), np.where(unknown, 0.0, 0.5)
    right = values / 100 * examples
    return np.asarray(np.log((right + half) / (examples - right + half)), dtype=np.float64)
