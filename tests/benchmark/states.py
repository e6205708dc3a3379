"""A record in every state that a command may find it in, each a folder of its own."""

import argparse
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.execute.engines.inline import InlineEngine
from benchmark.execute.job import Ended, Job, Progress
from benchmark.record.query import Query
from benchmark.record.writer import Writer
from benchmark.session.session import Session
from benchmark.session.training import run_session
from benchmark.store.connection import Connection
from benchmark.store.process import Process
from benchmark.store.store import Store

STUDY = """
from benchmark import Arm, Comparison, Judging, Search, Study, Tuning
from trainers.methods import Base, SelfKD
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits

quick = Training(epochs=1, batch_size=16, lr=3e-3, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1), train=20, dev=20, test=20), training=quick)
study = Study(
    name="states",
    task=Digits(digits=(5, 6), train=20, dev=20, test=20),
    arms=Arm.grid(
        ResNet((4,), pretraining=source),
        ["pretrained", "scratch"],
        [Base(), SelfKD()],
        search=Search(lr=[1e-3, 1e-2]),
    ),
    comparison=Comparison("base", "self_kd"),
    judging=Judging(margin=2.0),
    training=quick,
    seeds=(1, 2),
    tuning=Tuning(trials=1, seeds=1, pruner="none"),
    allow_underpowered=True,
)
"""
ADDED = """
from dataclasses import replace
from trainers.methods import LS

study = replace(study, arms=(*study.arms, Arm(ResNet((4,)), "scratch", LS())))
"""
RENAMED = """
from dataclasses import replace

study = replace(
    study,
    arms=[replace(a, name="own") if a.name == "self_kd" else a for a in study.arms],
    comparison=Comparison("base", "own"),
)
"""
#: Where a run is broken off, in the order in which they come.
STAGES = ("data", "pretraining", "trial-seed", "teacher", "arm")


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the command gets to say a word."""


class HaltingEngine(InlineEngine):
    """Executes jobs until the first of a role, and leaves what a killed process leaves of that."""

    def __init__(self, study_file: Path, role: str) -> None:
        super().__init__(study_file)
        self.role, self.job = role, None

    def start(self, job: Job) -> None:
        self.job = job
        super().start(job)

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        if self.job is not None and self.job.run.role == self.role:
            run, store = self.job.run, self.job.store
            gone = replace(Process.here(), pid=2**22 + 1).name
            (store.cache.root / "data" / f".{run.key}.{gone}").mkdir(parents=True)
            if run.tracked:
                tags = {**run.tags(), **self.job.tags, "key": run.key, "role": run.role}
                writer, told = Writer(Connection(store)), run.parameters
                writer.start(self.job.experiment, run.name, tags, told)
            raise Killed
        return super().events(timeout)


def session(folder: Path, role: str | None = None) -> Session:
    """A session of the study in a folder that trains in this process, up to a role."""
    options = argparse.Namespace(
        data=None, study=folder / "states.py", optuna_storage=None, workers=1, debug=False
    )
    made = Session.of(options, store=Store(str(folder / "mlruns")), rehearses=role is not None)
    if role:
        made.__dict__["engine"] = HaltingEngine(folder / "states.py", role)
    return made


def make_states(root: Path) -> dict[str, Path]:
    """Every state by its name, each a copy of an earlier one and what happened to it."""
    states = {"empty": root / "empty"}
    states["empty"].mkdir()
    (states["empty"] / "states.py").write_text(STUDY)
    before = states["empty"]
    for stage in STAGES:
        before = states[f"killed in {stage}"] = _copy(before, root / f"killed-{stage}")
        try:
            run_session(session(before, stage))
        except Killed:
            continue
        raise AssertionError(f"nothing was to do in {stage}")
    full = states["full"] = _copy(before, root / "full")
    run_session(replace(session(full, "none"), rehearses=False))
    for name, change in _CHANGES.items():
        change(states.setdefault(name, _copy(full, root / name.replace(" ", "-"))))
    return states


def _copy(source: Path, target: Path) -> Path:
    """By another process: one that closes a file loses the locks of all its connections to it.

    A worker that finds a database of this process without a lock takes it for left behind, cuts
    what both have mapped, and this process dies of SIGBUS.
    """
    subprocess.run(["cp", "-R", source, target], check=True)
    return target


def _fail(folder: Path) -> None:
    connection = Connection(Store(str(folder / "mlruns")))
    for run in Query(connection).runs("tags.role = 'arm' and tags.method = 'self_kd'")[:2]:
        said = "the loss was nan in epoch 1"
        Writer(connection).end(run.run_id, "FAILED", "diverged", detail=said)


def _replan(folder: Path, change: Callable[[dict], object]) -> None:
    """Rewrite the study's record as another version would have written it."""
    query = Query(Connection(Store(str(folder / "mlruns"))))
    for run in query.runs("tags.role = 'study'"):
        path = query.artifact(run.run_id, "plan.json")
        assert path is not None
        plan = json.loads(path.read_text())
        change(plan)
        path.write_text(json.dumps(plan))
        query.connection.client.delete_tag(run.run_id, "plan_sha256")


def _grow(plan: dict) -> None:
    plan["unheard_of"] = plan["cells"][0]["unheard_of"] = {"by": "this version"}
    for name in ("tasks", "interaction_scale"):
        plan["judging"].pop(name, None)
    for searched in plan["tuning"]:
        searched.pop("gain_of_choice")


def _append(folder: Path, text: str) -> None:
    with (folder / "states.py").open("a") as file:
        file.write(text)


def _rewrite(folder: Path, old: str, new: str) -> None:
    path = folder / "states.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


#: What becomes of a full record.
_CHANGES: dict[str, Callable[[Path], object]] = {
    "failed runs": _fail,
    "of an older version": lambda folder: _replan(folder, lambda plan: plan.pop("judging")),
    "of a later version": lambda folder: _replan(folder, _grow),
    "judged by a later version": lambda folder: _replan(
        folder, lambda plan: plan["judging"].update(one_sided=False)
    ),
    "an arm added": lambda folder: _append(folder, ADDED),
    "an arm renamed": lambda folder: _append(folder, RENAMED),
    "another margin": lambda folder: _rewrite(folder, "margin=2.0", "margin=50.0"),
    "no cache": lambda folder: shutil.rmtree(folder / "mlruns" / "cache"),
    "no searches": lambda folder: [p.unlink() for p in folder.glob("mlruns/optuna.db*")],
}
