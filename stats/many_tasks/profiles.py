"""Performance profiles: how many runs score better than each threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from stats.inputs import FloatArray, check_resamples, finite_vector
from stats.judging import Judging
from stats.many_tasks.aggregate import runs_of
from stats.many_tasks.over_tasks import profile_at
from stats.many_tasks.stratified_bootstrap import Runs, resamples
from stats.table.selection import select_arms

if TYPE_CHECKING:
    import pandas as pd

#: Thresholds where none are given, from the lowest to the highest score.
POINTS = 101


@dataclass(frozen=True, kw_only=True)
class Profiles:
    """For each method the fraction of runs better than each threshold, with a pointwise band.

    Attributes:
        fraction: for each method a row, for each threshold a number.
        low: lower ends of the band, of the same shape.
        high: upper ends.
    """

    methods: tuple[str, ...]
    thresholds: tuple[float, ...]
    fraction: tuple[tuple[float, ...], ...]
    low: tuple[tuple[float, ...], ...]
    high: tuple[tuple[float, ...], ...]
    confidence: float
    lower_is_better: bool
    warnings: tuple[str, ...]


def performance_profiles(
    scores: pd.DataFrame,
    methods: Sequence[str] | None = None,
    judging: Judging | None = None,
    *,
    thresholds: ArrayLike | None = None,
    replicates: int = 2000,
    seed: int = 0,
) -> Profiles:
    """Performance profiles of several methods over the same tasks (Agarwal et al. 2021).

    A run counts at a threshold that it is better than: above it, or below it where less is
    better. The curve that lies above another everywhere belongs to the method that is better at
    every quantile, of a loss too. Bands are pointwise percentile intervals of the stratified
    bootstrap, with the caveats of `stats.aggregate`.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        methods: which; all of the scores where none are named.
        judging: as for `stats.aggregate`; its level is that of the band.
        thresholds: in points of the metric; 101 over the range of the scores if none are given.
        paired: whether methods share seeds, as for `stats.aggregate`.
        replicates: number of resamples.
        seed: of the random numbers.

    Raises:
        StatsError: as for `stats.aggregate`, and for thresholds that are not finite.
    """
    judging = judging or Judging()
    confidence, paired = judging.confidence, judging.paired
    check_resamples("replicates", replicates, confidence, seed)
    selection = select_arms(scores, methods, judging, pooling=True)
    arms, _, remarks = runs_of(selection, paired)
    every = np.concatenate([arm.scores for arm in arms])
    at = (
        np.linspace(every.min(), every.max(), POINTS)
        if thresholds is None
        else finite_vector(thresholds, "thresholds")
    )
    sign = -1.0 if selection.lower_is_better else 1.0
    arms = [replace(arm, scores=sign * arm.scores) for arm in arms]
    bands = _bands(arms, sign * at, replicates, seed, paired, confidence)
    return Profiles(
        methods=selection.cube.methods,
        thresholds=tuple(at.tolist()),
        fraction=tuple(tuple(profile_at(arm.scores[:, None], sign * at).tolist()) for arm in arms),
        low=tuple(tuple(row) for row in bands[0].tolist()),
        high=tuple(tuple(row) for row in bands[1].tolist()),
        confidence=confidence,
        lower_is_better=selection.lower_is_better,
        warnings=(*selection.remarks, *remarks),
    )


def _bands(
    arms: Sequence[Runs],
    at: FloatArray,
    replicates: int,
    seed: int,
    paired: bool,
    confidence: float,
) -> FloatArray:
    """Lower and upper ends of the share of higher scores, shape (2, arms, thresholds)."""
    above = [(arm.scores > at[:, None]) / len(arm.scores) for arm in arms]
    drawn = [
        np.stack([a @ c.astype(np.float64) for a, c in zip(above, counts, strict=True)])
        for counts in resamples(arms, replicates, seed, paired)
    ]
    tail = (1 - confidence) / 2
    ends = np.quantile(np.concatenate(drawn, axis=2), [tail, 1 - tail], axis=2)
    return np.asarray(ends, dtype=np.float64)
