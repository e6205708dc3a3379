"""One number for many tasks: interquartile mean, optimality gap, profile, improvement."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from stats.errors import StatsError
from stats.inputs import FloatArray, check_number, finite_table, finite_vector

RUNS_OF_TASKS = ("run", "task")


def interquartile_mean(scores: ArrayLike) -> float:
    """Mean of the middle half of all runs of all tasks (Agarwal et al. 2021).

    Less swayed by an outlying task than the mean, and less wasteful than the median. A quarter of
    the runs, rounded down, is left out at either end. Tasks must share a scale.

    Args:
        scores: shape (runs, tasks).

    Raises:
        NotEnoughPairs: no score.
        StatsError: not a table of finite numbers.

    >>> interquartile_mean([[1, 2], [2, 2], [1, 1], [2, 1]])
    1.5
    """
    from scipy.stats import trim_mean

    return float(trim_mean(finite_table(scores, RUNS_OF_TASKS, at_least=1), 0.25, axis=None))


def optimality_gap(scores: ArrayLike, target: float) -> float:
    """By how much runs fall short of the target on average; beyond it nothing is gained.

    Args:
        scores: shape (runs, tasks), more is better.
        target: the score that counts as solved, in points.

    Raises:
        NotEnoughPairs: no score.
        StatsError: not a table of finite numbers.

    >>> optimality_gap([[0.5, 1.2], [0.9, 1.0]], target=1.0)
    0.15
    """
    check_number("target", target)
    table = finite_table(scores, RUNS_OF_TASKS, at_least=1)
    return float((target - np.minimum(table, target)).mean())


def profile_at(scores: ArrayLike, thresholds: ArrayLike) -> FloatArray:
    """Fraction of runs with a score above each threshold (Agarwal et al. 2021).

    It knows no direction: of losses, negate scores and thresholds, as
    `stats.performance_profiles` does.

    Args:
        scores: shape (runs, tasks).
        thresholds: shape (t,), in points.

    Raises:
        NotEnoughPairs: no score or threshold.
        StatsError: not finite numbers.

    >>> profile_at([[1, 2], [3, 4]], [0, 1, 2.5, 4]).tolist()
    [1.0, 0.75, 0.5, 0.0]
    """
    ordered = np.sort(finite_table(scores, RUNS_OF_TASKS, at_least=1), axis=None)
    at = finite_vector(thresholds, "thresholds")
    above = len(ordered) - np.searchsorted(ordered, at, side="right")
    return np.asarray(above / len(ordered), dtype=np.float64)


def probability_of_improvement(candidate: ArrayLike, baseline: ArrayLike) -> float:
    """Mean over tasks of P(candidate > baseline), ties counted half (Agarwal et al. 2021).

    Every run of the one is compared with every run of the other on the same task; runs need not
    be paired, nor equal in number.

    Args:
        candidate: shape (runs, tasks), more is better.
        baseline: shape (other runs, tasks).

    Raises:
        NotEnoughPairs: an arm without scores.
        StatsError: not tables of finite numbers, or not the same number of tasks.

    >>> x = [[1, 2], [2, 2], [1, 1], [2, 1]]
    >>> round(probability_of_improvement(x, [[1, 1], [2, 2], [3, 3]]), 4)
    0.3333
    """
    first = finite_table(candidate, RUNS_OF_TASKS, "candidate scores", at_least=1)
    second = finite_table(baseline, RUNS_OF_TASKS, "baseline scores", at_least=1)
    if first.shape[1] != second.shape[1]:
        raise StatsError(f"{first.shape[1]} and {second.shape[1]} tasks cannot be compared")
    return float(np.mean([wins(a, b).mean() for a, b in zip(first.T, second.T, strict=True)]))


def wins(candidate: FloatArray, baseline: FloatArray) -> FloatArray:
    """1 where the candidate's run beats the baseline's, ½ for ties: shape (n, m)."""
    difference = candidate[:, None] - baseline[None, :]
    return np.asarray((np.sign(difference) + 1) / 2, dtype=np.float64)
