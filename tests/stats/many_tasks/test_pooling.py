"""One verdict over several tasks: fixed, sampled, and by a mixed model."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pandas as pd
import pytest

from stats import (
    InvalidSetting,
    Judging,
    NotEnoughPairs,
    NotPaired,
    UnknownName,
    compare,
    mixed_effects,
    pooled,
)
from stats.two_arms.signed_rank import signed_rank_rows, two_sided
from stats.verdicts.claims import adjust_claims
from tests.stats.long_tables import long_table

N_TASKS, N_SEEDS = 7, 8


def correlated(random, n: int, task_sd: float, seed_sd: float) -> np.ndarray:
    """Differences of shape (n, tasks, seeds) without an effect."""
    task = random.normal(0, task_sd, (n, N_TASKS, 1)) if task_sd else 0.0
    seed = random.normal(0, seed_sd, (n, 1, N_SEEDS)) if seed_sd else 0.0
    return task + seed + random.normal(size=(n, N_TASKS, N_SEEDS))


def as_table(differences: np.ndarray) -> pd.DataFrame:
    """Each of n simulated studies as a model of its own, the baseline at 60."""
    n = len(differences)
    model, task, seed = (each.ravel() for each in np.indices(differences.shape))
    base = pd.DataFrame({"model": model, "task": task, "seed": seed}).astype({"model": str})
    base["task"] = "t" + base["task"].astype(str)
    candidate = base.assign(method="kd", score=60 + differences.ravel())
    assert len(base) == n * N_TASKS * N_SEEDS
    return pd.concat([base.assign(method="base", score=60.0), candidate])


def false_positives(p_values: np.ndarray) -> float:
    return float((np.asarray(p_values) < 0.05).mean())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("tasks", "task_sd", "seed_sd"), [("fixed", 0.0, 0.55), ("sampled", 0.55, 0.0)]
)
def test_pooling_keeps_five_percent_where_naive_pooling_does_not(
    tasks: str, task_sd: float, seed_sd: float
):
    n = 1000
    differences = correlated(np.random.default_rng(11), n, task_sd, seed_sd)
    _, greater, less = signed_rank_rows(differences.reshape(n, -1))
    naive = false_positives(two_sided(greater, less))
    found = pooled(
        as_table(differences), "base", ["kd"], Judging(tasks=tasks, margin=1.0)
    ).comparisons
    assert len(found) == n
    assert naive > 0.15
    limit = 0.05 + 2 * math.sqrt(0.05 * 0.95 / n)
    assert false_positives([each.p_adjusted for each in found]) <= limit
    wrong = np.mean([each.verdict in ("better", "worse") for each in found])
    assert wrong <= limit


@pytest.mark.slow
def test_effects_that_cancel_over_fixed_tasks_are_a_true_null():
    random = np.random.default_rng(2)
    effect = np.linspace(-2, 2, N_TASKS)[:, None]
    table = as_table(effect + correlated(random, 400, 0, 0.5))
    found = pooled(table, "base", ["kd"], Judging(tasks="fixed")).comparisons
    rate = false_positives([each.p_adjusted for each in found])
    assert rate <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)


def three_arms() -> np.ndarray:
    random = np.random.default_rng(5)
    shared = 60 + random.normal(0, 5, (6, 1, 1)) + random.normal(0, 2, (6, 9, 1))
    return shared + np.array([0, 1.0, 0.1]) + random.normal(0, 0.5, (6, 9, 3))


def test_fixed_tasks_are_averaged_within_a_seed():
    scores = three_arms()
    found = pooled(long_table(scores), "m0", ["m1", "m2"], Judging(tasks="fixed", margin=0.5))
    means = scores.mean(axis=0)
    alone = [compare(means[:, 0], means[:, arm], margin=0.5) for arm in (1, 2)]
    for each, expected in zip(found.comparisons, alone, strict=True):
        assert (each.n_pairs, each.p_value) == (9, expected.p_value)
        assert (each.ci_low, each.ci_high) == pytest.approx((expected.ci_low, expected.ci_high))
    raw = [each.p_value for each in alone], [each.p_equivalence for each in alone]
    expected = adjust_claims(*raw)[0].tolist()
    assert [each.p_adjusted for each in found.comparisons] == pytest.approx(expected)
    assert (found.unit, found.comparisons[0].task) == ("seed", "t0, t1, t2, t3, t4, t5")


def test_sampled_tasks_are_averages_over_their_seeds():
    scores = three_arms()
    found = pooled(
        long_table(scores), "m0", ["m1"], Judging(tasks="sampled", margin=0.5)
    ).comparisons[0]
    means = scores.mean(axis=1)
    expected = compare(means[:, 0], means[:, 1], margin=0.5)
    assert (found.n_pairs, found.p_value) == (6, expected.p_value)
    assert found.verdict == expected.verdict == "better"


def test_the_order_of_rows_does_not_matter_and_swapping_turns_signs():
    table = long_table(three_arms())
    for tasks in ("fixed", "sampled"):
        there = pooled(table, "m0", ["m1"], Judging(tasks=tasks)).comparisons
        shuffled = table.sample(frac=1, random_state=2)
        mixed = pooled(shuffled, "m0", ["m1"], Judging(tasks=tasks)).comparisons[0]
        back = pooled(table, "m1", ["m0"], Judging(tasks=tasks)).comparisons[0]
        assert mixed.p_value == there[0].p_value == back.p_value
        assert mixed.mean_difference == pytest.approx(there[0].mean_difference)
        assert back.mean_difference == pytest.approx(-there[0].mean_difference)


def test_a_seed_that_fails_on_one_task_is_left_out_of_all_fixed_tasks_by_name():
    table = long_table(three_arms())
    failed = (table["task"] == "t2") & (table["seed"] == 4) & (table["method"] == "m1")
    table.loc[failed, "score"] = math.nan
    found = pooled(table, "m0", ["m1", "m2"], Judging(tasks="fixed", margin=1.0))
    assert [each.n_pairs for each in found.comparisons] == [8, 9]
    assert found.comparisons[0].dropped_seeds == (4,)
    assert found.warnings == (
        "m0 vs m1: seed 4 is left out of every task, because it has no pair on t2",
    )


def test_sampled_tasks_with_different_numbers_of_seeds_are_named():
    table = long_table(three_arms())
    table = table[(table["task"] != "t2") | (table["seed"] < 3)]
    found = pooled(table, "m0", ["m1"], Judging(tasks="sampled", margin=1.0))
    assert found.comparisons[0].n_pairs == 6
    assert any("t1 9, t2 3, t3 9" in warning for warning in found.warnings)


def test_a_task_that_an_arm_lacks_is_refused_by_name():
    table = long_table(three_arms())
    table = table[(table["task"] != "t2") | (table["method"] != "m1")]
    for tasks in ("fixed", "sampled"):
        with pytest.raises(NotPaired, match="no run of m1 on t2; pooling needs every task"):
            pooled(table, "m0", ["m1"], Judging(tasks=tasks))


def test_tasks_without_common_seeds_are_refused():
    table = long_table(three_arms())
    table.loc[table["task"] == "t3", "seed"] += 100
    with pytest.raises(NotEnoughPairs, match=r"0 seeds have a pair on every .*no pair on t"):
        pooled(table, "m0", ["m1"], Judging(tasks="fixed"))
    assert pooled(table, "m0", ["m1"], Judging(tasks="sampled")).comparisons[0].n_pairs == 6
    table.loc[(table["task"] == "t3") & (table["method"] == "m1"), "seed"] += 100
    with pytest.raises(NotPaired, match="no shared scored seed on task t3"):
        pooled(table, "m0", ["m1"], Judging(tasks="sampled"))


def test_names_with_colons_are_told_once():
    table = long_table(three_arms()).assign(model="org: small")
    table.loc[table["task"] == "t3", "seed"] += 100
    with pytest.raises(NotEnoughPairs) as refused:
        pooled(table, "m0", ["m1"], Judging(tasks="fixed"))
    assert str(refused.value).count("org: small") == 1
    assert "run these seeds; seed 0 is left out of every task" in str(refused.value)


def test_meaningless_pools_are_refused():
    table = long_table(three_arms())
    with pytest.raises(InvalidSetting, match="tasks must be one of fixed, sampled"):
        pooled(table, "m0", ["m1"], Judging(tasks="random"))
    with pytest.raises(InvalidSetting, match=r'candidates is a list: \["m1"\]'):
        pooled(table, "m0", "m1", Judging(tasks="fixed"))
    with pytest.raises(InvalidSetting, match="at least one candidate"):
        pooled(table, "m0", [], Judging(tasks="fixed"))
    with pytest.raises(UnknownName, match='no method "kd"'):
        pooled(table, "m0", ["kd"], Judging(tasks="fixed"))
    with pytest.raises(InvalidSetting, match="margin"):
        pooled(table, "m0", ["m1"], Judging(tasks="fixed", margin=0))
    one = table[table["task"] == "t0"]
    with pytest.raises(NotEnoughPairs, match="one task is no sample of tasks"):
        pooled(one, "m0", ["m1"], Judging(tasks="sampled"))
    with pytest.raises(NotEnoughPairs, match="1 seeds have a pair on every task"):
        pooled(table[table["seed"] == 0], "m0", ["m1"], Judging(tasks="fixed"))


def test_what_few_tasks_can_never_show_is_said_in_tasks():
    warned = pooled(long_table(three_arms()), "m0", ["m1", "m2"], Judging(tasks="sampled")).warnings
    assert any("7 tasks are enough" in warning for warning in warned)


# The mixed model


def test_a_mixed_model_finds_the_spreads_that_were_put_in():
    random = np.random.default_rng(1)
    differences = 1 + 2 * random.normal(size=(1, 20, 1)) + random.normal(size=(1, 1, 20))
    differences = differences + 0.5 * random.normal(size=(1, 20, 20))
    scores = np.stack([np.full((20, 20), 60.0), 60 + differences[0]], axis=2)
    (found,) = mixed_effects(long_table(scores), "m0", ["m1"])
    task = differences[0].mean(axis=1).std(ddof=1)
    assert found.converged
    assert found.task_sd == pytest.approx(task, rel=0.05)
    assert found.seed_sd == pytest.approx(differences[0].mean(axis=0).std(ddof=1), rel=0.05)
    assert found.residual_sd == pytest.approx(0.5, rel=0.1)
    assert found.mean_difference == pytest.approx(differences.mean())
    assert found.ci_low < differences.mean() < found.ci_high


def test_on_balanced_data_its_error_is_that_of_the_analysis_of_variance():
    random = np.random.default_rng(0)
    differences = (
        random.normal(0, 2, (7, 1)) + random.normal(0, 1, (1, 8)) + random.normal(size=(7, 8))
    )
    scores = np.stack([np.zeros((7, 8)), differences], axis=2)
    (found,) = mixed_effects(long_table(scores), "m0", ["m1"])
    by_task, by_seed = differences.mean(axis=1), differences.mean(axis=0)
    residual = differences - by_task[:, None] - by_seed + differences.mean()
    squares = (residual**2).sum() / (6 * 7)
    expected = by_task.var(ddof=1) / 7 + by_seed.var(ddof=1) / 8 - squares / 56
    assert found.error == pytest.approx(math.sqrt(expected), rel=1e-3)
    assert (found.df, found.n_pairs, found.remark) == (6, 56, "")


@pytest.mark.slow
def test_a_mixed_model_keeps_its_level():
    random = np.random.default_rng(3)
    table = as_table(correlated(random, 80, 0.55, 0.55))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # none may escape from the fit
        found = mixed_effects(table, "base", ["kd"])
    assert all(each.converged for each in found)
    rate = false_positives([each.p_value for each in found])
    assert rate <= 0.06 + 2 * math.sqrt(0.06 * 0.94 / 80)


def test_a_spread_of_zero_is_an_ordinary_answer():
    random = np.random.default_rng(4)
    differences = random.normal(0, 2, (7, 1)) + random.normal(0, 1, (7, 8))
    differences -= differences.mean(axis=0) - differences.mean()
    scores = np.stack([np.zeros((7, 8)), differences], axis=2)
    (found,) = mixed_effects(long_table(scores), "m0", ["m1"])
    assert found.converged
    assert found.remark == "no spread between seeds was found"
    assert found.seed_sd == pytest.approx(0, abs=0.01)


def test_equal_differences_have_no_model_and_say_so():
    scores = np.stack([np.zeros((3, 4)), np.ones((3, 4))], axis=2)
    (found,) = mixed_effects(long_table(scores), "m0", ["m1"])
    assert not found.converged
    assert math.isnan(found.p_value)
    assert math.isnan(found.ci_low)
    assert found.remark == "all differences are equal, so that there is no spread to divide"


def test_a_fit_that_fails_is_returned_as_a_failure(monkeypatch):
    from statsmodels.regression.mixed_linear_model import MixedLM

    def diverges(self, **options):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr(MixedLM, "fit", diverges)
    (found,) = mixed_effects(long_table(three_arms()), "m0", ["m1"])
    assert not found.converged
    assert math.isnan(found.mean_difference)
    assert found.remark == "the model could not be fitted: Singular matrix"


def test_a_mixed_model_takes_missing_pairs_but_needs_two_of_each():
    table = long_table(three_arms())
    table.loc[[0, 30, 60], "score"] = math.nan
    found = mixed_effects(table, "m0", ["m1"])[0]
    assert found.converged
    assert found.n_pairs < 54
    with pytest.raises(NotEnoughPairs, match=r"pairs on 1 tasks and . seeds"):
        mixed_effects(table[table["task"] == "t1"], "m0", ["m1"])
    with pytest.raises(InvalidSetting, match="alpha"):
        mixed_effects(table, "m0", ["m1"], Judging(alpha=5))


def test_ranks_of_a_loss_are_best_where_it_is_least():
    table = long_table(three_arms())
    how = {"scale": "rank"}
    (of_gains,) = mixed_effects(table.assign(score=-table["score"]), "m0", ["m1"], Judging(**how))
    (of_losses,) = mixed_effects(table, "m0", ["m1"], Judging(lower_is_better=True, **how))
    assert of_losses.lower_is_better
    assert of_gains.mean_difference == pytest.approx(of_losses.mean_difference)
    assert of_gains.mean_difference != 0
    (raw,) = mixed_effects(table.assign(metric="zeal"), "m0", ["m1"])
    assert not raw.lower_is_better
    assert "nothing says" in raw.remark
