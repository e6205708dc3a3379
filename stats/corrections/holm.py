"""Holm's correction, which holds the chance of any false claim."""

from __future__ import annotations

import numpy as np

from stats.corrections.bonferroni import bonferroni_level, bonferroni_smallest
from stats.inputs import FloatArray, IntArray
from stats.register import Correction, register


def holm_rows(ascending: FloatArray) -> FloatArray:
    """The i-th smallest of k p-values times k − i + 1, and no smaller than those before it.

    >>> holm_rows(np.array([0.01, 0.02, 0.03, 0.04])).round(4).tolist()
    [0.04, 0.06, 0.06, 0.06]
    """
    factors = np.arange(ascending.shape[-1], 0, -1)
    return np.asarray(np.maximum.accumulate(ascending * factors, axis=-1))


def holm_claims(ascending: FloatArray, order: IntArray) -> FloatArray:
    """Each p of a difference or an equivalence times the comparisons that are open at its step."""
    return np.asarray(np.maximum.accumulate(ascending * open_comparisons(order), axis=1))


def open_comparisons(order: IntArray) -> IntArray:
    """At each step the comparisons of which not both hypotheses came before.

    >>> open_comparisons(np.array([[0, 2, 1, 3]])).tolist()
    [[2, 2, 1, 1]]
    """
    size = order.shape[1] // 2
    step = np.argsort(order, axis=1)
    closes = np.zeros(order.shape, dtype=np.int64)
    np.put_along_axis(closes, np.maximum(step[:, :size], step[:, size:]), 1, axis=1)
    return np.asarray(size - (np.cumsum(closes, axis=1) - closes), dtype=np.int64)


register(
    Correction(
        name="holm",
        words="Holm",
        default=True,
        rows=holm_rows,
        claims=holm_claims,
        smallest=bonferroni_smallest,
        level=bonferroni_level,
    )
)
