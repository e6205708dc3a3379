"""What a vector of scores, a level and a margin may be."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.errors import InvalidSetting, NotEnoughPairs, StatsError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def finite_vector(values: ArrayLike, what: str = "differences", at_least: int = 1) -> FloatArray:
    """Return `values` as floats of shape (n,), or say what is wrong with them.

    Raises:
        StatsError: not one-dimensional, not numbers, or not finite.
        NotEnoughPairs: fewer than `at_least` of them.
    """
    try:
        vector = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatsError(f"{what} must be numbers: {error}") from error
    if vector.ndim != 1:
        raise StatsError(f"{what} must be one-dimensional, not of shape {vector.shape}")
    if len(vector) < at_least:
        raise NotEnoughPairs(f"{len(vector)} {what} given; at least {at_least} needed")
    if not np.isfinite(vector).all():
        place = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise StatsError(f"{what} must be finite; position {place} holds {vector[place]}")
    return vector


def check_fraction(what: str, value: float) -> None:
    """Raise InvalidSetting unless 0 < value < 1."""
    if not 0 < value < 1:
        raise InvalidSetting(f"{what} must lie between 0 and 1, not {value}")


def check_positive(what: str, value: float) -> None:
    """Raise InvalidSetting unless the value is positive and finite."""
    if not (value > 0 and math.isfinite(value)):
        raise InvalidSetting(f"{what} must be a positive number of points, not {value}")


def check_choice(what: str, value: str, choices: tuple[str, ...]) -> None:
    """Raise InvalidSetting unless the value is one of the choices."""
    if value not in choices:
        raise InvalidSetting(f'{what} must be one of {", ".join(choices)}; "{value}" is not')
