"""A study from text to text, from its file to its verdict and its report."""

import csv
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmark.cli import main
from benchmark.declare.loading import load_study
from benchmark.execute.attempt.training import TrainingAttempt
from benchmark.execute.job import Job, Progress
from benchmark.record.predictions import read_predictions
from benchmark.record.query import Query
from benchmark.record.written import read_written
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import make_plan
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from stats.items.seeds_and_items import seeds_and_items
from trainers.generation.fit import WritingFit
from trainers.inputs.batches import Encoded
from trainers.models.generation.encoder_decoder import OwnCodec
from trainers.resume.position import Epoch

STUDY = """
from pathlib import Path

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base, SequenceKD
from trainers.models import EncoderDecoder
from trainers.pretraining import Denoising
from trainers.settings import Training
from trainers.tasks import Decoding, GenerationTask, Part

student = EncoderDecoder(
    layers=1,
    width=32,
    heads=2,
    positions=48,
    initializer_range=0.1,
    pretraining=Denoising(steps=4, batch_size=4, length=12),
)
study = Study(
    name="subjects",
    task=GenerationTask(
        Path(__file__).parent / "mails.csv",
        source="mail",
        target="subject",
        dev=Part("train", 16),
        test=Part("train", 16),
        vocabulary=300,
        decoding=Decoding(longest=6, draws=2),
    ),
    arms=(
        *Arm.grid(student, "pretrained", [Base(), LS(0.3), KD(teacher=student)]),
        *Arm.grid(student, "pretrained", SequenceKD(teacher=student)),
    ),
    comparison=Comparison("base", ["ls", "kd", "sequence_kd"]),
    judging=Judging(margin=2.0),
    training=Training(
        epochs=2, batch_size=16, lr=1e-2, max_length=16, device="cpu", precision="float32"
    ),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""
NOUNS = ["house", "river", "letter", "garden"]
#: What a text may hold that a page must not.
MARKUP = "<b>"


def write_mails(path: Path, rows: int = 160) -> None:
    draws = np.random.default_rng(0)
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(["mail", "subject"])
        for i in range(rows):
            noun = draws.choice(NOUNS)
            others = draws.choice(["the", "a", "old", "new", "near", "with"], 5).tolist()
            table.writerow([" ".join([MARKUP, noun, *others, str(i)]), f"the {noun} {MARKUP}"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("texts")
    write_mails(folder / "mails.csv")
    (folder / "study.py").write_text(STUDY)
    asked = ["run", str(folder / "study.py"), "--store", str(folder / "mlruns")]
    assert main([*asked, "--engine", "inline"]) == 0
    return folder


@pytest.fixture(scope="module")
def query(folder) -> Query:
    return Query(Connection(Store(str(folder / "mlruns"))))


@pytest.fixture(scope="module")
def runs(query):
    """The runs of the arms, by method and seed."""
    found = query.with_tag("role", ["arm"])
    return {(run.tags["method"], int(run.tags["seed"])): run for run in found}


def test_every_run_has_scores_of_its_texts_and_of_their_tokens(runs):
    assert len(runs) == 8
    for run in runs.values():
        names = {name for name in run.scores if name.startswith("test/")}
        wanted = {"rouge1", "rouge2", "rougeL", "rougeLsum", "bleu", "chrf", "nll", "perplexity"}
        assert {f"test/{name}" for name in wanted} <= names
        assert run.scores["test/perplexity"] == pytest.approx(np.exp(run.scores["test/nll"]))
        assert run.scores["test/rougeL_draw_sd"] >= 0
        assert "tok:13a" in run.tags["signature.bleu"]


def test_scores_of_each_example_are_kept_and_average_to_those_of_the_run(query, runs):
    for run in runs.values():
        kept = read_written(query, run, "test")
        assert kept.scores["rougeL"].shape == (2, 16) == (len(kept.texts), len(kept.ids))
        assert kept.scores["rougeL"].mean() == pytest.approx(run.scores["test/rougeL"])
        nll = kept.nll.sum() / kept.tokens.sum()
        assert nll == pytest.approx(run.scores["test/nll"])
        assert read_predictions(query, run, "test") is None


def test_arms_of_a_seed_are_tested_on_the_same_examples(query, runs):
    kept = [read_written(query, runs[name, 1], "test") for name in ("base", "ls", "sequence_kd")]
    assert all((each.ids == kept[0].ids).all() for each in kept)
    assert all(each.references == kept[0].references for each in kept)


def test_a_second_run_trains_nothing(folder, capsys):
    assert main(["run", str(folder / "study.py"), "--store", str(folder / "mlruns")]) == 0
    assert "8 cached" in capsys.readouterr().out


@pytest.fixture(scope="module")
def report(folder) -> Path:
    out = folder / "report"
    asked = ["report", "subjects", "--store", str(folder / "mlruns"), "--out", str(out)]
    assert main(asked) == 0
    return out


def test_the_report_shows_what_arms_wrote_beside_the_reference_and_escapes_it(report):
    page = (report / "report.html").read_text(encoding="utf-8")
    assert "What the arms wrote" in page
    assert "&lt;b&gt;" in page
    assert MARKUP not in page.split("What the arms wrote")[2].split("<h2>")[0]
    told = json.loads((report / "report.json").read_text(encoding="utf-8"))
    (examples,) = [s["examples"] for s in _sections(told) if "examples" in s]
    assert [row["why"] for row in examples][:3] == ["first"] * 3
    assert all(row["why"].startswith("differs by") for row in examples[3:])
    assert {"reference", "base", "ls", "kd", "sequence_kd"} <= examples[0].keys()


def test_the_report_adds_the_chance_of_the_test_set(report, query, runs):
    told = json.loads((report / "report.json").read_text(encoding="utf-8"))
    (levels,) = [s["test_set"] for s in _sections(told) if "test_set" in s]
    (ls,) = [each for each in levels["comparisons"] if each["candidate"] == "ls"]
    rows = [
        read_written(query, runs["ls", seed], "test").scores["rougeL"].mean(0)
        - read_written(query, runs["base", seed], "test").scores["rougeL"].mean(0)
        for seed in (1, 2)
    ]
    expected = seeds_and_items(rows)
    assert ls["difference"] == pytest.approx(expected.difference)
    assert (ls["low"], ls["high"]) == pytest.approx((expected.low, expected.high))
    assert all(arm["over_draws"] >= 0 for arm in levels["arms"])


def _sections(told):
    return [each for each in told.values() if isinstance(each, dict)] + [
        part
        for each in told.values()
        if isinstance(each, list)
        for part in each
        if isinstance(part, dict)
    ]


BROKEN = {
    "an empty target": (["a long mail", ""], "row 3, .*subject.*the text is empty"),
    "a target too long": (
        ["a mail", "word " * 60],
        r"row 3: the target has 61 tokens.* room for 48",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_with_a_row_is_said_before_training(tmp_path, capsys, what):
    row, message = BROKEN[what]
    (tmp_path / "study.py").write_text(STUDY)
    write_mails(tmp_path / "mails.csv", rows=100)
    lines = (tmp_path / "mails.csv").read_text().splitlines()
    lines[3] = ",".join(row)
    (tmp_path / "mails.csv").write_text("\n".join(lines))
    assert main(["run", str(tmp_path / "study.py"), "--store", str(tmp_path / "mlruns")]) == 2
    assert re.search(message, " ".join(capsys.readouterr().err.split()))
    assert not (tmp_path / "mlruns" / "cache" / "data").is_dir() or not os.listdir(
        tmp_path / "mlruns" / "cache" / "data"
    )


@pytest.mark.sampled(test=2)
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("EncoderDecoder(\n    layers", "Bert(\n    layers", "Bert"),
        ("margin=2.0", 'margin=2.0, metric="accuracy"', 'metric "accuracy" is none of rouge1'),
        ("LS(0.3)", "R4F()", "r4f is not for tasks from text to text"),
        ("longest=6", "longest=60", "60 tokens are more than the 48 positions"),
        ("longest=6", "longest=6, beams=3", "searched for or drawn"),
        ('source="mail"', 'source="subject"', "source and target are both 'subject'"),
        ('source="mail"', 'source="number"', 'no column "number"|number'),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(tmp_path, capsys, old, new, message):
    text = STUDY.replace("import KD, LS, Base", "import KD, LS, R4F, Base")
    if new.startswith("Bert"):
        text = text.replace("import EncoderDecoder", "import Bert")
        text = text.replace("Denoising(", "MaskedLanguageModelling(")
        text = text.replace("import Denoising", "import MaskedLanguageModelling")
        message = "gives classes, and mails asks for a text"
    assert old in text
    (tmp_path / "study.py").write_text(text.replace(old, new))
    write_mails(tmp_path / "mails.csv", rows=60)
    assert main(["run", str(tmp_path / "study.py"), "--store", str(tmp_path / "mlruns")]) == 2
    assert re.search(message, " ".join(capsys.readouterr().err.split()))


def test_a_source_that_is_a_number_is_named(tmp_path, capsys):
    (tmp_path / "study.py").write_text(STUDY.replace("mails.csv", "mails.jsonl"))
    rows = ({"mail": i, "subject": f"the {i}"} for i in range(60))
    (tmp_path / "mails.jsonl").write_text("\n".join(map(json.dumps, rows)))
    assert main(["run", str(tmp_path / "study.py"), "--store", str(tmp_path / "mlruns")]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert 'column "mail": it holds int64, not text' in said


@pytest.mark.parametrize(("metric", "told"), [("rougeL", -3.0), ("perplexity", 3.0), ("nll", 3.0)])
def test_a_search_is_told_of_epochs_in_the_direction_of_its_metric(tmp_path, metric, told):
    write_mails(tmp_path / "mails.csv", rows=60)
    judged = STUDY.replace("margin=2.0", f'margin=2.0, metric="{metric}"')
    (tmp_path / "study.py").write_text(judged)
    study = load_study(tmp_path / "study.py")
    runs = make_plan(study).runs.values()
    run = next(run for run in runs if isinstance(run, TrainRun) and run.role == "arm")
    examples = Encoded(np.arange(1), np.zeros(1, np.int64))
    fit = WritingFit(
        model=torch.nn.Identity(),
        method=run.method,
        train_set=examples,
        dev_set=examples,
        training=run.training,
        seed=run.seed,
        metric=run.metric,
        codec=OwnCodec(None),
        decoding=run.task.decoding,
        columns=lambda split: {},
    )
    seen: list[Progress] = []
    job = Job(run, frozenset(), Store(str(tmp_path / "mlruns")), "", {})
    attempt = TrainingAttempt(
        run, job, lambda role: tmp_path, seen.append, fit, lambda _: examples, 1
    )
    assert attempt.end_epoch(Epoch(1, 2.0, {"nll": 3.0, "perplexity": 20.0})) == {
        "epoch/loss": 2.0,
        "epoch/nll": 3.0,
        "epoch/perplexity": 20.0,
    }
    assert seen[0].dev == told
