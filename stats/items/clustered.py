"""A mean over items that come in clusters: questions about one passage are no independent items."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtr, stdtrit

from stats.errors import NotEnoughPairs, NotPaired
from stats.inputs import IntArray, check_fraction, finite_vector


@dataclass(frozen=True)
class ClusteredMean:
    """A mean over items with its standard error over clusters.

    Attributes:
        error: standard error of the mean over clusters like these.
        low: end of the interval by t with one degree of freedom less than there are clusters.
        p_value: two-sided, of a mean of zero; NaN where all clusters agree on another value.
    """

    mean: float
    error: float
    low: float
    high: float
    confidence: float
    p_value: float
    n_items: int
    n_clusters: int


def clustered_mean(
    differences: ArrayLike,
    clusters: Sequence[Hashable] | None = None,
    *,
    confidence: float = 0.95,
) -> ClusteredMean:
    """The mean of differences on items, tested over clusters of items.

    The variance of the mean is G/(G − 1) Σ_g (Σ_{i in g} (d_i − d̄))² / n² over G clusters: the
    clustered standard error of Miller (2024, arXiv 2411.00640), with the factor G/(G − 1) for few
    clusters. Where each item is a cluster by itself this is the paired t test over items. It is an
    approximation for many clusters, which rejects too often with 5 to 30 of them (Cameron, Gelbach
    and Miller 2008).

    Args:
        differences: shape (n,), candidate − baseline on each item.
        clusters: for each item what it shares with others; None where each stands alone.
        confidence: of the interval.

    Raises:
        NotPaired: another number of clusters than of items.
        NotEnoughPairs: fewer than two clusters.
        StatsError: a difference is not a finite number.
        InvalidSetting: confidence outside (0, 1).

    Two passages with two questions each, which are answered alike:

    >>> one = clustered_mean([1.0, 1.0, 0.0, 0.0])
    >>> two = clustered_mean([1.0, 1.0, 0.0, 0.0], ["a", "a", "b", "b"])
    >>> round(one.error, 4), two.error
    (0.2887, 0.5)
    """
    check_fraction("confidence", confidence)
    vector = finite_vector(differences)
    n = len(vector)
    of_item, count = clusters_of(clusters, n)
    mean = float(vector.mean())
    within = np.bincount(of_item, vector - mean, count)
    error = math.sqrt(count / (count - 1) * float((within**2).sum())) / n
    reach = float(stdtrit(count - 1, (1 + confidence) / 2)) * error
    p_value = 2 * float(stdtr(count - 1, -abs(mean) / error)) if error else math.nan
    return ClusteredMean(
        mean=mean,
        error=error,
        low=mean - reach,
        high=mean + reach,
        confidence=confidence,
        p_value=p_value if error or mean else 1.0,
        n_items=n,
        n_clusters=count,
    )


def clusters_of(clusters: Sequence[Hashable] | None, n_items: int) -> tuple[IntArray, int]:
    """The number of each item's cluster, counted from 0, and how many there are.

    Raises:
        NotPaired: another number of clusters than of items.
        NotEnoughPairs: fewer than two clusters.

    >>> clusters_of(["b", "a", "b"], 3)
    (array([0, 1, 0]), 2)
    """
    if clusters is None:
        numbers = np.arange(n_items)
    else:
        if len(clusters) != n_items:
            raise NotPaired(f"{len(clusters)} names of clusters for {n_items} items")
        known: dict[Hashable, int] = {}
        numbers = np.array([known.setdefault(each, len(known)) for each in clusters], dtype=int)
    count = int(numbers.max(initial=-1)) + 1
    if count < 2:
        what = "items" if clusters is None else "clusters of items"
        raise NotEnoughPairs(f"{count} {what}; at least two needed")
    return numbers, count
