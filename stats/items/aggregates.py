"""Scores of a test set from what each of its items gave: means, and metrics that are none."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from stats.inputs import FloatArray

#: From values of items, shape (n,) or (n, 2), to the score.
Aggregate = Callable[[FloatArray], float]


def mean_of_items(values: FloatArray) -> float:
    """The mean of shape (n,)."""
    return float(values.mean())


def perplexity(values: FloatArray) -> float:
    """exp of minus the mean log likelihood, shape (n,)."""
    return math.exp(-float(values.mean()))


def perplexity_per_unit(values: FloatArray) -> float:
    """exp of minus the log likelihood of a word or byte; shape (n, 2): of a text, and its units."""
    return math.exp(-float(values[:, 0].sum() / values[:, 1].sum()))


def bits_per_unit(values: FloatArray) -> float:
    """Minus the log likelihood of a byte in bits; shape (n, 2): of a text, and its bytes."""
    return -float(values[:, 0].sum() / values[:, 1].sum()) / math.log(2)


def f1_of_pairs(values: FloatArray) -> float:
    """F1 of class 1; shape (n, 2): the right class and the predicted one; 0 where it has none."""
    both, either = float((values[:, 0] * values[:, 1]).sum()), float(values.sum())
    return 2 * both / either if either else 0.0


def matthews_of_pairs(values: FloatArray) -> float:
    """Matthews' correlation of two classes; shape (n, 2): right and predicted, each 0 or 1.

    0 where either is the same for all items.

    >>> round(matthews_of_pairs(np.array([[1, 1], [1, 0], [0, 0], [0, 0]])), 4)
    0.5774
    """
    right, predicted = values.mean(axis=0)
    spread = math.sqrt(right * (1 - right) * predicted * (1 - predicted))
    together = float((values[:, 0] * values[:, 1]).mean())
    return float((together - right * predicted) / spread) if spread > 0 else 0.0


#: Metrics that are no means over items, by name; of pairs where items have two values.
_OF_ONE: Mapping[str, Aggregate] = {"perplexity": perplexity}
_OF_TWO: Mapping[str, Aggregate] = {
    "word_perplexity": perplexity_per_unit,
    "byte_perplexity": perplexity_per_unit,
    "bits_per_byte": bits_per_unit,
}
_OF_CLASSES: Mapping[str, Aggregate] = {"f1": f1_of_pairs, "mcc": matthews_of_pairs}


def aggregate_named(metric: str, values: FloatArray) -> Aggregate | None:
    """How a metric is made of such values; None where that is not known.

    >>> aggregate_named("acc", np.array([1.0, 0.0])).__name__
    'mean_of_items'
    >>> aggregate_named("bleu", np.array([[1.0, 2.0]])) is None
    True
    """
    if values.ndim == 1:
        return _OF_ONE.get(metric, mean_of_items)
    if metric in _OF_TWO:
        return _OF_TWO[metric]
    return _OF_CLASSES.get(metric) if np.isin(values, (0, 1)).all() else None
