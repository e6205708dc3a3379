"""Sampling error of the test set: other items would have given another score."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.errors import NotEnoughPairs, NotPaired, StatsError
from stats.inputs import FloatArray, check_resamples, random_stream
from stats.items.clustered import clusters_of

Metric = Callable[[NDArray[np.generic], NDArray[np.generic]], float]


@dataclass(frozen=True)
class ItemBootstrap:
    """A metric of two models on the same items, with the spread over test sets.

    Attributes:
        difference: candidate − baseline, in points of the metric.
        error: bootstrap standard error of the difference; the other two of each model alone.
        low: end of the percentile interval of the difference.
        p_value: two-sided, 2 (b + 1)/(m + 1) with b the resamples on the far side of zero.
    """

    baseline: float
    candidate: float
    difference: float
    baseline_error: float
    candidate_error: float
    error: float
    low: float
    high: float
    confidence: float
    p_value: float
    n_items: int
    replicates: int


def bootstrap_items(
    metric: Metric,
    labels: ArrayLike,
    baseline_predictions: ArrayLike,
    candidate_predictions: ArrayLike,
    *,
    clusters: Sequence[Hashable] | None = None,
    confidence: float = 0.95,
    replicates: int = 2000,
    seed: int = 0,
) -> ItemBootstrap:
    """Paired bootstrap over test items, for any metric (Berg-Kirkpatrick et al. 2012).

    Items are drawn with replacement, the same for both models. It speaks of two trained models,
    not of two methods; `seeds_and_items` does both. For accuracy `mcnemar` is exact.

    Args:
        metric: of labels and predictions, called once for each resample and model.
        labels: shape (n, …), one entry an item.
        baseline_predictions: shape (n, …): classes, scores or whatever the metric takes.
        candidate_predictions: the same items in the same order.
        clusters: for each item what it shares with others, as a passage: whole clusters are drawn;
            None where each item stands alone.
        confidence: of the interval.
        replicates: number of resamples.
        seed: of the random numbers.

    Raises:
        NotPaired: different numbers of items, or of names of clusters.
        NotEnoughPairs: fewer than two items, or clusters.
        StatsError: the metric is not a finite number, on the test set or on a resample; so it is
            for the correlation of a resample that holds one class only.
        InvalidSetting: confidence outside (0, 1), or too few replicates for it.

    >>> accuracy = lambda labels, predictions: float((labels == predictions).mean())
    >>> labels = [0, 1] * 50
    >>> result = bootstrap_items(accuracy, labels, [0, 1] * 40 + [0, 0] * 10, labels)
    >>> round(result.difference, 2), result.low > 0
    (0.1, True)
    """
    check_resamples("replicates", replicates, confidence, seed)
    truth, *models = (
        np.asarray(each) for each in (labels, baseline_predictions, candidate_predictions)
    )
    n_items = _number_of_items(truth, *models)
    every = np.arange(n_items)
    baseline, candidate = (_value(metric, truth, model, every, "all items") for model in models)
    of_item, count = clusters_of(clusters, n_items)
    members = np.split(np.argsort(of_item, kind="stable"), np.bincount(of_item).cumsum()[:-1])
    drawn = _resampled(
        metric, truth, models, None if count == n_items else members, replicates, seed
    )
    differences = drawn[:, 1] - drawn[:, 0]
    tail = (1 - confidence) / 2
    low, high = np.quantile(differences, [tail, 1 - tail]).tolist()
    beyond = min((differences <= 0).sum(), (differences >= 0).sum())
    return ItemBootstrap(
        baseline=baseline,
        candidate=candidate,
        difference=candidate - baseline,
        baseline_error=float(drawn[:, 0].std(ddof=1)),
        candidate_error=float(drawn[:, 1].std(ddof=1)),
        error=float(differences.std(ddof=1)),
        low=low,
        high=high,
        confidence=confidence,
        p_value=min(1.0, 2 * float(beyond + 1) / (replicates + 1)),
        n_items=n_items,
        replicates=replicates,
    )


def _resampled(
    metric: Metric,
    truth: NDArray[np.generic],
    models: Sequence[NDArray[np.generic]],
    clusters: Sequence[NDArray[np.int64]] | None,
    replicates: int,
    seed: int,
) -> FloatArray:
    """The metric of each model on the same resamples of the items, shape (replicates, models)."""
    random = random_stream(seed)
    drawn = np.empty((replicates, len(models)))
    count = len(truth) if clusters is None else len(clusters)
    for row in range(replicates):
        chosen = random.integers(0, count, count)
        items = chosen if clusters is None else np.concatenate([clusters[i] for i in chosen])
        drawn[row] = [_value(metric, truth, m, items, f"resample {row}") for m in models]
    return drawn


def _number_of_items(*arrays: NDArray[np.generic]) -> int:
    lengths = [len(each) if each.ndim else 0 for each in arrays]
    if len(set(lengths)) > 1:
        raise NotPaired(
            f"{lengths[0]} labels, {lengths[1]} predictions of the baseline and {lengths[2]} of "
            "the candidate"
        )
    if lengths[0] < 2:
        raise NotEnoughPairs(f"{lengths[0]} test items; at least two needed")
    return lengths[0]


def _value(
    metric: Metric,
    labels: NDArray[np.generic],
    predictions: NDArray[np.generic],
    items: NDArray[np.int64],
    where: str,
) -> float:
    value = float(metric(labels[items], predictions[items]))
    if not math.isfinite(value):
        raise StatsError(f"the metric is {value} on {where}; it must be a finite number")
    return value
