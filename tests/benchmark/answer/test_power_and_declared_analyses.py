"""What a study declares about its analysis, and what its seeds can show."""

import json
import re

import numpy as np
import pytest

from stats import plan_power
from tests.benchmark.recorded import SIZES, STUDY, of, record_runs


def test_power_of_named_numbers_is_a_table_and_a_curve(answer):
    told = answer("power", "--pairs", 8, "--sd", 0.6, "--margin", 0.5, "--family", 4)
    assert (
        "8 pairs, sd of the differences 0.6, margin 0.5; alpha .05; Holm over a family of 4" in told
    )
    assert re.search(r"^ +8 < +\d", told, re.M)
    found = json.loads(
        answer(
            "power", "--pairs", 8, "--sd", 0.6, "--margin", 0.5, "--test", "t", "--format", "json"
        )
    )
    plan = plan_power(8, 0.6, 0.5, test="t")
    assert found["pairs_for_equivalent"] == list(plan.pairs_for_equivalent)
    assert found["here"]["better"] == plan.here.better


def test_power_of_a_study_takes_the_spread_of_its_runs(recorded, answer):
    found = json.loads(answer("power", recorded, "--format", "json"))
    assert [each["candidate"] for each in found["plans"]] == ["ls", "tf_reg"] * 2
    assert {each["sd_pairs"] for each in found["plans"]} == {8}
    first = found["plans"][0]["plan"]
    means = [
        np.mean([of(task, "pretrained", method) for task in SIZES], axis=0)
        for method in ("base", "ls")
    ]
    assert first["sd"] == pytest.approx((means[1] - means[0]).std(ddof=1))
    assert (first["n_pairs"], first["margin"], first["family"]) == (8, 2.0, 2)
    assert first["test"] == "permutation"
    told = answer("power", recorded, "--test", "t")
    assert "study recorded; 8 pairs, margin 2; alpha .05; Holm over a family of 2" in told
    assert "sd of the differences on test of the runs so far" in told


def test_power_asks_for_what_it_cannot_know(recorded, answer):
    told = answer("power", recorded, "--store", "nowhere", code=2)
    assert "is not known yet (there is no record in" in told
    assert "give --sd" in told
    assert "sd of the differences 1.5" in answer(
        "power", recorded, "--store", "nowhere", "--sd", 1.5, "--test", "t"
    )
    assert "needs --sd and --margin" in answer("power", "--pairs", 8, code=2)
    bad = ("power", "--pairs", 8, "--sd", 0.6, "--margin", 0.5)
    assert "correction must be one of" in answer(*bad, "--correction", "shaffer", code=2)
    assert "--test welch is for unpaired scores" in answer(*bad, "--test", "welch", code=2)


NINES = "9" * 400


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (("--family", NINES), "is more than 1,000,000"),
        (("--pairs", NINES), "is more than 1,000,000"),
        (("--pairs", "0x10"), "is not a whole number"),
        (("--pairs", "²"), "is not a whole number"),
        (("--pairs", "-0"), "is not a whole number"),
        (("--sd", NINES), "sd must be a positive number"),
        (("--sd", "1e400"), "sd must be a positive number"),
        (("--margin", "nan"), "margin must be a positive number"),
        (("--margin", "-0"), "margin must be a positive number"),
        (("--margin", "1e-320"), "margin must be a number of at least 1e-70"),
        (("--gain", "inf"), "gain must be a positive number"),
        (("--alpha", "1e-300"), "plans go to 1e-12"),
        (("--alpha", "0x10"), "invalid float value"),
    ],
)
def test_no_number_however_absurd_is_a_traceback(bench, given, says):
    told = bench("power", "--pairs", 8, "--sd", 0.6, "--margin", 0.5, *given)
    assert told.returncode == 2
    assert says in told.stderr
    assert "Traceback" not in told.stderr
    assert len(told.stderr.strip().splitlines()[-1]) < 200


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize(
    ("judging", "says"),
    [
        ('Judging(test="welch")', 'test "welch" is for unpaired scores'),
        ('Judging(test="anova")', "test must be one of"),
        ('Judging(effect="a12")', 'effect "a12" is for unpaired scores'),
        ('Judging(tasks="some")', "tasks must be one of fixed, sampled"),
        ('Judging(interaction_scale="ln")', "interaction_scale must be one of"),
        ('Judging(tasks="fixed", scale="log")', "scale must be one of relative, rank, z"),
        ('Judging(scale="z")', 'it goes with tasks="fixed" or "sampled"'),
        ('Judging(tasks="fixed", common_margin=1.0)', "it goes with scale=..."),
        ('Judging(tasks="fixed", scale="z", common_margin=0)', "common_margin must be a positive"),
        ('Judging(reference_init="mlm")', 'reference_init "mlm" is no init of its arms'),
        ('Judging(split="dev")', "judging declares split, which follows from the runs"),
        ('"wilcoxon"', "judging must be a Judging"),
        ('Judging(tasks="sampled")', "2 tasks can never reach α = 0.05"),
    ],
)
def test_an_analysis_is_checked_when_the_study_is_loaded(answer, recorded, judging, says):
    path = recorded.parent / "wrong.py"
    declared = 'Judging(margin=2.0, test="permutation", effect="d_av", tasks="fixed")'
    path.write_text(STUDY.replace(declared, judging))
    told = answer("plan", path, code=2)
    assert says in told
    assert "wrong.py" in told


def test_the_power_check_is_that_of_the_declared_test(answer, recorded):
    path = recorded.parent / "few.py"
    few = STUDY.replace("(1, 2, 3, 4, 5, 6, 7, 8)", "(1, 2, 3)")
    path.write_text(few)
    assert "Take 7 seeds or more" in answer("plan", path, code=2)
    path.write_text(few.replace('test="permutation"', 'test="t"'))
    assert "Smallest corrected p that 3 seeds can reach in a family of 2: 0" in answer("plan", path)


def test_a_verdict_over_one_task_is_refused(answer, recorded):
    path = recorded.parent / "single.py"
    second = "        Digits(digits=(4, 5), train=20, dev=40, test=160),\n"
    path.write_text(STUDY.replace(second, ""))
    assert 'tasks="fixed" asks for a verdict over several tasks' in answer("plan", path, code=2)


@pytest.mark.slow
def test_power_is_planned_from_the_runs_that_have_finished(answer, recorded, tmp_path):
    path = tmp_path / "begun.py"
    path.write_text(STUDY.replace('tasks="fixed"', 'zeros="pratt"'))
    record_runs(path, seeds=(1, 2, 3, 4))
    found = json.loads(
        answer("power", path, "--store", tmp_path / "mlruns", "--test", "t", "--format", "json")
    )
    assert {each["sd_pairs"] for each in found["plans"]} == {4}
    assert {each["task"] for each in found["plans"]} == set(SIZES)
    assert {each["plan"]["n_pairs"] for each in found["plans"]} == {8}


def test_a_plan_counts_sampled_tasks_where_they_are_the_pairs(answer, recorded):
    path = recorded.parent / "sampled.py"
    path.write_text(STUDY.replace('"fixed"', '"sampled"').replace('"permutation"', '"t"'))
    assert "Smallest corrected p that 2 tasks can reach" in answer("plan", path)


SCALED = 'tasks="fixed", scale="relative", common_margin=0.5'


@pytest.fixture(scope="module")
def scaled(tmp_path_factory):
    """The recorded study, its tasks to be brought to a common scale."""
    path = tmp_path_factory.mktemp("scaled") / "scaled.py"
    path.write_text(STUDY.replace('tasks="fixed"', SCALED).replace('"recorded"', '"scaled"'))
    record_runs(path, range(1, 9))
    return path, path.parent / "mlruns"


def relative(init: str, method: str) -> np.ndarray:
    """Mean over tasks, seed by seed, of the change from the baseline's mean in percent."""
    means = {task: of(task, init, "base").mean() for task in SIZES}
    return np.mean(
        [100 * (of(task, init, method) / mean - 1) for task, mean in means.items()], axis=0
    )


@pytest.mark.slow
@pytest.mark.long
def test_a_common_scale_is_declared_and_said(scaled, answer):
    path, store = scaled
    told = answer("run", path, "--store", store)
    assert "accuracy, change from base's mean in % on test (higher is better)" in told
    assert "margin 0.5 points" in told
    found = json.loads(answer("stats", path, "--store", store, "--format", "json"))
    first = found["comparisons"][0]
    differences = relative("pretrained", "ls") - relative("pretrained", "base")
    assert (found["margin"], first["init"]) == (0.5, "pretrained")
    assert first["mean_difference"] == pytest.approx(differences.mean())
    each = json.loads(answer("stats", path, "--store", store, "--each", "--format", "json"))
    assert [result["margin"] for result in each["results"]] == [0.5, 2.0]
    answer("report", path, "--store", store, "--out", store.parent / "page")
    page = (store.parent / "page" / "report.html").read_text()
    assert "accuracy, change from base&#39;s mean in %" in page
    assert 'id="figure-forest-over-tasks' in page


@pytest.mark.slow
def test_what_the_command_line_says_goes_before_a_declared_scale(scaled, answer):
    path, store = scaled
    asked = ("stats", path, "--store", store, "--format", "json")
    assert json.loads(answer(*asked, "--margin", 3))["margin"] == 3
    by_rank = json.loads(answer(*asked, "--scale", "rank"))
    assert (by_rank["margin"], by_rank["lower_is_better"]) == (None, True)
    assert json.loads(answer(*asked, "--scale", "rank", "--margin", 0.2))["margin"] == 0.2
    lost = json.loads(answer(*asked, "--collapse", "--margin", 3))
    assert lost["judging"]["margin"] == 3


@pytest.mark.slow
def test_power_is_planned_on_the_declared_scale(scaled, answer):
    path, store = scaled
    found = json.loads(answer("power", path, "--store", store, "--format", "json"))["plans"][0]
    differences = relative("pretrained", "ls") - relative("pretrained", "base")
    assert found["plan"]["margin"] == 0.5
    assert found["plan"]["sd"] == pytest.approx(differences.std(ddof=1))
