"""What `bench stats` makes of results that other programs keep."""

import json

import pytest

from benchmark.cli import main
from stats import mcnemar
from tests.stats.harness_files import write_accuracy, write_results

BASE = [1, 0, 0, 1, 0, 0, 1, 0] * 12
KD = [1, 1, 0, 1, 0, 1, 1, 0] * 12
ASK = ("--compare", "base", "kd")


@pytest.fixture
def answer(capsys, monkeypatch, tmp_path):
    """Run a command without any record, and return what it printed."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, code: int = 0) -> str:
        assert main([str(each) for each in arguments]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


def test_a_folder_of_the_harness_is_judged_on_its_documents(answer, tmp_path):
    for name, right in (("base", BASE), ("kd", KD)):
        write_accuracy(tmp_path, name, "boolq", right, passages=[i // 8 for i in range(96)])
    told = json.loads(answer("stats", "--input", tmp_path, *ASK, "--format", "json"))
    found = told["comparisons"][0]
    assert (found["verdict"], found["p_value"]) == ("better", mcnemar(BASE, KD).p_value)
    one_by_one = sorted(tmp_path.rglob("*.json*"))
    again = json.loads(answer("stats", "--input", *one_by_one, *ASK, "--format", "json"))
    assert again["comparisons"] == told["comparisons"]
    shown = answer("stats", "--input", tmp_path, *ASK, "--cluster", "doc.passage.id")
    assert "96 in 12 clusters" in shown
    assert "not about training seeds" in " ".join(shown.split())


def test_results_of_several_seeds_are_scores_as_any_others(answer, tmp_path):
    for name, start in (("base", 0.6), ("kd", 0.63)):
        for seed in range(6):
            row = {"acc,none": start + 0.001 * seed, "acc_stderr,none": 0.02}
            write_results(tmp_path, f"out/{name}-seed{seed}", {"boolq": row})
    told = json.loads(answer("stats", "--input", tmp_path, *ASK, "--format", "json"))
    found = told["comparisons"][0]
    assert (told["kind"], found["n_pairs"]) == ("analysis", 6)
    assert (found["task"], found["verdict"]) == ("boolq", "better")
    columns = ("--columns", "method=model")
    assert "leave out --columns" in answer("stats", "--input", tmp_path, *ASK, *columns, code=2)


def test_what_does_not_go_with_the_harness_is_refused(answer, tmp_path):
    write_results(tmp_path, "base", {"boolq": {"acc,none": 0.6, "acc_stderr,none": 0.02}})
    path = write_results(tmp_path, "kd", {"boolq": {"acc,none": 0.7, "acc_stderr,none": 0.02}})
    (tmp_path / "own.csv").write_text("method,seed,score\nbase,1,60\n")
    for options, says in (
        ((tmp_path, "--test", "t"), "have no use for --test"),
        ((tmp_path, "--cluster", "doc.id"), "--cluster says which documents belong together"),
        ((tmp_path / "own.csv", "--cluster", "doc.id"), "--cluster says which documents"),
        ((path, tmp_path / "own.csv"), "own.csv is nothing of lm-evaluation-harness"),
        ((path,), 'no method "base"'),
    ):
        told = answer("stats", "--input", *options, *ASK, code=2)
        assert says in told
        assert len(told.splitlines()) == 1


def test_folders_of_the_trainer_are_judged_by_seed(answer, tmp_path):
    for arm, start in (("base", 0.6), ("kd", 0.63)):
        for seed in range(6):
            folder = tmp_path / "runs" / f"{arm}-seed{seed}"
            folder.mkdir(parents=True)
            scores = {"eval_accuracy": start + 0.001 * seed, "eval_loss": 0.5, "epoch": 3.0}
            (folder / "all_results.json").write_text(json.dumps(scores))
    asked = ("--metric", "eval_accuracy", *ASK, "--format", "json")
    told = json.loads(answer("stats", "--input", "runs/*/", *asked))
    assert told["comparisons"][0]["verdict"] == "better"
    assert told["notes"] == ["scores of 12 runs from all_results.json."]
    assert (
        json.loads(answer("stats", "--input", "runs", *asked))["comparisons"]
        == (told["comparisons"])
    )
