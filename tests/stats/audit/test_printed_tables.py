"""Published tables without raw data: what cannot be, and what can be tested."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from stats import InvalidSetting, NotEnoughPairs, StatsError, signed_rank
from stats.printed.scores import (
    average_is_possible,
    grim,
    grimmer,
    printed_number,
    sd_of_average_is_possible,
)
from stats.printed.tests import compare_printed
from stats.two_arms.signed_rank import attainable_p_values


def test_grim_of_the_published_means(reference):
    case = reference("grim")
    found = [
        grim(mean, n).consistent
        for mean, n in zip(case["data"]["mean"], case["data"]["n"], strict=True)
    ]
    assert found == case["expect"]["consistent"]


@pytest.mark.parametrize(
    ("examples", "one", "five"), [(277, 0.97, 0.86), (872, 0.91, 0.56), (5463, 0.45, 0.0)]
)
def test_the_chance_of_being_caught_falls_with_the_test_set(examples: int, one: float, five: float):
    """RTE, SST-2 and QNLI, in percent with two decimals."""
    assert grim("88.88", examples, unit=100).caught == pytest.approx(one, abs=0.005)
    assert grim("88.88", 5 * examples, unit=100).caught == pytest.approx(five, abs=0.005)


@pytest.mark.parametrize("examples", [7, 277, 872])
def test_the_chance_of_being_caught_is_the_share_of_values_that_are(examples: int):
    consistent = [grim(f"{i / 100:.2f}", examples, unit=100).consistent for i in range(10_000)]
    caught = grim("50.00", examples, unit=100).caught
    assert 1 - np.mean(consistent) == pytest.approx(caught, abs=0.002)


counts = st.lists(st.integers(0, 200), min_size=2, max_size=10)


@given(counts, st.integers(0, 3), st.sampled_from([0, 1]))
def test_what_was_really_measured_passes(right: list[int], decimals: int, ddof: int):
    scores = np.array(right) / 2.0  # percent of 200 examples
    mean, sd = f"{scores.mean():.{decimals}f}", f"{scores.std(ddof=ddof):.{decimals}f}"
    assert grim(mean, 200 * len(right), unit=100).consistent
    found = grimmer(mean, sd, len(right), examples=200, unit=100)
    assert (found.ddof_0, found.ddof_1)[ddof]


@given(counts.map(sorted), st.integers(1, 9))
def test_grimmer_knows_the_parity_of_squares(right: list[int], off: int):
    """A sum of squares off by an odd number belongs to no whole numbers with this sum."""
    n, squares = len(right), sum(each * each for each in right)
    spread = squares + 2 * off - 1 - sum(right) ** 2 / n
    mean, sd = f"{sum(right) / n:.9f}", f"{math.sqrt(spread / (n - 1)):.9f}"
    assert not grimmer(mean, sd, n).ddof_1
    assert grimmer(mean, f"{math.sqrt((spread + 1) / (n - 1)):.9f}", n).ddof_1


@given(st.lists(st.floats(0, 100), min_size=1, max_size=9), st.integers(0, 3), st.integers(0, 3))
def test_a_true_average_is_possible(scores: list[float], own: int, theirs: int):
    columns = [f"{score:.{theirs}f}" for score in scores]
    average = f"{np.mean(scores):.{own}f}"
    assert average_is_possible(average, columns)
    step = 10.0**-own + 10.0**-theirs
    assert not average_is_possible(f"{np.mean(scores) + 2 * step:.{own}f}", columns)


@given(st.lists(st.lists(st.integers(0, 100), min_size=4, max_size=4), min_size=1, max_size=5))
def test_a_true_sd_of_an_average_is_possible(table: list[list[int]]):
    columns = [f"{np.std(column, ddof=1):.2f}" for column in table]
    average = np.mean(table, axis=0)
    assert sd_of_average_is_possible(f"{np.std(average, ddof=1):.2f}", columns)
    mean = np.mean([float(each) for each in columns])
    assert not sd_of_average_is_possible(f"{mean + 0.02:.2f}", columns)


#: The same number as people and spreadsheets write it.
SPELLINGS = ("{} ", " {}", "\u00a0{}\n", "+{}", "{}e0", "{}E+00")


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_how_a_number_is_written_accuses_nobody(spelling: str):
    mean, sd = spelling.format("70.04"), spelling.format("2.42")
    assert grim(mean, 277, unit=100) == grim("70.04", 277, unit=100)
    assert grimmer(spelling.format("90.00"), sd, 5, examples=200, unit=100).ddof_1
    plain = compare_printed(("70.04", "2.42"), ("71.0", "2"), 5)
    # By their text, because one that is not asked for is NaN, which equals nothing.
    assert repr(compare_printed((mean, sd), ("71.0", "2"), 5)) == repr(plain)
    assert average_is_possible(spelling.format("80.1"), [spelling.format("75.2"), "85.1"])
    assert not sd_of_average_is_possible(spelling.format("1.3"), ["0.8", spelling.format("1.1")])


@given(st.integers(1, 9999), st.integers(0, 4), st.integers(-3, 3))
def test_an_exponent_moves_the_last_digit(digits: int, places: int, shift: int):
    plain = printed_number(f"{digits / 10**places:.{places}f}")
    moved = printed_number(f"{digits}e{-places}")
    assert moved == plain
    scaled = printed_number(f"{digits}e{shift - places}")
    assert scaled == tuple(each * Fraction(10) ** shift for each in plain)


def two_arms() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(4)
    shared = random.normal(80, 1, 6)
    return shared + random.normal(0, 0.5, 6), shared + random.normal(0.8, 0.5, 6)


def printed(arm: np.ndarray, decimals: int, ddof: int = 1) -> tuple[str, str]:
    return f"{arm.mean():.{decimals}f}", f"{arm.std(ddof=ddof):.{decimals}f}"


@pytest.mark.parametrize("ddof", [0, 1])
def test_tests_from_a_summary_are_those_of_the_scores(ddof: int):
    first, second = two_arms()
    rho = float(np.corrcoef(first, second)[0, 1])
    found = compare_printed(
        printed(first, 9, ddof), printed(second, 9, ddof), 6, ddof=ddof, correlations=[rho]
    )
    expected = scipy_stats.ttest_ind(second, first, equal_var=False)
    assert found.p_value == pytest.approx(expected.pvalue, rel=1e-6)
    assert found.p_paired[0] == pytest.approx(scipy_stats.ttest_rel(second, first).pvalue, rel=1e-6)


def test_equivalence_from_a_summary_is_toster_s(reference):
    case = reference("tost-welch")
    data, n = case["data"], 90
    low, high = data["sd"]
    found = compare_printed(("0", str(low)), ("0.03", str(high)), n, margin=data["bounds"][1])
    error = math.sqrt((low**2 + high**2) / n)
    assert found.p_equivalence == pytest.approx(
        scipy_stats.t.sf((data["bounds"][1] - 0.03) / error, 2 * n - 2), rel=0.02
    )


@given(st.integers(0, 2**32 - 1), st.integers(3, 8), st.integers(0, 2))
def test_the_p_of_the_scores_lies_in_the_range_that_rounding_leaves(seed: int, n: int, digits: int):
    random = np.random.default_rng(seed)
    first, second = random.normal(80, 1, n), random.normal(80.8, 1.5, n)
    arms = printed(first, digits), printed(second, digits)
    assume(min(float(sd) for _, sd in arms) > 0)
    found = compare_printed(*arms, n)
    p_value = scipy_stats.ttest_ind(second, first, equal_var=False).pvalue
    # Between the corners the degrees of freedom may bend a little.
    assert found.p_low * 0.98 <= p_value <= found.p_high * 1.02


def test_pairing_that_is_not_printed_changes_p():
    found = compare_printed(("80.1", "0.8"), ("81.0", "0.9"), 5)
    assert list(found.p_paired) == sorted(found.p_paired, reverse=True)
    assert found.p_paired[0] > 0.15 > 0.01 > found.p_paired[-1]
    assert found.p_low < found.p_value < found.p_high
    same = compare_printed(("80.1", "0.8"), ("80.2", "0.9"), 5)
    assert same.p_high == pytest.approx(1)  # rounding allows equal means


@pytest.mark.parametrize("n", [1, 4, 8])
def test_attainable_p_values_are_those_that_signs_attain(n: int):
    sizes = np.arange(1, n + 1)
    signs = 1 - 2 * (np.arange(2**n)[:, None] >> np.arange(n) & 1)
    attained = {signed_rank(sizes * each).p_value for each in signs}
    assert attainable_p_values(n) == pytest.approx(sorted(attained))


def test_the_smallest_attainable_p_is_published(reference):
    case = reference("attainable")
    found = [attainable_p_values(n)[0] for n in case["data"]["n"]]
    assert found == case["expect"]["p"]


def test_bad_tables_are_refused():
    for broken in (
        lambda: grim("n/a", 10),
        lambda: grim("1/3", 10),
        lambda: grim("1_0.5", 10),
        lambda: compare_printed(("1e99", "1"), ("2", "1"), 5),
        lambda: average_is_possible("80.1", []),
        lambda: sd_of_average_is_possible("0.1", []),
    ):
        with pytest.raises(StatsError):
            broken()
    for impossible in (
        lambda: grim("1.0", 0),
        lambda: grimmer("1.0", "1.0", 1),
        lambda: compare_printed(("1", "0"), ("2", "0"), 5),
        lambda: compare_printed(("1", "1"), ("2", "1"), 5, ddof=2),
        lambda: compare_printed(("1", "1"), ("2", "1"), 5, correlations=[1.0]),
        lambda: compare_printed(("1", "1"), ("2", "1"), 5, margin=-1),
        lambda: attainable_p_values(0),
    ):
        with pytest.raises(InvalidSetting):
            impossible()
    with pytest.raises(NotEnoughPairs):
        compare_printed(("1", "1"), ("2", "1"), 1)
