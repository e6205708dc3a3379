"""Benjamini and Hochberg's correction, which holds the false discovery rate."""

from __future__ import annotations

import numpy as np

from stats.inputs import FloatArray, IntArray
from stats.register import Correction, register


def benjamini_hochberg_rows(ascending: FloatArray) -> FloatArray:
    """The i-th smallest of k p-values times k/i, and no larger than those after it."""
    size = ascending.shape[-1]
    return _step_up(ascending * (size / np.arange(1, size + 1)))


def benjamini_hochberg_claims(ascending: FloatArray, order: IntArray) -> FloatArray:
    """Of 2k hypotheses at most k are true: the i-th p times k/i, but by no less than 1."""
    size = ascending.shape[-1] // 2
    return _step_up(ascending * np.maximum(1.0, size / np.arange(1, 2 * size + 1)))


def _step_up(scaled: FloatArray) -> FloatArray:
    return np.asarray(np.minimum.accumulate(scaled[..., ::-1], axis=-1)[..., ::-1])


register(
    Correction(
        name="benjamini-hochberg",
        words="Benjamini-Hochberg",
        rows=benjamini_hochberg_rows,
        claims=benjamini_hochberg_claims,
        smallest=lambda p_value, _: p_value,  # where all of a family are as small
        level=lambda alpha, _: alpha,
    )
)
