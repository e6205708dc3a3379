"""What a pair is, whatever is asked of it, and numbers that differ from task to task."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stats import (
    InvalidSetting,
    Judging,
    NotEnoughPairs,
    NotPaired,
    analyse,
    compare,
    interaction,
    pooled,
    posteriors,
    rank,
)
from stats.bayes.signed_rank import bayesian_signed_rank
from stats.judging import by_task
from stats.ties import settle
from tests.stats.long_tables import long_table

SCORES = 60 + np.random.default_rng(5).normal(0, 2, (6, 9, 3)) + np.array([0, 1.0, 0.1])


@pytest.fixture
def table() -> pd.DataFrame:
    """Six tasks, nine seeds, three arms."""
    return long_table(SCORES)


def test_every_task_is_rounded_to_its_own_resolution():
    steps = {"t0": 0.5, "t1": 2.0}
    printed = SCORES.copy()  # with the noise of printing around multiples of the step
    for task, step in enumerate(steps.values()):
        printed[task] = np.round(SCORES[task] / step) * step + 0.1 * (SCORES[task] % 1) * step
    table = long_table(printed)
    found = analyse(table, "m0", ["m1"], Judging(resolution=steps)).comparisons
    for each, scores in zip(found, printed, strict=True):
        alone = compare(scores[:, 0], scores[:, 1], resolution=steps.get(each.task))
        assert each.p_value == alone.p_value
        assert each.mean_difference == pytest.approx(alone.mean_difference)
    t1 = np.round((printed[1, :, 1] - printed[1, :, 0]) / 2) * 2
    assert found[1].mean_difference == pytest.approx(t1.mean())


def test_without_a_resolution_only_float_noise_is_taken_out():
    noisy = np.array([[66.3 - 66.2, 50.1 - 50.0], [0.26, 0.24]])
    settled = settle(noisy, np.array([[66.3], [1.0]]), by_task({"b": 0.25}, ["a", "b"]))
    assert settled[0, 0] == settled[0, 1] == pytest.approx(0.1)
    assert settled[1].tolist() == [0.25, 0.25]


def test_every_task_has_its_own_size_on_the_log_odds_scale():
    random = np.random.default_rng(3)
    scores = np.clip(90 + 6 * random.standard_normal((2, 8, 2, 2)), None, 100)
    rows = [
        {"task": f"t{t}", "seed": s, "init": init, "method": method, "score": scores[t, s, i, m]}
        for t in range(2)
        for s in range(8)
        for i, init in enumerate(("scratch", "pretrained"))
        for m, method in enumerate(("base", "kd"))
    ]
    sizes = {"t0": 50, "t1": 5000}
    assert (scores == 100).any()
    found = analyse(
        pd.DataFrame(rows),
        "base",
        ["kd"],
        Judging(interaction_scale="log_odds", test_examples=sizes),
    )
    for each, four in zip(found.interactions, scores, strict=True):
        alone = interaction(
            (four[:, 0, 0], four[:, 0, 1]),
            (four[:, 1, 0], four[:, 1, 1]),
            scale="log_odds",
            test_examples=sizes[each.task],
        )
        assert each.difference_of_differences == pytest.approx(alone.difference_of_differences)
        assert each.p_value == alone.p_value


def test_pooled_verdicts_take_the_test_and_effect_that_are_named(table):
    found = pooled(
        table, "m0", ["m1"], Judging(tasks="fixed", test="permutation", effect="d_av")
    ).comparisons[0]
    means = SCORES.mean(axis=0)
    alone = compare(means[:, 0], means[:, 1], test="permutation", effect="d_av")
    assert (found.test, found.p_value) == ("permutation", alone.p_value)
    assert (found.effect, found.effect_size) == ("d_av", pytest.approx(alone.effect_size))


def test_unpaired_runs_make_pairs_of_sampled_tasks(table):
    apart = table.copy()
    apart.loc[apart["method"] == "m1", "seed"] += 1000
    with pytest.raises(NotPaired, match="no shared scored seed"):
        pooled(apart, "m0", ["m1"], Judging(tasks="sampled"))
    found = pooled(apart, "m0", ["m1"], Judging(tasks="sampled", paired=False)).comparisons[0]
    together = pooled(table, "m0", ["m1"], Judging(tasks="sampled")).comparisons[0]
    assert (found.n_pairs, found.p_value, found.verdict) == (6, together.p_value, together.verdict)
    assert found.mean_difference == pytest.approx(together.mean_difference)
    with pytest.raises(InvalidSetting, match="unpaired arms share none"):
        pooled(apart, "m0", ["m1"], Judging(tasks="fixed", paired=False))


def test_an_unpaired_arm_that_failed_everywhere_on_a_task_is_named(table):
    table.loc[(table["method"] == "m1") & (table["task"] == "t2"), "score"] = np.nan
    with pytest.raises(NotPaired, match="no scored run of m1 on task t2"):
        pooled(table, "m0", ["m1"], Judging(tasks="sampled", paired=False))


def test_a_ranking_over_averages_is_that_of_the_averaged_scores(table):
    found = rank(table, blocks="average")
    averaged = rank(long_table(SCORES.mean(axis=0)[None]), blocks="seed")
    assert found.mean_ranks == averaged.mean_ranks
    assert found.friedman.n_blocks == 9
    for one, other in zip(found.pairs, averaged.pairs, strict=True):
        assert one.p_value == other.p_value


def test_posteriors_are_those_of_their_pairs(table):
    single = posteriors(table, "m0", ["m1", "m2"], Judging(margin=0.5), samples=4000)
    assert len(single.posteriors) == 12
    over_seeds = posteriors(table, "m0", ["m1"], Judging(tasks="fixed", margin=0.5), samples=4000)
    over_tasks = posteriors(table, "m0", ["m1"], Judging(tasks="sampled", margin=0.5), samples=4000)
    differences = SCORES[:, :, 1] - SCORES[:, :, 0]
    for found, axis in ((over_seeds, 0), (over_tasks, 1)):
        (each,) = found.posteriors
        expected = bayesian_signed_rank(differences.mean(axis=axis), 0.5, samples=4000)
        assert each.p_better == pytest.approx(expected.p_above, abs=0.01)
        assert each.p_worse + each.p_inside + each.p_better == pytest.approx(1)
    assert (over_seeds.unit, over_tasks.unit) == ("seed", "task")


def test_for_a_loss_higher_is_worse(table):
    gain = posteriors(table, "m0", ["m1"], Judging(tasks="fixed", margin=0.5), samples=2000)
    loss = posteriors(
        table, "m0", ["m1"], Judging(tasks="fixed", margin=0.5, lower_is_better=True), samples=2000
    )
    assert gain.posteriors[0].p_better == loss.posteriors[0].p_worse > 0.5


def test_posteriors_refuse_what_makes_no_pairs(table):
    with pytest.raises(InvalidSetting, match="margin must be a positive number"):
        posteriors(table, "m0", ["m1"], Judging(margin=-1))
    with pytest.raises(InvalidSetting, match="sampled tasks only"):
        posteriors(table, "m0", ["m1"], Judging(paired=False))
    table.loc[table["method"] == "m1", "seed"] += 1000
    with pytest.raises(NotEnoughPairs, match="unpaired scores must be declared so"):
        posteriors(table, "m0", ["m1"])
