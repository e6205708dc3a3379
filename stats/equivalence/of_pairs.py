"""Many paired comparisons beside the margin, as their judging asks: inside it, or beyond it."""

from __future__ import annotations

import math

import numpy as np
from scipy.special import stdtr

from stats.equivalence.by_ranks import one_sided_rank_rows, rank_inferiority_rows
from stats.equivalence.tost import errors_inside, tost_rows
from stats.inputs import FloatArray
from stats.intervals import mean_and_sd
from stats.judging import Judging


def equivalence_rows(differences: FloatArray, judging: Judging) -> FloatArray:
    """p of "inside the margin", of shape (m,), for rows of (m, n); NaN where none is declared."""
    if judging.margin is None:
        return np.full(len(differences), np.nan)
    if judging.equivalence == "ranks":
        return np.maximum(*one_sided_rank_rows(differences, judging.margin, judging.zeros))
    return tost_rows(*mean_and_sd(differences), differences.shape[1], judging.margin)


def inferiority_rows(differences: FloatArray, judging: Judging) -> FloatArray:
    """p of "worse by more than the margin", one-sided, by the test that shows equivalence.

    Of the same shapes as `equivalence_rows`, and NaN where that is.
    """
    if judging.margin is None:
        return np.full(len(differences), np.nan)
    gains = -differences if judging.lower_is_better else differences
    if judging.equivalence == "ranks":
        return rank_inferiority_rows(gains, judging.margin, judging.zeros)
    mean, sd = mean_and_sd(gains)
    n_pairs = gains.shape[1]
    above = errors_inside(mean + judging.margin, sd / math.sqrt(n_pairs))
    return np.asarray(stdtr(n_pairs - 1, above), dtype=np.float64)
