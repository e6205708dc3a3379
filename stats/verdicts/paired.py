"""Everything that is computed for one paired comparison before its family is known."""

from __future__ import annotations

from stats.effects.effect_sizes import (
    d_z_rows,
    hedges_factor,
    pair_correlation_rows,
    rank_biserial_rows,
)
from stats.effects.of_comparisons import paired_effect_rows
from stats.equivalence.of_pairs import equivalence_rows
from stats.inputs import FloatArray
from stats.intervals import mean_and_sd, t_bounds
from stats.judging import Judging
from stats.ties import check_step, noise_scale, settle
from stats.two_arms.hodges_lehmann import hodges_lehmann_rows
from stats.two_arms.primary_tests import paired_test_rows
from stats.two_arms.signed_rank import signed_rank_rows


def paired_statistics(
    arms: FloatArray, judging: Judging, resolution: FloatArray | None = None
) -> dict[str, FloatArray]:
    """The measures of many comparisons with the same number of pairs.

    Args:
        arms: shape (2, m, n), finite: baseline and candidate of m comparisons on n seeds.
        judging: of the analysis.
        resolution: shape (m, 1), smallest step of the differences, NaN where it is unknown.

    Returns:
        Arrays of shape (m,), named as in `ComparisonResult`; besides them `sd`, that of the
        differences, and `direction`, in which the test rejects.
    """
    baseline, candidate = arms
    scale = noise_scale(arms, axis=(0, 2))[:, None]
    check_step(arms, resolution)
    differences = settle(candidate - baseline, scale, resolution)
    mean, sd = mean_and_sd(differences)
    n_pairs = differences.shape[1]
    low, high = t_bounds(mean, sd, n_pairs, judging.confidence)
    standardised = d_z_rows(mean, sd)
    tested = paired_test_rows(differences, judging)
    known = judging.test == "wilcoxon"
    signed = tested["statistic"] if known else signed_rank_rows(differences, judging.zeros)[0]
    measures = {
        "baseline_mean": baseline.mean(axis=1),
        "candidate_mean": candidate.mean(axis=1),
        "pair_correlation": pair_correlation_rows(baseline, candidate),
        "mean_difference": mean,
        "sd": sd,
        "ci_low": low,
        "ci_high": high,
        "d_z": standardised,
        "hedges_g": standardised * hedges_factor(n_pairs - 1),
        "wilcoxon_statistic": signed,
        **_rank_measures(differences, signed, judging),
        **tested,
        "p_equivalence": equivalence_rows(differences, judging),
    }
    return measures | paired_effect_rows(arms, differences, judging)


def _rank_measures(
    differences: FloatArray, signed: FloatArray, judging: Judging
) -> dict[str, FloatArray]:
    dropped = signed if judging.zeros == "wilcox" else None
    found = hodges_lehmann_rows(differences, judging.confidence, judging.zeros)
    return {
        **dict(zip(("hodges_lehmann", "hl_low", "hl_high", "hl_confidence"), found, strict=True)),
        "rank_biserial": rank_biserial_rows(differences, dropped),
    }
