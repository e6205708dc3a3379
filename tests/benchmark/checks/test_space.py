"""Too small a disk is said before training, for all that the study still has to write."""

import shutil
from math import inf
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchmark.checks.space import to_write, under_way
from benchmark.cli import main
from benchmark.declare.loading import load_study
from benchmark.execute.attempt.worker import execute
from benchmark.execute.job import Job, Progress
from benchmark.execute.todo import Todo, todo
from benchmark.record.query import Query
from benchmark.runs.kinds import DataRun, Output
from benchmark.runs.plan import make_plan
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.attempted import Attempted
from trainers.resume import checkpoints

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, Base
from trainers.models import Bert, ResNet
from trainers.pretraining import MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Digits, Part, TextTask

quick = Training(epochs=1, max_length=16, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1, 2), train=60, dev=30, test=30), training=quick)
digits = Digits(digits=(5, 6, 7), train=90, dev=60, test=120)
resnet = ResNet((64, 128), pretraining=source)
texts = TextTask("texts.csv", dev=Part("train", 10), test=Part("train", 10), vocabulary=4000)
bert = Bert(width=64, pretraining=MaskedLanguageModelling(steps=1))
study = Study(
    name="space",
    task=TASK,
    arms=Arm.grid(MODEL, INIT, [Base(), METHOD]),
    comparison=Comparison("base", METHOD.name),
    judging=Judging(margin=1.0),
    training=quick,
    seeds=SEEDS,
    allow_underpowered=True,
)
"""


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Writes a study file in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)

    def write(task="digits", model="resnet", init='"scratch"', method="LS()", seeds=(1, 2)) -> Path:
        fields = {"TASK": task, "MODEL": model, "INIT": init, "METHOD": method, "SEEDS": str(seeds)}
        text = STUDY
        for name, value in fields.items():
            text = text.replace(name, value)
        Path("study.py").write_text(text)
        return Path("study.py")

    return write


@pytest.fixture
def free(monkeypatch):
    """Sets how much is free."""

    def free(count: int) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=count))

    return free


def needed(path: Path, store: str = "mlruns") -> int:
    """Bytes that a study still has to write."""
    plan, query = make_plan(load_study(path)), Query(Connection(Store(store)))
    finished = query.finished() if query.store.exists() else {}
    return to_write(plan, todo(plan, finished, query.store))


def left_in(folder: Path, pattern: str = "*") -> int:
    return sum(path.stat().st_size for path in folder.rglob(pattern) if path.is_file())


@pytest.mark.slow
def test_what_runs_leave_is_foreseen_and_what_they_have_left_is_not_asked_for(study, free, capsys):
    path = study(init='"pretrained"', method="KD(teacher=resnet)")
    assert main(["run", str(path)]) == 0
    plan, cache = make_plan(load_study(path)), Store("mlruns").cache
    seen = set()
    for k, outputs in todo(plan, {}, Store("elsewhere")).jobs.items():
        for output in outputs & {"weights", "logits"}:
            seen.add(output)
            foreseen = to_write(plan, Todo(frozenset(), {k: frozenset({output})}))
            assert foreseen == pytest.approx(left_in(cache.path(output, k)), rel=0.3)
    assert seen == {"weights", "logits"}
    recorded = left_in(Path("mlruns/artifacts"), "predictions.npz")
    cells = {k: frozenset[Output](("test",)) for k in plan.cells}
    assert recorded / 2 < to_write(plan, Todo(frozenset(), cells)) < 2 * recorded
    assert needed(path) == 0
    free(10)
    assert main(["plan", str(path)]) == 0


@pytest.mark.long
@pytest.mark.slow
def test_runs_that_are_left_are_asked_for_although_their_data_are_prepared(study, free, capsys):
    assert main(["run", str(study())]) == 0
    capsys.readouterr()
    free(10)
    for command in ("run", "plan"):
        assert main([command, str(study(seeds=(1, 2, 3)))]) == 2
        said = capsys.readouterr().err
        assert "the study still has to write about" in said
        assert "MB are free" in said
        assert "--store DIR" in said
    assert 0 < needed(study(seeds=(1, 2, 3))) == needed(study(), "elsewhere") / 2


def test_pre_trained_bodies_and_data_to_prepare_are_counted(study):
    body = needed(study(init='"pretrained"')) - needed(study())
    assert body > 4 * 64 * 128 * 9
    Path("texts.csv").write_text(
        "text,label\n" + "".join(f"apple pear {i},{i % 2}\n" for i in range(60))
    )
    scratch = needed(study("texts", "bert"))
    assert needed(study("texts", "bert", '"pretrained"')) - scratch > 4 * 4000 * 64
    Path("texts.csv").write_text(
        "text,label\n" + "".join(f"{'apple ' * 1000}{i},{i % 2}\n" for i in range(60))
    )
    assert needed(study("texts", "bert")) - scratch > 60 * 5000


@pytest.mark.slow
def test_what_runs_under_way_keep_is_counted_for_as_many_as_go_at_once(study, monkeypatch):
    monkeypatch.setattr(checkpoints, "_RATE", inf)  # no epoch is too short to be written down
    path = study(seeds=(1, 2, 3))
    path.write_text(path.read_text().replace("epochs=1", "epochs=3"))
    attempted = Attempted(path)
    plan, store, left = attempted.plan, attempted.query.store, todo(attempted.plan, {}, Store("x"))
    one = under_way(plan, left, store, at_once=1)
    assert [under_way(plan, left, store, n) for n in (0, 3, 99)] == [0, 3 * one, 6 * one]

    def stop_in_the_second(progress: Progress) -> None:
        if progress.epoch == 2:
            raise KeyboardInterrupt

    data = next(run for run in plan.runs.values() if isinstance(run, DataRun))
    cell = plan.runs[attempted.key("base · scratch · 1")]
    experiment = attempted.writer.experiment("space")
    assert execute(Job(data, frozenset(["data"]), store, experiment, {}), print).scores == {}
    job = Job(cell, frozenset(["test"]), store, experiment, {}, checkpoint_every=0.0)
    with pytest.raises(KeyboardInterrupt):
        execute(job, stop_in_the_second)
    kept = left_in(store.cache.path("resume", cell.key))
    assert one == pytest.approx(2 * kept, rel=0.3)
    assert under_way(plan, left, store, at_once=99) == pytest.approx(6 * one - kept, rel=0.1)


def test_a_disk_too_small_for_what_runs_under_way_keep_is_refused(study, free, capsys):
    path = study()
    plan = make_plan(load_study(path))
    left = todo(plan, {}, Store("mlruns"))
    free(to_write(plan, left) + under_way(plan, left, Store("mlruns"), at_once=1) - 1)
    assert main(["plan", str(path), "--workers", "1"]) == 2
    assert "of it to go on from where runs are broken off), and" in capsys.readouterr().err
