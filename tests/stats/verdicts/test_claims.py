"""What is printed together is held together: differences, equivalence, interactions."""

from __future__ import annotations

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats import (
    InvalidSetting,
    Judging,
    StatsError,
    adjust,
    analyse,
    compare,
    interaction,
    plan_power,
    pooled,
)
from stats.power.of_equivalence import tost_power
from stats.register import CORRECTIONS
from stats.report import render
from stats.simulation.families import false_claims, false_interactions, found
from stats.verdicts.claims import adjust_claims

pairs_of_p = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=4)
GAINS = (0, 0, 0, 0, 0.5, 1, 1.5, 2)
SIMULATED = 4_000
NOISE = 3 * np.sqrt(0.05 * 0.95 / SIMULATED)


def by_closure(different: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Closed testing by Bonferroni over every set of hypotheses that can be true at once."""
    k = len(different)
    adjusted = np.zeros((2, k))
    for which in product((None, 0, 1), repeat=k):  # of each comparison none or one is true
        true = [(kind, i) for i, kind in enumerate(which) if kind is not None]
        if true:
            p = min(1.0, len(true) * min((different, inside)[kind][i] for kind, i in true))
            for kind, i in true:
                adjusted[kind, i] = max(adjusted[kind, i], p)
    return adjusted


@given(pairs_of_p)
def test_claims_are_never_easier_than_in_closed_testing(p_values: list[tuple[float, float]]):
    different, inside = np.array(p_values).T
    adjusted = np.array(adjust_claims(different, inside))
    closed = by_closure(different, inside)
    assert (adjusted >= closed - 1e-12).all()
    assert adjusted.min() == pytest.approx(closed.min())  # the first step is as sharp


@given(pairs_of_p, st.sampled_from(CORRECTIONS), st.randoms())
def test_corrected_claims_keep_order_and_forget_the_order_of_rows(
    p_values: list[tuple[float, float]], correction: str, random
):
    raw = np.array(p_values).T
    adjusted = np.array(adjust_claims(*raw, correction))
    assert (adjusted >= raw).all()
    assert (adjusted <= 1).all()
    ranked = adjusted.ravel()[np.argsort(raw.ravel(), kind="stable")]
    assert (np.diff(ranked) >= 0).all()
    order = list(range(raw.shape[1]))
    random.shuffle(order)
    assert np.array(adjust_claims(*raw[:, order], correction)) == pytest.approx(adjusted[:, order])


def test_one_comparison_needs_no_correction():
    for correction in CORRECTIONS:
        assert adjust_claims([0.03], [0.04], correction) == (0.03, 0.04)


def test_factors_fall_where_both_hypotheses_of_a_comparison_are_rejected():
    different, inside = adjust_claims([0.001, 0.02, 0.4], [0.004, 0.9, 0.03])
    assert different.tolist() == pytest.approx([0.003, 0.04, 0.8])
    assert inside.tolist() == pytest.approx([0.012, 0.9, 0.06])
    assert adjust([0.001, 0.02, 0.4]).tolist() == pytest.approx([0.003, 0.04, 0.4])


def test_bad_p_values_and_corrections_are_refused():
    with pytest.raises(StatsError, match="2 p-values of differences, 1 of equivalence"):
        adjust_claims([0.1, 0.2], [0.1])
    with pytest.raises(StatsError, match="lie between 0 and 1"):
        adjust_claims([0.1], [1.1])
    with pytest.raises(InvalidSetting, match="correction must be one of"):
        adjust_claims([0.1], [0.1], "hommel")


@pytest.mark.parametrize("world", ["four at the margin", "two at 0, two at the margin"])
@pytest.mark.parametrize("n", [8, 20])
def test_some_false_claim_of_a_family_is_as_rare_as_promised(world: str, n: int):
    assert false_claims(world, n, "holm", SIMULATED) < 0.05 + NOISE


def test_uncorrected_equivalence_would_not_be():
    assert false_claims("four at the margin", 8, "none", SIMULATED) > 0.1
    assert found(0.0, 20, "holm", SIMULATED) < found(0.0, 20, "none", SIMULATED)


def test_interactions_of_several_inits_are_one_family():
    assert false_interactions(4, 8, True, SIMULATED) < 0.05 + NOISE
    assert false_interactions(4, 8, False, SIMULATED) > 0.15


def scores_of(effects: dict[tuple[str, str], float], n: int = 8) -> pd.DataFrame:
    random = np.random.default_rng(7)
    rows = [
        {"init": init, "method": method, "seed": seed, "score": 60 + effect + random.normal(0, 0.5)}
        for (init, method), effect in effects.items()
        for seed in range(n)
    ]
    return pd.DataFrame(rows).assign(model="tiny", task="t", split="test", metric="accuracy")


def test_verdicts_go_by_the_corrected_p_of_equivalence():
    names = ("base", "a", "b", "c", "d")
    table = scores_of({("scratch", name): 0.1 * i for i, name in enumerate(names)})
    found = analyse(table, names[0], names[1:], Judging(margin=0.9))
    raw = np.array([(each.p_value, each.p_equivalence) for each in found.comparisons]).T
    different, inside = adjust_claims(*raw)
    assert [each.p_adjusted for each in found.comparisons] == different.tolist()
    assert [each.p_equivalence_adjusted for each in found.comparisons] == inside.tolist()
    said = ["equivalent" if p < 0.05 else "inconclusive" for p in inside.tolist()]
    assert [each.verdict for each in found.comparisons] == said
    assert {"equivalent", "inconclusive"} <= set(said)
    assert (raw[1] < 0.05).sum() > said.count("equivalent")
    assert "differences and equivalence together" in " ".join(render(found, width=300).split())
    assert '"p_equivalence_adjusted": ' in render(found, "json")
    assert "p_equivalence_adjusted" in render(found, "csv").splitlines()[0]


def test_pooled_and_unpaired_equivalence_are_corrected_as_well():
    table = scores_of({("scratch", name): 0.0 for name in ("base", "a", "b", "c")}, n=12)
    for each in (
        *pooled(table, "base", ["a", "b", "c"], Judging(tasks="fixed", margin=0.8)).comparisons,
        *analyse(table, "base", ["a", "b", "c"], Judging(margin=0.8, paired=False)).comparisons,
        *analyse(
            table, "base", ["a", "b", "c"], Judging(margin=0.8, equivalence="ranks")
        ).comparisons,
    ):
        assert each.p_equivalence < each.p_equivalence_adjusted
    alone = compare(np.arange(8) * 0.1, np.arange(8) * 0.1 + 0.01, margin=0.8, equivalence="ranks")
    assert alone.p_equivalence_adjusted == alone.p_equivalence


def test_without_a_margin_nothing_but_differences_is_corrected():
    table = scores_of({("scratch", name): 0.3 * i for i, name in enumerate("abcd")})
    found = analyse(table, "a", ["b", "c", "d"]).comparisons
    assert [each.p_adjusted for each in found] == adjust([e.p_value for e in found]).tolist()
    assert np.isnan([each.p_equivalence_adjusted for each in found]).all()


def test_every_pair_of_inits_counts_in_the_family_of_interactions():
    inits = ("mlm-10", "mlm-100", "pretrained", "scratch")
    effects = {(init, name): 1.0 * (name == "kd") for init in inits for name in ("base", "kd")}
    analysis = analyse(scores_of(effects), "base", ["kd"], Judging(test="t"))
    raw = [each.p_value for each in analysis.interactions]
    assert len(raw) == 6
    assert {each.family_size for each in analysis.interactions} == {6}
    assert [each.p_adjusted for each in analysis.interactions] == adjust(raw).tolist()
    assert "p (Holm over 6)" in " ".join(render(analysis, "markdown").split())


def test_a_family_of_interactions_that_is_too_large_says_so():
    inits, arms = ("a", "b", "c", "pretrained"), ("base", "x", "y")
    effects = {(init, name): 0.0 for init in inits for name in arms}
    said = " ".join(analyse(scores_of(effects), "base", ["x", "y"]).warnings)
    assert "interactions: 8 pairs in a family of 12 can never reach p < 0.05" in said
    assert "the smallest corrected p is 0.0938; 9 seeds are enough" in said
    alone = interaction(([1, 2, 3], [2, 3, 5]), ([1, 2, 3], [1, 2, 4]))
    assert (alone.family_size, alone.p_adjusted) == (1, alone.p_value)


def test_power_of_equivalence_is_that_of_the_strictest_step():
    plan = plan_power(12, sd=0.6, margin=0.8, family=4, test="t")
    assert plan.here.equivalent == tost_power(12, 0.6, 0.8, alpha=0.05 / 4)
    assert (
        plan.pairs_for_equivalent
        > plan_power(12, sd=0.6, margin=0.8, test="t").pairs_for_equivalent
    )


@pytest.mark.parametrize("test", ["wilcoxon", "permutation", "sign"])
def test_zeros_take_part_in_no_attainable_p(test: str):
    base = np.full(8, 50.0)
    found = compare(base, np.add(base, GAINS), test=test)
    assert found.p_value == found.smallest_attainable_p == 2 * 2.0**-4
    table = pd.DataFrame(
        [
            {"method": name, "seed": seed, "score": 50 + gain * (name == "kd")}
            for name in ("base", "kd")
            for seed, gain in enumerate(GAINS)
        ]
    )
    said = " ".join(analyse(table, "base", ["kd"], Judging(test=test)).warnings)
    assert "8 pairs with differences of zero in a family of 1 can never reach p < 0.05" in said
    assert "6 seeds are enough without these" in said


def test_ties_take_part_in_the_attainable_p_of_unpaired_tests():
    for test in ("mann-whitney", "unpaired-permutation"):
        found = compare([1, 1, 1, 1], [1, 2, 2, 2], paired=False, test=test)
        assert found.p_value == pytest.approx(found.smallest_attainable_p)
        assert found.smallest_attainable_p == pytest.approx(2 * 5 / 70)
