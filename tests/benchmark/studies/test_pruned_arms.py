"""A study of pruned arms, each with a teacher that is another run of the plan."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from benchmark.cli import main
from benchmark.record.query import Query
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.studies.test_hub_models_in_studies import write_rows
from tests.trainers import tiny_hub

STUDY = """
from pathlib import Path

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import R3F, SPD, Base, Magnitude, SelfKD, Theseus
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import Part, TextTask

here = Path(__file__).parent
study = Study(
    name="pruned",
    task=TextTask(here / "rows.csv", dev=Part("train", 16), test=Part("train", 16)),
    arms=Arm.grid(
        model=HubModel(here / "model"),
        init=["pretrained"],
        method=[
            Base(), Magnitude(0.75) + SelfKD(), Theseus(0.75), SPD(0.75), SPD(0.75) + R3F()
        ],
    ),
    comparison=Comparison("base", "spd"),
    judging=Judging(margin=2.0),
    training=Training(epochs=2, batch_size=16, max_length=24, device="cpu", precision="float32"),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The study, every run of which is in the record beside it."""
    folder = tmp_path_factory.mktemp("pruned")
    texts = write_rows(folder / "rows.csv")
    (folder / "model").mkdir()
    tiny_hub.save("bert", texts, folder / "model", layers=2)
    (folder / "study.py").write_text(STUDY)
    assert main(["run", str(folder / "study.py"), "--store", str(folder / "mlruns")]) == 0
    return folder


@pytest.fixture
def finished(folder):
    return Query(Connection(Store(str(folder / "mlruns")))).finished()


def test_every_student_had_the_base_run_of_its_own_seed(finished):
    base = {r.tags["seed"]: k for k, r in finished.items() if r.tags["method"] == "base"}
    taught = [r for r in finished.values() if r.tags["method"] != "base"]
    assert len(base) == 2
    assert len(taught) == 8
    assert all(run.tags["needs.teacher"] == base[run.tags["seed"]] for run in taught)


def test_what_a_live_teacher_costs_is_recorded(finished):
    cost = {r.tags["method"]: r.scores["relative_flops"] for r in finished.values()}
    assert cost["magnitude+self_kd"] == pytest.approx(1.0, rel=0.02)
    assert cost["theseus"] < 1.0  # what is the teacher's has no gradient of its own
    assert cost["theseus"] < cost["spd"] < cost["spd+r3f"]


def test_the_teachers_weights_are_those_of_an_ordinary_model(folder, finished):
    bases = [k for k, r in finished.items() if r.tags["method"] == "base"]
    for key in bases:
        weights = load_file(folder / "mlruns" / "cache" / "weights" / key / "model.safetensors")
        dense = [w for name, w in weights.items() if name.endswith("query.weight")]
        assert len(dense) == 2
        assert all(np.count_nonzero(w) == w.size for w in dense)


def test_a_second_run_finds_everything(folder, capsys):
    assert main(["run", str(folder / "study.py"), "--store", str(folder / "mlruns")]) == 0
    assert "10 cached" in capsys.readouterr().out


def test_overfitting_is_judged_as_any_score(folder, capsys):
    asked = ["--split", "overfitting", "--metric", "accuracy_gap", "--lower-is-better"]
    assert main(["stats", "pruned", *asked, "--store", str(folder / "mlruns")]) == 0
    out = capsys.readouterr().out
    assert "accuracy_gap on overfitting (lower is better)" in out
    assert "damaged" not in out
    assert "base vs spd" in out


def test_nothing_that_students_need_is_collected(folder, capsys):
    assert main(["gc", "--store", str(folder / "mlruns"), "--yes"]) == 0
    kept = {path.name for path in (folder / "mlruns" / "cache" / "weights").iterdir()}
    assert len(kept) == 2
