from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from stats import InvalidSetting, NotEnoughPairs, StatsError, signed_rank
from stats.choices import ZEROS
from stats.ties import settle

tied = st.lists(st.integers(-4, 4), min_size=1, max_size=10)


def by_enumeration(differences: list[int], zeros: str) -> tuple[float, float, float]:
    """W+ and both tails from all 2^n sign patterns of the non-zero ranks."""
    values = np.array(differences, dtype=float)
    if zeros == "wilcox":
        values = values[values != 0]
    ranks = scipy_stats.rankdata(np.abs(values)) if len(values) else np.array([])
    zero = ranks[values == 0].sum() / 2 if zeros == "zsplit" else 0.0
    free = ranks[values != 0]
    observed = ranks[values > 0].sum()
    sums = np.array([np.dot(signs, free) for signs in product((0, 1), repeat=len(free))])
    return observed + zero, float((sums >= observed).mean()), float((sums <= observed).mean())


@given(tied, st.sampled_from(ZEROS))
def test_the_recursion_equals_enumeration_of_all_signs(differences: list[int], zeros: str):
    result = signed_rank(differences, zeros)
    statistic, greater, less = by_enumeration(differences, zeros)
    assert result.statistic == statistic
    assert result.p_greater == pytest.approx(greater, rel=1e-12)
    assert result.p_less == pytest.approx(less, rel=1e-12)
    assert result.p_value == pytest.approx(min(1, 2 * min(greater, less)), rel=1e-12)


@pytest.mark.parametrize("n", [5, 12, 30, 200])
def test_without_ties_it_agrees_with_scipy(n: int):
    differences = np.random.default_rng(n).normal(0.1, 1, n)
    expected = scipy_stats.wilcoxon(differences, method="exact").pvalue
    assert signed_rank(differences).p_value == pytest.approx(expected, rel=1e-9)


def test_depression_scores(reference):
    case = reference("depression")
    expect = case["expect"]
    result = signed_rank(np.subtract(case["data"]["x"], case["data"]["y"]))
    assert result.statistic == expect["V"]
    assert result.p_value == expect["p_two_sided"]
    assert result.p_greater == expect["p_greater_x_minus_y"]
    mid_p = (result.p_greater + 1 - result.p_less) / 2
    assert mid_p == pytest.approx(expect["mid_p_greater"], abs=1e-8)


@pytest.mark.parametrize("name", ["ties-1", "ties-2"])
def test_ties_cost_nothing(reference, name: str):
    case = reference(name)
    assert signed_rank(case["data"]["d"]).p_value == case["expect"]["p_two_sided"]


def test_sleep_with_a_zero_and_float_ties(reference):
    case = reference("sleep")
    x, y = np.array(case["data"]["x"]), np.array(case["data"]["y"])
    result = signed_rank(settle(x - y, scale=5))
    assert result.p_value == case["expect"]["p_wilcoxon_exact_zeros_dropped"]
    assert (result.n_pairs, result.n_nonzero) == (10, 9)
    # R prints the normal approximation here, twice as large; our ranks give it too.
    ranks = scipy_stats.rankdata(np.abs(settle(x - y, scale=5)[x != y]))
    z = (abs(result.statistic - ranks.sum() / 2) - 0.5) / np.sqrt((ranks**2).sum() / 4)
    approximate = 2 * scipy_stats.norm.sf(z)
    assert approximate == pytest.approx(case["expect"]["p_wilcoxon_normal_continuity"], abs=1e-6)


def test_darwins_maize(reference):
    case = reference("darwin-maize")
    result = signed_rank(case["data"]["d_eighths_inch"])
    assert result.statistic == case["expect"]["V"]
    assert result.p_value == case["expect"]["p_wilcoxon"]


def test_zeros_are_split_as_demsar_splits_them(reference):
    case = reference("demsar-table-6")
    scores = np.array(case["data"]["scores"])
    result = signed_rank(settle(scores[:, 1] - scores[:, 0], scale=1), zeros="zsplit")
    total = len(scores) * (len(scores) + 1) / 2
    assert [result.statistic, total - result.statistic] == case["expect"][
        "R_plus_minus_columns_2_minus_1"
    ]


def test_all_zeros_are_no_evidence_at_all():
    result = signed_rank([0, 0, 0, 0])
    assert (result.statistic, result.p_value, result.n_nonzero) == (0, 1, 0)


def test_one_thousand_pairs_stay_exact_in_the_far_tail():
    result = signed_rank(np.arange(1, 1001))
    assert result.p_value == pytest.approx(2.0**-999, rel=1e-12)


def test_one_thousand_tied_pairs_agree_with_the_normal_limit():
    differences = np.random.default_rng(0).integers(-20, 21, 1000)
    limit = scipy_stats.wilcoxon(differences, method="approx", correction=True).pvalue
    assert signed_rank(differences).p_value == pytest.approx(limit, rel=0.01)


def test_beyond_the_exact_limit_it_is_the_normal_limit():
    differences = np.random.default_rng(0).normal(0.05, 1, 1500)
    limit = scipy_stats.wilcoxon(differences, method="approx").pvalue
    assert signed_rank(differences).p_value == pytest.approx(limit, rel=1e-9)


@pytest.mark.parametrize(
    ("differences", "error", "says"),
    [
        ([], NotEnoughPairs, "0 differences given; at least 1 needed"),
        ([1.0, float("nan")], StatsError, "position 1 holds nan"),
        ([1.0, float("inf")], StatsError, "position 1 holds inf"),
        ([[1.0, 2.0]], StatsError, "one-dimensional"),
        (["a"], StatsError, "must be numbers"),
    ],
)
def test_bad_differences_are_named(differences, error: type[Exception], says: str):
    with pytest.raises(error, match=says):
        signed_rank(differences)


def test_an_unknown_rule_for_zeros_lists_the_known_ones():
    with pytest.raises(InvalidSetting, match="wilcox, pratt, zsplit"):
        signed_rank([1, 2, 3], zeros="keep")
