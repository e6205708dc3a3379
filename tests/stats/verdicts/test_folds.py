"""Verdicts on the folds of a cross-validation: the corrected resampled t test."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from stats import InvalidSetting, Judging, NotEnoughPairs, ScoresError, read_scores
from stats.report import FORMATS, render
from stats.simulation import fold_error_rates, fold_table
from stats.two_arms.correlated_t import correlated_t
from stats.verdicts.folds import analyse_folds

DIFFERENCES = np.random.default_rng(3).normal(1.0, 1.5, 30)


def table(differences=DIFFERENCES, seeds=None) -> pd.DataFrame:
    """Base scores 80 on every fold; three repetitions of ten folds where none are named."""
    seeds = seeds or [f"{1 + i // 10}/{i % 10}" for i in range(len(differences))]
    rows = [("base", seed, 80.0) for seed in seeds]
    rows += [("kd", seed, 80 + d) for seed, d in zip(seeds, differences, strict=True)]
    return pd.DataFrame(rows, columns=["method", "seed", "score"])


def only(scores: pd.DataFrame, **asked):
    sizes = asked.pop("split_sizes", None)
    return analyse_folds(scores, "base", ["kd"], Judging(**asked), split_sizes=sizes).comparisons[0]


def test_it_is_the_t_test_with_the_variance_of_bouckaert_and_frank():
    found = only(table(), margin=2.0)
    assert (found.n_folds, found.repetitions, found.ratio) == (30, 3, pytest.approx(1 / 9))
    mean, sd = DIFFERENCES.mean(), DIFFERENCES.std(ddof=1)
    error = sd * math.sqrt(1 / 30 + 1 / 9)
    assert found.p_value == pytest.approx(2 * scipy_stats.t.sf(abs(mean / error), 29))
    ends = scipy_stats.t.interval(0.95, 29, loc=mean, scale=error)
    assert (found.ci_low, found.ci_high) == pytest.approx(ends)
    assert found.p_equivalence == pytest.approx(scipy_stats.t.sf((2 - mean) / error, 29))
    assert found.p_independent == pytest.approx(scipy_stats.ttest_1samp(DIFFERENCES, 0).pvalue)


def test_it_agrees_with_the_posterior_that_baycomp_checks():
    found, known = only(table()), correlated_t(DIFFERENCES, 0.1)
    assert (found.p_value, found.ci_low, found.ci_high) == pytest.approx(
        (known.p_value, known.low, known.high)
    )


def test_equivalence_at_the_margin_is_the_interval_inside_of_it():
    found = only(table(), alpha=0.1)  # a 90 % interval
    edge = max(-found.ci_low, found.ci_high)
    for margin, inside in ((1.01 * edge, True), (0.99 * edge, False)):
        judged = only(table(), alpha=0.05, margin=margin)
        assert (judged.p_equivalence < 0.05) == inside
        assert (judged.verdict in ("negligible", "equivalent")) == inside


def test_sizes_of_training_and_test_sets_replace_the_number_of_folds():
    splits = table(seeds=list(range(30)))
    assert only(splits).ratio == pytest.approx(1 / 29)
    assert only(splits, split_sizes=(900, 100)).p_value == pytest.approx(only(table()).p_value)
    assert only(splits, split_sizes=(500, 500)).p_value > only(table()).p_value


def test_many_folds_without_repetitions_are_pointed_out():
    told = analyse_folds(table(seeds=list(range(30))), "base", ["kd"]).warnings
    assert any("30 folds are taken as one cross-validation" in each for each in told)


def test_the_whole_family_is_corrected_and_a_loss_turns_the_verdict():
    gains = DIFFERENCES + 1
    other = table(-gains)
    both = pd.concat([table(gains), other[other["method"] == "kd"].assign(method="other")])
    found = analyse_folds(both, "base", ["kd", "other"], Judging(lower_is_better=True))
    assert [each.verdict for each in found.comparisons] == ["worse", "better"]
    for each in found.comparisons:
        assert each.p_adjusted == pytest.approx(min(1, 2 * each.p_value))


def test_folds_without_a_score_are_dropped_and_named():
    scores = table()
    scores.loc[scores["seed"] == "2/4", "score"] = np.nan
    found = analyse_folds(scores, "base", ["kd"])
    assert found.comparisons[0].n_folds == 29
    assert found.comparisons[0].dropped_folds == ("2/4",)
    assert any("2/4" in each for each in found.warnings)


def test_equal_differences_show_nothing():
    found = only(table(np.full(10, 0.5)), margin=1.0)
    assert math.isnan(found.p_value)
    assert math.isnan(found.p_equivalence)
    assert found.verdict == "inconclusive"


@pytest.mark.parametrize(
    ("judging", "says"),
    [
        ({"test": "sign"}, 'test "sign" takes folds for independent runs'),
        ({"equivalence": "ranks"}, "equivalence by ranks"),
        ({"paired": False}, "folds are pairs"),
        ({"tasks": "sampled"}, "folds are those of one data set"),
    ],
)
def test_what_takes_folds_for_independent_runs_is_refused(judging, says):
    with pytest.raises(InvalidSetting, match=says):
        analyse_folds(table(), "base", ["kd"], Judging(**judging))


def test_too_few_folds_are_refused():
    with pytest.raises(InvalidSetting, match="at least two folds"):
        analyse_folds(table([1.0]), "base", ["kd"])
    alone = table(DIFFERENCES[:2])
    alone.loc[0, "score"] = np.nan
    with pytest.raises(NotEnoughPairs, match="1 folds with scores of both"):
        analyse_folds(alone, "base", ["kd"])


def written(path: Path, column: str, repetition: str = "seed") -> Path:
    lines = [f"method,{repetition},{column},score"]
    for method in ("base", "kd"):
        for r in (1, 2):
            lines += [f"{method},{r},{f},{80 + f + (method == 'kd') * r}" for f in range(5)]
    path.write_text("\n".join(lines))
    return path


def test_a_column_of_folds_is_found_or_named(tmp_path):
    path = written(tmp_path / "cv.csv", "CV_fold")
    found = read_scores(path, folds="")
    assert set(found["seed"]) == {f"{r}/{f}" for r in (1, 2) for f in range(5)}
    pd.testing.assert_frame_equal(found, read_scores(path, folds="CV_fold"))
    other = written(tmp_path / "repeats.csv", "part", "rep")
    named = read_scores(other, columns={"seed": "rep"}, folds="part")
    pd.testing.assert_frame_equal(named, found)


def test_without_such_a_column_seeds_are_folds(tmp_path):
    path = tmp_path / "cv.csv"
    path.write_text("method,seed,score\nbase,1,80\nbase,2,81\nkd,1,82\nkd,2,84\n")
    for folds in ("", "seed"):
        pd.testing.assert_frame_equal(read_scores(path, folds=folds), read_scores(path))
    with pytest.raises(ScoresError, match='no column "fold" of folds; it has method, seed, score'):
        read_scores(path, folds="fold")
    path.write_text("method,fold,score\nbase,1,80\nbase,,81\n")
    with pytest.raises(ScoresError, match=r"cv\.csv, line 3, column fold: empty"):
        read_scores(path, folds="")


def test_it_keeps_its_level_on_equal_methods_where_the_plain_test_does_not():
    corrected, plain = fold_error_rates(10, 10, simulations=1_000)
    assert corrected < 0.05 + 2 * math.sqrt(0.05 * 0.95 / 1_000)
    assert plain > 0.4
    assert fold_table(50).count("|---") == 4


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_the_verdict(form):
    text = render(analyse_folds(table(), "base", ["kd"], Judging(margin=2.0)), form)
    assert only(table(), margin=2.0).verdict in text
