"""The tests that may decide a comparison, by name, for many comparisons at once."""

from __future__ import annotations

from math import comb

import numpy as np

from stats.attainable import smallest_attainable_p
from stats.inputs import FloatArray
from stats.intervals import mean_and_sd
from stats.settings import Settings
from stats.two_arms.permutation import EXACT_LIMIT, RESAMPLES, permutation_rows
from stats.two_arms.rank_sum import mann_whitney_rows
from stats.two_arms.sign_test import sign_test_rows
from stats.two_arms.signed_rank import signed_rank_rows, two_sided
from stats.two_arms.student import student_rows
from stats.two_arms.unpaired_permutation import EXACT_PATTERNS, unpaired_permutation_rows
from stats.two_arms.welch import welch_rows

MOST_COUNTED = EXACT_PATTERNS
"""Ways to deal the scores to two arms, beyond which a few ties make no p that matters."""


def paired_test_rows(differences: FloatArray, settings: Settings) -> dict[str, FloatArray]:
    """Statistic, two-sided p and direction of the paired test that the settings name.

    Args:
        differences: shape (m, n), settled, one comparison a row.
        settings: whose test is one of `settings.PAIRED_TESTS`.

    Returns:
        Arrays of shape (m,); the direction in which the test rejects is 1, −1, or 0 for neither,
        and the smallest attainable p is that of these differences, of which zeros have no sign.
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
    return {
        "statistic": statistic,
        "p_value": p_value,
        "direction": np.sign(less - greater),
        "smallest_attainable_p": _smallest_of_pairs(differences, settings.test),
    }


def _smallest_of_pairs(differences: FloatArray, test: str) -> FloatArray:
    """Smallest p of each row where all differences that are not 0 have one sign."""
    n_pairs = differences.shape[1]
    least = smallest_p(test, n_pairs, n_pairs)
    if test == "t":
        return np.full(len(differences), least)
    signed = np.ldexp(2.0, -np.count_nonzero(differences, axis=1))
    return np.asarray(np.clip(signed, least, 1.0), dtype=np.float64)


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
    return {
        "statistic": statistic,
        "p_value": p_value,
        "direction": np.sign(less - greater),
        "smallest_attainable_p": _smallest_of_arms(baseline, candidate, settings.test),
    }


def _smallest_of_arms(baseline: FloatArray, candidate: FloatArray, test: str) -> FloatArray:
    """Smallest p of each row where one arm has the lowest scores of both, ties as they are."""
    n, k = baseline.shape[1], candidate.shape[1]
    least = smallest_p(test, n, k)
    if test == "welch" or comb(n + k, k) > MOST_COUNTED:
        return np.full(len(baseline), least)
    ordered = np.sort(np.concatenate([baseline, candidate], axis=1), axis=1)
    ways = np.array([min(_ways(row, k), _ways(row[::-1], k)) for row in ordered])
    return np.asarray(np.clip(least * ways, 0.0, 1.0), dtype=np.float64)


def _ways(ordered: FloatArray, k: int) -> int:
    """How many choices of k scores are as extreme as the first k."""
    last = ordered[k - 1]
    return comb(int((ordered == last).sum()), int((ordered[:k] == last).sum()))


def smallest_p(test: str, n_baseline: int, n_candidate: int) -> float:
    """Smallest two-sided p that this test can give to arms of these sizes, without ties.

    Args:
        test: one of `settings.PAIRED_TESTS` or `settings.UNPAIRED_TESTS`.
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
