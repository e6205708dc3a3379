"""`bench stats --input` on what others have: folds, printed results, one score."""

from __future__ import annotations

import json

import pytest

ASK = ("--compare", "base", "kd")


@pytest.fixture
def folds(tmp_path):
    path = tmp_path / "cv.csv"
    lines = ["method,repeat,fold,score"]
    for i in range(20):
        lines += [f"base,{i // 10},{i % 10},{70 + i % 7}"]
        lines += [f"kd,{i // 10},{i % 10},{71.5 + i % 7 - i % 3 / 2}"]
    path.write_text("\n".join(lines))
    return path


def test_folds_are_judged_by_the_corrected_test(answer, folds):
    ask = ("--input", folds, "--columns", "seed=repeat", "--folds", *ASK, "--margin", "0.5")
    told = json.loads(answer("stats", *ask, "--format", "json"))
    compared = told["comparisons"][0]
    assert (told["test"], compared["repetitions"], compared["verdict"]) == (
        "corrected-t",
        2,
        "better",
    )
    assert compared["p_independent"] < compared["p_value"] < 0.05
    text = answer("stats", *ask)
    assert "corrected resampled t test" in text
    assert "plain p" in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--folds", *ASK, "--test", "wilcoxon"), "--folds does not go with --test"),
        (("--folds", *ASK, "--rank"), "--folds does not go with --rank"),
        (("--folds", *ASK, "--unpaired"), "--folds are pairs"),
        (("--split-sizes", "9", "1", *ASK), "it goes with --folds"),
    ],
)
def test_other_tests_of_folds_are_refused(answer, folds, options, says):
    told = answer("stats", "--input", folds, *options, code=2)
    assert says in told
    assert len(told.splitlines()) == 1


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.csv"
    rows = [
        f"{method},{seed},{60 + seed % 3 + (method == 'kd')}"
        for method in ("base", "kd")
        for seed in range(6)
    ]
    path.write_text("\n".join(["method,seed,accuracy", *rows]))
    return path


def test_own_runs_are_held_against_a_printed_score(answer, own):
    ask = ("--input", own, "--metric", "accuracy", "--against", "58.10 ± 0.90, n=5")
    told = json.loads(answer("stats", *ask, "--margin", "1", "--format", "json"))
    assert [each["verdict"] for each in told["arms"]] == ["better", "better"]
    text = " ".join(answer("stats", *ask, "--compare", "kd").split())
    assert "No seed is shared" in text
    assert "is taken as an sd" in text
    assert "base" not in text


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--against", "58.1 ± 1, n=5", "--bayes"), "--against does not go with --bayes"),
        (("--against", "58.1 ± 1, n=5", "--test", "t"), "--against does not go with --test"),
        (("--against", "about 58"), 'a printed score "about 58" cannot be read'),
    ],
)
def test_what_a_printed_score_cannot_answer_is_refused(answer, own, options, says):
    told = answer("stats", "--input", own, "--metric", "accuracy", *options, code=2)
    assert says in told
    assert len(told.splitlines()) == 1


def test_seeds_that_are_spelled_apart_are_named_and_nobody_is_told_to_unpair(answer, tmp_path):
    path = tmp_path / "apart.csv"
    lines = [f"base,{seed},6{seed}\nkd,run_{seed},7{seed}" for seed in range(5)]
    path.write_text("\n".join(["method,seed,score", *lines]))
    told = answer("stats", "--input", path, *ASK, code=2)
    assert '"0" and "run_0"' in told
    assert "unpaired" not in told


def test_one_score_has_an_interval_where_its_test_set_is_known(answer, tmp_path):
    path = tmp_path / "one.csv"
    path.write_text("method,seed,accuracy\nkd,1,88.4\n")
    ask = ("--input", path, "--metric", "accuracy")
    assert "--examples N" in answer("stats", *ask, code=2)
    assert "88.40 [86.85, 89.79]" in answer("stats", *ask, "--examples", "1821")
    assert "does not go with --compare" in answer("stats", *ask, "--items", "x", *ASK, code=2)


def test_scores_by_item_are_read_by_their_column(answer, tmp_path):
    path = tmp_path / "items.csv"
    path.write_text("method,doc,score\n" + "".join(f"kd,{i},{int(i % 5 > 0)}\n" for i in range(50)))
    told = answer("stats", "--input", path, "--items", "doc")
    assert "50 items" in told
    assert "0.80 [0.67, 0.89]" in told


def test_several_arms_need_a_baseline(answer, own):
    told = answer("stats", "--input", own, "--metric", "accuracy", code=2)
    assert "--input needs --compare BASELINE CANDIDATE" in told


def test_scores_an_arm_are_planned_where_no_seeds_are_shared(answer):
    ask = ("power", "--unpaired", "--pairs", "50", "--sd", "0.6", "--margin", "0.5")
    told = answer(*ask, "--test", "welch")
    assert "50 scores an arm" in told
    assert "take one of mann-whitney" in answer(*ask, "--test", "t", code=2)
    assert "add --unpaired" in answer("power", *ask[2:], "--test", "welch", code=2)
