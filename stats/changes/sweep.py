"""Up to which value of an ordered hyper-parameter is an arm still equivalent to the baseline?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from stats.equivalence.by_ranks import lower_bound_at_margin
from stats.equivalence.of_pairs import equivalence_rows, inferiority_rows
from stats.errors import InvalidSetting, StatsError
from stats.inputs import FloatArray, check_fraction, check_positive, finite_table, finite_vector
from stats.intervals import mean_and_sd, t_bounds
from stats.judging import Judging
from stats.multiplicity import fixed_sequence
from stats.ties import noise_scale, settle
from stats.two_arms.hodges_lehmann import KEPT, hodges_lehmann_rows


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """How far an ordered hyper-parameter may go, in the order in which its values were tested.

    Attributes:
        values: from the mildest one on, shape (k,).
        n_pairs: seeds that arm and baseline share at each value.
        effects: mean of candidate minus baseline in points of the metric, or by ranks the
            pseudo-median.
        lows: ends of the interval of each effect by itself, at `confidence`: it lies inside the
            margin exactly where the two one-sided tests reject, if any spread was seen.
        p_equivalence: of these tests, as in every comparison; uncorrected.
        p_worse: one-sided, of being worse by more than the margin; uncorrected.
        equivalent: how many values, from the first on, are shown to be equivalent.
        worse: how many, from the last back, are shown to be worse by more than the margin.
        confidence: 1 − 2α: of each interval, and of both ends of the last equivalent value.
    """

    values: tuple[float, ...]
    n_pairs: tuple[int, ...]
    effects: tuple[float, ...]
    lows: tuple[float, ...]
    highs: tuple[float, ...]
    p_equivalence: tuple[float, ...]
    p_worse: tuple[float, ...]
    equivalent: int
    worse: int
    margin: float | None
    confidence: float

    @property
    def last_equivalent(self) -> float | None:
        """The last value that is shown to be equivalent, as all before it; None if none is."""
        return self.values[self.equivalent - 1] if self.equivalent else None

    @property
    def first_worse(self) -> float | None:
        """The value from which on all are shown to be worse by more than the margin, if any."""
        return self.values[-self.worse] if self.worse else None

    @property
    def ascends(self) -> bool:
        """Whether the mildest value is the smallest one."""
        return self.values[0] < self.values[-1]


def sweep(
    differences: ArrayLike,
    values: Sequence[float],
    margin: float,
    *,
    alpha: float = 0.05,
    equivalence: str = "t",
    zeros: str = "wilcox",
    lower_is_better: bool = False,
    resolution: float | None = None,
) -> Sweep:
    """Find the last value up to which an arm is equivalent to the baseline, and an interval for it.

    From the mildest value on, two one-sided tests at α ask whether the difference lies inside
    ±margin, up to the first value that does not show it. From the strongest value back, a
    one-sided test at α asks whether the arm is worse by more than the margin, up to the first that
    does not show that. Both are fixed sequences of `multiplicity.fixed_sequence`, so that neither
    needs a correction for the number of values; for toxicity studies, where doses are to be shown
    equivalent to a placebo, this is the procedure of Hsu and Berger (1999).

    The last equivalent value lies in [`last_equivalent`, `first_worse`). Each end holds with
    confidence 1 − α and both with 1 − 2α, whatever the dependence between values and whether or
    not the effect is monotone: with 1 − α *every* value up to the one is equivalent, with 1 − α
    *every* value from the other on is worse by more than the margin. Of values between those tried
    it speaks only as far as the effect is monotone. An arm that is better by more than the margin
    is not equivalent either, and no end above.

    All of this is as exact as its tests are, and errs with them under skew: see `tost` and
    `rank_equivalence` (`python -m stats.simulation sweeps`).

    Args:
        differences: shape (n, k), candidate minus baseline of each seed at each value.
        values: k numbers that ascend or descend, the mildest first.
        margin: smallest difference that matters, in points of the metric.
        alpha: level of each sequence of tests.
        equivalence: of means, by "t", or of pseudo-medians, by "ranks".
        zeros: what signed-rank tests do with differences that lie on the margin.
        lower_is_better: whether the metric is a loss.
        resolution: smallest step of the metric, to which differences are rounded.

    Raises:
        NotEnoughPairs: fewer than two seeds or values.
        StatsError: a difference or a value is not a finite number.
        InvalidSetting: values in no order, or another setting outside what it can be.

    >>> lost = np.array([0.1, 0.4, 1.3, 3.2]) + np.array([[-0.3], [0.2], [0.1], [-0.1], [0.1]])
    >>> found = sweep(-lost, [0.5, 0.8, 0.9, 0.95], margin=1.0)
    >>> found.last_equivalent, found.first_worse
    (0.8, 0.9)
    """
    check_positive("margin", margin)
    check_fraction("alpha", alpha, below=0.5)
    judging = Judging(
        alpha=alpha,
        margin=margin,
        equivalence=equivalence,
        zeros=zeros,
        lower_is_better=lower_is_better,
        resolution=resolution,
    )
    table = finite_table(differences, ("seed", "value"), "differences")
    given = finite_vector(values, "values", at_least=2)
    if len(given) != table.shape[1]:
        raise StatsError(f"{len(given)} values for differences at {table.shape[1]}")
    columns = settle(table.T, scale=noise_scale(table), resolution=resolution)
    return conclude_sweep(list(columns), given.tolist(), judging)


def conclude_sweep(
    columns: Sequence[FloatArray], values: Sequence[float], judging: Judging
) -> Sweep:
    """`sweep` of differences that are settled, each value with the seeds that it has.

    Raises:
        InvalidSetting: values that neither ascend nor descend, or an α of ½ or more.
    """
    check_fraction("alpha", judging.alpha, below=0.5)
    if len(set(np.sign(np.diff(values)).tolist()) - {0.0}) != 1 or len(set(values)) < len(values):
        raise InvalidSetting("the values of a sweep must ascend or descend, from the mildest on")
    confidence = round(1 - 2 * judging.alpha, 12)
    each = [_at_one(column[None], judging, confidence) for column in columns]
    effects, lows, highs, p_equivalence, p_worse = zip(*each, strict=True)
    return Sweep(
        values=tuple(values),
        n_pairs=tuple(map(len, columns)),
        effects=effects,
        lows=lows,
        highs=highs,
        p_equivalence=p_equivalence,
        p_worse=p_worse,
        equivalent=fixed_sequence(p_equivalence, judging.alpha),
        worse=fixed_sequence(p_worse[::-1], judging.alpha),
        margin=judging.margin,
        confidence=confidence,
    )


def _at_one(row: FloatArray, judging: Judging, confidence: float) -> list[float]:
    """Effect, both ends of its interval, and both p-values at one value."""
    if row.shape[1] < 2:  # nothing can be shown by one pair
        return [float(row.mean()) if row.size else np.nan, *[np.nan] * 4]
    found = (
        *_interval(row, judging, confidence),
        equivalence_rows(row, judging),
        inferiority_rows(row, judging),
    )
    return [float(number[0]) for number in found]


def _interval(
    row: FloatArray, judging: Judging, confidence: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    if judging.equivalence == "t":
        mean, sd = mean_and_sd(row)
        return mean, *t_bounds(mean, sd, row.shape[1], confidence)
    estimate, low, high, _ = hodges_lehmann_rows(row, confidence, KEPT)
    if judging.margin is None:
        return estimate, low, high
    ends = [
        lower_bound_at_margin(side, judging.margin, confidence, judging.zeros)[0]
        for side in (row, -row)
    ]
    return estimate, ends[0], -ends[1]
