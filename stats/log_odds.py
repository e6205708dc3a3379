"""Scores in percent on a scale without a ceiling."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stats.errors import InvalidSetting, StatsError
from stats.inputs import FloatArray

SCALES = ("raw", "log_odds")


def log_odds(scores: ArrayLike, test_examples: float | None = None) -> FloatArray:
    """Log odds of scores in percent, such as accuracy: log(p / (100 − p)).

    From 90 to 95 % is as far as from 50 to 67.9 %, which the raw scale, with its ceiling at 100,
    hides. With `test_examples` every score is moved by half an example of each kind (Haldane
    1956, Anscombe 1956): log((k + ½) / (N − k + ½)) for k of N right, which is finite at 0 and
    100 and nearly unbiased.

    Args:
        scores: of any shape, in percent; NaN stays NaN.
        test_examples: size N of the test set behind each score; None makes no correction.

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
    if test_examples is None:
        if ((known == 0) | (known == 100)).any():
            raise StatsError("a score of 0 or 100 % has no log odds; give test_examples")
        return np.asarray(np.log(values) - np.log(100 - values), dtype=np.float64)
    if not test_examples >= 1:
        raise InvalidSetting(f"test_examples must be at least 1, not {test_examples}")
    right = values / 100 * test_examples
    return np.asarray(np.log((right + 0.5) / (test_examples - right + 0.5)), dtype=np.float64)
