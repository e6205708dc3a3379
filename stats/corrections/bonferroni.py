"""Bonferroni's correction: every p-value times the size of its family."""

from __future__ import annotations

import numpy as np

from stats.inputs import FloatArray, IntArray
from stats.register import Correction, register


def bonferroni_rows(ascending: FloatArray) -> FloatArray:
    """Each of k p-values times k."""
    return np.asarray(ascending * ascending.shape[-1])


def bonferroni_smallest(p_value: float, size: int) -> float:
    """What so small a p becomes, also as the smallest one in Holm's procedure."""
    return size * p_value


def bonferroni_level(alpha: float, size: int) -> float:
    """The p that it takes, also of the smallest one in Holm's procedure."""
    return alpha / size


def bonferroni_claims(ascending: FloatArray, order: IntArray) -> FloatArray:
    """Each of 2k times k: of the two hypotheses of one comparison at most one is true."""
    return np.asarray(ascending * (ascending.shape[-1] // 2))


register(
    Correction(
        name="bonferroni",
        words="Bonferroni",
        rows=bonferroni_rows,
        claims=bonferroni_claims,
        smallest=bonferroni_smallest,
        level=bonferroni_level,
    )
)
