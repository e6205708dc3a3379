"""rliable 1.2: every aggregate and profile to the last digits, intervals to Monte Carlo error.

It ignores its `random_state`, so that its intervals differ from call to call.
"""

from __future__ import annotations

import numpy as np
import pytest

from stats.many_tasks.over_tasks import (
    interquartile_mean,
    optimality_gap,
    probability_of_improvement,
    profile_at,
)
from stats.many_tasks.stratified_bootstrap import stratified_bootstrap

library = pytest.importorskip(
    "rliable.library", reason="rliable is not installed here; see make peers"
)
metrics = pytest.importorskip("rliable.metrics")

SIZES = [(1, 1), (3, 4), (5, 26), (8, 7), (10, 3)]
"""Runs and tasks."""


def scores_of(runs: int, tasks: int, seed: int = 0) -> np.ndarray:
    """Two arms on a coarse scale, so that runs tie, shape (2, runs, tasks)."""
    random = np.random.default_rng([runs, tasks, seed])
    return random.normal(1, 0.5, (2, runs, tasks)).round(1)


@pytest.mark.parametrize(("runs", "tasks"), SIZES)
def test_aggregates_agree(runs: int, tasks: int):
    first, second = scores_of(runs, tasks)
    assert interquartile_mean(first) == pytest.approx(metrics.aggregate_iqm(first), rel=1e-12)
    assert optimality_gap(first, target=1) == pytest.approx(
        metrics.aggregate_optimality_gap(first, gamma=1), abs=1e-12
    )
    assert probability_of_improvement(first, second) == pytest.approx(
        metrics.probability_of_improvement(first, second), abs=1e-12
    )


@pytest.mark.parametrize(("runs", "tasks"), SIZES)
def test_profiles_agree(runs: int, tasks: int):
    first, _ = scores_of(runs, tasks)
    thresholds = np.linspace(-0.5, 2.5, 31)
    expected = library.score_distributions(first, thresholds)
    assert profile_at(first, thresholds) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("statistic", "theirs"),
    [
        ("iqm", metrics.aggregate_iqm),
        ("mean", metrics.aggregate_mean),
        ("median", metrics.aggregate_median),
        ("optimality_gap", metrics.aggregate_optimality_gap),
    ],
)
def test_bootstrap_intervals_agree(statistic: str, theirs):
    first, _ = scores_of(5, 6)
    drawn = stratified_bootstrap(first.T[None], statistic, replicates=20_000, target=1.0)[0]
    _, intervals = library.get_interval_estimates(
        {"arm": first}, lambda scores: np.array([theirs(scores)]), reps=20_000
    )
    ends = np.quantile(drawn, [0.025, 0.975])
    # A quantile of 20,000 resamples has a Monte Carlo error of 2 % of the bootstrap's sd.
    assert ends == pytest.approx(intervals["arm"][:, 0], abs=0.15 * drawn.std())


@pytest.mark.filterwarnings("ignore:random_state is deprecated:FutureWarning")
def test_intervals_of_rliable_cannot_be_repeated_and_ours_can():
    first, _ = scores_of(5, 6)

    def theirs() -> np.ndarray:
        _, intervals = library.get_interval_estimates(
            {"arm": first},
            lambda scores: np.array([metrics.aggregate_iqm(scores)]),
            reps=200,
            random_state=np.random.RandomState(0),
        )
        return intervals["arm"]

    assert not np.array_equal(theirs(), theirs())
    ours = [stratified_bootstrap(first.T[None], replicates=200, seed=0) for _ in range(2)]
    assert np.array_equal(*ours)
