"""From a table to all of its comparisons and interactions."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stats import (
    InvalidSetting,
    Judging,
    NotEnoughPairs,
    NotPaired,
    UnknownName,
    adjust,
    analyse,
    compare,
    interaction,
    read_scores,
)
from stats.verdicts.claims import adjust_claims

CANDIDATES = ["ls", "tf_reg", "kd"]


def by_seed(table: pd.DataFrame, init: str, method: str) -> pd.Series:
    rows = table[(table["init"] == init) & (table["method"] == method)]
    return rows.set_index("seed")["score"]


def test_each_init_has_its_own_comparisons_and_its_own_family(table):
    analysis = analyse(table, "base", CANDIDATES, Judging(margin=1.0))
    assert [(each.init, each.candidate) for each in analysis.comparisons] == [
        (init, candidate) for init in ("pretrained", "scratch") for candidate in CANDIDATES
    ]
    for first in (0, 3):
        family = analysis.comparisons[first : first + 3]
        raw = [each.p_value for each in family], [each.p_equivalence for each in family]
        expected, _ = adjust_claims(*raw)
        assert [each.p_adjusted for each in family] == expected.tolist()
        assert {each.smallest_attainable_p_adjusted for each in family} == {3 / 128}
    assert {each.verdict for each in analysis.comparisons if each.init == "pretrained"} == {
        "equivalent"
    }
    assert analysis.comparisons[-1].verdict == "better"


def test_a_row_of_the_table_is_what_compare_says(table):
    analysis = analyse(table, "base", ["kd"], Judging(margin=1.0))
    scratch = analysis.comparisons[1]
    alone = compare(by_seed(table, "scratch", "base"), by_seed(table, "scratch", "kd"), margin=1.0)
    for name in ("p_value", "p_adjusted", "verdict", "hl_low", "ci_high", "hedges_g"):
        assert getattr(scratch, name) == pytest.approx(getattr(alone, name))


def test_a_wider_family_needs_more_seeds(table):
    analysis = analyse(table, "base", CANDIDATES, Judging(family="study"))
    expected = adjust([each.p_value for each in analysis.comparisons])
    assert [each.p_adjusted for each in analysis.comparisons] == expected.tolist()
    assert analysis.comparisons[0].smallest_attainable_p_adjusted == 6 / 128


def test_the_order_of_rows_does_not_matter(table):
    shuffled = table.sample(frac=1, random_state=1).sort_values("init", kind="stable")
    there = analyse(table, "base", CANDIDATES, Judging(margin=1.0))
    back = analyse(shuffled, "base", CANDIDATES, Judging(margin=1.0))
    assert [each.p_adjusted for each in there.comparisons] == [
        each.p_adjusted for each in back.comparisons
    ]
    assert there.interactions == back.interactions


def test_failed_and_missing_seeds_are_dropped_by_name_and_reason(table):
    is_kd = (table["method"] == "kd") & (table["init"] == "scratch")
    table["status"] = ""
    table.loc[is_kd & (table["seed"] == 42), ["score", "status"]] = [math.nan, "diverged"]
    table.loc[is_kd & (table["seed"] == 1), "score"] = math.nan
    table = table[~(is_kd & table["seed"].isin([7, 13]))]
    analysis = analyse(table, "base", ["kd"], Judging(margin=1.0))
    assert analysis.comparisons[1].dropped_seeds == (1, 7, 13, 42)
    assert analysis.comparisons[1].n_pairs == 4
    assert (
        "base vs kd (tiny · scratch · docstrings): dropped seed 1 (kd has no score), "
        "seeds 7, 13 (no run of kd), seed 42 (kd diverged)"
    ) in analysis.warnings
    assert analysis.interactions[0].n_pairs == 4


def test_a_comparison_without_pairs_stays_in_the_table_and_in_its_family(table):
    failed = (table["method"] == "ls") & (table["init"] == "scratch")
    table.loc[failed, "score"] = math.nan
    analysis = analyse(table, "base", CANDIDATES, Judging(margin=1.0))
    ls, tf_reg = analysis.comparisons[3:5]
    assert (ls.n_pairs, ls.verdict) == (0, "inconclusive")
    assert math.isnan(ls.p_adjusted)
    assert math.isnan(ls.mean_difference)
    assert tf_reg.p_adjusted >= 2 * tf_reg.p_value
    where = "base vs ls (tiny · scratch · docstrings)"
    assert f"{where}: no pair of scored seeds, nothing can be concluded" in analysis.warnings
    assert any(line.startswith(f"{where}: dropped seeds") for line in analysis.warnings)
    assert any("no interaction test of scratch and pretrained" in w for w in analysis.warnings)
    assert [each.candidate for each in analysis.interactions] == ["tf_reg", "kd"]


def test_one_pair_has_a_difference_and_nothing_else(table):
    only = (table["method"] != "ls") | (table["init"] != "scratch") | (table["seed"] == 42)
    ls = analyse(table[only], "base", CANDIDATES, Judging(margin=1.0)).comparisons[3]
    assert ls.n_pairs == 1
    assert math.isfinite(ls.mean_difference)
    assert math.isnan(ls.ci_low)
    assert ls.p_value == 1


def test_a_method_that_was_not_run_from_an_init_is_said_and_left_out(table):
    table = table[(table["method"] != "kd") | (table["init"] == "scratch")]
    analysis = analyse(table, "base", CANDIDATES)
    assert len(analysis.comparisons) == 5
    assert "base vs kd (tiny · pretrained · docstrings): not compared, no run of kd" in (
        analysis.warnings
    )


def test_what_can_never_be_reached_is_said(table):
    few = table[table["seed"].isin([42, 7, 1, 13, 21])]
    warnings = analyse(few, "base", CANDIDATES).warnings
    assert "no margin is declared, so no verdict can be negligible or equivalent" in warnings
    assert (
        "5 pairs in a family of 3 can never reach p < 0.05: the smallest corrected p is 0.188; "
        "7 seeds are enough"
    ) in warnings


def test_seven_pairs_beside_eight_can_still_reach_alpha_in_holms_later_steps(table):
    lost = (table["method"] == "kd") & (table["seed"] == 42)
    analysis = analyse(table[~lost], "base", [*CANDIDATES], Judging(margin=1.0))
    kd = analysis.comparisons[2]
    assert (kd.n_pairs, kd.smallest_attainable_p_adjusted) == (7, 3 / 128)
    assert not any("never" in warning for warning in analysis.warnings)


def test_identical_runs_are_suspected(table):
    copied = table[table["method"] == "base"].assign(method="copy")
    analysis = analyse(pd.concat([table, copied]), "base", ["copy"], Judging(margin=1.0))
    assert {each.verdict for each in analysis.comparisons} == {"inconclusive"}
    assert sum("the same score on all 8 seeds" in w for w in analysis.warnings) == 2
    assert sum("A spread seen as zero gives t no p." in w for w in analysis.warnings) == 2
    ranks = analyse(
        pd.concat([table, copied]), "base", ["copy"], Judging(margin=1.0, equivalence="ranks")
    )
    assert {each.verdict for each in ranks.comparisons} == {"equivalent"}
    assert not any("gives t no p" in w for w in ranks.warnings)


def test_an_outlier_that_turns_the_mean_is_pointed_out(table):
    outlier = (table["method"] == "ls") & (table["init"] == "scratch") & (table["seed"] == 42)
    table.loc[outlier, "score"] -= 60
    warnings = analyse(table, "base", ["ls"]).warnings
    assert any("opposite signs; look for an outlying seed" in warning for warning in warnings)


def test_a_loss_is_recognised_by_its_name(table):
    loss = table.assign(metric="nll")
    verdicts = [each.verdict for each in analyse(loss, "base", ["kd"]).comparisons]
    assert verdicts[1] == "worse"
    as_told = analyse(loss, "base", ["kd"], Judging(lower_is_better=False)).comparisons[1]
    assert as_told.verdict == "better"


def test_a_metric_must_be_named_where_there_are_several(table):
    both = pd.concat([table, table.assign(metric="f1", score=table["score"] / 2)])
    with pytest.raises(InvalidSetting, match=r"several metrics \(accuracy, f1\): name one"):
        analyse(both, "base", ["kd"])
    assert analyse(both, "base", ["kd"], Judging(metric="f1")).metric == "f1"
    one_each = pd.concat([table, table.assign(metric="matthews", task="cola")])
    assert analyse(one_each, "base", ["kd"]).metric == "accuracy, matthews"
    mixed = pd.concat([table, table.assign(metric="nll", task="cola")])
    with pytest.raises(InvalidSetting, match="less is better for some"):
        analyse(mixed, "base", ["kd"])


def test_only_the_split_that_was_asked_for_is_analysed(table):
    both = pd.concat([table, table.assign(split="dev", score=table["score"] + 100)])
    assert analyse(both, "base", ["kd"], Judging(margin=1)) == analyse(
        table, "base", ["kd"], Judging(margin=1)
    )
    with pytest.raises(UnknownName, match='no split "test" in the scores; they hold "dev"'):
        analyse(table.assign(split="dev"), "base", ["kd"])


def test_unknown_names_list_those_that_are_present(table):
    with pytest.raises(
        UnknownName, match=r'no method "KD" in the scores; they hold "base", "ls", "tf_reg", "kd"'
    ):
        analyse(table, "base", ["KD"])
    with pytest.raises(UnknownName, match='no metric "f1"'):
        analyse(table, "base", ["kd"], Judging(metric="f1"))
    with pytest.raises(UnknownName, match='no init "roberta"'):
        analyse(table, "base", ["kd"], Judging(reference_init="roberta"))


def test_meaningless_questions_are_refused(table):
    with pytest.raises(InvalidSetting, match=r'candidates is a list: \["kd"\]'):
        analyse(table, "base", "kd")
    with pytest.raises(InvalidSetting, match="at least one candidate"):
        analyse(table, "base", [])
    with pytest.raises(InvalidSetting, match='"base" is named twice'):
        analyse(table, "base", ["kd", "base"])
    with pytest.raises(InvalidSetting, match=r"family must be one of model-init-task, study"):
        analyse(table, "base", ["kd"], Judging(family="all"))
    with pytest.raises(InvalidSetting, match="correction must be one of"):
        analyse(table, "base", ["kd"], Judging(correction="tukey"))


def test_arms_that_share_no_seed_are_refused(table):
    table.loc[table["method"] == "kd", "seed"] += 1000
    with pytest.raises(NotEnoughPairs, match=r"base vs kd .* share 0 scored seeds"):
        analyse(table, "base", ["kd"])


def test_arms_that_never_meet_are_refused(table):
    apart = (table["method"] == "base") == (table["init"] == "scratch")
    with pytest.raises(NotPaired, match=r"runs of base and kd: base has .*scratch.*; kd has .*pre"):
        analyse(table[apart], "base", ["kd"])


def test_interaction_is_the_double_difference_of_each_seed(table):
    found = analyse(table, "base", CANDIDATES).interactions
    assert {each.inits for each in found} == {("scratch", "pretrained")}
    kd = found[-1]
    arms = {
        init: (by_seed(table, init, "base"), by_seed(table, init, "kd"))
        for init in ("scratch", "pretrained")
    }
    alone = interaction(arms["scratch"], arms["pretrained"])
    change = (arms["scratch"][1] - arms["scratch"][0]) - (
        arms["pretrained"][1] - arms["pretrained"][0]
    )
    assert kd.difference_of_differences == pytest.approx(change.mean())
    assert (kd.ci_low, kd.ci_high) == pytest.approx((alone.ci_low, alone.ci_high))
    assert kd.p_value == alone.p_value == 2 / 256
    assert [each.p_adjusted for each in found] == adjust([each.p_value for each in found]).tolist()


def test_three_inits_have_three_interactions_with_the_reference_subtracted(table):
    third = table[table["init"] == "scratch"].assign(init="domain")
    found = analyse(pd.concat([third, table]), "base", ["kd"]).interactions
    assert [each.inits for each in found] == [
        ("domain", "scratch"),
        ("domain", "pretrained"),
        ("scratch", "pretrained"),
    ]
    turned = analyse(table, "base", ["kd"], Judging(reference_init="scratch")).interactions
    assert turned[0].inits == ("pretrained", "scratch")


def test_an_interaction_from_arrays_needs_two_shared_seeds():
    with pytest.raises(NotEnoughPairs, match="the four arms share 1 scored seeds"):
        interaction(({1: 1.0, 2: 2.0}, {1: 2.0, 2: 3.0}), ({1: 1.0}, {1: 2.0}))


@pytest.mark.slow
def test_a_true_absence_of_interaction_is_called_one_in_at_most_five_percent():
    random = np.random.default_rng(6)
    rows = [
        {"task": f"t{task}", "init": init, "method": method, "seed": seed, "score": score}
        for task in range(1000)
        for init in ("scratch", "pretrained")
        for method, effect in (("base", 0), ("kd", 1))
        for seed, score in enumerate(random.normal(60 + effect, 1, 8))
    ]
    found = analyse(pd.DataFrame(rows), "base", ["kd"]).interactions
    wrong = np.mean([each.p_adjusted < 0.05 for each in found])
    assert len(found) == 1000
    assert wrong <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1000)


def test_published_scores_of_setfit_are_analysed_on_every_task(reference):
    path = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "scores" / "setfit.csv"
    analysis = analyse(read_scores(path), "setfit", ["adapet"], Judging(margin=1.0))
    assert len(analysis.comparisons) == 12
    assert {each.n_pairs for each in analysis.comparisons} == {10}


def test_without_candidates_all_others_are_compared_with_the_baseline(table):
    others = [name for name in table["method"].unique() if name != "base"]
    all_others, named = analyse(table, baseline="base"), analyse(table, "base", others)
    assert repr(all_others.comparisons) == repr(named.comparisons)
    assert len(all_others.comparisons) == 2 * len(others)
    with pytest.raises(InvalidSetting, match="at least one candidate"):
        analyse(table[table["method"] == "base"], "base")
    with pytest.raises(UnknownName, match="nobody"):
        analyse(table, "nobody")
