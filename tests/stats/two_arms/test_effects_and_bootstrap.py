"""Effect sizes with their intervals, bootstrap intervals, rank equivalence, non-inferiority."""

from __future__ import annotations

import math

import numpy as np
import pingouin
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from stats import (
    InvalidSetting,
    NotEnoughPairs,
    NotPaired,
    StatsError,
    bootstrap_interval,
    hedges_g,
    hodges_lehmann,
    non_inferiority,
    sign_test,
    signed_rank,
    t_interval,
    tost,
)
from stats.effects.effect_sizes import hedges_g_z, rank_biserial
from stats.effects.standardised import (
    d_av,
    d_z_interval,
    hedges_g_z_interval,
    standardised_from_summary,
)
from stats.effects.superiority import a12, cliffs_delta, rank_biserial_interval, superiority
from stats.equivalence.by_ranks import rank_equivalence
from stats.two_arms.bootstrap import bootstrap_rows, multisets

differences = st.lists(st.integers(-9, 9), min_size=3, max_size=9)
arm = st.lists(st.integers(0, 9), min_size=2, max_size=7)
OF_DIFFERENCES = [d_z_interval, hedges_g_z_interval, superiority, rank_biserial_interval]
OF_ARMS = [hedges_g, a12, cliffs_delta]
CENTRE = {superiority: 1.0, a12: 1.0}


def test_cliffs_delta_and_a12_are_published(reference):
    case = reference("cliff")
    arms = case["data"]["control"], case["data"]["treatment"]
    assert cliffs_delta(*arms).estimate == pytest.approx(case["expect"]["cliffs_delta"])
    assert a12(*arms).estimate == pytest.approx(case["expect"]["A12"])


def test_borenstein_from_summaries(reference):
    case = reference("borenstein")
    data, expect = case["data"], case["expect"]
    result = standardised_from_summary(tuple(data["mean"]), tuple(data["sd"]), tuple(data["n"]))
    for name, value in expect.items():
        assert getattr(result, name) == pytest.approx(value, abs=5e-4), name


@given(differences, st.sampled_from(OF_DIFFERENCES))
def test_turning_differences_turns_effect_and_interval(values: list[int], effect):
    there, back = effect(values), effect(np.negative(values))
    centre = CENTRE.get(effect, 0.0)
    assert there.estimate == pytest.approx(centre - back.estimate, nan_ok=True)
    # at t = 0 the two ends come from different tails of SciPy's non-central t
    assert there.low == pytest.approx(centre - back.high, abs=1e-7, nan_ok=True)
    assert there.high == pytest.approx(centre - back.low, abs=1e-7, nan_ok=True)


@given(arm, arm, st.sampled_from(OF_ARMS))
def test_swapping_arms_turns_effect_and_interval(first: list[int], second: list[int], effect):
    there, back = effect(first, second), effect(second, first)
    centre = CENTRE.get(effect, 0.0)
    assert there.estimate == pytest.approx(centre - back.estimate, abs=1e-7, nan_ok=True)
    assert there.low == pytest.approx(centre - back.high, abs=1e-7, nan_ok=True)


@given(differences, st.sampled_from(OF_DIFFERENCES), st.sampled_from([0.1, 3.0]))
def test_effects_do_not_depend_on_the_unit(values: list[int], effect, factor: float):
    plain, scaled = effect(values), effect(np.multiply(values, factor))
    for name in ("estimate", "low", "high"):
        expected = pytest.approx(getattr(plain, name), abs=1e-7, nan_ok=True)
        assert getattr(scaled, name) == expected


@given(differences, st.sampled_from(OF_DIFFERENCES))
def test_intervals_hold_their_estimates_and_grow_with_confidence(values: list[int], effect):
    narrow, wide = effect(values, confidence=0.8), effect(values, confidence=0.99)
    if not math.isnan(narrow.estimate):
        assert narrow.low - 1e-7 <= narrow.estimate <= narrow.high + 1e-7
        assert wide.low <= narrow.low + 1e-7
        assert wide.high >= narrow.high - 1e-7


def test_effects_agree_with_pingouin():
    random = np.random.default_rng(9)
    first, second = random.normal(size=8), random.normal(0.6, 1.4, 8)
    assert d_av(first, second).estimate == pytest.approx(
        pingouin.compute_effsize(second, first, paired=True, eftype="cohen")
    )
    # pingouin's factor of g is the approximation 1 - 3/(4 df - 1); ours is the gamma function
    assert hedges_g(first, second).estimate == pytest.approx(
        pingouin.compute_effsize(second, first, eftype="hedges"), rel=2e-3
    )
    wins = pingouin.mwu(second, first)
    assert a12(first, second).estimate == pytest.approx(wins["CLES"].iloc[0])
    ranks = pingouin.wilcoxon(second, first)
    assert rank_biserial_interval(second - first).estimate == pytest.approx(ranks["RBC"].iloc[0])


def test_the_interval_of_d_z_inverts_the_noncentral_t():
    values = np.random.default_rng(1).normal(1, 1, 9)
    effect = d_z_interval(values, confidence=0.9)
    t = effect.estimate * 3
    assert scipy_stats.nct.sf(t, 8, effect.low * 3) == pytest.approx(0.05, abs=1e-6)
    assert scipy_stats.nct.cdf(t, 8, effect.high * 3) == pytest.approx(0.05, abs=1e-6)
    assert hedges_g_z_interval(values).estimate == hedges_g_z(values)


def test_huge_effects_have_intervals_too():
    effect = d_z_interval([1e9, 1e9 + 1, 1e9 - 1, 1e9 + 2])
    assert effect.estimate / 5 < effect.low < effect.estimate < effect.high < effect.estimate * 3


@given(differences)
def test_superiority_excludes_one_half_when_the_sign_test_rejects(values: list[int]):
    if 0 not in values:
        effect = superiority(values)
        assert (not effect.low < 0.5 < effect.high) == (sign_test(values).p_value <= 0.05)


def test_one_sided_samples_keep_an_interval():
    assert rank_biserial_interval([1, 2, 3, 4, 5]).low == pytest.approx(0.03, abs=0.01)
    assert rank_biserial_interval([1, 2, 3, 4, 5]).estimate == rank_biserial([1, 2, 3]) == 1
    assert a12([1, 2, 3], [4, 5, 6]).low > 0.5
    assert (rank_biserial_interval([0, 0]).low, rank_biserial_interval([0, 0]).high) == (-1, 1)


def test_without_spread_a_standardised_effect_is_not_a_number():
    for effect in (d_z_interval([2, 2, 2]), d_av([1, 1], [2, 2]), hedges_g([1, 1], [2, 2])):
        assert math.isnan(effect.estimate)
        assert math.isnan(effect.low)
    assert math.isnan(hedges_g([1], [2]).estimate)
    assert math.isnan(d_av([1], [2]).estimate)


def test_bad_effects_are_refused():
    with pytest.raises(NotPaired, match="2 baseline scores and 3 candidate"):
        d_av([1, 2], [1, 2, 3])
    with pytest.raises(InvalidSetting, match="sds must be positive"):
        standardised_from_summary((1, 2), (0, 1), (5, 5))
    with pytest.raises(NotEnoughPairs, match="two scores an arm"):
        standardised_from_summary((1, 2), (1, 1), (5, 1))
    for effect in OF_DIFFERENCES:
        with pytest.raises(InvalidSetting, match="confidence"):
            effect([1, 2, 3], confidence=95)
        with pytest.raises(StatsError, match="position 0"):
            effect([math.nan, 1])
    for effect in OF_ARMS:
        with pytest.raises(NotEnoughPairs):
            effect([], [1])


def test_multisets_are_all_resamples():
    counts, weights = multisets(8)
    assert counts.shape == (6435, 8)
    assert weights.sum() == pytest.approx(1)
    values = np.random.default_rng(0).normal(size=8)
    means = counts @ values / 8
    assert means @ weights == pytest.approx(values.mean())
    assert (means - values.mean()) ** 2 @ weights == pytest.approx(values.var() / 8)


@pytest.mark.parametrize(("ours", "theirs"), [("percentile", "percentile"), ("bca", "BCa")])
def test_the_bootstrap_agrees_with_scipy(ours: str, theirs: str):
    values = np.random.default_rng(4).exponential(size=24)
    result = bootstrap_interval(values, ours, resamples=99_999)
    expected = scipy_stats.bootstrap(
        (values,), np.mean, method=theirs, n_resamples=99_999, rng=1
    ).confidence_interval
    assert (result.low, result.high) == pytest.approx((expected.low, expected.high), abs=0.01)


def test_enumeration_is_what_ever_more_resamples_tend_to():
    values = np.random.default_rng(5).normal(size=8)
    exact = bootstrap_interval(values, "percentile")
    drawn = scipy_stats.bootstrap(
        (values,), np.mean, method="percentile", n_resamples=99_999, rng=1
    ).confidence_interval
    assert (exact.low, exact.high) == pytest.approx((drawn.low, drawn.high), abs=0.01)
    assert exact.exact


def test_bca_is_refused_below_twenty_pairs_with_the_reason():
    with pytest.raises(NotEnoughPairs, match=r"20 pairs and more, and here are 19.*83\.9 %"):
        bootstrap_interval(np.arange(19.0), "bca")
    assert bootstrap_interval(np.arange(20.0), "bca").method == "bca"


@given(differences, st.sampled_from(["percentile", "bootstrap-t"]), st.randoms())
def test_bootstrap_intervals_follow_shift_scale_sign_and_order(values: list[int], method, random):
    plain = bootstrap_interval(values, method)
    shuffled = list(values)
    random.shuffle(shuffled)
    moved = bootstrap_interval(np.multiply(shuffled, -2.0) + 5, method)
    assert moved.low == pytest.approx(5 - 2 * plain.high, abs=1e-7)
    assert moved.high == pytest.approx(5 - 2 * plain.low, abs=1e-7)
    assert plain.low <= plain.mean + 1e-9
    assert plain.high >= plain.mean - 1e-9


def test_the_same_interval_comes_from_many_rows_at_once():
    rows = np.random.default_rng(6).normal(size=(5, 12))
    for method in ("percentile", "bca", "bootstrap-t"):
        low, high = bootstrap_rows(rows, method, 0.95, 999, seed=3)
        alone = bootstrap_rows(rows[2:3], method, 0.95, 999, seed=3)
        assert (low[2], high[2]) == pytest.approx((alone[0][0], alone[1][0]))


def test_constant_differences_and_too_few_have_defined_answers():
    for method in ("percentile", "bootstrap-t"):
        result = bootstrap_interval([1.5] * 6, method)
        assert (result.low, result.high) == (1.5, 1.5)
    two = bootstrap_interval([0, 1], "bootstrap-t")
    assert (two.low, two.high) == (-math.inf, math.inf)
    with pytest.raises(NotEnoughPairs, match="1 differences given; at least 2"):
        bootstrap_interval([1])
    with pytest.raises(InvalidSetting, match="method must be one of"):
        bootstrap_interval([1, 2], "basic")
    with pytest.raises(InvalidSetting, match="10 resamples cannot give"):
        bootstrap_interval([1, 2], resamples=10)


@given(st.lists(st.integers(-192, 192), min_size=5, max_size=9, unique=True), st.integers(6, 256))
def test_rank_equivalence_is_the_interval_inside_the_margin(steps: list[int], reach: int):
    # Differences are whole steps and the margin is not, so that nothing ties around it.
    values, margin = np.array(steps) / 64, (reach + 0.25) / 64
    test = rank_equivalence(values, margin)
    inside = -margin < test.low and test.high < margin and test.confidence >= 0.9
    assert (test.p_value < 0.05) == inside
    assert rank_equivalence(np.negative(values), margin).p_value == test.p_value


def test_four_pairs_are_never_shown_equivalent_by_ranks():
    assert rank_equivalence([0, 0, 0, 0], 1).p_value == 2.0**-4
    assert rank_equivalence([0, 0, 0, 0, 0], 1).p_value == 2.0**-5


@given(differences, st.sampled_from(["t", "ranks"]))
def test_non_inferiority_is_one_half_of_equivalence(values: list[int], test: str):
    result = non_inferiority(values, 2.5, test=test)
    both = tost(values, 2.5) if test == "t" else rank_equivalence(values, 2.5)
    assert result.p_value == pytest.approx(both.p_lower, nan_ok=True)
    turned = non_inferiority(np.negative(values), 2.5, test=test, lower_is_better=True)
    assert turned.p_value == pytest.approx(result.p_value, abs=0, nan_ok=True)
    assert turned.bound == result.bound
    if not math.isnan(result.p_value) and test == "t" and abs(result.bound + 2.5) > 1e-9:
        assert (result.p_value < 0.05) == (result.bound > -2.5)


def test_bounds_of_non_inferiority_are_those_of_the_intervals():
    values = np.random.default_rng(2).normal(size=10)
    assert non_inferiority(values, 1).bound == t_interval(values, 0.9).low
    ranks = non_inferiority(values, 1, test="ranks")
    assert (ranks.estimate, ranks.bound) == (
        hodges_lehmann(values).estimate,
        hodges_lehmann(values, 0.9).low,
    )
    assert math.isnan(non_inferiority([0.5, 0.5], 1).p_value)
    assert math.isnan(non_inferiority([-2, -2], 1).p_value)


@pytest.mark.parametrize("test", [rank_equivalence, non_inferiority])
def test_impossible_margins_and_levels_are_refused(test):
    for margin in (0, -1, math.inf, math.nan):
        with pytest.raises(InvalidSetting, match="margin must be a positive number"):
            test([1, 2, 3], margin)
    for alpha in (0, 0.5, 1):
        with pytest.raises(InvalidSetting, match="alpha must lie between"):
            test([1, 2, 3], 1, alpha=alpha)
    with pytest.raises(NotEnoughPairs):
        test([], 1)


@pytest.mark.parametrize("measure", [t_interval, hedges_g_z, bootstrap_interval, signed_rank])
def test_what_has_no_square_is_refused(measure):
    with pytest.raises(StatsError, match="0 or at least 1e-70"):
        measure([1e-165, 2e-165, 3e-165, 4e-165])
