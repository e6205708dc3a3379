"""One number for many tasks, and how sure it is."""

from __future__ import annotations

import math
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from stats import (
    InvalidSetting,
    Judging,
    NotEnoughPairs,
    StatsError,
    UnknownName,
    aggregate,
    performance_profiles,
)
from stats.many_tasks.over_tasks import (
    interquartile_mean,
    optimality_gap,
    probability_of_improvement,
    profile_at,
)
from stats.many_tasks.stratified_bootstrap import (
    STATISTICS,
    Runs,
    aggregate_resamples,
    improvement_resamples,
    resamples,
    stratified_bootstrap,
)
from tests.stats.long_tables import long_table

POINT = {
    "iqm": interquartile_mean,
    "mean": np.mean,
    "median": lambda scores: np.median(np.mean(scores, axis=0)),
    "optimality_gap": lambda scores: optimality_gap(scores, target=61.0),
}


def paired_scores(shape: tuple[int, int, int] = (6, 5, 3), seed: int = 1) -> np.ndarray:
    """Scores of shape (tasks, seeds, methods) with large effects of task and seed."""
    random = np.random.default_rng(seed)
    tasks, seeds, methods = shape
    common = 60 + random.normal(0, 3, (tasks, 1, 1)) + random.normal(0, 2, (tasks, seeds, 1))
    return common + 0.5 * np.arange(methods) + random.normal(0, 0.2, shape)


def test_interquartile_mean_and_improvement_of_rliables_tests(reference):
    case = reference("iqm")
    assert interquartile_mean(case["data"]["X"]) == case["expect"]["iqm"]
    case = reference("p-improvement")
    found = probability_of_improvement(case["data"]["X"], case["data"]["Y"])
    assert found == pytest.approx(case["expect"]["probability"], abs=1e-12)


scores_of_two = st.integers(1, 4).flatmap(
    lambda tasks: st.tuples(
        *[
            st.lists(
                st.lists(st.integers(0, 5), min_size=tasks, max_size=tasks), min_size=1, max_size=6
            )
            for _ in range(2)
        ]
    )
)


@given(scores_of_two)
def test_swapping_arms_turns_the_probability_around(two):
    there, back = probability_of_improvement(*two), probability_of_improvement(*two[::-1])
    assert there + back == pytest.approx(1)


@given(scores_of_two, st.randoms(), st.floats(0.5, 100))
def test_aggregates_do_not_see_the_order_of_runs_and_keep_the_scale(two, random, factor: float):
    scores = np.array(two[0], dtype=float)
    shuffled = scores[random.sample(range(len(scores)), len(scores))]
    assert interquartile_mean(shuffled) == pytest.approx(interquartile_mean(scores))
    assert interquartile_mean(factor * scores) == pytest.approx(factor * interquartile_mean(scores))
    assert optimality_gap(factor * scores, target=3 * factor) == pytest.approx(
        factor * optimality_gap(scores, target=3)
    )
    profile = profile_at(scores, [-1, 0, 1, 2, 3, 4, 5])
    assert profile[0] == 1
    assert (np.diff(profile) <= 0).all()
    assert profile[-1] == 0


@pytest.mark.parametrize(
    ("scores", "error", "says"),
    [
        ([[1.0, math.nan]], StatsError, "run 0, task 1 holds nan"),
        ([[1.0, math.inf]], StatsError, "run 0, task 1 holds inf"),
        ([1.0, 2.0], StatsError, r"shape \(runs, tasks\)"),
        ([[]], NotEnoughPairs, "1 runs and 0 tasks"),
        ([["a"]], StatsError, "numbers"),
    ],
)
def test_bad_tables_are_named(scores, error: type[Exception], says: str):
    with pytest.raises(error, match=says):
        interquartile_mean(scores)
    with pytest.raises(error, match=says):
        probability_of_improvement(scores, [[1.0, 2.0]])


def test_arms_with_different_tasks_are_not_compared():
    with pytest.raises(StatsError, match="2 and 1 tasks"):
        probability_of_improvement([[1.0, 2.0]], [[1.0]])


# The bootstrap


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("runs", [1, 2, 5, 7])
def test_counts_give_the_statistic_of_the_runs_that_were_drawn(statistic: str, runs: int):
    random = np.random.default_rng(runs)
    scores = random.normal(60, 1, (4, runs)).round(1)
    arm = Runs(scores.ravel(), np.repeat(np.arange(4), runs))
    (counts,) = next(resamples([arm], 40, seed=3, shared=True))
    assert (counts.reshape(4, runs, 40).sum(axis=1) == runs).all()
    found = aggregate_resamples(arm, counts, statistic, target=61.0)
    for column, value in zip(counts.T, found, strict=True):
        drawn = np.repeat(arm.scores, column).reshape(4, runs).T
        assert value == pytest.approx(POINT[statistic](drawn), rel=1e-12)


def test_tasks_may_differ_in_their_number_of_runs():
    random = np.random.default_rng(0)
    arm = Runs(random.normal(size=9), np.repeat([0, 1, 2], [2, 3, 4]))
    (counts,) = next(resamples([arm], 30, seed=3, shared=True))
    found = aggregate_resamples(arm, counts, "iqm")
    for column, value in zip(counts.T, found, strict=True):
        assert value == pytest.approx(trim_mean(np.repeat(arm.scores, column), 0.25))


def test_improvement_of_a_resample_is_that_of_its_runs():
    random = np.random.default_rng(0)
    first = Runs(random.integers(0, 4, 6).astype(float), np.repeat([0, 1], 3))
    second = Runs(random.integers(0, 4, 4).astype(float), np.repeat([0, 1], 2))
    a, b = next(resamples([first, second], 20, seed=1, shared=False))
    found = improvement_resamples(first, second, a, b)
    for one, other, value in zip(a.T, b.T, found, strict=True):
        x = np.repeat(first.scores, one).reshape(2, 3).T
        y = np.repeat(second.scores, other).reshape(2, 2).T
        assert value == pytest.approx(probability_of_improvement(x, y))


def test_the_random_state_is_respected():
    # rliable 1.2.0 answers differently on each call with the same random state.
    scores = np.moveaxis(paired_scores(), 2, 0)
    first = stratified_bootstrap(scores, replicates=500, seed=7)
    assert (first == stratified_bootstrap(scores, replicates=500, seed=7)).all()
    assert (first != stratified_bootstrap(scores, replicates=500, seed=8)).any()


def test_common_resamples_keep_the_pairing():
    scores = np.moveaxis(paired_scores((8, 6, 2)), 2, 0)
    base, candidate = stratified_bootstrap(scores, "mean", replicates=2000)
    assert (candidate - base).std() < 0.2 * base.std()


def test_the_spread_is_that_of_the_plug_in_variance():
    scores = np.moveaxis(paired_scores((8, 6, 2)), 2, 0)
    drawn = stratified_bootstrap(scores, "mean", replicates=40_000)
    expected = np.sqrt((scores.var(axis=2) / 6).sum(axis=1)) / 8
    assert drawn.std(axis=1) == pytest.approx(expected, rel=0.02)


def test_bad_bootstraps_are_refused():
    with pytest.raises(StatsError, match=r"shape \(arms, tasks, seeds\)"):
        stratified_bootstrap([[1.0]])
    with pytest.raises(StatsError, match=r"arm 0, task 0, seed 1 holds nan"):
        stratified_bootstrap([[[1.0, math.nan]]])
    with pytest.raises(InvalidSetting, match="iqm, mean, median, optimality_gap"):
        stratified_bootstrap([[[1.0]]], "mode")
    with pytest.raises(InvalidSetting, match="at least 1, not 0"):
        stratified_bootstrap([[[1.0]]], replicates=0)


# From a table


def test_aggregates_of_a_table_are_those_of_its_arrays():
    scores = paired_scores()
    found = aggregate(long_table(scores), target=61.0, replicates=2000)
    assert [each.statistic for each in found.aggregates[::3]] == [
        *("iqm", "mean", "median", "optimality_gap")
    ]
    for each in found.aggregates:
        mine = scores[:, :, int(each.method[1:])].T
        assert each.estimate == pytest.approx(POINT[each.statistic](mine))
        assert each.low <= each.estimate <= each.high
    assert found.runs == (30, 30, 30)
    assert found.tasks == tuple(f"t{i}" for i in range(6))


def test_contrasts_are_narrow_where_seeds_are_shared():
    table = long_table(paired_scores())
    paired = aggregate(table, baseline="m0", replicates=2000)
    apart = aggregate(table, judging=Judging(paired=False), baseline="m0", replicates=2000)
    widths = [
        {(e.candidate, e.statistic): e.high - e.low for e in found.contrasts}
        for found in (paired, apart)
    ]
    for statistic in ("iqm", "mean"):
        assert widths[0]["m2", statistic] < widths[1]["m2", statistic] / 3
    assert {each.candidate for each in paired.contrasts} == {"m1", "m2"}
    assert [e.estimate for e in paired.contrasts] == [e.estimate for e in apart.contrasts]


def test_improvement_in_the_table_is_that_of_the_arrays_and_turns_with_a_loss():
    scores = paired_scores()
    table = long_table(scores)
    expected = probability_of_improvement(scores[:, :, 2].T, scores[:, :, 0].T)

    def improvement(table: pd.DataFrame) -> float:
        contrasts = aggregate(table, baseline="m0", replicates=200).contrasts
        named = {(each.candidate, each.statistic): each.estimate for each in contrasts}
        return named["m2", "probability_of_improvement"]

    assert improvement(table) == pytest.approx(expected)
    assert improvement(table.assign(metric="nll")) == pytest.approx(1 - expected)


def test_memory_is_bounded_by_working_in_chunks(monkeypatch):
    scores = np.moveaxis(paired_scores(), 2, 0)
    module = import_module("stats.many_tasks.stratified_bootstrap")
    monkeypatch.setattr(module, "AT_ONCE", 1000)
    sizes = [
        chunk[0].shape[1]
        for chunk in resamples(
            [Runs(scores[0].ravel(), np.repeat(np.arange(6), 5))], 100, seed=0, shared=True
        )
    ]
    assert sizes == [33, 33, 33, 1]
    assert stratified_bootstrap(scores, replicates=100).shape == (3, 100)


def test_failed_seeds_and_absent_methods_are_named():
    table = long_table(paired_scores())
    table.loc[0, "score"] = math.nan
    table = table[(table["task"] != "t3") | (table["method"] != "m2")]
    found = aggregate(table, replicates=100)
    assert found.warnings == (
        "t0: dropped seed 0 (m0 has no score)",
        "t3: left out, no score of m2",
    )
    assert found.runs == (24, 24, 24)
    assert found.tasks == ("t0", "t1", "t2", "t4", "t5")
    unpaired = aggregate(table, judging=Judging(paired=False), replicates=100)
    assert unpaired.runs == (24, 25, 25)
    assert unpaired.warnings[0] == "t0: 1 of 5 runs of m0 have no score"


def test_seeds_that_are_not_shared_need_a_word():
    table = long_table(paired_scores())
    table["seed"] += 100 * table["method"].str[1:].astype(int)
    with pytest.raises(NotEnoughPairs, match="no seed is shared by all methods"):
        aggregate(table)
    assert aggregate(table, judging=Judging(paired=False), replicates=100).runs == (30, 30, 30)


def test_meaningless_aggregates_are_refused():
    table = long_table(paired_scores())
    with pytest.raises(UnknownName, match='no method "kd"'):
        aggregate(table, baseline="kd")
    with pytest.raises(NotEnoughPairs, match="only one method"):
        aggregate(table[table["method"] == "m0"])
    with pytest.raises(InvalidSetting, match="needs the target"):
        aggregate(table, statistics=["optimality_gap"])
    with pytest.raises(InvalidSetting, match="more is better"):
        aggregate(table.assign(metric="nll"), target=0.0)
    with pytest.raises(InvalidSetting, match="statistic must be one of"):
        aggregate(table, statistics=["mode"])
    with pytest.raises(InvalidSetting, match="at least one statistic"):
        aggregate(table, statistics=[])
    with pytest.raises(InvalidSetting, match="alpha"):
        aggregate(table, judging=Judging(alpha=-94.0))


def test_profiles_fall_from_one_to_zero_inside_their_bands():
    scores = paired_scores()
    profiles = performance_profiles(long_table(scores), replicates=300)
    fraction, low, high = (np.array(x) for x in (profiles.fraction, profiles.low, profiles.high))
    assert fraction.shape == (3, 101)
    assert (low <= fraction + 1e-12).all()
    assert (fraction <= high + 1e-12).all()
    assert (fraction[:, -1] == 0).all()
    at = profiles.thresholds[40]
    assert fraction[1, 40] == (scores[:, :, 1] > at).mean()
    two = performance_profiles(long_table(scores), ["m0", "m1"], thresholds=[60, 61])
    assert two.thresholds == (60, 61)
    with pytest.raises(StatsError, match="thresholds must be finite"):
        performance_profiles(long_table(scores), thresholds=[math.nan])


@pytest.mark.parametrize("declared", ["argument", "name"])
def test_a_profile_of_losses_is_that_of_their_negatives(declared):
    scores = paired_scores()
    of_gains = performance_profiles(long_table(-scores), replicates=300)
    losses = long_table(scores, "zeal" if declared == "argument" else "rmse")
    told = {"lower_is_better": True} if declared == "argument" else {}
    of_losses = performance_profiles(losses, judging=Judging(**told), replicates=300)
    assert of_losses.lower_is_better
    assert np.allclose(of_losses.thresholds, -np.array(of_gains.thresholds)[::-1])
    for name in ("fraction", "low", "high"):
        assert np.allclose(np.array(getattr(of_losses, name))[:, ::-1], getattr(of_gains, name))
    best = scores.mean(axis=(0, 1)).argmin()
    assert np.argmax(np.array(of_losses.fraction).mean(axis=1)) == best
