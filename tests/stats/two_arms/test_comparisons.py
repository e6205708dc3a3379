"""One candidate against one baseline, from arrays, mappings and Series."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from stats import InvalidSetting, NotEnoughPairs, NotPaired, StatsError, compare

score = st.integers(0, 1000).map(lambda count: count / 10)
arms = st.integers(2, 10).flatmap(
    lambda n: st.tuples(
        st.lists(score, min_size=n, max_size=n), st.lists(score, min_size=n, max_size=n)
    )
)
SIGNED = ("mean_difference", "hodges_lehmann", "d_z", "hedges_g", "rank_biserial")
UNSIGNED = ("p_value", "p_equivalence", "pair_correlation", "hl_confidence", "n_pairs")


@given(arms)
def test_swapping_arms_flips_the_sign_and_keeps_p(both):
    there, back = compare(*both, margin=2.0), compare(*both[::-1], margin=2.0)
    for name in SIGNED:
        assert getattr(there, name) == pytest.approx(-getattr(back, name), abs=1e-9, nan_ok=True)
    for name in UNSIGNED:
        assert getattr(there, name) == pytest.approx(getattr(back, name), abs=1e-9, nan_ok=True)
    for low, high in (("ci_low", "ci_high"), ("hl_low", "hl_high")):
        assert getattr(there, low) == pytest.approx(-getattr(back, high), abs=1e-9)
    mirror = {"better": "worse", "worse": "better"}
    assert there.verdict == mirror.get(back.verdict, back.verdict)


@given(arms, st.integers(-50, 50))
def test_adding_a_constant_to_both_arms_changes_no_difference(both, constant: int):
    plain = compare(*both, margin=2.0)
    moved = compare(*np.add(both, constant), margin=2.0)
    for name in (*SIGNED, *UNSIGNED, "ci_low", "ci_high", "hl_low", "hl_high"):
        expected = pytest.approx(getattr(plain, name), abs=1e-7, nan_ok=True)
        assert getattr(moved, name) == expected
    assert moved.verdict == plain.verdict


@given(arms, st.sampled_from([0.01, 3.0, 128.0]))
def test_scaling_scores_scales_intervals_and_keeps_the_verdict(both, factor: float):
    plain = compare(*both, margin=2.0)
    scaled = compare(*np.multiply(both, factor), margin=2.0 * factor)
    for name in ("mean_difference", "ci_low", "ci_high", "hodges_lehmann", "hl_low", "hl_high"):
        assert getattr(scaled, name) == pytest.approx(factor * getattr(plain, name), abs=1e-7)
    for name in (*UNSIGNED, "d_z", "rank_biserial"):
        expected = pytest.approx(getattr(plain, name), abs=1e-7, nan_ok=True)
        assert getattr(scaled, name) == expected


@given(arms, st.randoms())
def test_the_order_of_seeds_does_not_matter(both, random):
    order = list(range(len(both[0])))
    random.shuffle(order)
    plain, shuffled = compare(*both), compare(*np.array(both)[:, order])
    for name in (*SIGNED, *UNSIGNED):
        expected = pytest.approx(getattr(plain, name), abs=1e-9, nan_ok=True)
        assert getattr(shuffled, name) == expected


@given(arms)
def test_identical_arms_have_p_one_and_are_equivalent_by_ranks_alone(both):
    result = compare(both[0], both[0], margin=1)
    assert (result.p_value, result.verdict) == (1, "inconclusive")
    assert math.isnan(result.p_equivalence)
    ranks = compare(both[0], both[0], margin=1, equivalence="ranks")
    assert ranks.p_equivalence == 2.0 ** -len(both[0])
    assert math.isnan(result.d_z)
    assert (result.ci_low, result.ci_high) == (0, 0)


@given(arms)
def test_the_mean_difference_is_the_difference_of_the_means(both):
    assume(both[0] != both[1])
    result = compare(*both)
    assert result.mean_difference == pytest.approx(
        result.candidate_mean - result.baseline_mean, abs=1e-9
    )


def test_series_are_joined_on_the_seed_and_not_on_the_order():
    baseline = pd.Series([1.0, 2.0, 4.0, 8.0], index=[1, 2, 3, 4])
    candidate = pd.Series([9.0, 4.5, 2.25, 1.5], index=[4, 3, 2, 1])
    result = compare(baseline, candidate)
    assert result.mean_difference == pytest.approx((1 + 0.5 + 0.25 + 0.5) / 4)


def test_seeds_without_a_partner_are_dropped_by_name():
    result = compare({1: 60.0, 2: 61.0, 3: 62.0, 4: 60.5}, {2: 61.5, 3: math.nan, 4: 60.9, 5: 61.0})
    assert result.n_pairs == 2
    assert set(result.dropped_seeds) == {1, 3, 5}


def test_without_a_margin_nothing_is_equivalent():
    result = compare([1.0, 2, 3, 4, 5, 6], [1.001, 2.0, 3.001, 3.999, 5.0, 6.0])
    assert math.isnan(result.p_equivalence)
    assert result.verdict == "inconclusive"


def test_an_outlier_that_turns_the_mean_does_not_turn_the_verdict():
    gains = [*np.linspace(0.5, 1.6, 12), -40.0]
    baseline = np.linspace(60, 62, 13)
    result = compare(baseline, baseline + gains)
    assert result.mean_difference < 0 < result.hodges_lehmann
    assert result.verdict == "better"


def test_both_arms_may_have_the_same_name():
    assert compare([1, 2, 3], [2, 3, 5], names=("kd", "kd")).n_pairs == 3


@pytest.mark.parametrize(
    ("baseline", "candidate", "error", "says"),
    [
        ([1, 2, 3], [1, 2], NotPaired, r"differ in length \(baseline 3, candidate 2\)"),
        ({1: 1.0, 2: 2.0}, [1.0, 2.0], NotPaired, "every arm as a Series or mapping"),
        ({1: 1.0}, {2: 1.0}, NotEnoughPairs, "share 0 scored seeds; 2 needed"),
        ([1.0], [2.0], NotEnoughPairs, "share 1 scored seeds"),
        ([1.0, math.nan], [2.0, 3.0], NotEnoughPairs, "share 1 scored seeds"),
        ([], [], NotEnoughPairs, "share 0 scored seeds"),
        ([1.0, math.inf], [2.0, 3.0], StatsError, "scores of baseline must be finite"),
        (["a", "b"], [2.0, 3.0], StatsError, "scores of baseline must be numbers"),
        ([[1.0, 2.0]], [[2.0, 3.0]], StatsError, "a row of numbers"),
        (
            pd.Series([1.0, 2.0, 3.0], index=[7, 7, 8]),
            pd.Series([1.0, 2.0], index=[7, 8]),
            StatsError,
            "baseline has seed 7 twice",
        ),
    ],
)
def test_scores_that_cannot_be_compared_are_refused(baseline, candidate, error, says: str):
    with pytest.raises(error, match=says):
        compare(baseline, candidate)


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"alpha": 0}, "alpha must lie between 0 and 1, not 0"),
        ({"alpha": 5}, "alpha"),
        ({"margin": -1}, "margin must be a positive number of points, not -1"),
        ({"margin": math.nan}, "margin"),
        ({"resolution": 0}, "resolution"),
        ({"zeros": "keep"}, "zeros must be one of"),
    ],
)
def test_impossible_settings_are_refused(setting: dict, says: str):
    with pytest.raises(InvalidSetting, match=says):
        compare([1, 2, 3], [2, 3, 4], **setting)
