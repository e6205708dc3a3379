"""Runs that other programs logged with MLflow, in a real store."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from benchmark.cli import main

COLUMNS = ("--columns", "method=params.method", "seed=params.seed")
ASK = ("--compare", "base", "kd")
BASE = (0.60, 0.61, 0.605, 0.615, 0.602, 0.612)
KD = (0.632, 0.641, 0.637, 0.646, 0.633, 0.641)


def log(
    client: MlflowClient,
    experiment: str,
    name: str,
    params: dict[str, object],
    accuracy: tuple[float, ...] = (),
    *,
    status: str = "FINISHED",
    parent: str = "",
) -> str:
    """Log a run as a training script does: parameters, and a metric after each epoch."""
    tags = {"mlflow.parentRunId": parent} if parent else {}
    run = client.create_run(experiment, run_name=name, tags=tags | {"host": "node1"}).info.run_id
    scores = [
        Metric(name, score, timestamp=step, step=step)
        for step, value in enumerate(accuracy)
        for name, score in (("eval_acc", value), ("eval_loss", 1 - value))
    ]
    client.log_batch(run, scores, [Param(key, str(value)) for key, value in params.items()])
    client.set_terminated(run, status)
    return run


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Path:
    """A folder with a store of MLflow as other programs fill it."""
    folder = tmp_path_factory.mktemp("logged")
    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    flat = client.create_experiment("flat", artifact_location=(folder / "files").as_uri())
    for method, scores in (("base", BASE), ("kd", KD)):
        for seed, score in enumerate(scores):
            params = {"method": method, "seed": seed, "lr": 1e-5}
            log(client, flat, f"{method}-{seed}", params, (score + 0.1, score))
    log(client, flat, "kd-9", {"method": "kd", "seed": 9}, (0.1,), status="FAILED")
    log(client, flat, "prepared", {"rows": 100})
    nested = client.create_experiment("nested")
    for method, scores in (("base", BASE), ("kd", KD)):
        parent = log(client, nested, method, {"method": method})
        for seed, score in enumerate(scores):
            log(client, nested, f"child-{seed}", {"seed": seed}, (score,), parent=parent)
    log(client, client.create_experiment("begun"), "first", {}, status="KILLED")
    client._tracking_client.store.engine.dispose()
    return folder


@pytest.fixture
def answer(store, capsys, monkeypatch, tmp_path):
    """Run `bench stats` on it, and return what it printed."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, code: int = 0) -> str:
        assert main(["stats", *(str(each) for each in arguments)]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


def judged(answer, *options: object) -> dict:
    return json.loads(answer(*options, *ASK, "--format", "json"))


def test_the_last_values_of_finished_runs_are_judged_and_others_are_named(answer, store):
    before = hashlib.sha256((store / "mlflow.db").read_bytes()).hexdigest()
    asked = ("--mlflow", "flat", "--store", store, *COLUMNS, "score=metrics.eval_acc")
    told = judged(answer, *asked)
    found = told["comparisons"][0]
    assert (found["verdict"], found["n_pairs"]) == ("better", 6)
    assert found["baseline_mean"] == pytest.approx(sum(BASE) / 6)
    assert told["notes"] == [
        "1 run not FINISHED left out: kd-9 (FAILED).",
        "1 run without metrics.eval_acc left out: prepared.",
    ]
    assert told["lower_is_better"] is False
    assert sorted(path.name for path in store.iterdir()) == ["mlflow.db"]  # it was only read
    assert hashlib.sha256((store / "mlflow.db").read_bytes()).hexdigest() == before


def test_the_best_value_is_taken_where_it_is_asked_for(answer, store):
    asked = ("--mlflow", "flat", "--store", f"sqlite:///{store / 'mlflow.db'}", *COLUMNS)
    found = judged(answer, *asked, "score=best.eval_acc")["comparisons"][0]
    assert found["baseline_mean"] == pytest.approx(sum(BASE) / 6 + 0.1)
    told = judged(answer, *asked, "score=best.eval_loss")
    assert told["lower_is_better"] is True
    assert told["comparisons"][0]["baseline_mean"] == pytest.approx(0.9 - sum(BASE) / 6)


def test_runs_inside_others_have_their_parameters(answer, store, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store / 'mlflow.db'}")
    columns = ("--columns", "method=parent.params.method", "seed=params.seed")
    told = judged(answer, "--mlflow", "nested", *columns, "score=metrics.eval_acc")
    assert told["comparisons"][0]["n_pairs"] == 6
    assert told["notes"] == ["2 runs without metrics.eval_acc left out: base, kd."]


def test_likely_columns_are_proposed(answer, store):
    told = answer("--mlflow", "flat", "--store", store, *ASK, code=2)
    assert "Likely: --columns method=params.method seed=params.seed score=metrics.eval_acc" in told
    told = answer("--mlflow", "flat", "--store", store, *ASK, *COLUMNS, "score=metrics.acc", code=2)
    assert 'no column "metrics.acc" to be the score; did you mean "metrics.eval_acc"?' in told


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--mlflow", "flet"), 'there is no experiment "flet" in'),
        (("--mlflow", "begun"), 'no run of "begun" is FINISHED; it has first (KILLED).'),
        (("--mlflow", "flat", "--input", "x.csv"), "give either --input or --mlflow, not both."),
        (("--mlflow", "flat", "--cluster", "doc.id"), "it goes with --input."),
    ],
)
def test_what_cannot_be_read_is_one_sentence(options, says, answer, store):
    asked = () if "--input" in options else ("--store", store)
    told = answer(*options, *asked, *ASK, code=2)
    assert says in told
    assert len(told.splitlines()) == 1


def test_a_place_without_a_record_and_a_server_that_does_not_answer(answer, store, tmp_path):
    told = answer("--mlflow", "flat", *ASK, code=2)
    assert "there is no MLflow record in" in told
    assert len(told.splitlines()) == 1
    (tmp_path / "mlflow.db").symlink_to(store / "mlflow.db")
    assert "--store sqlite:///mlflow.db" in answer("--mlflow", "flat", *ASK, code=2)
    told = answer("--mlflow", "flat", *ASK, "--store", "http://127.0.0.1:9", code=2)
    assert "http://127.0.0.1:9" in told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize("place", ["{}", "file://{}"])
def test_a_folder_of_files_is_read(place, answer, tmp_path, monkeypatch):
    folder = tmp_path / "mlruns"
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    client = MlflowClient(folder.as_uri())
    experiment = client.create_experiment("files")
    for method, scores in (("base", BASE), ("kd", KD)):
        for seed, score in enumerate(scores):
            params = {"method": method, "seed": seed}
            log(client, experiment, f"{method}-{seed}", params, (score,))
    monkeypatch.delenv("MLFLOW_ALLOW_FILE_STORE")
    asked = ("--mlflow", "files", "--store", place.format(folder), *COLUMNS)
    found = judged(answer, *asked, "score=metrics.eval_acc")["comparisons"][0]
    assert (found["verdict"], found["n_pairs"]) == ("better", 6)
