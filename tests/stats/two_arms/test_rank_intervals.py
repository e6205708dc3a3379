"""Hodges-Lehmann intervals answer to the sample that the test beside them answers to."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats import (
    InvalidSetting,
    compare,
    hodges_lehmann,
    mann_whitney,
    non_inferiority,
    read_scores,
    signed_rank,
)
from stats.choices import ZEROS
from stats.equivalence.by_ranks import rank_equivalence
from stats.two_arms.hodges_lehmann import KEPT, HodgesLehmann
from stats.two_arms.rank_sum import hodges_lehmann_shift

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
CASE = SHARED / "cases" / "scores" / "zeros_test_and_interval.csv"
CONFIDENCES = (0.5, 0.8, 0.9, 0.95, 0.99)
NOISE = 1e-12

steps = st.lists(st.integers(-4, 6), min_size=1, max_size=12)
scores = st.lists(st.integers(0, 5), min_size=1, max_size=7)


def excludes_zero(interval: HodgesLehmann) -> bool:
    return interval.low > 0 or interval.high < 0


@given(steps, st.sampled_from(ZEROS), st.sampled_from(CONFIDENCES))
def test_the_signed_rank_test_rejects_exactly_where_its_interval_excludes_0(
    differences: list[int], zeros: str, confidence: float
):
    interval = hodges_lehmann(differences, confidence, zeros)
    p_value = signed_rank(differences, zeros).p_value
    assert interval.low <= interval.estimate <= interval.high
    if interval.confidence > 0:
        assert (p_value <= 1 - interval.confidence + NOISE) == excludes_zero(interval)
    if interval.confidence > confidence + NOISE:
        assert (p_value < 1 - confidence - NOISE) == excludes_zero(interval)


@given(scores, scores, st.sampled_from(CONFIDENCES))
def test_the_rank_sum_test_rejects_exactly_where_its_interval_excludes_0(
    baseline: list[int], candidate: list[int], confidence: float
):
    interval = hodges_lehmann_shift(baseline, candidate, confidence)
    p_value = mann_whitney(baseline, candidate).p_value
    assert interval.low <= interval.estimate <= interval.high
    if interval.confidence > 0:
        assert (p_value <= 1 - interval.confidence + NOISE) == excludes_zero(interval)
    if interval.confidence > confidence + NOISE:
        assert (p_value < 1 - confidence - NOISE) == excludes_zero(interval)


@given(steps, st.sampled_from(ZEROS), st.sampled_from([0.05, 0.2]))
def test_ranks_show_equivalence_exactly_where_their_interval_lies_inside(
    differences: list[int], zeros: str, alpha: float
):
    margin = 4.0  # on which differences lie
    found = rank_equivalence(differences, margin, alpha, zeros)
    inside = -margin < found.low and found.high < margin
    assert (found.p_value < alpha) == (inside and found.confidence >= 1 - 2 * alpha - NOISE)
    bound = non_inferiority(differences, margin, test="ranks", alpha=alpha)
    reaches = bound.confidence >= 1 - alpha - NOISE
    assert (bound.p_value < alpha) == (reaches and bound.bound > -margin)


@given(steps, st.sampled_from(ZEROS))
def test_intervals_turn_with_the_differences(differences: list[int], zeros: str):
    found = hodges_lehmann(differences, zeros=zeros)
    turned = hodges_lehmann(np.negative(differences), zeros=zeros)
    assert (turned.estimate, turned.low, turned.high) == (-found.estimate, -found.high, -found.low)
    assert turned.confidence == found.confidence


def test_zeros_are_dropped_before_the_interval_as_in_r_and_julia():
    """The sample of HypothesisTests.jl, issue 362: R says so of the differences that are not 0."""
    d = [0, 0, 0, 0.5, 0.5, 1, -0.5, -1, 1.5, -1.5, 0.5, 0, 1, -0.5, 2, 0, 0.5, -1, 1, 0.5]
    found = hodges_lehmann(d, 0.9)
    assert (found.estimate, found.low, found.high) == (0.5, -0.25, 0.75)
    assert found == hodges_lehmann([each for each in d if each], 0.9)
    kept = hodges_lehmann(d, 0.9, KEPT)
    assert (kept.estimate, kept.low, kept.high) == (0.25, 0.0, 0.5)
    assert signed_rank(d).p_value == signed_rank([each for each in d if each]).p_value


@pytest.mark.parametrize(
    ("zeros", "p", "estimate", "low", "high"),
    [
        ("wilcox", 2 / 64, 1.75, 0.5, 3.0),
        ("pratt", 2 / 64, 1.25, 0.25, 3.0),
        ("zsplit", 2 / 64, 1.25, 0.25, 3.0),
    ],
)
def test_half_of_the_differences_are_zero(zeros: str, p: float, estimate, low, high):
    d = [0.0] * 6 + [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]
    found = compare(np.full(12, 50.0), np.add(50.0, d), zeros=zeros)
    assert found.p_value == p
    assert (found.hodges_lehmann, found.hl_low, found.hl_high) == (estimate, low, high)
    assert found.hl_confidence == 1 - p


def test_the_table_with_zeros_has_one_answer():
    if not CASE.exists():
        pytest.skip(f"the cases are not beside the repository ({CASE.name})")
    table = read_scores(CASE)
    arms = table.pivot(index="seed", columns="method", values="score")
    found = compare(arms["base"], arms["cand"])
    assert (found.p_value, found.hl_confidence) == (0.03125, 0.96875)
    assert (found.hodges_lehmann, found.hl_low) == pytest.approx((1.75, 0.5))


def test_more_pairs_than_a_float_can_count():
    d = np.round(np.random.default_rng(0).normal(0.06, 1, 1_200), 1)
    found = hodges_lehmann(d)
    assert found.confidence == pytest.approx(0.95, abs=1e-4)
    assert (signed_rank(d).p_value < 0.05) == excludes_zero(found)


def test_an_unknown_rule_for_zeros_is_refused():
    with pytest.raises(InvalidSetting, match="zeros must be one of"):
        hodges_lehmann([1, 2, 3], zeros="drop")
