"""Laws that every test of two arms obeys, over generated scores."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from stats import (
    ComparisonResult,
    bootstrap_interval,
    compare,
    non_inferiority,
    sequential_look,
    sequential_plan,
    tost,
)
from stats.choices import EQUIVALENCES
from stats.equivalence.by_ranks import rank_equivalence
from stats.register import PAIRED_EFFECTS, PAIRED_TESTS, UNPAIRED_EFFECTS, UNPAIRED_TESTS
from stats.sequential.sign_e_value import sign_e_value
from stats.sequential.t_e_process import t_e_process
from stats.two_arms.correlated_t import correlated_t

few = settings(max_examples=25)
"""For each of 75 cases; together they are thousands."""

CHOICES = [
    *((True, test, effect) for test in PAIRED_TESTS for effect in PAIRED_EFFECTS[:1]),
    *((True, PAIRED_TESTS[0], effect) for effect in PAIRED_EFFECTS),
    *((False, test, UNPAIRED_EFFECTS[0]) for test in UNPAIRED_TESTS),
    *((False, UNPAIRED_TESTS[0], effect) for effect in UNPAIRED_EFFECTS),
]
each_choice = pytest.mark.parametrize(("paired", "test", "effect"), list(dict.fromkeys(CHOICES)))
each_equivalence = st.sampled_from(EQUIVALENCES)

score = st.integers(0, 400).map(lambda count: count / 4)
pairs = st.integers(3, 9).flatmap(
    lambda n: st.tuples(
        st.lists(score, min_size=n, max_size=n), st.lists(score, min_size=n, max_size=n)
    )
)

ESTIMATES = ("mean_difference", "hodges_lehmann")
P_VALUES = ("p_value", "p_equivalence")
ENDS = (("ci_low", "ci_high"), ("hl_low", "hl_high"))
MIDDLE = {"superiority": 0.5, "a12": 0.5}
"""Effect sizes that swapped arms mirror about ½ and not about 0."""


def close(value: float, to: float) -> bool:
    return value == pytest.approx(to, abs=1e-7, rel=1e-7, nan_ok=True)


def compared(
    both, paired: bool, test: str, effect: str, equivalence: str, **more
) -> ComparisonResult:
    return compare(
        *both, paired=paired, test=test, effect=effect, equivalence=equivalence,
        **({"margin": 8.0} | more),
    )  # fmt: skip


@each_choice
@few
@given(both=pairs, equivalence=each_equivalence)
def test_swapping_arms_turns_every_sign(both, equivalence, paired, test, effect):
    there = compared(both, paired, test, effect, equivalence)
    back = compared(both[::-1], paired, test, effect, equivalence)
    assert all(close(getattr(there, name), -getattr(back, name)) for name in ESTIMATES)
    assert all(close(getattr(there, name), getattr(back, name)) for name in P_VALUES)
    for low, high in ENDS:
        assert close(getattr(there, low), -getattr(back, high))
    if effect != "d_av":  # its interval is not symmetric between arms of different spread
        twice = 2 * MIDDLE.get(effect, 0.0)
        assert close(there.effect_size, twice - back.effect_size)
        assert close(there.effect_low, twice - back.effect_high)
    mirror = {"better": "worse", "worse": "better"}
    assert there.verdict == mirror.get(back.verdict, back.verdict)


@each_choice
@few
@given(both=pairs, constant=st.integers(-50, 50), equivalence=each_equivalence)
def test_shifting_both_arms_changes_nothing(both, constant, equivalence, paired, test, effect):
    plain = compared(both, paired, test, effect, equivalence)
    moved = compared(np.add(both, constant), paired, test, effect, equivalence)
    for name in (*ESTIMATES, *P_VALUES, "effect_size", "effect_low", "effect_high"):
        assert close(getattr(moved, name), getattr(plain, name))
    assert moved.verdict == plain.verdict


@each_choice
@few
@given(both=pairs, factor=st.sampled_from([0.01, 3.0, 128.0]), equivalence=each_equivalence)
def test_scaling_scores_scales_points_and_nothing_else(
    both, factor, equivalence, paired, test, effect
):
    plain = compared(both, paired, test, effect, equivalence)
    scaled = compared(
        np.multiply(both, factor), paired, test, effect, equivalence, margin=8.0 * factor
    )
    for name in (*ESTIMATES, *(end for ends in ENDS for end in ends)):
        assert close(getattr(scaled, name), factor * getattr(plain, name))
    for name in (*P_VALUES, "effect_size", "effect_low", "effect_high"):
        assert close(getattr(scaled, name), getattr(plain, name))
    assert scaled.verdict == plain.verdict


@each_choice
@few
@given(both=pairs, random=st.randoms(), equivalence=each_equivalence)
def test_the_order_of_rows_changes_nothing(both, random, equivalence, paired, test, effect):
    orders = [list(range(len(both[0]))) for _ in both]
    random.shuffle(orders[0])
    if paired:
        orders[1] = orders[0]
    else:
        random.shuffle(orders[1])
    plain = compared(both, paired, test, effect, equivalence)
    shuffled = [[arm[i] for i in order] for arm, order in zip(both, orders, strict=True)]
    again = compared(shuffled, paired, test, effect, equivalence)
    for name in (*ESTIMATES, *P_VALUES, "effect_size", "effect_low", "effect_high"):
        assert close(getattr(again, name), getattr(plain, name))


@each_choice
@few
@given(both=pairs)
def test_a_loss_is_a_gain_turned_around(both, paired, test, effect):
    gain = compared(both, paired, test, effect, "t")
    loss = compared(both, paired, test, effect, "t", lower_is_better=True)
    turned = {"better": "worse", "worse": "better"}
    assert loss.verdict == turned.get(gain.verdict, gain.verdict)
    assert loss.p_value == gain.p_value


differences = st.lists(st.integers(-40, 60), min_size=3, max_size=9).filter(
    lambda d: len(set(d)) > 1
)
PLAN = sequential_plan(range(3, 10))
P_OF_DIFFERENCES: dict[str, Callable] = {
    "tost": lambda d, scale: tost(d, 8.0 * scale).p_value,
    "rank_equivalence": lambda d, scale: rank_equivalence(d, 8.0 * scale).p_value,
    "correlated_t": lambda d, scale: correlated_t(d, 0.1).p_value,
    "sequential_look": lambda d, scale: sequential_look(d, PLAN).p_value,
    "sign_e_value": lambda d, scale: 1 / sign_e_value(d),
    "t_e_process": lambda d, scale: 1 / t_e_process(d).e_value,
}


@pytest.mark.parametrize("name", P_OF_DIFFERENCES)
@few
@given(d=differences, random=st.randoms(), scale=st.sampled_from([0.01, 7.0]))
def test_p_sees_neither_sign_nor_order_nor_scale(name: str, d: list[int], random, scale: float):
    p_of = P_OF_DIFFERENCES[name]
    shuffled = list(d)
    random.shuffle(shuffled)
    plain = p_of(d, 1.0)
    assert close(p_of(np.negative(d), 1.0), plain)
    assert close(p_of(shuffled, 1.0), plain)
    assert close(p_of(np.multiply(d, scale), scale), plain)


@pytest.mark.parametrize("test", ["t", "ranks"])
@few
@given(d=differences, more=st.integers(1, 30))
def test_non_inferiority_gets_easier_with_gains_and_with_the_margin(
    test: str, d: list[int], more: int
):
    plain = non_inferiority(d, 8.25, test=test)  # on which no difference lies
    raised = non_inferiority(np.add(d, more), 8.25, test=test)
    assert raised.p_value <= plain.p_value + 1e-12
    # Ties are counted as they lie at the margin, so that with ties a rank bound does not follow.
    if test == "t" or len(set(d)) == len(d):
        assert close(raised.bound, plain.bound + more)
    for each in (plain, raised):
        if each.confidence >= 0.95 and not math.isnan(each.p_value):
            assert (each.p_value <= 1 - each.confidence + 1e-12) == (each.bound > -8.25)
    assert non_inferiority(d, 8.25 + more, test=test).p_value == pytest.approx(raised.p_value)
    turned = non_inferiority(np.negative(d), 8.25, test=test, lower_is_better=True)
    assert close(turned.p_value, plain.p_value)


@pytest.mark.parametrize("method", ["percentile", "bootstrap-t"])
@few
@given(d=differences, shift=st.integers(-30, 30))
def test_bootstrap_intervals_move_with_the_differences(method: str, d: list[int], shift: int):
    plain = bootstrap_interval(d, method)
    assume(math.isfinite(plain.low) and math.isfinite(plain.high))
    moved = bootstrap_interval(np.add(d, shift), method)
    assert close(moved.low, plain.low + shift)
    assert close(moved.high, plain.high + shift)
