"""What a vector of scores, a level and a margin may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.errors import InvalidSetting, NotEnoughPairs, NotPaired, StatsError

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

#: Fourth powers of numbers between these, and their sums, stay in the range of a float64.
LARGEST, SMALLEST = 1e70, 1e-70


def finite_vector(values: ArrayLike, what: str = "differences", at_least: int = 1) -> FloatArray:
    """Return `values` as floats of shape (n,), or say what is wrong with them.

    Raises:
        StatsError: not one-dimensional, not numbers, or not finite.
        NotEnoughPairs: fewer than `at_least` of them.
    """
    vector = as_floats(values, what)
    if vector.ndim != 1:
        raise StatsError(f"{what} must be one-dimensional, not of shape {vector.shape}")
    if len(vector) < at_least:
        raise NotEnoughPairs(f"{len(vector)} {what} given; at least {at_least} needed")
    check_finite(vector, what, ("position",))
    return vector


def two_arms(
    baseline: ArrayLike, candidate: ArrayLike, at_least: int = 1
) -> tuple[FloatArray, FloatArray]:
    """Both arms as `finite_vector` returns them; they may differ in length."""
    return (
        finite_vector(baseline, "baseline scores", at_least),
        finite_vector(candidate, "candidate scores", at_least),
    )


def paired_arms(baseline: ArrayLike, candidate: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Both arms in the same order of seeds.

    Raises:
        NotPaired: the arms differ in length.
    """
    first, second = two_arms(baseline, candidate)
    if len(first) != len(second):
        raise NotPaired(f"{len(first)} baseline scores and {len(second)} candidate scores")
    return first, second


def finite_table(
    values: ArrayLike, axes: tuple[str, str], what: str = "scores", at_least: int = 2
) -> FloatArray:
    """Return `values` as floats of shape (n, k), or say what is wrong with them.

    Args:
        values: of two dimensions.
        axes: what a row and a column are, in the singular.
        what: what the values are.
        at_least: rows, and columns.

    Raises:
        StatsError: not two-dimensional, not numbers, or not finite.
        NotEnoughPairs: fewer than `at_least` rows or columns.
    """
    table = as_floats(values, what)
    row, column = axes
    if table.ndim != 2:
        raise StatsError(f"{what} must have the shape ({row}s, {column}s), not {table.shape}")
    if min(table.shape) < at_least:
        n, k = table.shape
        raise NotEnoughPairs(f"{n} {row}s and {k} {column}s of {what}; {at_least} of each needed")
    check_finite(table, what, axes)
    return table


def as_floats(values: ArrayLike, what: str) -> FloatArray:
    """Floats of whatever shape is given; a masked entry becomes NaN.

    Raises:
        StatsError: text, complex numbers, or rows of different length.
    """
    try:
        given = np.ma.filled(values, np.nan) if np.ma.isMaskedArray(values) else np.asarray(values)
        kind = given.dtype.kind
        if kind not in "biufO" or (kind == "O" and any(isinstance(x, str) for x in given.flat)):
            raise TypeError("text" if kind in "OSU" else f"an array of {given.dtype.name}")
        return given.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise StatsError(f"{what} must be numbers: {error}") from error


def check_finite(values: FloatArray, what: str, axes: tuple[str, ...]) -> None:
    """Raise StatsError, with the place along each axis, unless all values can be squared."""
    size = np.abs(values)
    fit = size < LARGEST  # NaN is not below anything
    if fit.all() and 0 < size.max(initial=0.0) < SMALLEST:
        fit = size == 0
    if not fit.all():
        place = np.argwhere(~fit)[0].tolist()
        where = ", ".join(f"{axis} {index}" for axis, index in zip(axes, place, strict=True))
        held = values[tuple(place)]
        wanted = "finite" if not np.isfinite(held) else f"smaller than {LARGEST:g}"
        if abs(held) < SMALLEST:
            wanted = f"0 or at least {SMALLEST:g} in size, since smaller ones have no square"
        raise StatsError(f"{what} must be {wanted}; {where} holds {held}")


def check_fraction(what: str, value: float, below: float = 1) -> None:
    """Raise InvalidSetting unless 0 < value < below."""
    if not (_is_number(value) and 0 < value < below):
        raise InvalidSetting(f"{what} must lie between 0 and {below:g}, not {value}")


def check_probability(what: str, value: float) -> None:
    """Raise InvalidSetting unless 0 ≤ value ≤ 1."""
    if not (_is_number(value) and 0 <= value <= 1):
        raise InvalidSetting(f"{what} must be a probability, not {value}")


def check_positive(what: str, value: float, unit: str = " of points") -> None:
    """Raise InvalidSetting unless the value is positive and finite."""
    if not (_is_number(value) and 0 < value < LARGEST):
        raise InvalidSetting(f"{what} must be a positive number{unit}, not {value}")
    if value < SMALLEST:
        raise InvalidSetting(f"{what} must be a number of at least {SMALLEST:g}, not {value}")


def check_rope(rope: float) -> None:
    """Raise InvalidSetting unless this can be half the width of a region of equivalence."""
    if not (_is_number(rope) and 0 <= rope < LARGEST):
        raise InvalidSetting(f"rope must be 0 or a positive number of points, not {rope}")


def two_numbers(what: str, values: Sequence[float], at_least: float = -math.inf) -> list[float]:
    """Both values, of two arms.

    Raises:
        InvalidSetting: not two finite numbers, or one that is smaller than `at_least`.
    """
    both = list(values) if isinstance(values, Sequence) else []
    for each in both:
        check_number(what, each)
    if len(both) != 2 or min(both) < at_least:
        least = f" of at least {at_least:g}" if math.isfinite(at_least) else ""
        raise InvalidSetting(f"{what} must be two numbers{least}, not {values}")
    return both


def check_number(what: str, value: float) -> None:
    """Raise InvalidSetting unless the value is a finite number."""
    if not (_is_number(value) and abs(value) < LARGEST):
        raise InvalidSetting(f"{what} must be a finite number, not {value}")


def check_count(what: str, value: int, at_least: int) -> None:
    """Raise InvalidSetting unless the value is a whole number that is large enough."""
    if not (is_whole(value) and value >= at_least):
        raise InvalidSetting(f"{what} must be a whole number, at least {at_least}, not {value}")


def check_resamples(what: str, resamples: int, confidence: float, seed: int) -> None:
    """Raise InvalidSetting unless so many resamples reach into the tails of the interval."""
    check_fraction("confidence", confidence)
    check_count(what, resamples, 1)
    check_count("seed", seed, 0)
    if resamples * (1 - confidence) < 2 - 1e-9:
        raise InvalidSetting(f"{resamples} {what} cannot give a {confidence:g} interval")


def random_stream(seed: int) -> np.random.Generator:
    """The random numbers of this seed.

    Raises:
        InvalidSetting: a seed that is no whole number, or negative.
    """
    check_count("seed", seed, 0)
    return np.random.default_rng(seed)


def check_choice(what: str, value: str, choices: Sequence[str]) -> None:
    """Raise InvalidSetting unless the value is one of the choices."""
    if value not in choices:
        raise InvalidSetting(f'{what} must be one of {", ".join(choices)}; "{value}" is not')


def is_whole(value: object) -> bool:
    """Whether this is an integer of Python's or NumPy's."""
    return isinstance(value, Integral)


def _is_number(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Real) and not math.isnan(value)
