"""Runs drawn again within their tasks, the same seeds for every arm.

A resample is kept as how often each run was drawn. Every statistic here is a function of these
counts, so that an arm is sorted once, and not once for each of 50,000 resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.random import Generator
from numpy.typing import ArrayLike, NDArray

from stats.errors import NotEnoughPairs, StatsError
from stats.inputs import (
    FloatArray,
    IntArray,
    as_floats,
    check_choice,
    check_count,
    check_finite,
    check_number,
    random_stream,
)
from stats.many_tasks.over_tasks import wins

STATISTICS = ("iqm", "mean", "median", "optimality_gap")

Counts = NDArray[np.uint32]

#: Counts held at a time, 1 MB: what does not leave the cache is not fetched again.
AT_ONCE = 1 << 18


@dataclass(frozen=True)
class Runs:
    """All runs of one arm.

    Attributes:
        scores: shape (N,).
        task: shape (N,), the task of each, as whole numbers from 0 in ascending order.
    """

    scores: FloatArray
    task: IntArray


def stratified_bootstrap(
    scores: ArrayLike,
    statistic: str = "iqm",
    *,
    replicates: int = 50_000,
    seed: int = 0,
    target: float = 1.0,
) -> FloatArray:
    """Bootstrap replicates of an aggregate over tasks, with common resamples across arms.

    Runs are drawn with replacement within each task. All arms take the same seeds in each
    resample, so that the difference of two rows keeps what pairing bought. The same `seed` gives
    the same replicates.

    Args:
        scores: shape (arms, tasks, seeds), the arms in the same order of seeds.
        statistic: one of `STATISTICS`. The mean and the gap weigh tasks alike, and the median is
            that of the means of the tasks.
        replicates: number of resamples.
        seed: of the random numbers.
        target: of the optimality gap.

    Returns:
        Shape (arms, replicates).

    Raises:
        StatsError: not three-dimensional, or not finite.
        InvalidSetting: an unknown statistic, or no replicates.

    >>> replicates = stratified_bootstrap([[[1, 2, 3], [2, 2, 3]]], replicates=2000)
    >>> replicates.shape, bool(abs(replicates.mean() - 2.125) < 0.1)
    ((1, 2000), True)
    """
    check_choice("statistic", statistic, STATISTICS)
    check_number("target", target)
    cube = as_floats(scores, "scores")
    if cube.ndim != 3 or not cube.size:
        raise StatsError(f"scores must have the shape (arms, tasks, seeds), not {cube.shape}")
    check_finite(cube, "scores", ("arm", "task", "seed"))
    task = np.repeat(np.arange(cube.shape[1]), cube.shape[2])
    arms = [Runs(arm.ravel(), task) for arm in cube]
    drawn = [
        np.stack(
            [
                aggregate_resamples(arm, each, statistic, target)
                for arm, each in zip(arms, counts, strict=True)
            ]
        )
        for counts in resamples(arms, replicates, seed, shared=True)
    ]
    return np.concatenate(drawn, axis=1)


def resamples(
    arms: Sequence[Runs], replicates: int, seed: int, shared: bool
) -> Iterator[list[Counts]]:
    """Chunks of resamples, for each arm counts of shape (N, chunk).

    Args:
        arms: the runs of each.
        replicates: number of resamples over all chunks.
        seed: of the random numbers.
        shared: whether the runs of all arms are the same seeds, which are then drawn once.

    Raises:
        InvalidSetting: no replicates.
        NotEnoughPairs: an arm has no runs.
    """
    check_count("replicates", replicates, 1)
    if any(len(arm.task) == 0 for arm in arms):
        raise NotEnoughPairs("an arm without scores cannot be drawn from")
    random = random_stream(seed)
    at_once = max(1, AT_ONCE // max(len(arm.task) for arm in arms))
    for start in range(0, replicates, at_once):
        size = min(at_once, replicates - start)
        if shared:
            yield [_draw(arms[0].task, size, random)] * len(arms)
        else:
            yield [_draw(arm.task, size, random) for arm in arms]


def _draw(task: IntArray, size: int, random: Generator) -> Counts:
    counts = np.empty((len(task), size), dtype=np.uint32)
    columns = np.arange(size)
    for runs in _strata(task):
        n = runs.stop - runs.start
        drawn = random.integers(0, n, (n, size))
        places = (drawn * size + columns).ravel()
        counts[runs] = np.bincount(places, minlength=n * size).reshape(n, size)
    return counts


def _strata(task: IntArray) -> list[slice]:
    edges = [0, *(np.flatnonzero(np.diff(task)) + 1).tolist(), len(task)]
    return [slice(start, end) for start, end in pairwise(edges)]


def aggregate_resamples(
    arm: Runs, counts: Counts, statistic: str, target: float = 1.0
) -> FloatArray:
    """The statistic in each resample: counts of shape (N, B) become (B,)."""
    if statistic == "iqm":
        return _interquartile_means(arm.scores, counts)
    if statistic == "optimality_gap":
        short = Runs(target - np.minimum(arm.scores, target), arm.task)
        return aggregate_resamples(short, counts, "mean")
    drawn = counts.astype(np.float64)
    means = np.stack(
        [arm.scores[runs] @ drawn[runs] / (runs.stop - runs.start) for runs in _strata(arm.task)]
    )
    return np.asarray(means.mean(axis=0) if statistic == "mean" else np.median(means, axis=0))


def _interquartile_means(scores: FloatArray, counts: Counts) -> FloatArray:
    """Trimmed means from cumulative counts of the sorted runs.

    With c the number of draws up to a run, held between the two cuts, the trimmed sum is
    Σ vᵢ (cᵢ − cᵢ₋₁), which summation by parts turns into gaps between neighbours times c.
    """
    size = len(scores)
    cut = size // 4
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    up_to = counts[order[:-1]]
    for row in range(1, len(up_to)):  # cumsum along this axis takes ten times as long
        up_to[row] += up_to[row - 1]
    np.clip(up_to, cut, size - cut, out=up_to)
    not_trimmed = np.diff(ordered) @ up_to.astype(np.float64)
    trimmed = (ordered[-1] - ordered[0]) * (size - cut) - not_trimmed
    return np.asarray(ordered[0] + trimmed / (size - 2 * cut), dtype=np.float64)


def improvement_resamples(
    candidate: Runs, baseline: Runs, candidate_counts: Counts, baseline_counts: Counts
) -> FloatArray:
    """Probability of improvement in each resample, shape (B,); both arms have the same tasks."""
    total = np.zeros(candidate_counts.shape[1])
    drawn = candidate_counts.astype(np.float64)
    strata = list(zip(_strata(candidate.task), _strata(baseline.task), strict=True))
    for a, b in strata:
        won = wins(candidate.scores[a], baseline.scores[b])
        total += ((won.T @ drawn[a]) * baseline_counts[b]).sum(axis=0) / won.size
    return np.asarray(total / len(strata), dtype=np.float64)
