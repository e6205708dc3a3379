"""Choosing the test, the effect size, the pairing and the scale; planning."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest

from stats import (
    InvalidSetting,
    Judging,
    NotEnoughPairs,
    StatsError,
    analyse,
    compare,
    hedges_g,
    interaction,
    mann_whitney,
    permutation_test,
    plan_power,
    power_of,
    sign_test,
    t_interval,
    welch,
)
from stats.attainable import seeds_needed_for_alpha
from stats.effects.log_odds import log_odds
from stats.effects.standardised import d_av
from stats.effects.superiority import superiority
from stats.equivalence.tost import tost_rows
from stats.power.by_pairs import noether_sample_size
from stats.power.of_equivalence import pairs_for_tost, tost_power
from stats.power.shifted import power_by_shifts
from stats.power.simulated import detectable_effect, simulated_seeds
from stats.register import (
    PAIRED_EFFECTS,
    PAIRED_TESTS,
    UNPAIRED_EFFECTS,
    UNPAIRED_TESTS,
    paired_test,
)
from stats.report import FORMATS, render
from stats.two_arms.primary_tests import paired_test_rows
from stats.two_arms.rank_sum import hodges_lehmann_shift
from stats.two_arms.unpaired_permutation import unpaired_permutation_test

BASE = [60.1, 61.4, 59.8, 60.6, 61.0, 60.2, 60.9]
KD = [61.3, 61.9, 61.2, 60.9, 62.2, 61.6, 61.2]


@pytest.mark.parametrize("test", PAIRED_TESTS)
def test_the_primary_test_is_the_one_that_was_chosen(test: str):
    result = compare(BASE, KD, test=test)
    d = np.subtract(KD, BASE)
    expected = {
        "permutation": permutation_test(d).p_value,
        "t": t_interval(d).p_value,
        "sign": sign_test(d).p_value,
        "wilcoxon": compare(BASE, KD).p_value,
    }[test]
    assert result.test == test
    assert result.p_value == pytest.approx(expected)
    assert result.verdict == "better"
    assert compare(KD, BASE, test=test).verdict == "worse"


@pytest.mark.parametrize("effect", PAIRED_EFFECTS)
def test_the_effect_size_that_was_chosen_has_an_interval(effect: str):
    result = compare(BASE, KD, effect=effect)
    assert result.effect == effect
    assert result.effect_low < result.effect_size < result.effect_high or result.effect_size == 1
    if effect in ("hedges_g", "d_z", "rank_biserial"):
        assert result.effect_size == getattr(result, effect)


def test_effects_of_arms_are_those_of_the_functions():
    found = compare(BASE, KD, effect="d_av")
    assert found.effect_size == d_av(BASE, KD).estimate
    d = np.subtract(KD, BASE)
    assert compare(BASE, KD, effect="superiority").effect_low == superiority(d).low


@pytest.mark.parametrize("test", UNPAIRED_TESTS)
def test_unpaired_arms_may_differ_in_length(test: str):
    result = compare(BASE, KD[:5], paired=False, test=test, margin=2.0)
    expected = {"welch": welch, "mann-whitney": mann_whitney}.get(test, unpaired_permutation_test)
    assert result.p_value == pytest.approx(expected(BASE, KD[:5]).p_value)
    assert (result.n_baseline, result.n_candidate, result.n_pairs) == (7, 5, 0)
    assert result.hodges_lehmann == pytest.approx(hodges_lehmann_shift(BASE, KD[:5]).estimate)
    assert result.ci_low == pytest.approx(welch(BASE, KD[:5]).low)
    assert result.hedges_g == hedges_g(BASE, KD[:5]).estimate
    assert math.isnan(result.pair_correlation)
    assert math.isnan(result.d_z)


@pytest.mark.parametrize("effect", UNPAIRED_EFFECTS)
def test_unpaired_effects_have_intervals(effect: str):
    result = compare(BASE, KD[:5], paired=False, effect=effect)
    assert result.effect_low < result.effect_size < result.effect_high


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"test": "welch"}, 'test "welch" is for unpaired scores, and these are declared paired'),
        ({"test": "wilcoxon", "paired": False}, 'test "wilcoxon" is for paired scores'),
        ({"effect": "a12"}, 'effect "a12" is for unpaired scores'),
        ({"effect": "d_z", "paired": False}, f"take one of {', '.join(UNPAIRED_EFFECTS)}"),
        ({"test": "anova"}, f"test must be one of {', '.join(PAIRED_TESTS)}"),
        ({"equivalence": "bayes"}, "equivalence must be one of t, ranks"),
    ],
)
def test_a_choice_for_the_other_kind_of_data_is_refused(options: dict, says: str):
    with pytest.raises(InvalidSetting, match=says):
        compare(BASE, KD, **options)


def test_many_zero_differences_do_not_turn_the_verdict():
    gains = [0.0] * 10 + [1.0, 1.1, 1.2, 1.3, 1.4, 1.5]
    assert compare(np.full(16, 60.0), np.add(60.0, gains)).verdict == "better"


def test_an_unpaired_arm_of_one_score_is_refused():
    with pytest.raises(NotEnoughPairs, match="candidate has 1 scored seeds; 2 needed"):
        compare(BASE, KD[:1], paired=False)


def test_pairing_that_is_thrown_away_is_pointed_out(table):
    analysis = analyse(table, "base", ["ls", "kd"], Judging(paired=False, margin=1.0))
    assert any("that pairing is thrown away" in warning for warning in analysis.warnings)
    assert {each.test for each in analysis.interactions} == {"welch"}
    paired = analyse(table, "base", ["ls", "kd"], Judging(margin=1.0))
    assert not any("thrown away" in warning for warning in paired.warnings)
    for one, other in zip(analysis.comparisons, paired.comparisons, strict=True):
        assert one.pair_correlation == pytest.approx(other.pair_correlation)
        assert one.mean_difference == pytest.approx(other.mean_difference)
        assert one.p_value > other.p_value or other.candidate == "ls"


def test_arms_without_shared_seeds_must_be_declared_unpaired(table):
    table.loc[table["method"] == "kd", "seed"] += 1000
    with pytest.raises(NotEnoughPairs, match="unless the scores are declared unpaired"):
        analyse(table, "base", ["kd"])
    analysis = analyse(
        table, "base", ["kd"], Judging(paired=False, test="welch", effect="cliffs_delta")
    )
    assert {(each.n_baseline, each.n_candidate) for each in analysis.comparisons} == {(8, 8)}
    assert {each.dropped_seeds for each in analysis.comparisons} == {()}
    assert not any("thrown away" in warning for warning in analysis.warnings)


def test_a_failed_unpaired_run_is_named_and_nothing_else(table):
    table["status"] = ""
    kd = (table["method"] == "kd") & (table["init"] == "scratch") & (table["seed"] == 42)
    table.loc[kd, ["score", "status"]] = [math.nan, "diverged"]
    analysis = analyse(table, "base", ["kd"], Judging(paired=False))
    assert analysis.comparisons[1].n_candidate == 7
    where = "base vs kd (tiny · scratch · docstrings)"
    assert f"{where}: dropped seed 42 (kd diverged)" in analysis.warnings


def test_too_few_unpaired_scores_are_said(table):
    few = table[table["seed"].isin([42, 7, 1])]
    warnings = analyse(few, "base", ["kd"], Judging(paired=False)).warnings
    assert any("3 and 3 scores in a family of 1 can never reach p < 0.05" in w for w in warnings)


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_shows_unpaired_analyses(table, format: str):
    table = table[(table["method"] != "kd") | (table["seed"] != 42)]
    analysis = analyse(table, "base", ["kd"], Judging(paired=False, effect="a12", margin=1.0))
    text = render(analysis, format)
    if format == "json":
        whole = json.loads(text)
        assert (whole["test"], whole["effect"], whole["paired"]) == ("mann-whitney", "a12", False)
        assert whole["comparisons"][0]["effect_low"] < whole["comparisons"][0]["effect_size"]
    elif format != "csv":
        assert "8 + 7" in text
        assert "Mann-Whitney" in text.replace("{-}", "-")


def test_the_header_names_test_effect_and_pair_correlation(table):
    text = render(analyse(table, "base", ["kd"], Judging(test="sign", effect="superiority")))
    assert "exact sign test" in text
    assert "probability of superiority" in text
    assert "pair correlation 0.9" in text


def test_equivalence_by_ranks_is_one_setting():
    close = np.add(BASE, [0.1, -0.1, 0.05, 0.2, -0.15, 0.02, -8.0])
    assert compare(BASE, close, margin=1.0, equivalence="t").p_equivalence > 0.05
    assert compare(BASE, close, margin=5.0, equivalence="ranks").p_equivalence < 0.05


@pytest.mark.parametrize("test", [*PAIRED_TESTS, *UNPAIRED_TESTS])
def test_identical_arms_are_never_told_apart(test: str):
    settings = {"test": test, "paired": test in PAIRED_TESTS, "margin": 2.0}
    assert compare(BASE, BASE, **settings).p_value == 1
    assert compare(BASE, BASE, equivalence="ranks", **settings).verdict == "equivalent"


def test_log_odds_have_no_ceiling():
    scratch = ([50.0, 52, 51, 53, 50, 52], [67.9, 69.5, 68.7, 70.3, 67.8, 69.6])
    pretrained = (
        [90.0, 90.2, 90.4, 90.1, 90.3, 90.5],
        [95.0, 95.1, 95.2, 95.0, 95.1, 95.3],
    )
    raw = interaction(scratch, pretrained)
    free = interaction(scratch, pretrained, scale="log_odds")
    assert (raw.scale, free.scale) == ("raw", "log_odds")
    assert raw.difference_of_differences > 12
    assert abs(free.difference_of_differences) < 0.05


def test_perfect_scores_need_the_size_of_the_test_set():
    perfect = ([90.0, 91, 92], [100.0, 99, 98])
    with pytest.raises(StatsError, match="0 or 100 % has no log odds; give test_examples"):
        interaction(perfect, perfect, scale="log_odds")
    result = interaction(perfect, perfect, scale="log_odds", test_examples=200)
    assert result.difference_of_differences == 0
    assert log_odds([0, 50, 100], 200).tolist() == pytest.approx([-math.log(401), 0, math.log(401)])
    for scores, says in (
        ([0.5, 0.7], "multiply by 100"),
        ([101], "not of 101"),
        ([-1], "not of -1"),
    ):
        with pytest.raises(StatsError, match=says):
            log_odds(scores)
    with pytest.raises(InvalidSetting, match="at least 1, not 0"):
        log_odds([50], 0)
    with pytest.raises(InvalidSetting, match="interaction_scale must be one of"):
        interaction(perfect, perfect, scale="probit")


def test_an_analysis_can_ask_for_log_odds(table):
    found = analyse(table, "base", ["kd"], Judging(interaction_scale="log_odds"))
    assert {each.scale for each in found.interactions} == {"log_odds"}
    assert "log odds" in render(found)
    table.loc[0, "score"] = 120.0
    with pytest.raises(StatsError, match="from 0 to 100"):
        analyse(table, "base", ["kd"], Judging(interaction_scale="log_odds"))


def test_noether_is_published(reference):
    case = reference("noether")
    assert noether_sample_size(case["data"]["gamma"]) == case["expect"]["n"]
    assert noether_sample_size(0.25) == case["expect"]["n"]
    with pytest.raises(InvalidSetting, match="nothing to show"):
        noether_sample_size(0.5)


def test_sample_sizes_of_t_are_published(reference):
    assert simulated_seeds("t", 0.5) == reference("paired-t-n")["expect"]["n"]


@pytest.mark.parametrize(("n", "true"), [(8, 0.0), (15, 0.2)])
def test_tost_power_is_what_simulation_finds(n: int, true: float):
    differences = np.random.default_rng(n).normal(true, 0.6, (40_000, n))
    p_value = tost_rows(differences.mean(axis=1), differences.std(axis=1, ddof=1), n, 0.5)
    assert tost_power(n, 0.6, 0.5, true) == pytest.approx((p_value < 0.05).mean(), abs=0.008)


def test_pairs_for_tost_are_the_fewest():
    n = pairs_for_tost(0.6, 0.5)
    assert tost_power(n, 0.6, 0.5) >= 0.8 > tost_power(n - 1, 0.6, 0.5)
    with pytest.raises(InvalidSetting, match="not inside"):
        pairs_for_tost(1, 1, difference=1)
    with pytest.raises(InvalidSetting, match="more than 1,000,000 seeds"):
        pairs_for_tost(1e6, 1)


@pytest.mark.parametrize("test", PAIRED_TESTS)
def test_power_rises_with_the_effect_and_keeps_its_level(test: str):
    powers = [power_of(test, effect, 10) for effect in (0.0, 0.5, 1.0, 2.0)]
    assert powers == sorted(powers)
    assert powers[0] <= 0.062
    assert power_of(test, detectable_effect(test, 10), 10) == pytest.approx(0.8, abs=1e-6)


@pytest.mark.parametrize(("test", "n"), [("wilcoxon", 6), ("wilcoxon", 9), ("permutation", 7)])
def test_power_is_the_share_of_samples_that_the_test_rejects(test: str, n: int):
    """Rejections counted one by one, on samples that have nothing in common with those used."""
    m, effect = 20_000, 1.1
    differences = np.random.default_rng(99).normal(effect, 1, (m, n))
    p_value = paired_test_rows(differences, Judging(test=test))["p_value"]
    share = float((p_value < 0.05).mean())
    error = math.sqrt(share * (1 - share) / m)
    assert power_of(test, effect, n) == pytest.approx(share, abs=3 * error)
    level = paired_test_rows(differences - effect, Judging(test=test))["p_value"] < 0.05
    assert power_of(test, 0.0, n) == pytest.approx(level.mean(), abs=3 * math.sqrt(0.05 / m))


@pytest.mark.parametrize(("test", "n"), [("wilcoxon", 8), ("wilcoxon", 20), ("permutation", 8)])
def test_what_is_detectable_is_right_to_the_digits_that_are_printed(test: str, n: int):
    """Two digits, of which half a percent of power moves none: so for other random numbers."""
    effect, shifts = detectable_effect(test, n), paired_test(test).shifts
    for seed in range(4):
        assert power_by_shifts(shifts, effect, n, 0.05, seed=seed) == pytest.approx(0.8, abs=0.005)


def test_simulated_and_asymptotic_power_meet():
    for n, test in ((40, "wilcoxon"), (12, "permutation")):
        simulated, beyond = power_of(test, 0.5, n), power_of(test, 0.5, n + 1)
        assert simulated == pytest.approx(beyond, abs=0.06)


def test_a_plan_says_never_where_alpha_cannot_be_reached():
    plan = plan_power(5, sd=0.6, margin=0.5, family=3)
    assert math.isnan(plan.detectable[0])
    assert (plan.here.better, plan.smallest_attainable_p) == (0, 3 / 16)
    text = render(plan)
    assert "alpha can never be reached" in text
    assert "never" in text
    assert seeds_needed_for_alpha(0.05, 3) == 7


def test_a_plan_is_a_table_and_a_curve():
    plan = plan_power(8, sd=0.6, margin=0.5)
    text = render(plan)
    assert "8 pairs, sd of the differences 0.6, margin 0.5; alpha .05" in text
    assert "pairs for equivalent at 0 " in text
    assert [point.n_pairs for point in plan.curve] == sorted({p.n_pairs for p in plan.curve})
    assert max(map(len, text.splitlines())) <= 100
    assert text == render(plan_power(8, sd=0.6, margin=0.5))
    assert 0.7 < plan.detectable[0] < 0.85


@pytest.mark.parametrize(
    "options",
    [{"sd": 0}, {"margin": -1}, {"n_pairs": 1}, {"alpha": 1}, {"family": 0}, {"test": "welch"}],
)
def test_impossible_plans_are_refused(options: dict):
    with pytest.raises(InvalidSetting):
        plan_power(**({"n_pairs": 8, "sd": 0.6, "margin": 0.5} | options))


def test_an_analysis_of_one_arm_is_refused():
    only = pd.DataFrame({"method": ["base"] * 3, "seed": [1, 2, 3], "score": [1.0, 2, 3]})
    for options in ({}, {"paired": False}):
        with pytest.raises(StatsError, match='no method "kd"'):
            analyse(only, "base", ["kd"], Judging(**options))
