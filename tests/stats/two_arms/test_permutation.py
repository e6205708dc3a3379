"""Permutation, sign, Welch and rank-sum tests."""

from __future__ import annotations

import math

import numpy as np
import pingouin
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from stats import (
    InvalidSetting,
    NotEnoughPairs,
    StatsError,
    compare,
    mann_whitney,
    permutation_test,
    sign_test,
    welch,
)
from stats.attainable import smallest_attainable_p
from stats.two_arms.rank_sum import hodges_lehmann_shift
from stats.two_arms.unpaired_permutation import unpaired_permutation_test

tied = st.lists(st.integers(-4, 4), min_size=1, max_size=9)
arm = st.lists(st.integers(0, 6), min_size=1, max_size=6)
PAIRED = [permutation_test, sign_test]
UNPAIRED = [mann_whitney, unpaired_permutation_test]


def test_darwins_maize_has_fishers_permutation_p(reference):
    case = reference("darwin-maize")
    assert permutation_test(case["data"]["d_eighths_inch"]).p_value == pytest.approx(
        case["expect"]["p_permutation"], abs=1e-12
    )


def test_depression_has_the_published_sign_test(reference):
    case = reference("depression")
    differences = np.subtract(case["data"]["x"], case["data"]["y"])
    assert sign_test(differences).p_value == pytest.approx(case["expect"]["sign_test_p"], abs=5e-5)


@given(tied)
def test_the_permutation_test_counts_what_scipy_counts(differences: list[int]):
    assume(len(differences) > 1)
    expected = scipy_stats.permutation_test(
        (np.array(differences, dtype=float),),
        lambda x, axis: x.sum(axis=axis),
        permutation_type="samples",
        vectorized=True,
        n_resamples=np.inf,
    )
    assert permutation_test(differences).p_value == pytest.approx(expected.pvalue, rel=1e-12)


@pytest.mark.parametrize("n", [13, 14, 20])
def test_counting_by_halves_is_counting(n: int):
    from stats.two_arms.permutation import _count_by_halves, _count_directly

    rows = np.random.default_rng(n).integers(-5, 6, (4, n)).astype(float)
    least = rows.sum(axis=1) - 1e-9
    assert _count_by_halves(rows, least).tolist() == _count_directly(rows, least).tolist()


def test_beyond_the_exact_limit_p_is_never_zero_and_close_to_normal():
    differences = np.random.default_rng(0).normal(1, 1, 40)
    result = permutation_test(differences, resamples=999)
    assert not result.exact
    assert result.p_value == result.smallest_attainable_p == 1 / 1000
    mild = permutation_test(differences - 0.8)
    expected = scipy_stats.ttest_1samp(differences - 0.8, 0).pvalue
    assert mild.p_value == pytest.approx(expected, abs=0.01)
    assert mild == permutation_test(differences - 0.8)


def test_five_pairs_cannot_give_p_zero():
    assert permutation_test([1, 2, 3, 4, 5]).p_value == 0.0625 == smallest_attainable_p(5)


def test_sums_that_agree_but_for_rounding_are_ties():
    assert permutation_test([0.1, 0.2, -0.3]).p_value == permutation_test([1, 2, -3]).p_value == 1


@given(tied)
def test_the_sign_test_is_scipys_binomial_test(differences: list[int]):
    result = sign_test(differences)
    if result.n_nonzero:
        expected = scipy_stats.binomtest(result.n_positive, result.n_nonzero).pvalue
        assert result.p_value == pytest.approx(expected, rel=1e-12)
    else:
        assert result.p_value == 1


@given(tied, st.sampled_from(PAIRED))
def test_turning_differences_turns_the_tails(differences: list[int], test):
    there, back = test(differences), test(np.negative(differences))
    assert there.p_value == back.p_value
    assert (there.p_greater, there.p_less) == (back.p_less, back.p_greater)


@given(tied, st.sampled_from(PAIRED), st.randoms())
def test_neither_order_nor_scale_matters(differences: list[int], test, random):
    shuffled = list(differences)
    random.shuffle(shuffled)
    expected = test(differences).p_value
    assert test(shuffled).p_value == pytest.approx(expected, rel=1e-12)
    assert test(np.multiply(shuffled, 0.1)).p_value == pytest.approx(expected, rel=1e-12)


@given(arm, arm, st.sampled_from(UNPAIRED))
def test_swapping_unpaired_arms_swaps_the_tails(first: list[int], second: list[int], test):
    there, back = test(first, second), test(second, first)
    assert there.p_value == pytest.approx(back.p_value, rel=1e-12)
    assert (there.p_greater, there.p_less) == pytest.approx((back.p_less, back.p_greater))


@given(arm, arm)
def test_unpaired_tests_count_what_scipy_counts(first: list[int], second: list[int]):
    assume(len(first) > 1 and len(second) > 1)
    count = scipy_stats.PermutationMethod(n_resamples=1_000_000)
    expected = scipy_stats.mannwhitneyu(second, first, method=count)
    result = mann_whitney(first, second)
    assert result.statistic == expected.statistic
    assert result.p_value == pytest.approx(expected.pvalue, rel=1e-9)
    dealt = scipy_stats.permutation_test(
        (np.array(second, float), np.array(first, float)),
        lambda x, y, axis: x.mean(axis=axis) - y.mean(axis=axis),
        vectorized=True,
        n_resamples=np.inf,
    )
    p_value = unpaired_permutation_test(first, second).p_value
    assert p_value == pytest.approx(dealt.pvalue, rel=1e-9)


@pytest.mark.parametrize(("n", "k"), [(4, 6), (20, 15), (50, 50)])
def test_without_ties_the_rank_sum_is_scipys_exact(n: int, k: int):
    random = np.random.default_rng(n)
    first, second = random.normal(size=n), random.normal(0.4, 1, k)
    expected = scipy_stats.mannwhitneyu(second, first, method="exact").pvalue
    assert mann_whitney(first, second).p_value == pytest.approx(expected, rel=1e-9)


def test_beyond_one_hundred_scores_it_is_the_corrected_normal_limit():
    random = np.random.default_rng(2)
    first, second = random.integers(0, 9, 70), random.integers(0, 10, 60)
    expected = scipy_stats.mannwhitneyu(second, first, method="asymptotic").pvalue
    result = mann_whitney(first, second)
    assert not result.exact
    assert result.p_value == pytest.approx(expected, rel=1e-9)
    assert mann_whitney([1] * 70, [1] * 60).p_value == 1


def test_many_unpaired_scores_are_dealt_at_random_and_never_give_zero():
    first, second = np.arange(30.0), np.arange(100.0, 130.0)
    result = unpaired_permutation_test(first, second, resamples=499)
    assert (result.exact, result.p_value) == (False, 2 / 500)


def test_the_shift_interval_excludes_zero_when_the_test_rejects():
    random = np.random.default_rng(3)
    for _ in range(50):
        first, second = random.normal(size=6), random.normal(1, 1, 7)
        shift = hodges_lehmann_shift(first, second)
        outside = not shift.low <= 0 <= shift.high
        assert outside == (mann_whitney(first, second).p_value <= 1 - shift.confidence + 1e-12)


def test_welch_agrees_with_scipy_and_pingouin():
    random = np.random.default_rng(5)
    first, second = random.normal(size=6), random.normal(1, 3, 11)
    result = welch(first, second, confidence=0.9)
    expected = scipy_stats.ttest_ind(second, first, equal_var=False)
    interval = expected.confidence_interval(0.9)
    assert (result.t, result.p_value, result.df) == pytest.approx(
        (expected.statistic, expected.pvalue, expected.df)
    )
    assert (result.low, result.high) == pytest.approx((interval.low, interval.high))
    assert result.p_value == pytest.approx(
        pingouin.ttest(second, first, correction=True)["p_val"].iloc[0]
    )


def test_constant_arms_have_defined_answers():
    assert welch([1, 1], [1, 1]).p_value == 1
    assert math.isnan(welch([1, 1], [2, 2]).p_value)
    found = compare([1, 1], [2, 2], test="welch", paired=False, margin=2)
    assert math.isnan(found.p_equivalence)
    assert found.verdict == "inconclusive"
    assert permutation_test([0, 0]).p_value == sign_test([0, 0]).p_value == 1
    assert permutation_test([2]).p_value == 1
    assert unpaired_permutation_test([1, 1], [1, 1]).p_value == mann_whitney([1], [1]).p_value == 1


@pytest.mark.parametrize("test", PAIRED)
def test_bad_differences_are_refused(test):
    with pytest.raises(NotEnoughPairs):
        test([])
    for bad in (math.nan, math.inf):
        with pytest.raises(StatsError, match="position 1"):
            test([1.0, bad])


@pytest.mark.parametrize("test", [*UNPAIRED, welch, hodges_lehmann_shift])
def test_bad_arms_are_refused_by_name(test):
    with pytest.raises(NotEnoughPairs, match="baseline scores"):
        test([], [1.0, 2.0])
    with pytest.raises(StatsError, match="candidate scores must be finite; position 1 holds nan"):
        test([1.0, 2.0], [1.0, math.nan])


def test_impossible_settings_are_refused():
    with pytest.raises(InvalidSetting, match=r"resamples must be .*at least 1"):
        permutation_test([1, 2], resamples=0)
    with pytest.raises(InvalidSetting, match="resamples"):
        unpaired_permutation_test([1], [2], resamples=0)
    with pytest.raises(InvalidSetting, match="confidence"):
        welch([1, 2], [2, 3], confidence=0)
    with pytest.raises(InvalidSetting, match="confidence"):
        hodges_lehmann_shift([1, 2], [2, 3], confidence=95)
