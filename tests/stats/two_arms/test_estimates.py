"""Estimates and intervals: t, Hodges-Lehmann, effect sizes, equivalence."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from stats import (
    InvalidSetting,
    NotEnoughPairs,
    NotPaired,
    StatsError,
    compare,
    hodges_lehmann,
    non_inferiority,
    t_interval,
    tost,
)
from stats.effects.effect_sizes import (
    d_z,
    hedges_factor,
    hedges_g_z,
    pair_correlation,
    rank_biserial,
)
from stats.equivalence.tost import tost_from_summary, tost_welch_from_summary


def test_depression_has_the_published_pseudo_median_and_interval(reference):
    case = reference("depression")
    expect, data = case["expect"], case["data"]
    result = hodges_lehmann(np.subtract(data["y"], data["x"]))
    assert result.estimate == pytest.approx(expect["hodges_lehmann_y_minus_x"], abs=1e-9)
    assert [result.low, result.high] == pytest.approx(expect["hl_ci_y_minus_x"], abs=1e-9)
    assert result.confidence == expect["hl_achieved_confidence"]
    biserial = rank_biserial(np.subtract(data["x"], data["y"]))
    assert biserial == pytest.approx(expect["rank_biserial_x_minus_y"], abs=5e-5)


@pytest.mark.parametrize(("n", "reached"), [(5, 0.9375), (6, 0.96875), (9, 0.9609375)])
def test_hodges_lehmann_names_the_confidence_it_reaches(n: int, reached: float):
    assert hodges_lehmann(np.random.default_rng(n).normal(size=n)).confidence == reached


def test_the_rank_interval_covers_what_it_says():
    from stats.two_arms.hodges_lehmann import hodges_lehmann_rows

    differences = np.random.default_rng(1).standard_t(3, (20_000, 8)) + 1
    _, low, high, reached = hodges_lehmann_rows(differences, 0.95)
    covered = np.mean((low <= 1) & (high >= 1))
    assert covered == pytest.approx(reached, abs=4 * math.sqrt(0.95 * 0.05 / 20_000))


def test_sleep_has_the_published_t_interval_and_effect(reference):
    case = reference("sleep")
    expect = case["expect"]
    differences = np.subtract(case["data"]["x"], case["data"]["y"])
    result = t_interval(differences)
    assert result.mean == pytest.approx(expect["mean"])
    assert [result.low, result.high] == pytest.approx(expect["ci_t"], abs=1e-7)
    assert result.t == pytest.approx(expect["t"], abs=5e-5)
    assert result.p_value == pytest.approx(expect["p_t"], abs=5e-7)
    assert d_z(differences) == pytest.approx(expect["d_z"], abs=5e-7)


def test_darwins_maize_has_the_published_t(reference):
    case = reference("darwin-maize")
    result = t_interval(case["data"]["d_eighths_inch"])
    assert result.t == pytest.approx(case["expect"]["t"], abs=5e-4)
    assert result.p_value == pytest.approx(case["expect"]["p_t"], abs=5e-5)


def test_hedges_factor_is_that_of_borenstein(reference):
    expect = reference("borenstein")["expect"]
    assert expect["d"] * hedges_factor(98) == pytest.approx(expect["g"], abs=5e-4)


def test_hedges_g_is_unbiased_where_d_is_not():
    samples = np.random.default_rng(3).normal(0.8, 1, (40_000, 5))
    d = samples.mean(axis=1) / samples.std(axis=1, ddof=1)
    assert np.mean(d) > 0.9
    assert np.mean(d) * hedges_factor(4) == pytest.approx(0.8, abs=0.02)
    assert hedges_g_z(samples[0]) == pytest.approx(d[0] * hedges_factor(4))


def test_tost_from_a_printed_summary(reference):
    case = reference("tost-one")
    data, expect = case["data"], case["expect"]
    result = tost_from_summary(
        data["mean"] - data["mu"], data["sd"], data["n"], margin=data["bounds"][1]
    )
    assert [result.t_lower, result.t_upper] == pytest.approx(expect["t"], abs=1e-6)
    assert [result.p_lower, result.p_upper] == pytest.approx(expect["p"], rel=1e-6)


def test_tost_of_welch_from_a_printed_summary(reference):
    case = reference("tost-welch")
    data, expect = case["data"], case["expect"]
    result = tost_welch_from_summary(
        data["mean_difference"], tuple(data["sd"]), tuple(data["n"]), margin=data["bounds"][1]
    )
    assert [result.t_lower, result.t_upper] == pytest.approx(expect["t"], abs=1e-6)
    assert [result.p_lower, result.p_upper] == pytest.approx(expect["p"], rel=1e-6)
    assert result.df == pytest.approx(expect["df"], abs=1e-4)


def test_tost_is_two_one_sided_t_tests():
    differences = np.random.default_rng(0).normal(0.2, 1, 12)
    above = scipy_stats.ttest_1samp(differences, -0.7, alternative="greater").pvalue
    below = scipy_stats.ttest_1samp(differences, 0.7, alternative="less").pvalue
    result = tost(differences, 0.7)
    assert (result.p_lower, result.p_upper) == pytest.approx((above, below))
    assert result.p_value == max(result.p_lower, result.p_upper)


def test_tost_rejects_exactly_when_the_ninety_percent_interval_is_inside():
    differences = np.random.default_rng(5).normal(0.1, 0.5, 9)
    inner = t_interval(differences, confidence=0.9)
    edge = max(abs(inner.low), abs(inner.high))
    assert (
        tost(differences, edge * 1.0001).p_value < 0.05 < tost(differences, edge * 0.9999).p_value
    )


@pytest.mark.parametrize("value", [0.0, 0.3, 0.5, -0.7])
def test_a_spread_seen_as_zero_shows_t_neither_equivalence_nor_a_difference(value: float):
    assert math.isnan(tost([value] * 6, margin=0.5).p_value)
    assert math.isnan(non_inferiority([value] * 6, margin=0.5).p_value)
    assert math.isnan(tost_from_summary(value, 0.0, 6, 0.5).p_value)
    assert math.isnan(tost_welch_from_summary(value, (0.0, 0.0), (6, 6), 0.5).p_value)
    assert math.isnan(t_interval([value] * 6).p_value) == (value != 0)
    found = compare([60.0] * 6, [60.0 + value] * 6, test="t", margin=0.8)
    assert math.isnan(found.p_value) == (value != 0)
    assert (found.verdict, found.seeds_needed) == ("inconclusive", None)


def test_a_constant_difference_has_a_point_for_interval_and_no_standardised_effect():
    interval = t_interval([0.1] * 5)
    assert (interval.mean, interval.low, interval.high) == (0.1, 0.1, 0.1)
    assert math.isnan(d_z([0.1] * 5))
    assert math.isnan(hedges_g_z([0.1] * 5))


def test_one_pair_has_an_estimate_and_no_interval():
    interval = t_interval([1.5])
    assert interval.mean == 1.5
    assert math.isnan(interval.low)
    assert math.isnan(interval.p_value)
    assert math.isnan(d_z([1.5]))
    assert math.isnan(tost([1.5], 1).p_value)
    assert hodges_lehmann([1.5]).confidence == 0


def test_rank_biserial_of_zeros_is_zero():
    assert rank_biserial([0.0, 0.0]) == 0


def test_pair_correlation_is_pearsons_and_undefined_for_a_constant_arm():
    first, second = np.random.default_rng(8).normal(size=(2, 9))
    assert pair_correlation(first, second) == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert math.isnan(pair_correlation([1, 1, 1], [1, 2, 3]))


def test_impossible_requests_are_refused():
    with pytest.raises(InvalidSetting, match="confidence must lie between 0 and 1, not 95"):
        t_interval([1, 2], confidence=95)
    with pytest.raises(InvalidSetting, match="confidence"):
        hodges_lehmann([1, 2], confidence=1)
    with pytest.raises(InvalidSetting, match="margin must be a positive number of points, not 0"):
        tost([1, 2], margin=0)
    with pytest.raises(InvalidSetting, match="margin"):
        tost([1, 2], margin=float("inf"))
    with pytest.raises(NotEnoughPairs, match="two pairs"):
        tost_from_summary(0, 1, 1, 1)
    with pytest.raises(NotEnoughPairs, match="two scores"):
        tost_welch_from_summary(0, (1, 1), (5, 1), 1)
    with pytest.raises(NotPaired, match="2 baseline scores and 3 candidate scores"):
        pair_correlation([1, 2], [1, 2, 3])
    with pytest.raises(StatsError, match="baseline scores must be finite"):
        pair_correlation([1, float("nan")], [1, 2])
