"""Looks before the end: what they cost, and what stays valid after stopping."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from stats import (
    InvalidSetting,
    NotEnoughPairs,
    StatsError,
    sequential_look,
    sequential_plan,
    t_interval,
)
from stats.intervals import mean_and_sd, t_bounds
from stats.sequential.boundary_crossing import crossing_probability
from stats.sequential.t_e_process import t_e_process, t_e_value_rows

FOUR = (5, 10, 15, 20)


def t_statistics(differences: np.ndarray, n: int) -> np.ndarray:
    d = differences[:, :n]
    return d.mean(axis=1) / d.std(axis=1, ddof=1) * math.sqrt(n)


@pytest.mark.parametrize("n", [2, 3, 7, 40, 300])
def test_one_look_is_the_t_test(n: int):
    assert crossing_probability([n], [scipy_stats.t.ppf(0.975, n - 1)]) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("looks", "level"), [(FOUR, 0.0182), ((2, 3, 4), 0.05), (range(2, 21), 0.05), ((2, 20), 0.03)]
)
def test_the_crossing_probability_is_what_simulation_finds(looks, level: float):
    differences = np.random.default_rng(4).standard_normal((60_000, max(looks)))
    critical = [scipy_stats.t.isf(level / 2, n - 1) for n in looks]
    crossed = np.logical_or.reduce(
        [abs(t_statistics(differences, n)) >= c for n, c in zip(looks, critical, strict=True)]
    )
    exact = crossing_probability(looks, critical)
    assert crossed.mean() == pytest.approx(exact, abs=3 * math.sqrt(exact / 60_000))


def test_a_look_that_cannot_reject_changes_nothing():
    with_it = crossing_probability([5, 9, 12], [2.9, math.inf, 2.5])
    assert with_it == pytest.approx(crossing_probability([5, 12], [2.9, 2.5]), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "published"), [("pocock", 2.361), ("obrien-fleming", 2.024)])
def test_with_many_pairs_the_constants_are_the_published_ones(shape: str, published: float):
    constants = []
    for n in (20, 40):  # four looks; Jennison and Turnbull 2000, tables 2.1 and 2.3
        last = sequential_plan([n, 2 * n, 3 * n, 4 * n], shape).levels[-1]
        constants.append(scipy_stats.norm.isf(last / 2))
    in_the_limit = 2 * constants[1] - constants[0]  # the error falls as 1/n
    assert constants[0] > constants[1] > published
    assert in_the_limit == pytest.approx(published, abs=2e-3)


@pytest.mark.parametrize("shape", ["pocock", "obrien-fleming"])
def test_a_plan_spends_its_alpha_and_covers_after_stopping(shape: str):
    plan = sequential_plan(FOUR, shape, alpha=0.1)
    assert crossing_probability(plan.looks, plan.critical) == pytest.approx(0.1, abs=1e-8)
    differences = np.random.default_rng(5).normal(0.7, 1, (20_000, 20))
    crossed, stopped, held = np.zeros((3, len(differences)), dtype=bool)
    for n, level, critical in zip(plan.looks, plan.levels, plan.critical, strict=True):
        crossed |= abs(t_statistics(differences - 0.7, n)) >= critical
        mean, sd = mean_and_sd(differences[:, :n])
        low, high = t_bounds(mean, sd, n, 1 - level)
        ends = ~stopped & ((low > 0) | (high < 0) | (n == 20))
        held |= ends & (low <= 0.7) & (high >= 0.7)
        stopped |= ends
    slack = 2 * math.sqrt(0.1 * 0.9 / 20_000)
    assert crossed.mean() == pytest.approx(0.1, abs=1.5 * slack)
    assert held.mean() >= 0.9 - slack


@pytest.mark.parametrize("shape", ["pocock", "obrien-fleming"])
def test_a_look_is_a_row_of_the_plan(shape: str):
    plan = sequential_plan(FOUR, shape, alpha=0.1)
    for row in np.random.default_rng(7).normal(0.6, 1, (6, 20)):
        for n, level, critical in zip(plan.looks, plan.levels, plan.critical, strict=True):
            look = sequential_look(row[:n], plan)
            mean, sd = mean_and_sd(row[None, :n])
            assert look.stops == (abs(look.t) >= critical) == (look.p_value <= 0.1)
            assert (look.low, look.high) == pytest.approx(
                np.ravel(t_bounds(mean, sd, n, 1 - level)), rel=1e-9
            )


plan = sequential_plan([5, 8])


@given(
    st.lists(st.integers(-40, 60), min_size=5, max_size=5).filter(lambda d: len(set(d)) > 1),
    st.sampled_from([0.01, 7.0]),
)
def test_a_look_turns_with_the_arms_and_scales_with_the_scores(d, factor: float):
    look, turned = sequential_look(d, plan), sequential_look(np.negative(d), plan)
    scaled = sequential_look(np.multiply(d, factor), plan)
    assert (look.p_value, look.stops) == (turned.p_value, turned.stops)
    assert (look.low, look.high) == pytest.approx((-turned.high, -turned.low))
    assert (scaled.low, scaled.high) == pytest.approx((factor * look.low, factor * look.high))
    assert scaled.p_value == pytest.approx(look.p_value, abs=1e-9)
    assert look.stops == (not look.low < 0 < look.high)


def test_an_interval_that_allows_for_looks_is_wider():
    d = [0.4, 1.1, -0.2, 0.8, 0.5]
    plain, look = t_interval(d), sequential_look(d, sequential_plan(FOUR))
    assert look.low < plain.low < plain.high < look.high


def test_constant_differences_have_defined_looks():
    plan = sequential_plan([2, 3])
    assert math.isnan(sequential_look([1.0, 1.0], plan).p_value)
    assert not sequential_look([1.0, 1.0], plan).stops
    assert sequential_look([0.0, 0.0], plan).p_value == 1
    assert not sequential_look([0.0, 0.0], plan).stops


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (([],), "looks are rising"),
        (([1, 5],), "looks are rising"),
        (([5, 5],), "looks are rising"),
        (([5, 4],), "looks are rising"),
        (([5], "haybittle"), "shape must be one of obrien-fleming, pocock"),
        (([5], "pocock", 1.0), "alpha must lie between 0 and 1"),
    ],
)
def test_impossible_plans_are_refused(arguments: tuple, says: str):
    with pytest.raises(InvalidSetting, match=says):
        sequential_plan(*arguments)


def test_a_look_outside_the_plan_is_refused():
    plan = sequential_plan([5, 10])
    with pytest.raises(NotEnoughPairs, match="6 differences are no look of the plan"):
        sequential_look([1.0] * 6, plan)
    with pytest.raises(StatsError, match="position 1 holds nan"):
        sequential_look([1.0, math.nan, 1, 1, 1], plan)


@pytest.mark.parametrize("prior_sd", [0.5, 1.0, 2.0])
def test_an_e_value_is_the_likelihood_ratio_of_t(prior_sd: float):
    from scipy.integrate import quad

    d = [0.4, 1.1, -0.2, 0.8, 0.5, 0.3]
    t = float(t_statistics(np.array([d]), 6)[0])
    mixture, _ = quad(
        lambda effect: (
            scipy_stats.nct.pdf(t, 5, effect * math.sqrt(6))
            * scipy_stats.norm.pdf(effect, 0, prior_sd)
        ),
        -12,
        12,
    )
    expected = mixture / scipy_stats.t.pdf(t, 5)
    assert t_e_process(d, prior_sd=prior_sd).e_value == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("stop", [2, 5, 20])
def test_an_e_value_has_mean_one_under_the_null(stop: int):
    e = t_e_value_rows(np.random.default_rng(stop).standard_normal((200_000, stop)))[:, -1]
    assert e.mean() == pytest.approx(1, abs=5 * e.std() / math.sqrt(200_000))


def test_looking_after_every_seed_rejects_at_most_five_percent_and_covers():
    differences = np.random.default_rng(6).normal(0, 2, (20_000, 40))
    assert (t_e_value_rows(differences) >= 20).any(axis=1).mean() <= 0.05
    for row in differences[:100]:
        found = t_e_process(row)
        assert (found.e_value < 20) == (found.low < 0 < found.high)


@given(st.lists(st.integers(-30, 50), min_size=2, max_size=12), st.sampled_from([0.1, 9.0]))
def test_the_confidence_sequence_is_the_e_value_turned_around(d, factor: float):
    found = t_e_process(d)
    scaled = t_e_process(np.multiply(d, factor))
    assert scaled.e_value == pytest.approx(found.e_value, rel=1e-9)
    assert t_e_process(np.negative(d)).e_value == found.e_value
    if math.isfinite(found.low) and found.low < found.high:
        for end in (found.low, found.high):
            assert t_e_process(np.subtract(d, end)).e_value == pytest.approx(20, rel=1e-5)


def test_one_pair_says_nothing_and_bad_settings_are_refused():
    found = t_e_process([3.0])
    assert (found.e_value, found.p_value) == (pytest.approx(1), pytest.approx(1))
    assert (found.low, found.high) == (-math.inf, math.inf)
    with pytest.raises(InvalidSetting, match="prior_sd"):
        t_e_process([1.0], prior_sd=0)
    with pytest.raises(InvalidSetting, match="confidence"):
        t_e_process([1.0], confidence=95)
    with pytest.raises(NotEnoughPairs):
        t_e_process([])
