"""The tests that may decide a comparison, for many comparisons at once."""

from __future__ import annotations

import numpy as np

from stats.attainable import smallest_p_of_signs
from stats.inputs import FloatArray
from stats.judging import Judging
from stats.register import RowsTested, paired_test, primary_test, unpaired_test
from stats.two_arms.unpaired_permutation import smallest_p_of_deals


def paired_test_rows(differences: FloatArray, judging: Judging) -> dict[str, FloatArray]:
    """Statistic, two-sided p and direction of the paired test that the judging name.

    Args:
        differences: shape (m, n), settled, one comparison a row.
        judging: whose test is one of `register.PAIRED_TESTS`.

    Returns:
        Arrays of shape (m,); the direction in which the test rejects is 1, −1, or 0 for neither,
        and the smallest attainable p is that of these differences, of which zeros have no sign.
    """
    test = paired_test(judging.test)
    n_pairs = differences.shape[1]
    smallest = np.full(len(differences), test.smallest_p(n_pairs, n_pairs))
    if test.by_signs:
        smallest = smallest_p_of_signs(differences, smallest)
    return _told(test.rows(differences, judging.zeros), smallest)


def unpaired_test_rows(
    baseline: FloatArray, candidate: FloatArray, judging: Judging
) -> dict[str, FloatArray]:
    """The same of an unpaired test, for arms of shape (m, n) and (m, k)."""
    test = unpaired_test(judging.test)
    smallest = np.full(len(baseline), test.smallest_p(baseline.shape[1], candidate.shape[1]))
    if test.by_deals:
        smallest = smallest_p_of_deals(baseline, candidate, smallest)
    return _told(test.rows(baseline, candidate), smallest)


def _told(tested: RowsTested, smallest: FloatArray) -> dict[str, FloatArray]:
    return {
        "statistic": tested.statistic,
        "p_value": tested.p_value,
        "direction": np.sign(tested.less - tested.greater),
        "smallest_attainable_p": smallest,
    }


def smallest_p(test: str, n_baseline: int, n_candidate: int) -> float:
    """Smallest two-sided p that this test can give to arms of these sizes, without ties.

    Args:
        test: one of `register.PAIRED_TESTS` or `register.UNPAIRED_TESTS`.
        n_baseline: scores of the baseline; for a paired test, pairs.
        n_candidate: scores of the candidate.

    >>> smallest_p("sign", 8, 8), round(smallest_p("mann-whitney", 5, 5), 5), smallest_p("t", 5, 5)
    (0.0078125, 0.00794, 0.0)
    """
    return primary_test(test).smallest_p(n_baseline, n_candidate)
