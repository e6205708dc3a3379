"""What `bench stats` and `bench power` say of a record whose scores are known."""

import csv
import json
import re
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.loading import load_study
from benchmark.plan import make_plan
from benchmark.record import record_digest, study_record
from benchmark.tracking import Store, Tracker
from stats import bayesian_signed_rank, compare, interaction, plan_power

STUDY = """
from benchmark import Analysis, Arm, Comparison, Study
from trainers.methods import LS, Base, TFReg
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits

training = Training(epochs=1, batch_size=16, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1), train=20, dev=20, test=20), training=training)
study = Study(
    name="recorded",
    task=(
        Digits(digits=(2, 3), train=20, dev=40, test=120),
        Digits(digits=(4, 5), train=20, dev=40, test=160),
    ),
    arms=Arm.grid(
        ResNet((8,), pretraining=source), ["pretrained", "scratch"], [Base(), LS(), TFReg()]
    ),
    comparison=Comparison("base", ["ls", "tf_reg"]),
    margin=2.0,
    training=training,
    seeds=(1, 2, 3, 4, 5, 6, 7, 8),
    analysis=Analysis(test="permutation", effect="d_av", tasks="fixed"),
)
"""
SIZES = {"digits/23": 120, "digits/45": 160}
INITS, METHODS = ("pretrained", "scratch"), ("base", "ls", "tf_reg")


def scores_of() -> dict[tuple[str, str, str, int], float]:
    """Whole numbers of right answers, rounded to two decimals of a percent as papers print them."""
    random = np.random.default_rng(12)
    return {
        (task, init, method, seed): round(100 * int(right) / size, 2)
        for task, size in SIZES.items()
        for i, init in enumerate(INITS)
        for m, method in enumerate(METHODS)
        for seed, right in enumerate(
            size - random.integers(0, 6, 8) - 12 * i - 3 * (m != 1), start=1
        )
    }


SCORES = scores_of()


def of(task: str, init: str, method: str) -> np.ndarray:
    return np.array([SCORES[task, init, method, seed] for seed in range(1, 9)])


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A study file beside a record that holds every run of it."""
    path = tmp_path_factory.mktemp("recorded") / "recorded.py"
    path.write_text(STUDY)
    record_runs(path, seeds=range(1, 9))
    return path


def record_runs(path: Path, seeds) -> None:
    """Write finished runs into the store beside the study, as a worker would."""
    plan = make_plan(load_study(path))
    tracker = Tracker(Store(str(path.parent / "mlruns")))
    experiment = tracker.experiment(plan.study.name)
    for (arm, task, seed), key in zip(plan.study.cells(), plan.cells, strict=True):
        if seed in seeds:
            run = tracker.start(experiment, f"{arm.label} · {seed}", {"key": key}, {})
            score = SCORES[task.name, arm.init_name, arm.name, seed]
            tracker.log(run, {"test/accuracy": score, "test/f1": score / 2, "dev/nll": 1.0})
            tracker.end(run, "FINISHED", "finished")
    record = study_record(plan, path)
    tracker.record_study(plan.study.name, record, record_digest(record))


@pytest.fixture
def bench(study, capsys, monkeypatch):
    """Run a command in this process, and return what it printed; it must end well."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(study.parent)

    def run(*arguments: object, code: int = 0) -> str:
        assert main([str(each) for each in arguments]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


def test_a_study_is_judged_as_it_declares(bench):
    over_all, each = json.loads(bench("stats", "recorded", "--format", "json"))
    assert (over_all["kind"], over_all["tasks"], over_all["unit"]) == ("pooled", "fixed", "seed")
    assert {r["test"] for r in (over_all, each)} == {"permutation"}
    assert {r["effect"] for r in (over_all, each)} == {"d_av"}
    assert len(over_all["comparisons"]) == 4
    assert len(each["comparisons"]) == 8
    first = over_all["comparisons"][0]
    means = [
        np.mean([of(task, "pretrained", method) for task in SIZES], axis=0)
        for method in ("base", "ls")
    ]
    assert first["p_value"] == compare(*means, test="permutation").p_value
    assert first["mean_difference"] == pytest.approx((means[1] - means[0]).mean())


ARMS = ("baseline", "candidate")


def test_accuracy_is_rounded_to_the_examples_of_each_test_set(bench):
    _, each = json.loads(bench("stats", "recorded", "--test", "wilcoxon", "--format", "json"))
    assert each["resolution"] == {task: 100 / size for task, size in SIZES.items()}
    healed = 0
    for found in each["comparisons"]:
        base, candidate = (of(found["task"], found["init"], found[a]) for a in ARMS)
        step = 100 / SIZES[found["task"]]
        assert found["p_value"] == compare(base, candidate, resolution=step).p_value
        healed += found["p_value"] != compare(base, candidate).p_value
    assert healed  # two decimals break ties between whole numbers of examples


def test_log_odds_take_the_size_of_each_test_set(study, bench):
    text = STUDY.replace('tasks="fixed"', 'interaction_scale="log_odds"')
    other = study.parent / "odds.py"
    other.write_text(text.replace('name="recorded"', 'name="odds"'))
    told = bench("run", other)
    assert "log odds" in told
    found = json.loads(bench("stats", other, "--format", "json"))["interactions"][0]
    assert found["task"] == "digits/23"
    four = {
        init: tuple(np.array(of("digits/23", init, method)) for method in ("base", "ls"))
        for init in INITS
    }
    assert (four["pretrained"][1] >= 100).any()  # has no log odds without the size
    expected = interaction(four["scratch"], four["pretrained"], scale="log_odds", test_examples=120)
    assert found["difference_of_differences"] == pytest.approx(expected.difference_of_differences)


def test_bench_run_prints_the_declared_analysis_and_trains_nothing(study, bench):
    told = bench("run", study)
    assert "96 cached" in told
    assert "fixed tasks: averaged over tasks within a seed, tested over seeds" in told
    assert "permutation test of the mean" in told
    assert "rounded to the step of the metric, 0.625 to 0.8333 points" in told


def test_one_candidate_keeps_the_family_of_the_study(bench):
    all_of_them = json.loads(bench("stats", "recorded", "--format", "json"))
    one = json.loads(bench("stats", "recorded", "--compare", "base", "ls", "--format", "json"))
    for whole, part in zip(all_of_them, one, strict=True):
        kept = [each for each in whole["comparisons"] if each["candidate"] == "ls"]
        assert part["comparisons"] == kept
        assert any("whole family: ls, tf_reg" in warning for warning in part["warnings"])


def test_sampled_tasks_are_asked_for_on_the_command_line(bench):
    over_all, _ = json.loads(bench("stats", "recorded", "--tasks", "sampled", "--format", "json"))
    assert {each["n_pairs"] for each in over_all["comparisons"]} == {2}
    assert any("can never reach p < 0.05" in warning for warning in over_all["warnings"])


def test_another_metric_has_no_resolution_and_no_margin(bench):
    over_all, each = json.loads(bench("stats", "recorded", "--metric", "f1", "--format", "json"))
    assert each["resolution"] == {}
    assert over_all["margin"] is None


def test_a_metric_that_no_run_has_lists_those_of_this_study_only(study, bench):
    other = study.parent / "other.py"
    other.write_text(
        STUDY.replace('name="recorded"', 'name="other"').replace("epochs=1", "epochs=2")
    )
    plan = make_plan(load_study(other))
    tracker = Tracker(Store(str(study.parent / "mlruns")))
    run = tracker.start(tracker.experiment("other"), "x", {"key": plan.cells[0]}, {})
    tracker.log(run, {"test/foreign": 1.0})
    tracker.end(run, "FINISHED", "finished")
    told = bench("stats", study, "--metric", "rouge", code=2)
    assert "no run has rouge on test; recorded are: dev/nll, test/accuracy, test/f1" in told


def test_arms_are_ranked_for_each_init(bench):
    found = json.loads(
        bench("stats", "recorded", "--rank", "--correction", "shaffer", "--format", "json")
    )
    assert [ranking["init"] for ranking in found] == ["pretrained", "scratch"]
    assert {ranking["settings"]["blocks"] for ranking in found} == {"average"}
    assert {ranking["settings"]["correction"] for ranking in found} == {"shaffer"}
    for ranking in found:
        assert set(ranking["methods"]) == set(METHODS)
        assert len(ranking["blocks"]) == 8
        means = {
            method: np.mean([of(task, ranking["init"], method) for task in SIZES], axis=0)
            for method in METHODS
        }
        places = np.argsort(np.argsort(-np.array(list(means.values())), axis=0), axis=0)
        assert places.shape == (3, 8)
        assert ranking["mean_scores"] == pytest.approx(
            [means[m].mean() for m in ranking["methods"]]
        )
    shown = bench("stats", "recorded", "--rank", "--compare", "base", "ls", "--test", "nemenyi")
    assert "Nemenyi's test of mean ranks" in shown
    assert "tf_reg" not in shown


def test_probabilities_take_the_margin_as_region(bench):
    told = bench("stats", "recorded", "--bayes", "--format", "csv")
    rows = list(csv.DictReader(StringIO(told)))
    assert [row["tasks"] for row in rows] == ["fixed"] * 4
    means = [
        np.mean([of(task, "pretrained", method) for task in SIZES], axis=0)
        for method in ("base", "ls")
    ]
    expected = bayesian_signed_rank(means[1] - means[0], 2.0)
    assert float(rows[0]["p_better"]) == pytest.approx(expected.p_above, abs=0.01)
    assert sum(float(rows[0][p]) for p in ("p_worse", "p_inside", "p_better")) == pytest.approx(1)


@pytest.mark.parametrize("question", [[], ["--rank"], ["--bayes"], ["--tasks", "sampled"]])
@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv", "json"])
def test_every_question_has_every_format(bench, question, form):
    told = bench("stats", "recorded", *question, "--format", form)
    assert "recorded" in told
    if form == "latex":
        assert told.count(r"\begin{document}") == 1
    if form == "json":
        json.loads(told)


@pytest.fixture
def unpaired(study) -> Path:
    """Three tasks and two arms whose seeds have nothing to do with each other."""
    random = np.random.default_rng(4)
    lines = ["method,task,seed,metric,score"]
    for task in range(3):
        for method, first, gain in (("base", 0, 0.0), ("kd", 100, 3.0)):
            lines += [
                f"{method},t{task},{first + seed},accuracy,{60 + gain + random.normal():.2f}"
                for seed in range(6)
            ]
    path = study.parent / "unpaired.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


ASK = ("--compare", "base", "kd")


@pytest.mark.parametrize(
    "question", [[], ["--bayes"], ["--tasks", "fixed"], ["--tasks", "sampled"]]
)
def test_seeds_that_do_not_pair_are_never_analysed_in_silence(bench, unpaired, question):
    told = bench("stats", "--input", unpaired, *ASK, *question, code=2)
    assert f"If the seeds in {unpaired} mean nothing, say so with --unpaired." in told


def test_unpaired_scores_are_judged_once_they_are_declared(bench, unpaired):
    arguments = ("stats", "--input", unpaired, *ASK, "--unpaired", "--format", "json")
    told = json.loads(bench(*arguments, "--test", "welch", "--effect", "cliffs_delta"))
    assert (told["test"], told["effect"], told["paired"]) == ("welch", "cliffs_delta", False)
    assert {each["verdict"] for each in told["comparisons"]} == {"better"}
    over_all, each = json.loads(bench(*arguments, "--tasks", "sampled", "--test", "t"))
    assert (over_all["test"], over_all["comparisons"][0]["n_pairs"]) == ("t", 3)
    assert (each["test"], each["comparisons"][0]["n_baseline"]) == ("mann-whitney", 6)
    ranked = json.loads(
        bench(
            "stats",
            "--input",
            unpaired,
            "--rank",
            "--unpaired",
            "--tasks",
            "sampled",
            "--format",
            "json",
        )
    )
    assert ranked["methods"] == ["kd", "base"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--input", "CSV", *ASK, "--store", "x"], "give one of them"),
        (["recorded", "--input", "CSV", *ASK], "either STUDY or --input"),
        (["--input", "CSV"], "--compare BASELINE CANDIDATE"),
        (["recorded", "--unpaired"], "the runs of a study are paired by seed"),
        (["recorded", "--rank", "--margin", "1"], "--rank has no use for --margin"),
        (
            ["recorded", "--bayes", "--test", "t", "--alpha", ".1"],
            "--bayes has no use for --test or --alpha",
        ),
        (["recorded", "--correction", "shaffer"], "it goes with --rank"),
        (["recorded", "--correction", "bonferonni"], "correction must be one of"),
        (["recorded", "--test", "welch"], "take one of wilcoxon, permutation, t, sign."),
        (["recorded", "--test", "anova"], "--test anova is unknown"),
        (
            ["--rank", "--test", "t"],
            "by wilcoxon, nemenyi, conover, not by t",
        ),
        (["recorded", "--effect", "a12"], "--effect a12 is for unpaired scores"),
        (["--input", "CSV", *ASK, "--test", "welch"], "or add --unpaired"),
        (["--input", "CSV", *ASK, "--unpaired", "--test", "sign"], "or leave --unpaired out"),
        (["--input", "CSV", *ASK, "--unpaired", "--tasks", "fixed"], "--tasks sampled is tested"),
        (["--input", "CSV", *ASK, "--unpaired", "--bayes"], "--tasks sampled takes tasks instead"),
        (["--input", "CSV", "--unpaired", "--rank"], "--tasks sampled takes tasks instead"),
        (["--input", "CSV", "--rank"], "--rank over 3 tasks needs --tasks"),
        (
            ["recorded", "--rank", "--resolution", "0.5"],
            "--tasks makes have a finer one",
        ),
        (["recorded", "--rank", "--compare", "base"], "--compare needs at least two arms"),
        (["recorded", "--rank", "--compare", "base", "kd"], 'no method "kd"'),
        (["recorded", "--resolution", "0"], "resolution must be a positive number"),
        (["recorded", "--margin", "nan"], "margin must be a positive number"),
        (["recorded", "--alpha", "1"], "alpha must lie between 0 and 1"),
        (["recorded", "--compare", "base", "base"], "named twice"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_message(bench, unpaired, arguments, says):
    told = bench("stats", *(unpaired if each == "CSV" else each for each in arguments), code=2)
    assert says in told
    assert told.startswith("bench: ")
    assert len(told.splitlines()) == 1


def test_a_resolution_gives_published_scores_their_ties(bench, study):
    path = study.parent / "rounded.csv"
    base, kd = (of("digits/23", "scratch", method) for method in ("base", "ls"))
    rows = [f"{m},{s},{x}" for m, v in (("base", base), ("kd", kd)) for s, x in enumerate(v)]
    path.write_text("\n".join(["method,seed,score", *rows]))
    step = 100 / 120
    told = json.loads(
        bench("stats", "--input", path, *ASK, "--resolution", step, "--format", "json")
    )
    assert told["comparisons"][0]["p_value"] == compare(base, kd, resolution=step).p_value


def test_power_of_named_numbers_is_a_table_and_a_curve(bench):
    told = bench("power", "--pairs", 8, "--sd", 0.6, "--margin", 0.5, "--family", 4)
    assert (
        "8 pairs, sd of the differences 0.6, margin 0.5; alpha .05; Holm over a family of 4" in told
    )
    assert re.search(r"^ +8 < +\d", told, re.M)
    found = json.loads(
        bench(
            "power", "--pairs", 8, "--sd", 0.6, "--margin", 0.5, "--test", "t", "--format", "json"
        )
    )
    plan = plan_power(8, 0.6, 0.5, test="t")
    assert found["pairs_for_equivalent"] == list(plan.pairs_for_equivalent)
    assert found["here"]["better"] == plan.here.better


def test_power_of_a_study_takes_the_spread_of_its_runs(study, bench):
    found = json.loads(bench("power", study, "--format", "json"))
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
    told = bench("power", study, "--test", "t")
    assert "study recorded; 8 pairs, margin 2; alpha .05; Holm over a family of 2" in told
    assert "sd of the differences on test of the runs so far" in told


def test_power_asks_for_what_it_cannot_know(study, bench):
    told = bench("power", study, "--store", "nowhere", code=2)
    assert "is not known yet (there is no record in" in told
    assert "give --sd" in told
    assert "sd of the differences 1.5" in bench(
        "power", study, "--store", "nowhere", "--sd", 1.5, "--test", "t"
    )
    assert "needs --sd and --margin" in bench("power", "--pairs", 8, code=2)
    bad = ("power", "--pairs", 8, "--sd", 0.6, "--margin", 0.5)
    assert "correction must be one of" in bench(*bad, "--correction", "shaffer", code=2)
    assert "test must be one of" in bench(*bad, "--test", "welch", code=2)


@pytest.mark.parametrize(
    ("analysis", "says"),
    [
        ('Analysis(test="welch")', 'test "welch" is for unpaired scores'),
        ('Analysis(test="anova")', "test must be one of"),
        ('Analysis(effect="a12")', 'effect "a12" is for unpaired scores'),
        ('Analysis(tasks="some")', 'must be "fixed", "sampled" or None'),
        ('Analysis(interaction_scale="ln")', "interaction_scale must be one of"),
        ('"wilcoxon"', "analysis must be an Analysis"),
        ('Analysis(tasks="sampled")', "2 tasks can never reach α = 0.05"),
    ],
)
def test_an_analysis_is_checked_when_the_study_is_loaded(bench, study, analysis, says):
    path = study.parent / "wrong.py"
    declared = 'Analysis(test="permutation", effect="d_av", tasks="fixed")'
    path.write_text(STUDY.replace(declared, analysis))
    told = bench("plan", path, code=2)
    assert says in told
    assert "wrong.py" in told


def test_the_power_check_is_that_of_the_declared_test(bench, study):
    path = study.parent / "few.py"
    few = STUDY.replace("(1, 2, 3, 4, 5, 6, 7, 8)", "(1, 2, 3)")
    path.write_text(few)
    assert "Take 7 seeds or more" in bench("plan", path, code=2)
    path.write_text(few.replace('test="permutation"', 'test="t"'))
    assert "Smallest corrected p that 3 seeds can reach in a family of 2: 0" in bench("plan", path)


def test_a_verdict_over_one_task_is_refused(bench, study):
    path = study.parent / "single.py"
    second = "        Digits(digits=(4, 5), train=20, dev=40, test=160),\n"
    path.write_text(STUDY.replace(second, ""))
    assert 'tasks="fixed" asks for a verdict over several tasks' in bench("plan", path, code=2)
