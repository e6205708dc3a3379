"""The chance that lies in the test set."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from stats import InvalidSetting, NotEnoughPairs, NotPaired, StatsError, mcnemar, t_interval
from stats.items.item_bootstrap import bootstrap_items
from stats.items.seeds_and_items import seeds_and_items

cells = st.tuples(*[st.integers(0, 30)] * 4).filter(any)


def items(both: int, lost: int, won: int, neither: int) -> tuple[np.ndarray, np.ndarray]:
    pattern = [(1, 1)] * both + [(1, 0)] * lost + [(0, 1)] * won + [(0, 0)] * neither
    return tuple(np.array(pattern).T)


@given(cells)
def test_mcnemar_agrees_with_statsmodels_and_turns_with_the_arms(table):
    baseline, candidate = items(*table)
    found = mcnemar(baseline, candidate)
    both, lost, won, neither = table
    expected = statsmodels_mcnemar([[both, lost], [won, neither]], exact=True).pvalue
    assert found.p_value == pytest.approx(expected)
    assert 0 < found.mid_p <= found.p_value <= 1
    assert found.difference == pytest.approx(candidate.mean() - baseline.mean())
    assert found.low <= found.difference + 1 / len(baseline)
    back = mcnemar(candidate.astype(bool), baseline.astype(bool))
    assert (back.p_value, back.difference, back.low) == (
        found.p_value,
        -found.difference,
        pytest.approx(-found.high),
    )


def test_its_error_is_the_standard_error_of_a_mean_of_differences():
    baseline, candidate = items(40, 2, 10, 8)
    found = mcnemar(baseline, candidate)
    assert found.error == pytest.approx((candidate - baseline).std() / math.sqrt(60))
    assert (found.only_baseline, found.only_candidate, found.n_items) == (2, 10, 60)


def test_the_interval_is_that_of_agresti_and_min():
    # By hand: (7 − 1)/23 ± 1.959964 · √(1.5 + 7.5 − 6²/23)/23.
    found = mcnemar(*items(1, 1, 7, 12))
    assert (found.low, found.high) == pytest.approx((0.028513, 0.493226), abs=2e-6)


def test_two_classifiers_that_never_disagree():
    found = mcnemar([1, 1, 0], [1, 1, 0])
    assert (found.p_value, found.mid_p, found.difference, found.error) == (1, 1, 0, 0)
    assert found.low < 0 < found.high


def test_the_level_of_both_p_values():
    random = np.random.default_rng(0)
    found = [mcnemar(*random.integers(0, 2, (2, 40))) for _ in range(500)]
    exact, mid = (np.mean([getattr(f, p) < 0.05 for f in found]) for p in ("p_value", "mid_p"))
    limit = 0.05 + 2 * math.sqrt(0.05 * 0.95 / 500)
    assert exact < mid <= limit


def test_bad_items_are_named():
    with pytest.raises(NotPaired, match="2 items of the baseline and 3"):
        mcnemar([1, 0], [1, 0, 1])
    with pytest.raises(StatsError, match="candidate: item 1 is 2; 1 is right"):
        mcnemar([1, 0], [1, 2])
    with pytest.raises(StatsError, match="baseline: item 0 is nan"):
        mcnemar([math.nan, 0], [1, 0])
    with pytest.raises(StatsError, match="whether each item was right"):
        mcnemar([], [])
    with pytest.raises(InvalidSetting, match="confidence"):
        mcnemar([1], [0], confidence=2)


# Any metric


def accuracy(labels: np.ndarray, predictions: np.ndarray) -> float:
    return float((labels == predictions).mean())


def simulated(n: int = 300) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(2)
    labels = random.integers(0, 3, n)
    wrong = [random.random(n) < rate for rate in (0.3, 0.2)]
    return labels, *(np.where(each, (labels + 1) % 3, labels) for each in wrong)


def test_the_bootstrap_of_accuracy_has_mcnemars_error():
    labels, baseline, candidate = simulated()
    found = bootstrap_items(accuracy, labels, baseline, candidate)
    exact = mcnemar(labels == baseline, labels == candidate)
    assert found.difference == pytest.approx(exact.difference)
    assert found.error == pytest.approx(exact.error, rel=0.05)
    expected = math.sqrt(found.baseline * (1 - found.baseline) / 300)
    assert found.baseline_error == pytest.approx(expected, rel=0.05)
    assert found.low < found.difference < found.high
    again = bootstrap_items(accuracy, labels, baseline, candidate)
    assert again == found


def test_any_metric_will_do():
    from scipy.stats import spearmanr

    random = np.random.default_rng(0)
    labels = random.normal(size=80)
    near, far = labels + random.normal(0, 0.5, 80), labels + random.normal(0, 2, 80)

    def spearman(a: np.ndarray, b: np.ndarray) -> float:
        return spearmanr(a, b).statistic

    found = bootstrap_items(spearman, labels, far, near, replicates=200)
    assert found.low > 0
    assert found.p_value == pytest.approx(2 / 201)


def test_p_is_never_zero_and_one_without_a_difference():
    labels = np.arange(20)
    nothing = bootstrap_items(accuracy, labels, labels, labels, replicates=50)
    assert (nothing.difference, nothing.error, nothing.p_value) == (0, 0, 1)
    everything = bootstrap_items(accuracy, labels, labels + 1, labels, replicates=50)
    assert everything.p_value == 2 / 51


def test_bad_metrics_and_items_are_named():
    with pytest.raises(StatsError, match="the metric is nan on all items"):
        bootstrap_items(lambda a, b: math.nan, [1, 2], [1, 2], [1, 2])
    with pytest.raises(NotPaired, match="3 labels, 2 predictions of the baseline and 3"):
        bootstrap_items(accuracy, [1, 2, 3], [1, 2], [1, 2, 3])
    with pytest.raises(NotEnoughPairs, match="1 test items"):
        bootstrap_items(accuracy, [1], [1], [1])
    with pytest.raises(InvalidSetting, match=r"1 replicates cannot give"):
        bootstrap_items(accuracy, [1, 2], [1, 2], [1, 2], replicates=1)


# Seeds and items


def crossed(random, seed_sd: float, item_sd: float, shape=(8, 200)) -> np.ndarray:
    return (
        random.normal(0, seed_sd, (shape[0], 1))
        + random.normal(0, item_sd, (1, shape[1]))
        + random.normal(size=shape)
    )


@pytest.mark.parametrize(("seed_sd", "item_sd"), [(0.5, 0), (0, 2.5), (0.2, 2), (0, 0)])
def test_the_interval_covers_whichever_source_of_chance_is_the_larger(seed_sd, item_sd):
    random = np.random.default_rng(4)
    n = 300
    covered = alone = 0
    for _ in range(n):
        table = crossed(random, seed_sd, item_sd)
        found = seeds_and_items(table)
        covered += found.low <= 0 <= found.high
        over_seeds = t_interval(table.mean(axis=1))
        alone += over_seeds.low <= 0 <= over_seeds.high
    assert covered / n >= 0.95 - 2 * math.sqrt(0.05 * 0.95 / n)
    if item_sd > 1:
        assert alone / n < 0.7


def test_its_error_comes_from_the_mean_squares_of_the_analysis_of_variance():
    table = crossed(np.random.default_rng(3), 1.0, 2.0, shape=(4, 6))
    places = np.indices(table.shape).reshape(2, -1)
    cells = pd.DataFrame({"y": table.ravel(), "seed": places[0], "item": places[1]})
    squares = anova_lm(ols("y ~ C(seed) + C(item)", cells).fit())["sum_sq"]
    seed, item, rest = squares / np.array([3, 5, 15])
    found = seeds_and_items(table)
    assert found.error == pytest.approx(math.sqrt((seed + item - rest) / 24))
    assert seed + item - rest > max(seed, item)


@pytest.mark.slow
@pytest.mark.parametrize("n_seeds", [2, 3])
@pytest.mark.parametrize(("seed_sd", "item_sd"), [(0.22, 0), (0.22, 1), (0, 1)])
def test_few_seeds_do_not_cost_the_interval_its_coverage(n_seeds, seed_sd, item_sd):
    random = np.random.default_rng(7)
    n = 1_000
    tables = (crossed(random, seed_sd, item_sd, (n_seeds, 60)) for _ in range(n))
    covered = sum(found.low <= 0 <= found.high for found in map(seeds_and_items, tables))
    assert covered / n >= 0.95 - 2 * math.sqrt(0.05 * 0.95 / n)


@given(st.integers(0, 2**32 - 1), st.integers(2, 6), st.integers(2, 6))
def test_p_is_the_level_at_which_the_interval_ends_at_zero(seed: int, n_seeds: int, n_items: int):
    table = crossed(np.random.default_rng(seed), 0.5, 0.5, (n_seeds, n_items)) + 0.5
    found = seeds_and_items(table)
    assume(1e-9 < found.p_value < 1 - 1e-9)
    ends = seeds_and_items(table, confidence=1 - found.p_value)
    assert min(abs(ends.low), abs(ends.high)) == pytest.approx(0, abs=1e-6 * abs(found.difference))
    turned = seeds_and_items(table.T)
    assert (turned.low, turned.p_value) == pytest.approx((found.low, found.p_value))


def test_without_spread_between_items_it_is_the_t_interval_over_seeds():
    table = np.array([0.1, 0.3, 0.2, 0.5])[:, None] + np.zeros((4, 50))
    found = seeds_and_items(table)
    expected = t_interval([0.1, 0.3, 0.2, 0.5])
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.item_error == pytest.approx(0, abs=1e-12)


def test_permuting_scaling_and_turning():
    random = np.random.default_rng(1)
    table = crossed(random, 0.2, 1.0) + 0.1
    found = seeds_and_items(table)
    shuffled = seeds_and_items(random.permutation(random.permutation(table).T).T)
    assert shuffled.p_value == pytest.approx(found.p_value)
    scaled = seeds_and_items(-100 * table)
    assert (scaled.low, scaled.high) == pytest.approx((-100 * found.high, -100 * found.low))


def test_no_spread_at_all():
    nothing = seeds_and_items(np.zeros((3, 4)))
    assert (nothing.p_value, nothing.low, nothing.high) == (1, 0, 0)
    assert math.isnan(seeds_and_items(np.ones((3, 4))).p_value)


def test_bad_tables_are_named():
    with pytest.raises(NotEnoughPairs, match="1 seeds and 4 items"):
        seeds_and_items(np.zeros((1, 4)))
    with pytest.raises(StatsError, match="seed 1, item 0 holds inf"):
        seeds_and_items([[0.0, 1.0], [math.inf, 0.0]])
    with pytest.raises(StatsError, match=r"shape \(seeds, items\)"):
        seeds_and_items([1.0, 2.0])
