"""Published runs analysed from end to end, and what can and cannot be concluded from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stats import (
    Judging,
    NotEnoughPairs,
    aggregate,
    analyse,
    mixed_effects,
    performance_profiles,
    pooled,
    rank,
    read_scores,
)
from stats.bayes.signed_rank import bayesian_signed_rank_pairs
from stats.register import UNPAIRED_TESTS
from stats.report import render

FOLDER = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "scores"


def published(name: str) -> pd.DataFrame:
    if not (FOLDER / name).exists():
        pytest.skip(f"the published scores are not beside the repository ({name})")
    return pd.read_csv(FOLDER / name)


@pytest.fixture(scope="module")
def setfit() -> pd.DataFrame:
    published("setfit.csv")
    return read_scores(FOLDER / "setfit.csv")


@pytest.fixture(scope="module")
def recycling() -> pd.DataFrame:
    return published("model_recycling.csv").rename(columns={"model": "method"})


def test_setfit_on_each_task_and_over_all(setfit):
    analysis = analyse(setfit, "setfit", ["adapet", "perfect", "fine_tune"], Judging(margin=1.0))
    assert {each.n_pairs for each in analysis.comparisons} == {10}
    assert {each.verdict for each in analysis.comparisons} >= {"better", "worse"}
    assert "accuracy, matthews_correlation" in render(analysis)


def test_what_holds_on_these_tasks_need_not_hold_on_others(setfit):
    fixed = pooled(setfit, "setfit", ["adapet", "perfect"], Judging(tasks="fixed", margin=1.0))
    sampled = pooled(setfit, "setfit", ["adapet", "perfect"], Judging(tasks="sampled", margin=1.0))
    assert [each.verdict for each in fixed.comparisons] == ["worse", "worse"]
    assert [each.verdict for each in sampled.comparisons] == ["inconclusive", "inconclusive"]
    assert [each.n_pairs for each in (*fixed.comparisons, *sampled.comparisons)] == [10, 10, 12, 12]
    for one, other in zip(fixed.comparisons, sampled.comparisons, strict=True):
        assert one.mean_difference == pytest.approx(other.mean_difference)
    assert "12" in render(sampled)


def test_the_mixed_model_finds_that_tasks_differ_far_more_than_splits(setfit):
    adapet, perfect = mixed_effects(setfit, "setfit", ["adapet", "perfect"])
    sampled = pooled(setfit, "setfit", ["adapet"], Judging(tasks="sampled")).comparisons[0]
    assert adapet.converged
    assert perfect.converged
    assert adapet.mean_difference == pytest.approx(sampled.mean_difference)
    assert adapet.task_sd > 10 * adapet.seed_sd
    assert adapet.ci_low < 0 < adapet.ci_high
    assert (adapet.n_tasks, adapet.n_seeds, adapet.n_pairs) == (12, 10, 120)


def test_the_ranking_of_setfit_has_two_groups_that_overlap(setfit):
    ranking = rank(setfit)
    assert ranking.friedman.p_iman_davenport < 0.001
    assert ranking.groups == (
        ("adapet", "setfit", "perfect"),
        ("perfect", "linear_probe", "fine_tune"),
    )
    assert ranking.rank_high[1] == 3
    assert rank(setfit, correction="shaffer").rank_high[0] <= ranking.rank_high[0]


def test_aggregates_of_setfit_keep_the_pairing_by_split(setfit):
    found = aggregate(setfit, baseline="setfit", target=100.0, replicates=3000)
    named = {(each.candidate, each.statistic): each for each in found.contrasts}
    assert named["adapet", "iqm"].high < 0
    # The mean favours SetFit, and yet a run of ADAPET beats one of SetFit more often than not.
    assert named["adapet", "mean"].high < 0
    assert named["adapet", "probability_of_improvement"].low > 0.5
    assert set(found.runs) == {120}
    profiles = performance_profiles(setfit, thresholds=[50, 70, 90], replicates=100)
    assert np.array(profiles.fraction).shape == (5, 3)


def test_the_posterior_of_setfit_over_tasks_is_undecided(setfit):
    wide = setfit.groupby(["task", "method"])["score"].mean().unstack()
    pairs = bayesian_signed_rank_pairs(wide[["adapet", "setfit", "fine_tune"]], 1.0, samples=5000)
    assert max(pairs[0, 1].p_above, pairs[0, 1].p_below) < 0.9
    assert pairs[1, 2].p_above > 0.99


def test_model_recycling_is_ranked_over_tasks_from_unpaired_runs(recycling):
    with pytest.raises(NotEnoughPairs, match="are the runs unpaired"):
        rank(recycling)
    ranking = rank(recycling, judging=Judging(paired=False))
    assert ranking.methods[0] == "microsoft_deberta_v3_base"
    assert ranking.groups[0] == ("microsoft_deberta_v3_base",)
    assert ("bert_base_uncased", "bert_base_cased") in ranking.groups
    assert len(ranking.blocks) == 36


def test_runs_that_collapsed_are_named_and_not_dropped_in_silence(recycling):
    found = aggregate(recycling, judging=Judging(paired=False), replicates=300)
    collapsed = (
        "stsb: 2 of 20 runs of google_t5_v1_1_base have no score",
        "stsb: 4 of 20 runs of t5_base have no score",
    )
    assert set(found.warnings) == set(collapsed)
    assert set(rank(recycling, judging=Judging(paired=False)).warnings) == set(collapsed)
    assert sorted(found.runs) == [716, 718, 720, 720, 720, 720]


def test_two_unpaired_models_on_one_task(recycling):
    analysis = analyse(
        recycling[recycling["task"] == "stsb"],
        "roberta_base",
        ["microsoft_deberta_v3_base", "t5_base"],
        Judging(paired=False, margin=0.01, effect="cliffs_delta"),
    )
    deberta, t5 = analysis.comparisons
    # Better beyond chance and by less than a point, while Welch's interval touches zero.
    assert (deberta.verdict, t5.verdict) == ("negligible", "worse")
    assert deberta.ci_low < 0 < deberta.effect_low
    # Every run of T5 that did not collapse is worse, and a few are very much worse.
    assert (t5.n_baseline, t5.n_candidate, t5.effect_size) == (20, 16, -1)
    assert t5.ci_low < 0 < t5.ci_high
    assert t5.p_adjusted < 1e-6
    assert "dropped seeds 144, 148, 155, 158 (t5_base has no score)" in "\n".join(analysis.warnings)


def test_unpaired_models_are_refused_as_pairs(recycling):
    with pytest.raises(NotEnoughPairs, match="unless the scores are declared unpaired"):
        analyse(recycling[recycling["task"] == "rte"], "roberta_base", ["t5_base"])


def test_every_unpaired_test_agrees_where_the_difference_is_large(recycling):
    rte = recycling[recycling["task"] == "rte"]
    p = [
        analyse(rte, "bert_base_cased", ["roberta_base"], Judging(paired=False, test=test))
        .comparisons[0]
        .p_value
        for test in UNPAIRED_TESTS
    ]
    assert max(p) < 1e-4
