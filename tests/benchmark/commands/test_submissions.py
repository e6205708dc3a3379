"""Predictions on GLUE's hidden test sets: from the runs that were judged, in the server's form."""

import io
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli import main, parser
from benchmark.session.session import Session
from benchmark.session.submission import write
from benchmark.session.training import run_session
from trainers.resolve.hub import VARIABLE

STUDY = """
from dataclasses import replace
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Part, glue

study = Study(
    name="two of glue",
    task=[
        replace(glue("mrpc"), vocabulary=300),
        replace(glue("rte"), vocabulary=300, test=Part("train", 8)),
    ],
    arms=Arm.grid(Bert(width=32, layers=1, heads=2), "scratch", [Base(), LS()]),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=1.0),
    training=Training(epochs=1, batch_size=8, max_length=16, device="cpu"),
    seeds=(1,),
    allow_underpowered=True,
)
"""


def write_glue(folder: Path) -> None:
    """MRPC and RTE in the hub's layout, made up; RTE's test labels are hidden, MRPC's are not."""
    draws = np.random.default_rng(0)
    for config, hides in (("mrpc", False), ("rte", True)):
        (folder / config).mkdir(parents=True)
        for split, count in (("train", 40), ("validation", 8), ("test", 12)):
            hidden = hides and split == "test"
            rows = ["idx,sentence1,sentence2,label"]
            for i in range(count):
                words = draws.choice(["ant", "bee", "cat", "dog", "elk", "fox"], 6)
                label = -1 if hidden else i % 2
                rows.append(f"{i},{' '.join(words[:3])} {i},{' '.join(words[3:])},{label}")
            (folder / config / f"{split}.csv").write_text("\n".join(rows) + "\n")


def write_trec(folder: Path) -> None:
    """Questions in the hub's layout, made up."""
    folder.mkdir(parents=True)
    for split in ("train", "test"):
        rows = [f"question {i},{i % 2}" for i in range(2000)]
        (folder / f"{split}.csv").write_text("\n".join(["text,coarse_label", *rows]) + "\n")


def columns(table: str) -> list[list[str]]:
    return [line.split("\t") for line in table.splitlines()]


@pytest.fixture
def glue_study(tmp_path):
    """A study file beside a folder of data."""
    write_glue(tmp_path / "data" / "nyu-mll" / "glue")
    path = tmp_path / "study.py"
    path.write_text(STUDY)
    return path


@pytest.fixture
def session(glue_study, tmp_path, monkeypatch):
    """The study, executed in this process."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path / "data"))
    line = ["submit", str(glue_study), "--store", "runs"]
    return Session.of(parser(line).parse_args(line), rehearses=True)


def test_zips_hold_what_the_judged_runs_predict(session, capsys, tmp_path):
    assert run_session(session) == 0
    query = session.query
    before = query.finished()
    lost = next((tmp_path / "runs" / "cache" / "hidden").iterdir())
    shutil.rmtree(lost)
    capsys.readouterr()
    assert write(session, tmp_path / "out") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "1 of 4 runs left no predictions" in said
    assert "The server also looks for AX.tsv, CoLA.tsv" in said
    assert {k: r.run_id for k, r in query.finished().items()} == {
        k: r.run_id for k, r in before.items()
    }
    zips = sorted((tmp_path / "out" / "two of glue").iterdir())
    assert len(zips) == 2
    for run in before.values():
        coordinates = run.tags
        if coordinates.get("role") != "arm":
            continue
        (path,) = (
            z
            for z in zips
            if z.name.endswith(f"{coordinates['method']}--{coordinates['seed']}.zip")
        )
        with zipfile.ZipFile(path) as packed:
            assert sorted(packed.namelist()) == ["MRPC.tsv", "RTE.tsv"]
            mrpc, rte = (columns(packed.read(n).decode()) for n in ("MRPC.tsv", "RTE.tsv"))
        assert mrpc[0] == rte[0] == ["index", "prediction"]
        assert [row[0] for row in mrpc[1:]] == [str(i) for i in range(12)]
        assert {row[1] for row in rte[1:]} <= {"entailment", "not_entailment"}
        assert len(rte) == 13
        if coordinates["task"] == "mrpc":  # its test labels are public: the run was judged on them
            kept = query.connection.client.download_artifacts(run.run_id, "predictions.npz")
            logits = np.load(io.BytesIO(Path(kept).read_bytes()))["test_logits"]
            assert [row[1] for row in mrpc[1:]] == [str(k) for k in logits.argmax(-1)]


def test_what_cannot_be_submitted_is_refused(glue_study, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "put back after the command set it")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    command = ["submit", str(glue_study), "--data", "data", "--store", "runs"]
    assert main(command) == 2
    assert "4 of 4 runs are not recorded yet; start with: bench run" in capsys.readouterr().err
    (tmp_path / "data" / "nyu-mll" / "glue" / "rte" / "test.csv").unlink()
    assert main(command) == 2
    said = capsys.readouterr().err
    assert 'there is no split "test"' in said
    assert "bench fetch" in said
    glue_study.write_text(
        glue_study.read_text()
        .replace('glue("rte")', "trec()")
        .replace("import Part, glue", "import Part, glue, trec")
        .replace(', test=Part("train", 8)', "")
    )
    write_trec(tmp_path / "data" / "CogComp" / "trec")
    assert main(command) == 2
    assert "trec/6 is no task of GLUE" in capsys.readouterr().err


def test_a_hidden_test_set_that_is_unfit_is_said_before_anything_is_trained(
    glue_study, monkeypatch, capsys, tmp_path
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "put back after the command set it")
    texts = tmp_path / "data" / "nyu-mll" / "glue" / "rte" / "test.csv"
    first, second, *rest = texts.read_text().splitlines()
    emptied = ",".join([*second.split(",")[:2], "", "-1"])
    texts.write_text("\n".join([first, emptied, *rest]) + "\n")
    for command in ("run", "submit", "plan"):
        assert main([command, str(glue_study), "--data", "data", "--store", "runs"]) == 2
        said = capsys.readouterr().err
        assert "one thing stands in the way" in said
        assert 'test.csv, row 1, column "sentence2": the text is empty' in said
        assert not (tmp_path / "runs").exists()
