"""Every pair of several arms, tested over the blocks that they share."""

from __future__ import annotations

import numpy as np

from stats.inputs import FloatArray
from stats.judging import Judging
from stats.many_arms.shaffer import adjust_all_pairs
from stats.multiplicity import all_pairs
from stats.ties import noise_scale, settle
from stats.two_arms.hodges_lehmann import hodges_lehmann_rows
from stats.two_arms.primary_tests import paired_test_rows, smallest_p

#: Walsh averages held at a time: 32 MB.
WALSH_AT_ONCE = 1 << 22

#: Beyond so many nobody is told how many blocks would do.
MOST_BLOCKS = 200


def pairwise_tests(
    scores: FloatArray,
    test: str = "wilcoxon",
    resolution: float | None = None,
    zeros: str = "wilcox",
) -> dict[str, FloatArray]:
    """Two-sided tests of every pair of columns, uncorrected.

    Args:
        scores: shape (n, k): n blocks of k arms.
        test: one of `register.PAIRED_TESTS`.
        resolution: smallest step of the metric.
        zeros: what the signed-rank test does with zero differences.

    Returns:
        `p_value`, `direction` (1 where the first of the two has more, −1 where the second has),
        `mean_difference` and `hodges_lehmann` of first minus second, each of the shape
        (k(k − 1)/2,), in the order of `stats.multiplicity.all_pairs`.
    """
    judging = Judging(test=test, zeros=zeros)
    first, second = all_pairs(scores.shape[1]).T
    at_once = max(1, WALSH_AT_ONCE // (len(scores) * (len(scores) + 1) // 2))
    parts = []
    for start in range(0, len(first), at_once):
        rows = slice(start, start + at_once)
        both = scores.T[first[rows]], scores.T[second[rows]]
        scale = noise_scale(np.array(both), axis=(0, 2))[:, None]
        differences = settle(both[0] - both[1], scale, resolution)
        tested = paired_test_rows(differences, judging)
        parts.append(
            {
                "p_value": tested["p_value"],
                "direction": tested["direction"],
                "mean_difference": differences.mean(axis=1),
                "hodges_lehmann": hodges_lehmann_rows(differences, zeros=zeros)[0],
            }
        )
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def smallest_corrected_p(test: str, n_blocks: int, n_arms: int, correction: str) -> float:
    """Smallest p that any pair can reach once all pairs are corrected, without ties.

    >>> smallest_corrected_p("wilcoxon", 5, 5, "holm"), smallest_corrected_p("t", 5, 5, "holm")
    (0.625, 0.0)
    """
    smallest = smallest_p(test, n_blocks, n_blocks)
    n_pairs = n_arms * (n_arms - 1) // 2
    return float(adjust_all_pairs(np.full(n_pairs, smallest), n_arms, correction).max())


def blocks_needed(test: str, n_arms: int, correction: str, alpha: float) -> int | None:
    """Fewest blocks with which some pair can fall below alpha; None where no number is enough.

    >>> blocks_needed("wilcoxon", 5, "holm", 0.05), blocks_needed("t", 5, "holm", 0.05)
    (9, 2)
    """
    enough = (
        n
        for n in range(2, MOST_BLOCKS)
        if smallest_corrected_p(test, n, n_arms, correction) < alpha
    )
    return next(enough, None)
