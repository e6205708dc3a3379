from __future__ import annotations

import numpy as np
import pytest
from statsmodels.stats.power import TTestPower

from stats import InvalidSetting, signed_rank
from stats.attainable import seeds_needed_for_alpha, smallest_attainable_p
from stats.power.by_pairs import pairs_for_paired_t
from stats.power.sample_size import pairs_for_signed_rank
from stats.two_arms.signed_rank import signed_rank_rows, two_sided
from stats.two_arms.student import paired_t_power


def test_smallest_attainable_p_is_published(reference):
    case = reference("attainable")
    assert [smallest_attainable_p(n) for n in case["data"]["n"]] == case["expect"]["p"]


@pytest.mark.parametrize("n", [1, 2, 5, 8, 11])
def test_smallest_attainable_p_is_attained(n: int):
    assert signed_rank(np.arange(1, n + 1)).p_value == smallest_attainable_p(n)


def test_eight_pairs_reach_a_family_of_four_and_not_of_eight():
    assert smallest_attainable_p(8, family=4) == 0.03125
    assert smallest_attainable_p(8, family=8) == 0.0625


def test_ten_arms_against_one_control_need_nine_seeds():
    assert seeds_needed_for_alpha(0.05, family=10) == 9


def test_benjamini_hochberg_can_reach_alpha_with_fewer_seeds():
    assert seeds_needed_for_alpha(0.05, family=10, correction="benjamini-hochberg") == 6


def test_alpha_itself_does_not_count_as_reached():
    assert seeds_needed_for_alpha(0.0625) == 6


def test_paired_t_sample_size_is_that_of_gpower(reference):
    case = reference("paired-t-n")
    assert pairs_for_paired_t(case["data"]["d_z"]) == case["expect"]["n"]


@pytest.mark.parametrize(("effect", "n", "alpha"), [(0.3, 20, 0.05), (1.2, 6, 0.01), (0, 9, 0.1)])
def test_paired_t_power_agrees_with_statsmodels(effect: float, n: int, alpha: float):
    expected = TTestPower().power(effect, n, alpha)
    assert paired_t_power(effect, n, alpha) == pytest.approx(expected, abs=1e-6)


def test_pairs_for_signed_rank_have_the_power_asked_for():
    n = int(pairs_for_signed_rank(0.9))
    random = np.random.default_rng(4)

    def power(pairs: int) -> float:
        _, greater, less = signed_rank_rows(random.normal(0.9, 1, (20_000, pairs)))
        return float((two_sided(greater, less) < 0.05).mean())

    assert power(n) > 0.79 > power(n - 3)


def test_a_huge_effect_still_needs_the_seeds_that_the_exact_test_needs():
    assert pairs_for_signed_rank(np.inf, family=4) == seeds_needed_for_alpha(0.05, family=4)


def test_sample_sizes_come_in_the_shape_of_the_effects():
    assert pairs_for_paired_t([[0.5, 1.0], [2.0, 0.0]]).shape == (2, 2)


@pytest.mark.parametrize("alpha", [0, 1, -0.1, float("nan")])
def test_alpha_outside_zero_and_one_is_refused(alpha: float):
    with pytest.raises(InvalidSetting, match="alpha must lie between 0 and 1"):
        seeds_needed_for_alpha(alpha)


def test_an_empty_family_is_refused():
    with pytest.raises(InvalidSetting, match=r"family must be .*at least 1, not 0"):
        smallest_attainable_p(8, family=0)
    with pytest.raises(InvalidSetting, match=r"n_pairs must be .*at least 0, not -1"):
        smallest_attainable_p(-1)


def test_many_effects_are_looked_up_as_few_are_searched():
    effects = np.concatenate([np.random.default_rng(0).exponential(1, 250), [0.05, 0.2, 50, 99]])
    looked_up = pairs_for_paired_t(effects)
    assert looked_up.tolist() == [int(pairs_for_paired_t(effect)) for effect in effects]
