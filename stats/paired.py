"""Everything that is computed for one comparison before its family is known."""

from __future__ import annotations

import numpy as np

from stats.effect_sizes import (
    d_z_rows,
    hedges_factor,
    pair_correlation_rows,
    rank_biserial_rows,
)
from stats.equivalence import tost_rows
from stats.hodges_lehmann import hodges_lehmann_rows
from stats.inputs import FloatArray
from stats.intervals import mean_and_sd, t_bounds
from stats.settings import Settings
from stats.signed_rank import signed_rank_rows, two_sided
from stats.ties import settle


def paired_statistics(arms: FloatArray, settings: Settings) -> dict[str, FloatArray]:
    """The measures of many comparisons with the same number of pairs.

    Args:
        arms: shape (2, m, n), finite: baseline and candidate of m comparisons on n seeds.
        settings: of the analysis.

    Returns:
        Arrays of shape (m,), named as in `Comparison`, and `sd`, that of the differences.
    """
    baseline, candidate = arms
    scale = np.abs(arms).max(axis=(0, 2))[:, None]
    differences = settle(candidate - baseline, scale, settings.resolution)
    return {
        "baseline_mean": baseline.mean(axis=1),
        "candidate_mean": candidate.mean(axis=1),
        "pair_correlation": pair_correlation_rows(baseline, candidate),
        **_rank_measures(differences, settings),
        **_mean_measures(differences, settings),
    }


def _rank_measures(differences: FloatArray, settings: Settings) -> dict[str, FloatArray]:
    statistic, greater, less = signed_rank_rows(differences, settings.zeros)
    estimate, low, high, reached = hodges_lehmann_rows(differences, settings.confidence)
    return {
        "wilcoxon_statistic": statistic,
        "p_value": two_sided(greater, less),
        "hodges_lehmann": estimate,
        "hl_low": low,
        "hl_high": high,
        "hl_confidence": np.full(len(estimate), reached),
        "rank_biserial": rank_biserial_rows(differences),
    }


def _mean_measures(differences: FloatArray, settings: Settings) -> dict[str, FloatArray]:
    m, n_pairs = differences.shape
    mean, sd = mean_and_sd(differences)
    low, high = t_bounds(mean, sd, n_pairs, settings.confidence)
    standardised = d_z_rows(mean, sd)
    no_margin = np.full(m, np.nan)
    return {
        "mean_difference": mean,
        "sd": sd,
        "ci_low": low,
        "ci_high": high,
        "d_z": standardised,
        "hedges_g": standardised * hedges_factor(n_pairs - 1),
        "p_equivalence": no_margin
        if settings.margin is None
        else tost_rows(mean, sd, n_pairs, settings.margin),
    }
