"""Float noise makes and breaks ties; this gives every difference back its ties.

Accuracies are multiples of 1/n_test. Written as percentages their differences carry rounding
errors of a few units in the last place, so that differences that are equal stop being equal and
ranks, and with them p-values, change.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.errors import InvalidSetting
from stats.inputs import LARGEST, FloatArray, as_floats, check_positive

#: Differences whose sizes agree to this factor are one tie.
RELATIVE_NOISE = 1e-9

#: Rounding error of a difference, as a fraction of the scores it was taken from.
SCORE_NOISE = 64 * np.finfo(np.float64).eps

#: The same of scores that were held in single precision on their way here.
SINGLE_NOISE = 8 * np.finfo(np.float32).eps

#: Share of a step by which scores that were printed may be off it.
OFF_A_STEP = 0.25

#: Decimals of 8 digits or more, all of which are as single precision is printed, are no chance.
FEWEST_LONG = 3

#: A single-precision number that no decimal was meant by fills more than 20 of its 24 bits.
FULL_MANTISSA = 2.0**20


def noise_scale(
    scores: FloatArray, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> FloatArray:
    """Size of the scores, for `settle`; of scores in single precision as much larger as its noise.

    What a float32 holds is a float64 with a short mantissa, which no measured score has by
    chance, so that float32 is known by the values and not by their type: also after a product with
    100, and in a CSV file to which they were written with all their digits or, as pandas does, with
    as few as tell them apart. Whole numbers and halves of them are exact.

    Args:
        scores: of any shape, finite.
        axis: over which the largest is taken.
        keepdims: as in NumPy.

    >>> percent = np.array([502, 505, 508]) * 100 / 872
    >>> noise_scale(percent).round(1).item()
    58.3
    >>> held = percent.astype(np.float32).astype(np.float64)
    >>> np.unique(np.diff(held)).size, np.unique(settle(np.diff(held), noise_scale(held))).size
    (2, 1)
    """
    values = np.asarray(scores, dtype=np.float64)
    size = np.abs(values).max(axis=axis, keepdims=keepdims)
    noisy = np.zeros_like(size, dtype=bool)
    for each in (values, values / 100):  # fractions in single precision are made percent later
        noisy |= _held_singly(each).any(axis=axis, keepdims=keepdims)
        if not _printed_singly(_first(each, axis))[0].any():
            continue  # a group whose first score is none has no need of a look at the others
        near, long = _printed_singly(each)
        many = long.sum(axis=axis, keepdims=keepdims) >= FEWEST_LONG
        noisy |= near.all(axis=axis, keepdims=keepdims) & many
    larger = np.where(noisy, SINGLE_NOISE / SCORE_NOISE, 1.0)
    return np.asarray(size * larger, dtype=np.float64)


def _single(values: FloatArray) -> FloatArray:
    """The nearest numbers in single precision, 0 for those that it cannot hold."""
    with np.errstate(over="ignore"):
        single = values.astype(np.float32).astype(np.float64)
    return np.where(np.isfinite(single), single, 0.0)


def _held_singly(values: FloatArray) -> NDArray[np.bool_]:
    """Numbers of single precision with all their digits, but for what a product with 100 costs."""
    single = _single(values)
    held = np.abs(values - single) <= 4 * np.finfo(np.float64).eps * np.abs(values)
    full = np.frexp(single)[0] * FULL_MANTISSA % 1 != 0
    return np.asarray(held & full & (single % 1 != 0))


def _first(values: FloatArray, axis: int | tuple[int, ...] | None) -> FloatArray:
    """The first score of each group."""
    along = range(values.ndim) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    for each in along:
        values = values.take([0], axis=each)
    return values


def _printed_singly(values: FloatArray) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Decimals that may be the shortest of a number of single precision, and those of 8 digits.

    Those of 7 digits and fewer nearly all are; of those of 8 digits by chance one in four or less.
    """
    size = np.where(values == 0, 1.0, np.abs(values))
    unit = 10.0 ** (np.floor(np.log10(size)) - 8)  # of the ninth digit
    counted = size / unit
    whole = np.round(counted)
    unit = np.where(whole % 10 == 0, unit * 10, unit)
    unit = np.where(whole % 100 == 0, unit * 10, unit)
    near = np.abs(counted - whole) <= 1e-6
    near &= np.abs(values - _single(values)) <= 0.51 * unit
    return near | (values == 0), near & (whole % 100 != 0)


def settle(
    differences: ArrayLike, scale: ArrayLike = 0.0, resolution: ArrayLike | None = None
) -> FloatArray:
    """Return the differences with their ties restored.

    With a resolution each difference becomes its nearest multiple. Without one (None, or NaN in
    its row), sizes that are equal up to float noise take one common value, and noise around zero
    becomes zero.

    Args:
        differences: shape (..., n), in points of the metric; ties are sought along the last axis.
        scale: size of the scores behind the differences, as `noise_scale` gives it, broadcast
            against (..., 1).
        resolution: smallest step of the metric, such as 100 / n_test for accuracy in percent;
            broadcast against (..., 1).

    Raises:
        StatsError: differences that are no numbers.
        InvalidSetting: a resolution that is not positive.

    >>> settle([66.3 - 66.2, 50.1 - 50.0, 33.7 - 33.8], scale=66.3).tolist()
    [0.09999999999999432, 0.09999999999999432, -0.09999999999999432]
    >>> settle([0.1146, -0.2294], resolution=100 / 872).round(4).tolist()
    [0.1147, -0.2294]
    """
    values = as_floats(differences, "differences")
    step = np.asarray(np.nan if resolution is None else resolution, dtype=np.float64)
    unknown = np.isnan(step)
    if not (unknown | ((step > 0) & (step < LARGEST))).all():
        raise InvalidSetting(f"resolution must be a positive number of points, not {step.min():g}")
    if unknown.all():
        return _settle_noise(values, scale)
    rounded = np.round(values / step) * step + 0.0
    return np.where(unknown, _settle_noise(values, scale), rounded) if unknown.any() else rounded


def check_step(scores: FloatArray, resolution: ArrayLike | None) -> None:
    """Refuse a resolution that is not that of the scores: rounding to it would make verdicts.

    Scores may be off by a quarter of a step, as printed ones are.

    Args:
        scores: of any shape; NaN is no score.
        resolution: broadcast against the scores; None or NaN where it is unknown.

    Raises:
        InvalidSetting: a score lies between the steps.
    """
    step = np.asarray(np.nan if resolution is None else resolution, dtype=np.float64)
    steps = scores / step
    between = np.abs(steps - np.round(steps)) > OFF_A_STEP
    if between.any():
        score = scores[between][0]
        wrong = np.broadcast_to(step, scores.shape)[between][0]
        raise InvalidSetting(
            f"a resolution of {wrong:g} is not the step of these scores: {score:g} is no multiple "
            "of it; for accuracies in percent it is 100 / size of the test set"
        )


def _settle_noise(values: FloatArray, scale: ArrayLike) -> FloatArray:
    noise = SCORE_NOISE * np.asarray(scale, dtype=np.float64)
    size = np.abs(values)
    size[size <= noise] = 0.0
    order = np.argsort(size, axis=-1, kind="stable")
    ordered = np.take_along_axis(size, order, axis=-1)
    gap = np.diff(ordered, axis=-1, prepend=-np.inf)
    starts_group = gap > np.maximum(RELATIVE_NOISE * ordered, noise)
    place = np.where(starts_group, np.arange(values.shape[-1]), 0)
    first = np.maximum.accumulate(place, axis=-1)
    settled = np.empty_like(size)
    np.put_along_axis(settled, order, np.take_along_axis(ordered, first, axis=-1), axis=-1)
    return np.sign(values) * settled


def rank_blocks(
    scores: FloatArray, resolution: float | None = None, lower_is_better: bool = False
) -> FloatArray:
    """Mid-ranks within each row, 1 for the best; float noise makes and breaks no ties.

    >>> rank_blocks(np.array([[66.3 - 66.2, 50.1 - 50.0, 3.0]])).tolist()
    [[2.5, 2.5, 1.0]]
    """
    if resolution is not None:
        check_positive("resolution", resolution)
    scale = noise_scale(scores, -1, keepdims=True)
    above_worst = settle(scores - scores.min(axis=-1, keepdims=True), scale, resolution)
    return midranks(above_worst if lower_is_better else -above_worst)


def midranks(values: FloatArray) -> FloatArray:
    """Ranks within each row, 1 for the smallest; what is tied shares the mean of its ranks.

    `scipy.stats.rankdata` does the same, but importing it takes half a second of every command.

    Args:
        values: of any shape (…, n), without NaN.

    >>> midranks(np.array([[3.0, 1.0, 3.0, 7.0]])).tolist()
    [[2.5, 1.0, 2.5, 4.0]]
    """
    order = np.argsort(values, axis=-1, kind="stable")
    ascending = np.take_along_axis(values, order, axis=-1)
    place = np.broadcast_to(np.arange(values.shape[-1]), values.shape)
    is_new = np.ones(values.shape, dtype=bool)
    is_new[..., 1:] = ascending[..., 1:] != ascending[..., :-1]
    is_last = np.ones(values.shape, dtype=bool)
    is_last[..., :-1] = is_new[..., 1:]
    first = np.maximum.accumulate(np.where(is_new, place, 0), axis=-1)
    backwards = np.where(is_last, place, values.shape[-1])[..., ::-1]
    last = np.minimum.accumulate(backwards, axis=-1)[..., ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=-1)
    return ranks
