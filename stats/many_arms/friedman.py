"""Do several arms differ at all over shared blocks? Friedman's test of their ranks."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import chdtrc, fdtrc

from stats.inputs import FloatArray, finite_table
from stats.ties import rank_blocks

BLOCKS_OF_ARMS = ("block", "arm")


@dataclass(frozen=True)
class Friedman:
    """Friedman's χ² with its p-value, and the F of Iman and Davenport, which is less conservative.

    Attributes:
        mean_ranks: of each arm; 1 is the best, ties share the mean of their ranks.
        p_value: of χ², with k − 1 degrees of freedom.
        p_iman_davenport: of F, with k − 1 and (k − 1)(n − 1) degrees of freedom.
    """

    mean_ranks: tuple[float, ...]
    chi2: float
    p_value: float
    f: float
    p_iman_davenport: float
    n_blocks: int
    n_arms: int


def friedman(
    scores: ArrayLike,
    *,
    resolution: float | None = None,
    lower_is_better: bool = False,
    correct_ties: bool = True,
) -> Friedman:
    """Friedman's test with the correction for ties, and the F of Iman and Davenport (1980).

    When every block ranks the arms alike, F is infinite, and p is its exact value (1/k!)ⁿ⁻¹
    (Conover 1999). When every block is one tie, χ² is 0 and both p are 1.

    Args:
        scores: shape (n, k): n blocks, which are tasks or seeds, of k arms.
        resolution: smallest step of the metric; scores closer than half of it tie.
        lower_is_better: whether the metric is a loss, which turns the ranks around.
        correct_ties: False gives the formula that Demšar (2006) prints.

    Raises:
        NotEnoughPairs: fewer than two blocks or arms.
        StatsError: not a table of finite numbers; the message says which block and arm.

    The fourteen data sets of Demšar (2006, table 6), who does not correct for the ties:

    >>> accuracy = [
    ...     [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569],
    ...     [0.954, 0.971, 0.968, 0.967], [0.628, 0.661, 0.654, 0.657],
    ...     [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
    ...     [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625],
    ...     [0.775, 0.838, 0.866, 0.875], [1.000, 1.000, 1.000, 1.000],
    ...     [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
    ...     [0.972, 0.981, 0.97501, 0.975], [0.957, 0.978, 0.946, 0.970],
    ... ]
    >>> test = friedman(accuracy, correct_ties=False)
    >>> [round(rank, 3) for rank in test.mean_ranks], round(test.chi2, 2), round(test.f, 2)
    ([3.143, 2.0, 2.893, 1.964], 9.28, 3.69)
    """
    table = finite_table(scores, BLOCKS_OF_ARMS)
    n_blocks, n_arms = table.shape
    ranks = rank_blocks(table, resolution, lower_is_better)
    chi2 = float(chi_squares(ranks[None], correct_ties)[0])
    f, p_f = _iman_davenport(chi2, n_blocks, n_arms)
    return Friedman(
        mean_ranks=tuple(ranks.mean(axis=0).tolist()),
        chi2=chi2,
        p_value=float(chdtrc(n_arms - 1, chi2)),
        f=f,
        p_iman_davenport=p_f,
        n_blocks=n_blocks,
        n_arms=n_arms,
    )


def chi_squares(ranks: FloatArray, correct_ties: bool = True) -> FloatArray:
    """Friedman's statistic of many tables at once: ranks of shape (m, n, k) become (m,)."""
    _, n_blocks, n_arms = ranks.shape
    between = n_blocks * ((ranks.mean(axis=1) - (n_arms + 1) / 2) ** 2).sum(axis=1)
    if not correct_ties:
        return np.asarray(12 * between / (n_arms * (n_arms + 1)), dtype=np.float64)
    within = ((ranks - (n_arms + 1) / 2) ** 2).sum(axis=(1, 2)) / (n_blocks * (n_arms - 1))
    return np.asarray(between / np.where(within > 0, within, 1.0), dtype=np.float64)


def _iman_davenport(chi2: float, n_blocks: int, n_arms: int) -> tuple[float, float]:
    unexplained = n_blocks * (n_arms - 1) - chi2
    if unexplained <= 1e-9 * chi2:
        log_p = -(n_blocks - 1) * math.lgamma(n_arms + 1)
        return math.inf, math.exp(log_p)
    f = (n_blocks - 1) * chi2 / unexplained
    return f, float(fdtrc(n_arms - 1, (n_arms - 1) * (n_blocks - 1), f))
