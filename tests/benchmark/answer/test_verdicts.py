"""What `bench stats` says of a record whose scores are known, and of scores of one's own."""

import csv
import json
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from benchmark.declare.loading import load_study
from benchmark.record.of_study import study_record
from benchmark.record.writer import Writer
from benchmark.runs.plan import make_plan
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from stats import compare, interaction
from stats.bayes.signed_rank import bayesian_signed_rank
from stats.register import PAIRED_TESTS
from tests.benchmark.recorded import INITS, METHODS, SIZES, STUDY, of

ARMS = ("baseline", "candidate")


def each_of(answer, *arguments):
    """The verdict over all tasks and those on each."""
    return json.loads(answer(*arguments, "--each", "--format", "json"))["results"]


@pytest.mark.slow
def test_the_verdict_over_all_tasks_stands_alone_unless_each_is_asked_for(answer):
    told = json.loads(answer("stats", "recorded", "--format", "json"))
    assert (told["kind"], told["notes"][-1][:33]) == ("pooled", "the verdict on each task alone: b")
    assert told["comparisons"] == each_of(answer, "stats", "recorded")[0]["comparisons"]
    assert "digits/23" not in answer("stats", "recorded").split("warning")[0]
    assert "digits/23" in answer("stats", "recorded", "--each")


def test_a_study_is_judged_as_it_declares(answer):
    over_all, each = each_of(answer, "stats", "recorded")
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


def test_accuracy_is_rounded_to_the_examples_of_each_test_set(answer):
    _, each = each_of(answer, "stats", "recorded", "--test", "wilcoxon")
    assert each["resolution"] == {task: 100 / size for task, size in SIZES.items()}
    healed = 0
    for found in each["comparisons"]:
        base, candidate = (of(found["task"], found["init"], found[a]) for a in ARMS)
        step = 100 / SIZES[found["task"]]
        assert found["p_value"] == compare(base, candidate, resolution=step).p_value
        healed += found["p_value"] != compare(base, candidate).p_value
    assert healed  # two decimals break ties between whole numbers of examples


@pytest.mark.slow
def test_log_odds_take_the_size_of_each_test_set(recorded, answer):
    text = STUDY.replace('tasks="fixed"', 'interaction_scale="log_odds"')
    other = recorded.parent / "odds.py"
    other.write_text(text.replace('name="recorded"', 'name="odds"'))
    told = answer("run", other)
    assert "log odds" in told
    found = json.loads(answer("stats", other, "--format", "json"))["interactions"][0]
    assert found["task"] == "digits/23"
    four = {
        init: tuple(np.array(of("digits/23", init, method)) for method in ("base", "ls"))
        for init in INITS
    }
    assert (four["pretrained"][1] >= 100).any()  # has no log odds without the size
    expected = interaction(four["scratch"], four["pretrained"], scale="log_odds", test_examples=120)
    assert found["difference_of_differences"] == pytest.approx(expected.difference_of_differences)


@pytest.mark.slow
def test_bench_run_prints_the_declared_analysis_and_trains_nothing(recorded, answer):
    told = answer("run", recorded)
    assert "96 cached" in told
    assert "fixed tasks: averaged over tasks within a seed, tested over seeds" in told
    assert "permutation test of the mean" in told
    assert told.rstrip().endswith(answer("stats", "recorded").rstrip())
    assert "the verdict on each task alone: bench stats --each" in told
    on_each = answer("stats", "recorded", "--each")
    assert "rounded to the step of the metric, 0.625 to 0.8333 points" in on_each


def test_one_candidate_keeps_the_family_of_the_study(answer):
    all_of_them = each_of(answer, "stats", "recorded")
    one = each_of(answer, "stats", "recorded", "--compare", "base", "ls")
    for whole, part in zip(all_of_them, one, strict=True):
        kept = [each for each in whole["comparisons"] if each["candidate"] == "ls"]
        assert part["comparisons"] == kept
        assert any("whole family: ls, tf_reg" in warning for warning in part["warnings"])


def test_sampled_tasks_are_asked_for_on_the_command_line(answer):
    over_all, _ = each_of(answer, "stats", "recorded", "--tasks", "sampled")
    assert {each["n_pairs"] for each in over_all["comparisons"]} == {2}
    assert any("can never reach p < 0.05" in warning for warning in over_all["warnings"])


def test_another_metric_has_no_resolution_and_no_margin(answer):
    over_all, each = each_of(answer, "stats", "recorded", "--metric", "f1")
    assert each["resolution"] == {}
    assert over_all["margin"] is None


def test_a_metric_that_no_run_has_lists_those_of_this_study_only(recorded, answer):
    other = recorded.parent / "other.py"
    other.write_text(
        STUDY.replace('name="recorded"', 'name="other"').replace("epochs=1", "epochs=2")
    )
    plan = make_plan(load_study(other))
    writer = Writer(Connection(Store(str(recorded.parent / "mlruns"))))
    run = writer.start(writer.experiment("other"), "x", {"key": plan.cells[0]}, {})
    writer.log(run, {"test/foreign": 1.0})
    writer.end(run, "FINISHED", "finished")
    told = answer("stats", recorded, "--metric", "rouge", code=2)
    assert "no run has rouge on test; recorded are: dev/nll, test/accuracy, test/f1" in told


def test_arms_are_ranked_for_each_init(answer):
    found = json.loads(
        answer("stats", "recorded", "--rank", "--correction", "shaffer", "--format", "json")
    )["results"]
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
    shown = answer("stats", "recorded", "--rank", "--compare", "base", "ls", "--test", "nemenyi")
    assert "Nemenyi's test of mean ranks" in shown
    assert "tf_reg" not in shown


@pytest.mark.parametrize("given", [[], ["--test", "t"], ["--test", "sign"]])
def test_a_ranking_tests_its_pairs_as_the_verdict_tests_them(answer, given):
    """One pair has one uncorrected p, whichever question it is asked with."""
    of_all, each = each_of(answer, "stats", "recorded", *given)
    assert of_all["test"] == (given[-1] if given else "permutation")  # as the study declares
    p_values = {
        (c["init"], frozenset((c["baseline"], c["candidate"]))): c["p_value"]
        for c in of_all["comparisons"]
    }
    ranked = json.loads(answer("stats", "recorded", "--rank", *given, "--format", "json"))
    ranked = ranked["results"]
    pairs = {
        (ranking["init"], frozenset((pair["first"], pair["second"]))): pair["p_value"]
        for ranking in ranked
        for pair in ranking["pairs"]
    }
    assert {name: pairs[name] for name in p_values} == p_values
    assert {ranking["settings"]["correction"] for ranking in ranked} == {each["correction"]}


def test_probabilities_take_the_margin_as_region(answer):
    told = answer("stats", "recorded", "--bayes", "--format", "csv")
    rows = list(csv.DictReader(StringIO(told)))
    assert [row["tasks"] for row in rows] == ["fixed"] * 4
    means = [
        np.mean([of(task, "pretrained", method) for task in SIZES], axis=0)
        for method in ("base", "ls")
    ]
    expected = bayesian_signed_rank(means[1] - means[0], 2.0)
    assert float(rows[0]["p_better"]) == pytest.approx(expected.p_above, abs=0.01)
    assert sum(float(rows[0][p]) for p in ("p_worse", "p_inside", "p_better")) == pytest.approx(1)


@pytest.mark.sampled(test=2)
@pytest.mark.parametrize(
    "question", [[], ["--rank"], ["--bayes"], ["--tasks", "sampled"], ["--each"]]
)
@pytest.mark.parametrize("form", ["table", "markdown", "latex", "csv", "json"])
def test_every_question_has_every_format(answer, question, form):
    told = answer("stats", "recorded", *question, "--format", form)
    assert "recorded" in told
    if form == "latex":
        assert told.count(r"\begin{document}") == 1
    if form == "json":
        assert isinstance(json.loads(told), dict)


@pytest.fixture
def unpaired(recorded) -> Path:
    """Three tasks and two arms whose seeds have nothing to do with each other."""
    random = np.random.default_rng(4)
    lines = ["method,task,seed,metric,score"]
    for task in range(3):
        for method, first, gain in (("base", 0, 0.0), ("kd", 100, 3.0)):
            lines += [
                f"{method},t{task},{first + seed},accuracy,{60 + gain + random.normal():.2f}"
                for seed in range(6)
            ]
    path = recorded.parent / "unpaired.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


ASK = ("--compare", "base", "kd")


@pytest.mark.parametrize(
    "question", [[], ["--bayes"], ["--tasks", "fixed"], ["--tasks", "sampled"]]
)
def test_seeds_that_do_not_pair_are_never_analysed_in_silence(answer, unpaired, question):
    told = answer("stats", "--input", unpaired, *ASK, *question, code=2)
    assert f"If the seeds in {unpaired} mean nothing, say so with --unpaired." in told


def test_arms_that_meet_nowhere_are_not_told_to_go_unpaired(answer, unpaired):
    apart = unpaired.with_name("apart.csv")
    apart.write_text(unpaired.read_text().replace("kd,t", "kd,u"))
    told = answer("stats", "--input", apart, *ASK, code=2)
    assert "base has t0; t1; t2; kd has u0; u1; u2" in told
    assert "--unpaired" not in told


def test_unpaired_scores_are_judged_once_they_are_declared(answer, unpaired):
    arguments = ("stats", "--input", unpaired, *ASK, "--unpaired", "--format", "json")
    told = json.loads(answer(*arguments, "--test", "welch", "--effect", "cliffs_delta"))
    assert (told["test"], told["effect"], told["paired"]) == ("welch", "cliffs_delta", False)
    assert {each["verdict"] for each in told["comparisons"]} == {"better"}
    over_all, each = each_of(answer, *arguments, "--tasks", "sampled", "--test", "t")
    assert (over_all["test"], over_all["comparisons"][0]["n_pairs"]) == ("t", 3)
    over_all, _ = each_of(answer, *arguments, "--tasks", "sampled", "--test", "welch")
    assert any("test welch: of the runs on each task" in each for each in over_all["warnings"])
    assert (each["test"], each["comparisons"][0]["n_baseline"]) == ("mann-whitney", 6)
    ranked = json.loads(
        answer(
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
        (["recorded", "--test", "welch"], f"take one of {', '.join(PAIRED_TESTS)}."),
        (["recorded", "--test", "anova"], "--test anova is unknown"),
        (
            ["--rank", "--test", "welch"],
            f"by {', '.join(PAIRED_TESTS)}, nemenyi, conover, not by welch",
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
        (["recorded", "--rank", "--zeros", "pratt", "--family", "study"], "no use for --family"),
        (["--input", "CSV", "--rank", "--test", "conover", "--correction", "holm"], "by itself"),
        (["--input", "CSV", *ASK, "--split", "dev"], "has no column split"),
        (["recorded", "--resolution", "1000"], "coarser than the margin of"),
        (["recorded", "--resolution", "0.7"], "is not the step of these scores"),
        (["recorded", "--resolution", "0"], "resolution must be a positive number"),
        (["recorded", "--margin", "nan"], "margin must be a positive number"),
        (["recorded", "--alpha", "1"], "alpha must lie between 0 and 1"),
        (["recorded", "--rank", "--each"], "--rank has no use for --each"),
        (["--input", "CSV", *ASK, "--each"], "it goes with --tasks"),
        (["--input", "CSV", *ASK, "--scale", "z"], "goes with --tasks fixed or sampled"),
        (["recorded", "--resolution", "1e-320"], "resolution must be a number of at least 1e-70"),
        (["recorded", "--margin", "1e-320"], "margin must be a number of at least 1e-70"),
        (["recorded", "--compare", "base", "base"], "named twice"),
    ],
)
def test_what_makes_no_sense_is_said_in_one_message(answer, unpaired, arguments, says):
    told = answer("stats", *(unpaired if each == "CSV" else each for each in arguments), code=2)
    assert says in told
    assert told.startswith("bench: ")
    assert len(told.splitlines()) == 1


def test_what_a_study_can_declare_the_command_line_can_ask(answer, unpaired):
    arguments = ("stats", "recorded", "--format", "json")
    told = json.loads(
        answer(*arguments, "--equivalence", "ranks", "--zeros", "pratt", "--family", "study")
    )
    assert (told["equivalence"], told["zeros"], told["family"]) == ("ranks", "pratt", "study")


def test_a_resolution_gives_published_scores_their_ties(answer, recorded):
    path = recorded.parent / "rounded.csv"
    base, kd = (of("digits/23", "scratch", method) for method in ("base", "ls"))
    rows = [f"{m},{s},{x}" for m, v in (("base", base), ("kd", kd)) for s, x in enumerate(v)]
    path.write_text("\n".join(["method,seed,score", *rows]))
    step = 100 / 120
    told = json.loads(
        answer("stats", "--input", path, *ASK, "--resolution", step, "--format", "json")
    )
    assert told["comparisons"][0]["p_value"] == compare(base, kd, resolution=step).p_value


@pytest.mark.slow
def test_a_record_of_an_older_version_is_written_anew_by_running_the_study(answer, recorded):
    path = recorded.parent / "older.py"
    path.write_text(STUDY.replace('name="recorded"', 'name="older"'))
    plan = study_record(make_plan(load_study(path)), path).as_json()
    del plan["judging"]
    Path("plan.json").write_text(json.dumps(plan))
    writer = Writer(Connection(Store("mlruns")))
    tags = {"role": "study", "study_file": str(path)}
    run_id = writer.start(writer.experiment("older"), "study · older", tags, {})
    writer.attach(run_id, Path("plan.json"))
    writer.end(run_id, "FINISHED", "planned")
    assert "bench run writes its plan anew" in answer("stats", "older", code=2)
    assert "96 cached" in answer("run", path)
    assert "study older" in answer("stats", "older")
