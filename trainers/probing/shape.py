"""Measures of representations that need no task: how alike two are, how many directions one has."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Raised when the same features would give other numbers.
REVISION = 1


def linear_cka(first: ArrayLike, second: ArrayLike) -> float:
    """Linear centred kernel alignment of two representations of the same examples, debiased.

    HSIC₁(K, L) / √(HSIC₁(K, K) HSIC₁(L, L)) with K = XXᵀ and L = YYᵀ: the CKA of Kornblith et al.
    2019 (arXiv 1905.00414) with the unbiased estimator of HSIC by Song et al. 2012 in place of the
    biased one, as Nguyen, Raghu and Kornblith 2021 (arXiv 2010.15327) take it. The biased CKA of
    two representations by independent noise is about √(de) / n, far from 0 where features are as
    many as examples; this one scatters about 0 whatever n, d and e, and may be a little below. It
    is 1 for representations that are equal up to a rotation, a shift and a scale.

    Nothing of the size n × n is made: sums of the kernels are had from the features.

    Args:
        first: shape (n, d), a row for each example.
        second: shape (n, e), of the same examples in the same order.

    Returns:
        NaN where one of them says the same of every example, or there are fewer than 4.

    >>> x = np.random.default_rng(0).normal(size=(50, 3))
    >>> round(linear_cka(x, 5 * x[:, ::-1] + 1), 12)
    1.0
    """
    x, y = _centred(first), _centred(second)
    if len(x) != len(y):
        raise ValueError(f"{len(x)} and {len(y)} examples: they must be the same.")
    if len(x) < 4:
        return float("nan")
    own = _hsic(x, x) * _hsic(y, y)
    return float(_hsic(x, y) / np.sqrt(own)) if own > 0 else float("nan")


def _hsic(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    """The unbiased estimate, but for a factor of n alone.

    tr(K̃L̃) + 1ᵀK̃1 1ᵀL̃1 / ((n − 1)(n − 2)) − 2/(n − 2) 1ᵀK̃L̃1, where K̃ is K without its diagonal.
    """
    n = len(x)
    on_k, on_l = (x**2).sum(1), (y**2).sum(1)
    rows_k, rows_l = x @ x.sum(0) - on_k, y @ y.sum(0) - on_l
    trace = ((x.T @ y) ** 2).sum() - on_k @ on_l
    return float(
        trace + rows_k.sum() * rows_l.sum() / ((n - 1) * (n - 2)) - 2 / (n - 2) * (rows_k @ rows_l)
    )


def effective_rank(features: ArrayLike) -> float:
    """How many directions the features take: exp(H(p)), p the normalised singular values.

    Roy and Vetterli 2007, of the features minus their mean. 1 where all examples lie on a line,
    min(n − 1, d) where they spread alike in all directions; 0 where all are the same point.

    Args:
        features: shape (n, d).

    >>> round(effective_rank(np.vstack([np.eye(4), -np.eye(4)])), 12)
    4.0
    """
    centred = _centred(features)
    if not centred.any():
        return 0.0
    values = np.linalg.svd(centred, compute_uv=False)
    values = values[values > 0]
    p = values / values.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def _centred(features: ArrayLike) -> NDArray[np.float64]:
    """The features minus their mean, scaled so that no square runs over; zeros for one point."""
    values = np.asarray(features, np.float64)
    values = values - values.mean(0)
    largest = float(np.abs(values).max(initial=0))
    spread = largest > 1e-12 * float(np.abs(np.asarray(features, np.float64)).max(initial=0))
    return values / largest if spread else np.zeros_like(values)
