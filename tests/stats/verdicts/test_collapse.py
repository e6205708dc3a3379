"""Runs that collapse are named, and two questions have two answers."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from stats import (
    InvalidSetting,
    Judging,
    NotEnoughPairs,
    StatsError,
    analyse,
    analyse_collapse,
    collapse,
    compare,
    pooled,
)
from stats.report import render
from stats.simulation.collapsing import alarm_rate, found_rate
from stats.table.collapsed_runs import collapsed
from stats.verdicts.collapse import share

BASE = [87.5, 87.9, 87.2, 87.7, 87.4, 87.6, 87.8, 87.3]
KD = [88.1, 88.4, 50.3, 87.9, 88.2, 88.3, 50.1, 88.0]


def table(**arms: list[float]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"method": name, "seed": 10 + i, "score": score, "task": "rte", "metric": "accuracy"}
            for name, scores in arms.items()
            for i, score in enumerate(scores)
        ]
    )


def test_the_rule_errs_and_finds_as_its_docstring_says():
    assert alarm_rate("normal", 8, 1_000) < 0.01
    assert alarm_rate("discrete", 8, 1_000) < 0.02
    assert found_rate(15.0, 8, 1_000) > 0.9


@given(st.floats(0.1, 100), st.integers(-50, 50), st.integers(0, 7))
def test_the_rule_knows_neither_unit_nor_origin_nor_direction(scale: float, shift: int, lost: int):
    arms = np.array([BASE, BASE[::-1]])
    arms[1, lost] -= 30
    named = np.zeros((2, 8), dtype=bool)
    named[1, lost] = True
    assert (collapsed(scale * arms + shift) == named).all()
    assert (collapsed(-scale * arms + shift, lower_is_better=True) == named).all()
    assert not collapsed(scale * arms + shift, lower_is_better=True).any()
    assert not collapsed(arms, margin=40.0).any()


def test_runs_that_are_alike_leave_one_collapsed():
    arms = [[90.0] * 8, [90.0] * 7 + [50.0]]
    assert np.argwhere(collapsed(arms)).tolist() == [[1, 7]]
    assert not collapsed([[90.0] * 8, [90.0] * 7 + [89.9]]).any()


def test_a_declared_score_takes_the_place_of_the_rule():
    assert collapsed([BASE, KD], below=50.2)[1].tolist() == [False] * 6 + [True, False]
    assert collapsed([[1.0, 6.9, 7.0]], below=6.9, lower_is_better=True).tolist() == [
        [False, True, True]
    ]
    with pytest.raises(InvalidSetting, match="below"):
        collapsed([BASE], below=float("nan"))
    with pytest.raises(InvalidSetting, match="margin"):
        collapsed([BASE], margin=0)
    for bad in (BASE, [["a"]], None):
        with pytest.raises(StatsError):
            collapsed(bad)


def test_failed_runs_and_short_arms_are_no_collapse():
    arms = np.array([BASE, [np.nan, np.nan, 88.0, np.nan, np.nan, 20.0, np.nan, np.nan]])
    assert not collapsed(arms).any()


@given(st.integers(0, 20), st.integers(0, 20), st.sampled_from([0.8, 0.95]))
def test_shares_have_the_interval_of_clopper_and_pearson(count: int, more: int, confidence: float):
    if count + more:
        found = share(count, count + more, confidence)
        exact = binomtest(count, count + more).proportion_ci(confidence)
        assert (found.low, found.high) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_both_questions_have_their_answer():
    found = collapse(dict(enumerate(BASE)), dict(enumerate(KD)))
    assert (found.baseline.count, found.candidate.count) == (0, 2)
    assert (found.baseline_seeds, found.candidate_seeds) == ((), (2, 6))
    assert (found.only_baseline, found.only_candidate, found.p_value) == (0, 2, 0.5)
    kept = [i for i in range(8) if i not in (2, 6)]
    assert found.others is not None
    alone = compare([BASE[i] for i in kept], [KD[i] for i in kept])
    assert (found.others.n_pairs, found.others.p_value) == (6, alone.p_value)
    assert (found.others.ci_low, found.others.verdict) == (alone.ci_low, alone.verdict)


def test_many_collapses_are_told_from_none():
    scores = [88.0] * 4 + [50.0] * 8
    found = collapse(np.full(12, 87.0) + np.arange(12) / 10, scores, below=51.0)
    assert found.p_value == 2 * 0.5**8
    assert found.others is not None
    assert found.others.n_pairs == 4
    nothing = collapse([1.0, 2.0], [1.0, 2.0], below=3.0)
    assert (nothing.others, nothing.p_value, nothing.baseline.low) == (
        None,
        1.0,
        nothing.baseline.low,
    )
    with pytest.raises(NotEnoughPairs):
        collapse([np.nan], [1.0])


def test_collapsed_runs_are_named_beside_the_verdict_in_every_output():
    found = analyse(table(base=BASE, kd=KD), "base", ["kd"], Judging(margin=1.0))
    assert found.comparisons[0].collapsed_seeds == (12, 16)
    said = "kd (rte): seeds 12, 16 look collapsed (50.3, 50.1; median 88.05)"
    assert any(said in each for each in found.warnings)
    for form in ("table", "markdown", "latex"):
        text = " ".join(render(found, form, width=300).split())
        assert "seeds 12, 16 look collapsed" in text
    assert json.loads(render(found, "json"))["comparisons"][0]["collapsed_seeds"] == [12, 16]
    assert "12 16" in render(found, "csv")
    over = pooled(table(base=BASE, kd=KD), "base", ["kd"], Judging(tasks="fixed", margin=1.0))
    assert any(said in each for each in over.warnings)
    unpaired = analyse(table(base=BASE, kd=KD), "base", ["kd"], Judging(margin=1.0, paired=False))
    assert unpaired.comparisons[0].collapsed_seeds == (12, 16)
    assert (
        not analyse(table(base=BASE, kd=BASE[::-1]), "base", ["kd"]).comparisons[0].collapsed_seeds
    )


def test_a_table_of_candidates_is_corrected_question_by_question():
    found = analyse_collapse(table(base=BASE, kd=KD, ls=BASE[::-1]), "base", ["kd", "ls"])
    kd, ls = found.candidates
    assert (kd.found.candidate.count, ls.found.candidate.count, kd.n_pairs) == (2, 0, 8)
    assert kd.p_adjusted == 1.0
    assert kd.found.others is not None
    assert (kd.found.others.n_pairs, kd.found.others.p_value) == (6, 0.03125)
    assert kd.found.others.p_adjusted == 0.0625
    for form in ("table", "markdown", "latex", "csv", "json"):
        assert "kd" in render(found, form)
    text = render(found, "markdown")
    assert "2 of 8 [3 %, 65 %]" in text
    assert "seeds on which neither collapsed" in text


def test_what_is_not_known_of_the_metric_is_said_beside_collapses_too():
    found = analyse_collapse(table(base=BASE, kd=KD).assign(metric="zeal"), "base", ["kd"])
    assert 'nothing says of "zeal" whether more is better' in " ".join(found.warnings)


def test_arms_that_share_no_scored_seed_are_named_and_not_left_out_in_silence():
    scores = pd.concat([table(base=BASE, kd=KD), table(ls=BASE).assign(seed=range(90, 98))])
    found = analyse_collapse(scores, "base", ["kd", "ls"])
    assert [each.candidate for each in found.candidates] == ["kd"]
    assert "base vs ls (rte): not compared, no scored seed is shared" in found.warnings


def test_how_often_is_answered_where_no_seed_is_left_to_compare():
    lost = [88.0, 50.1, 87.9, 50.2]
    scores = table(base=[50.0, 88.1, 50.3, 88.2], kd=lost)
    (only,) = analyse_collapse(scores, "base", ["kd"], below=60).candidates
    assert (only.found.baseline.count, only.found.candidate.count) == (2, 2)
    assert only.found.others is None
    assert "fewer than 2" in render(analyse_collapse(scores, "base", ["kd"], below=60))
