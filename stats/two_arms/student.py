"""Student's t test of paired differences, as a primary test."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtr

from stats.inputs import FloatArray
from stats.intervals import standardised


def student_rows(mean: FloatArray, sd: FloatArray, n_pairs: int) -> tuple[FloatArray, FloatArray]:
    """t and its two-sided p of each mean and sd of `n_pairs` differences.

    Exact for normal differences, and liberal at small n where they are skewed or coarse: for
    exponential differences with mean zero it rejects at .05 in 11.5 % of cases at n = 5, 10.7 %
    at n = 8 and 7.4 % at n = 20; for whole numbers from −3 to 3 in 6.2, 5.6 and 5.1 %
    (`python -m stats.simulation errors`). With one pair p is NaN. So it is where all
    differences are equal but not zero: a spread that is seen as zero in a few pairs, of a metric
    that has steps, is no evidence of a spread of zero. Where all are zero, p is 1.

    >>> t, p_value = student_rows(np.array([-1.58]), np.array([1.229995]), 10)
    >>> round(float(t[0]), 4), round(float(p_value[0]), 6)
    (-4.0621, 0.002833)
    """
    t = np.where((mean == 0) & (sd == 0), 0.0, standardised(mean, sd) * math.sqrt(n_pairs))
    if n_pairs < 2:
        return np.full(len(mean), np.nan), np.full(len(mean), np.nan)
    p_value = 2 * stdtr(n_pairs - 1, -np.abs(t))
    return t, np.where(np.isinf(t), np.nan, p_value)
