"""Evidence that may be looked at after every seed: an e-value of the signs."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaln

from stats.inputs import finite_vector


def sign_e_value(differences: ArrayLike) -> float:
    """E-value against "either sign is equally likely": 2ⁿ B(k + 1, n − k + 1).

    The likelihood of k positive signs among n under a uniform mixture of all probabilities, over
    that under ½ (Ville 1939; Robbins 1970). Under the null hypothesis the chance that it ever
    reaches 1/α, however often one looks, is at most α: 20 rejects at 5 %, and 1/e is a p-value.
    It is two-sided. Zero differences carry no sign and are dropped; with none left it is 1.

    Args:
        differences: shape (n,), candidate minus baseline, n of any size, 0 too.

    Raises:
        StatsError: a difference is not a finite number.

    >>> round(sign_e_value([1, 2, 1, 3, 1, 2, 4]), 6), round(sign_e_value([1] * 8), 6)
    (16.0, 28.444444)
    """
    vector = finite_vector(differences, at_least=0)
    n_positive = int(np.count_nonzero(vector > 0))
    n_signs = int(np.count_nonzero(vector))
    log_e = n_signs * math.log(2) + float(betaln(n_positive + 1, n_signs - n_positive + 1))
    return math.exp(log_e) if log_e < 709 else math.inf
