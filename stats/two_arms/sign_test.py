"""The sign test: how many differences are positive."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr, bdtrik, ndtr

from stats.attainable import smallest_p_of_pairs
from stats.inputs import FloatArray, finite_vector
from stats.register import PairedTest, RowsTested, register


@dataclass(frozen=True)
class SignTest:
    """Result of `sign_test`; `n_nonzero` differences took part."""

    n_positive: int
    n_nonzero: int
    p_value: float
    p_greater: float
    p_less: float
    smallest_attainable_p: float


def sign_test(differences: ArrayLike) -> SignTest:
    """Exact sign test: is a positive difference as likely as a negative one?

    The null hypothesis is a median of zero; nothing is assumed of the shape. Zero differences
    are dropped, as Dixon and Mood (1946) do. When every difference is zero, p is 1.

    Args:
        differences: shape (n,), candidate minus baseline.

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.

    The data of Hollander and Wolfe (1999, table 3.1):

    >>> d = [0.952, -0.147, 1.022, 0.43, 0.62, 0.59, 0.49, -0.08, 0.01]
    >>> round(sign_test(d).p_value, 4)
    0.1797
    """
    vector = finite_vector(differences)
    positive, greater, less, p_value = sign_test_rows(vector[None, :])
    n_nonzero = int(np.count_nonzero(vector))
    return SignTest(
        n_positive=int(positive[0]),
        n_nonzero=n_nonzero,
        p_value=float(p_value[0]),
        p_greater=float(greater[0]),
        p_less=float(less[0]),
        smallest_attainable_p=smallest_p_of_pairs(n_nonzero, n_nonzero),
    )


def sign_test_rows(
    differences: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Positive differences, P(at least), P(at most) and the two-sided p of each row of (m, n)."""
    positive = (differences > 0).sum(axis=1)
    nonzero = np.count_nonzero(differences, axis=1)
    # The binomial with ½ is symmetric: at least k positive is at most n − k negative.
    greater = bdtr((nonzero - positive).astype(np.float64), nonzero, 0.5)
    less = bdtr(positive.astype(np.float64), nonzero, 0.5)
    p_value = np.minimum(1.0, 2 * np.minimum(greater, less))
    return positive.astype(np.float64), greater, less, p_value


def sign_power(effect: float, n_pairs: int, alpha: float) -> float:
    """Power for normal differences with this mean over sd, two-sided, exactly by the binomial law.

    >>> round(sign_power(1.0, 10, 0.05), 3)
    0.513
    """
    most = math.floor(bdtrik(alpha / 2, n_pairs, 0.5)) + 1
    while most >= 0 and 2 * bdtr(float(most), n_pairs, 0.5) >= alpha:
        most -= 1
    if most < 0:
        return 0.0
    share = float(ndtr(abs(effect)))
    return float(bdtr(float(most), n_pairs, share) + bdtr(float(most), n_pairs, 1 - share))


def _possible(n_pairs: int, _low: Fraction, _high: Fraction) -> tuple[float, ...]:
    """All of them: twice each tail of the binomial law.

    >>> _possible(3, Fraction(0), Fraction(1))
    (0.25, 1.0)
    """
    tails: FloatArray = 2 * bdtr(np.arange(n_pairs // 2 + 1, dtype=np.float64), n_pairs, 0.5)
    return tuple(np.unique(np.minimum(tails, 1.0)).tolist())


def _tested(differences: FloatArray, _: str) -> RowsTested:
    return RowsTested(*sign_test_rows(differences))


register(
    PairedTest(
        name="sign",
        words="exact sign test",
        rows=_tested,
        smallest_p=smallest_p_of_pairs,
        by_signs=True,
        by_size=False,
        efficiency=2 / math.pi,
        power=sign_power,
        possible_p=_possible,
    )
)
