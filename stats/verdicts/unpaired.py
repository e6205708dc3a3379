"""Everything that is computed for one unpaired comparison before its family is known."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from stats.effects.effect_sizes import pair_correlation_rows
from stats.effects.of_comparisons import unpaired_effect_rows
from stats.effects.standardised import hedges_g_rows
from stats.effects.superiority import a12_rows
from stats.equivalence.by_ranks import one_sided_rank_sum_rows
from stats.equivalence.tost import errors_inside
from stats.inputs import FloatArray, IntArray
from stats.intervals import mean_and_sd
from stats.judging import Judging
from stats.ties import check_step, noise_scale, settle
from stats.two_arms.primary_tests import unpaired_test_rows
from stats.two_arms.rank_sum import shift_rows
from stats.two_arms.welch import welch_rows


def measure_unpaired(
    arms: FloatArray, judging: Judging, resolution: FloatArray | None = None
) -> tuple[dict[str, FloatArray], IntArray, IntArray]:
    """Measure many unpaired comparisons at once.

    Args:
        arms: shape (2, m, seeds): baseline and candidate, NaN where an arm has no score.
        judging: of the analysis.
        resolution: shape (m, 1), smallest step of the scores, NaN where it is unknown.

    Returns:
        Arrays of shape (m,), named as in `ComparisonResult`, NaN where an arm has no score; the
        number of scores of each arm, of shape (2, m); and of seeds that both arms have.
    """
    valid = np.isfinite(arms)
    sizes = valid.sum(axis=2)
    shared = (valid[0] & valid[1]).sum(axis=1)
    measures: dict[str, FloatArray] = {}
    for n, k in np.unique(sizes[:, sizes.min(axis=0) > 0], axis=1).T.tolist():
        rows = np.flatnonzero((sizes[0] == n) & (sizes[1] == k))
        baseline = arms[0, rows][valid[0, rows]].reshape(len(rows), n)
        candidate = arms[1, rows][valid[1, rows]].reshape(len(rows), k)
        step = None if resolution is None else resolution[rows]
        for name, values in unpaired_statistics(baseline, candidate, judging, step).items():
            measures.setdefault(name, np.full(len(shared), np.nan))[rows] = values
    if measures:
        measures["pair_correlation"] = _correlation(arms, valid[0] & valid[1])
    return measures, sizes, shared


def _correlation(arms: FloatArray, both: NDArray[np.bool_]) -> FloatArray:
    """Correlation over the seeds that both arms have: what pairing would have bought."""
    correlation = np.full(len(both), np.nan)
    for row in np.flatnonzero(both.sum(axis=1) > 1):
        first, second = arms[:, row, both[row]]
        correlation[row] = pair_correlation_rows(first[None, :], second[None, :])[0]
    return correlation


def unpaired_statistics(
    baseline: FloatArray,
    candidate: FloatArray,
    judging: Judging,
    resolution: FloatArray | None = None,
) -> dict[str, FloatArray]:
    """The measures of comparisons whose arms have shapes (m, n) and (m, k).

    `sd` is that of the difference of two independent scores, the root of both variances.
    """
    n = baseline.shape[1]
    pooled = np.concatenate([baseline, candidate], axis=1)
    check_step(pooled, resolution)
    # Scores that are to tie are made equal: ranks would see the last bit of a float.
    pooled = settle(pooled, noise_scale(pooled, 1, keepdims=True), resolution)
    first, second = pooled[:, :n], pooled[:, n:]
    welch = welch_rows(first, second, judging.confidence)
    estimate, low, high, reached = shift_rows(first, second, judging.confidence)
    wins = a12_rows(first, second, judging.confidence)
    absent = np.full(len(first), np.nan)
    return {
        "baseline_mean": first.mean(axis=1),
        "candidate_mean": second.mean(axis=1),
        "mean_difference": welch["difference"],
        "sd": np.hypot(mean_and_sd(first)[1], mean_and_sd(second)[1]),
        "ci_low": welch["low"],
        "ci_high": welch["high"],
        "hodges_lehmann": estimate,
        "hl_low": low,
        "hl_high": high,
        "hl_confidence": reached,
        "wilcoxon_statistic": absent,
        "d_z": absent,
        "hedges_g": hedges_g_rows(first, second, judging.confidence)[0],
        "rank_biserial": 2 * wins[0] - 1,
        "p_equivalence": _p_equivalence(first, second, welch, judging),
        **unpaired_test_rows(first, second, judging),
        **unpaired_effect_rows(first, second, judging),
    }


def _p_equivalence(
    first: FloatArray, second: FloatArray, welch: dict[str, FloatArray], judging: Judging
) -> FloatArray:
    if judging.margin is None:
        return np.full(len(first), np.nan)
    if judging.equivalence == "ranks":
        return np.maximum(*one_sided_rank_sum_rows(first, second, judging.margin))
    sds = (mean_and_sd(first)[1], mean_and_sd(second)[1])
    error = np.hypot(sds[0] / math.sqrt(first.shape[1]), sds[1] / math.sqrt(second.shape[1]))
    distance = judging.margin - np.abs(welch["difference"])
    return np.asarray(stdtr(welch["df"], -errors_inside(distance, error)), dtype=np.float64)
