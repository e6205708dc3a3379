"""The tests that may decide a comparison, by name, for many comparisons at once."""

from __future__ import annotations

from math import comb

import numpy as np

from stats.inputs import FloatArray
from stats.intervals import mean_and_sd
from stats.permutation import EXACT_LIMIT, RESAMPLES, permutation_rows
from stats.power import smallest_attainable_p
from stats.rank_sum import mann_whitney_rows
from stats.settings import Settings
from stats.sign_test import sign_test_rows
from stats.signed_rank import signed_rank_rows, two_sided
from stats.student import student_rows
from stats.unpaired_permutation import EXACT_PATTERNS, unpaired_permutation_rows
from stats.welch import welch_rows


def paired_test_rows(differences: FloatArray, settings: Settings) -> dict[str, FloatArray]:
    """Statistic, two-sided p and direction of the paired test that the settings name.

    Args:
        differences: shape (m, n), settled, one comparison a row.
        settings: whose test is one of `stats.PAIRED_TESTS`.

    Returns:
        Arrays of shape (m,); the direction in which the test rejects is 1, −1, or 0 for neither.
    """
    if settings.test == "wilcoxon":
        statistic, greater, less = signed_rank_rows(differences, settings.zeros)
        p_value = two_sided(greater, less)
    elif settings.test == "permutation":
        statistic = differences.mean(axis=1)
        greater, less, p_value = permutation_rows(differences)
    elif settings.test == "sign":
        statistic, greater, less, p_value = sign_test_rows(differences)
    else:
        mean, sd = mean_and_sd(differences)
        statistic, p_value = student_rows(mean, sd, differences.shape[1])
        greater, less = -mean, mean
    return {"statistic": statistic, "p_value": p_value, "direction": np.sign(less - greater)}


def unpaired_test_rows(
    baseline: FloatArray, candidate: FloatArray, settings: Settings
) -> dict[str, FloatArray]:
    """The same of an unpaired test, for arms of shape (m, n) and (m, k)."""
    if settings.test == "mann-whitney":
        statistic, greater, less = mann_whitney_rows(baseline, candidate)
        p_value = two_sided(greater, less)
    elif settings.test == "unpaired-permutation":
        statistic = candidate.mean(axis=1) - baseline.mean(axis=1)
        greater, less, p_value = unpaired_permutation_rows(baseline, candidate)
    else:
        rows = welch_rows(baseline, candidate, settings.confidence)
        statistic, p_value = rows["t"], rows["p_value"]
        greater, less = -rows["difference"], rows["difference"]
    return {"statistic": statistic, "p_value": p_value, "direction": np.sign(less - greater)}


def smallest_p(test: str, n_baseline: int, n_candidate: int) -> float:
    """Smallest two-sided p that this test can give to arms of these sizes, without ties.

    Args:
        test: one of `stats.PAIRED_TESTS` or `stats.UNPAIRED_TESTS`.
        n_baseline: scores of the baseline; for a paired test, pairs.
        n_candidate: scores of the candidate.

    >>> smallest_p("sign", 8, 8), round(smallest_p("mann-whitney", 5, 5), 5), smallest_p("t", 5, 5)
    (0.0078125, 0.00794, 0.0)
    """
    if test in ("t", "welch"):
        return 0.0 if min(n_baseline, n_candidate) > 1 else 1.0
    if test in ("mann-whitney", "unpaired-permutation"):
        patterns = comb(n_baseline + n_candidate, n_candidate)
        random = test == "unpaired-permutation" and patterns > EXACT_PATTERNS
        return min(1.0, 2 / (RESAMPLES + 1 if random else patterns))
    exact = smallest_attainable_p(n_baseline)
    random = test == "permutation" and n_baseline > EXACT_LIMIT
    return max(exact, 1 / (RESAMPLES + 1)) if random else exact
