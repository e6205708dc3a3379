"""What the best of n settings is expected to score: how results depend on the tuning budget."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stats.inputs import FloatArray, IntArray, check_count, finite_vector


@dataclass(frozen=True)
class ExpectedBest:
    """The curve over budgets 1 … N.

    Attributes:
        budget: settings tried.
        mean: expected score of the best of them.
        sd: of that best score.
    """

    budget: tuple[int, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]


def expected_best(
    scores: Sequence[float], *, lower_is_better: bool = False, replacement: bool = True
) -> ExpectedBest:
    """Expected best dev score of n settings drawn at random, for n = 1 … N (Dodge et al. 2019).

    With replacement, the best of n draws is at most the i-th smallest score with probability
    (i/N)ⁿ. That is Dodge's estimator, which is too low for n near N (Tang et al. 2020); without
    replacement it is unbiased, and at n = N has no spread left.

    The draws are taken to be independent: exact for random search. For a sampler that learns, the
    curve describes the settings that it proposed, drawn in random order.

    Args:
        scores: shape (N,), one for each setting; a setting that failed counts with the worst
            score of the others.
        lower_is_better: whether the scores are losses.
        replacement: how settings are drawn.

    Raises:
        StatsError: no scores, or one that is not finite.

    >>> curve = expected_best([60.0, 62.0, 61.0, 65.0], replacement=False)
    >>> curve.budget, [round(mean, 2) for mean in curve.mean]
    ((1, 2, 3, 4), [62.0, 63.33, 64.25, 65.0])
    """
    values = np.sort(finite_vector(scores, "scores"))
    values = -values[::-1] if lower_is_better else values
    budget = np.arange(1, len(values) + 1)
    weights = _with_replacement(budget) if replacement else _without_replacement(budget)
    mean = weights @ values
    # From deviations, not from squares: scores of 60 that differ by .1 would lose their variance.
    variance = (weights * (values[None, :] - mean[:, None]) ** 2).sum(axis=1)
    sign = -1.0 if lower_is_better else 1.0
    return ExpectedBest(
        tuple(budget.tolist()), tuple((sign * mean).tolist()), tuple(np.sqrt(variance).tolist())
    )


def _with_replacement(budget: IntArray) -> FloatArray:
    """Probability that the i-th smallest is the best of n, shape (n, i)."""
    share = np.arange(len(budget) + 1) / len(budget)
    powers: FloatArray = share[None, :] ** budget[:, None]
    return np.diff(powers, axis=1)


def _without_replacement(budget: IntArray) -> FloatArray:
    """C(i, n) / C(N, n) in place of (i/N)ⁿ, by the recursion in n."""
    size = len(budget)
    i = np.arange(size + 1, dtype=np.float64)
    below = np.empty((size, size + 1))
    below[0] = i / size
    for n in range(1, size):
        below[n] = below[n - 1] * np.maximum(i - n, 0) / (size - n)
    return np.diff(below, axis=1)


def gain_of_choice(settings: int) -> float:
    """Standard deviations by which the best of n normal scores exceeds their mean on average.

    What tuning alone gives an arm over one that is not tuned, when no setting is truly better.

    Raises:
        InvalidSetting: fewer than one setting.

    >>> [round(gain_of_choice(n), 2) for n in (1, 2, 5, 20)]
    [0.0, 0.56, 1.16, 1.87]
    """
    from scipy.integrate import quad
    from scipy.special import ndtr

    check_count("settings", settings, at_least=1)

    def density(x: float) -> float:
        return math.exp(-x * x / 2) / math.sqrt(math.tau)

    def weighted(x: float) -> float:
        return float(x * settings * density(x) * ndtr(x) ** (settings - 1))

    return round(float(quad(weighted, -12, 12, limit=200)[0]), 12)
