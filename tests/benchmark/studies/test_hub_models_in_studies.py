"""A study of models from folders, as they lie on the hub: a shallow student, a deeper teacher."""

import csv
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.execute.calibration import StepTime
from benchmark.record.query import Query
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.trainers import tiny_hub
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import Part, TextTask

STUDY = """
from pathlib import Path

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, Base
from trainers.models import HubModel, every_second_layer
from trainers.settings import Training
from trainers.tasks import Part, TextTask

here = Path(__file__).parent
deep = here / "deep"
study = Study(
    name="folders",
    task=TextTask(here / "rows.csv", dev=Part("train", 16), test=Part("train", 16)),
    arms=Arm.grid(
        model=HubModel(deep, layers=2),
        init=[every_second_layer(deep), "scratch"],
        method=[Base(), KD(teacher=HubModel(deep))],
    ),
    comparison=Comparison("base", "kd"),
    judging=Judging(margin=2.0),
    training=Training(epochs=1, batch_size=16, max_length=24, device="cpu", precision="float32"),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""
NAMES = {"good": ["warm", "bright", "kind"], "bad": ["cold", "dull", "harsh"]}


def write_rows(path: Path) -> list[str]:
    draws = np.random.default_rng(0)
    filler = ["the", "house", "was", "and", "its", "garden", "by", "river"]
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        texts = []
        for i in range(80):
            label = list(NAMES)[i % 2]
            words = [*draws.choice(filler, 5), draws.choice(NAMES[label]), str(i)]
            texts.append(" ".join(words))
            table.writerow([texts[-1], label])
    return texts


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A study beside its data and a model of four layers, with every run of it in the record."""
    folder = tmp_path_factory.mktemp("folders")
    texts = write_rows(folder / "rows.csv")
    (folder / "deep").mkdir()
    tiny_hub.save("bert", texts, folder / "deep", layers=4)
    (folder / "study.py").write_text(STUDY)
    assert run(folder) == 0
    return folder


def run(folder: Path, store: Path | None = None) -> int:
    return main(["run", str(folder / "study.py"), "--store", str(store or folder / "mlruns")])


@pytest.fixture
def finished(folder):
    return Query(Connection(Store(str(folder / "mlruns")))).finished()


def test_every_arm_and_one_teacher_were_trained(finished):
    told = sorted((r.tags["model"], r.tags["init"], r.tags["method"]) for r in finished.values())
    second = "every second layer of deep"
    student = [("deep-2-layers", i, m) for i in (second, "scratch") for m in ("base", "kd")]
    assert told == sorted([("deep", "pretrained", "base"), *student, *student])


def test_students_learn_from_the_logits_of_the_whole_model(finished):
    teacher = [k for k, r in finished.items() if r.tags["model"] == "deep"]
    for run in finished.values():
        if run.tags["method"] == "kd":
            assert [run.tags["needs.teacher"]] == teacher
            assert run.is_tested
    assert not finished[teacher[0]].is_tested  # it is judged on dev alone


def test_a_study_moved_with_its_model_finds_its_runs(folder, finished, tmp_path, capsys):
    for name in ("deep", "rows.csv", "study.py"):
        copy = shutil.copytree if (folder / name).is_dir() else shutil.copy
        copy(folder / name, tmp_path / name)
    assert run(tmp_path, store=folder / "mlruns") == 0
    assert "8 cached" in capsys.readouterr().out
    assert Query(Connection(Store(str(folder / "mlruns")))).finished().keys() == finished.keys()


def test_a_model_is_timed_once_for_all_tasks_of_one_number_of_classes(folder):
    model = HubModel(folder / "deep")
    tasks = [
        TextTask(folder / "rows.csv", dev=Part("train", size), test=Part("train", 16))
        for size in (16, 18)
    ]
    settings = Training(device="cpu", precision="float32", max_length=24)
    one, other = (StepTime(model, task, settings, 4, 8) for task in tasks)
    longer = StepTime(model, tasks[0], replace(settings, lr=1e-5, epochs=30), 4, 8)
    assert one.place == other.place == longer.place
    assert one.place != StepTime(model, tasks[0], settings, 8, 8).place
    assert one.answer() > 0
