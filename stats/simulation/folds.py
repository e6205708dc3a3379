"""How often tests on the folds of a cross-validation find a difference between equal methods."""

from __future__ import annotations

import numpy as np

from stats.inputs import FloatArray
from stats.intervals import mean_and_sd
from stats.judging import Judging
from stats.simulation.tables import percent_table
from stats.two_arms.correlated_t import corrected_error, corrected_t_rows
from stats.two_arms.student import student_rows

#: Folds, and repetitions of the cross-validation.
SHAPES = ((5, 1), (10, 1), (10, 10))

#: Size of the data set, features of either method, and how far a feature of a class lies from 0.
EXAMPLES, FEATURES, SHIFT = 100, 5, 0.3


def fold_error_rates(
    folds: int, repetitions: int, simulations: int = 10_000, alpha: float = 0.05, seed: int = 0
) -> tuple[float, float]:
    """Shares of true nulls that the corrected resampled t test and the paired t test reject.

    Each sample is a data set of 100 examples of two classes. Both methods classify by the nearest
    class mean, each from five features of its own with the same law, so that neither is better on
    any number of training examples; they are really trained and tested on every fold.

    >>> corrected, plain = fold_error_rates(10, 10, simulations=400)
    >>> corrected < 0.1 < 0.5 < plain
    True
    """
    random = np.random.default_rng([seed, folds, repetitions])
    # A feature times the sign of its class; the class mean is then that of all examples.
    signed = random.normal(SHIFT, 1, (simulations, 2, EXAMPLES, FEATURES))
    differences = np.concatenate(
        [_of_one(signed[:, :, random.permutation(EXAMPLES)], folds) for _ in range(repetitions)],
        axis=1,
    )
    mean, sd = mean_and_sd(differences)
    n = differences.shape[1]
    error = corrected_error(sd, n, np.array([1 / (folds - 1)]))
    corrected = corrected_t_rows(mean, error, n - 1, Judging())["p_value"]
    plain = student_rows(mean, sd, n)[1]
    return float((corrected < alpha).mean()), float((plain < alpha).mean())


def fold_table(simulations: int = 10_000) -> str:
    """Nulls rejected at .05 in percent, in Markdown."""
    rates = [fold_error_rates(*shape, simulations) for shape in SHAPES]
    names = "corrected resampled t", "paired t, as if folds were independent"
    heads = [f"{k} folds" if r == 1 else f"{r} × {k} folds" for k, r in SHAPES]
    return percent_table(
        ["test", *heads],
        {name: [(rate[i],) for rate in rates] for i, name in enumerate(names)},
    )


def _of_one(signed: FloatArray, folds: int) -> FloatArray:
    """Differences in accuracy on each fold of one cross-validation, of shape (simulations, k)."""
    size = EXAMPLES // folds
    tested = signed.reshape(len(signed), 2, folds, size, FEATURES)
    sums = tested.sum(axis=3)
    trained = sums.sum(axis=2, keepdims=True) - sums
    right = np.einsum("sakef,sakf->sake", tested, trained) > 0
    accuracy = right.mean(axis=3)
    return np.asarray(accuracy[:, 1] - accuracy[:, 0], dtype=np.float64)
