"""What every engine promises the scheduler, asked of each: in this process, by processes, by Slurm.

Jobs of one engine take the runs of all tests, as they would those of a study.
"""

import argparse
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import pytest

from benchmark.execute.job import Ended, Job, Progress
from benchmark.execute.scheduler import Scheduler
from benchmark.record.left_open import close_orphans
from benchmark.runs.kinds import DataRun, TrainRun
from benchmark.session.session import Session
from benchmark.store.store import Store
from tests.slurm.studies import wait_until

#: An arm for each way in which a run may end.
STUDY = """
import os, signal, time
from dataclasses import dataclass
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

@dataclass(frozen=True)
class Raises(Base):
    name = "raises"
    def loss(self, step):
        if step.epoch:
            raise ValueError("on purpose")
        return super().loss(step)

@dataclass(frozen=True)
class Dies(Base):
    name = "dies"
    def loss(self, step):
        if step.epoch:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(step)

@dataclass(frozen=True)
class Diverges(Base):
    name = "diverges"
    def loss(self, step):
        return super().loss(step) * float("nan")

@dataclass(frozen=True)
class Waits(Base):
    name = "waits"
    def loss(self, step):
        time.sleep(0.3)
        return super().loss(step)

methods = [Base(), Raises(), Dies(), Diverges(), Waits()]
study = Study(
    name="protocol",
    task=Digits(digits=(5, 6), train=32, dev=20, test=20),
    arms=[Arm(ResNet((4,)), "scratch", method) for method in methods],
    comparison=Comparison("base", [method.name for method in methods[1:]]),
    judging=Judging(margin=2.0),
    training=Training(epochs=8, batch_size=16, device="cpu", precision="float32"),
    seeds=(1, 2, 3, 4),
    allow_underpowered=True,
)
"""


#: Of the first engine that was asked.
_scores: dict[str, dict[str, dict[str, float]]] = {}


@dataclass
class Tried:
    """An engine with one job at a time, and the runs of the study."""

    session: Session

    def runs(self, method: str) -> list[TrainRun]:
        """Those of an arm, by seed."""
        runs = self.session.plan().runs.values()
        return [r for r in runs if isinstance(r, TrainRun) and r.method_name == method]

    def scheduler(self) -> Scheduler:
        """On the engine, once the data are prepared."""
        session = self.session
        experiment = session.writer.experiment("protocol")
        made = Scheduler(session.engine, session.query, session.writer, experiment, {})
        for run in session.plan().runs.values():
            if isinstance(run, DataRun):
                made.add(run, frozenset(("data",)))
        self.finish(made)
        return made

    def finish(self, scheduler: Scheduler) -> list[Progress | Ended]:
        """Step until nothing is left to execute."""
        said: list[Progress | Ended] = []
        until = time.monotonic() + 240
        while scheduler.busy:
            assert time.monotonic() < until
            said += scheduler.step()
        return said

    def job(self, run: TrainRun) -> Job:
        """The same as the scheduler would make it."""
        experiment = self.session.writer.experiment("protocol")
        return Job(run, frozenset(("test",)), self.session.store, experiment, {})

    def events(self, until) -> list[Progress | Ended]:
        """What the engine tells until something is among it."""
        said: list[Progress | Ended] = []
        wait_until(lambda: said.extend(self.session.engine.events(0.2)) or any(map(until, said)))
        return said


@pytest.fixture(
    scope="module", params=["inline", "local", pytest.param("slurm", marks=pytest.mark.slow)]
)
def tried(request, tmp_path_factory) -> Iterator[Tried]:
    if request.param == "slurm":
        request.getfixturevalue("started")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "protocol.py").write_text(STUDY)
    options = argparse.Namespace(
        data=None,
        study=folder / "protocol.py",
        optuna_storage=None,
        workers=1,
        debug=False,
        engine=request.param if request.param == "slurm" else None,
        slurm="partition=debug" if request.param == "slurm" else None,
    )
    session = Session.of(options, store=Store(str(folder / "mlruns")))
    if request.param == "inline":
        from benchmark.execute.engines.inline import InlineEngine

        session.__dict__["engine"] = InlineEngine(options.study)
    yield Tried(session)
    session.engine.stop()
    if request.param == "slurm":
        with suppress(FileNotFoundError):
            subprocess.run(["scancel", "--quiet", "--user=root"])


def test_every_job_ends_once_and_the_most_urgent_is_taken_first(tried):
    scheduler = tried.scheduler()
    runs = tried.runs("base")
    for run, urgency in zip(runs, (1.0, 4.0, 2.0, 3.0), strict=True):
        scheduler.add(run, frozenset(("test",)), urgency)
    ended = [event for event in tried.finish(scheduler) if isinstance(event, Ended)]
    assert [event.key for event in ended] == [runs[i].key for i in (1, 3, 2, 0)]
    assert {event.status for event in ended} == {"finished"}
    scores = {event.key: _of_model(event.scores or {}) for event in ended}
    assert scores == _scores.setdefault("base", scores), "another engine gave other scores"
    recorded = tried.session.query.finished([run.key for run in runs])
    assert scores == {key: _of_model(run.scores) for key, run in recorded.items()}


def _of_model(scores: Mapping[str, float]) -> dict[str, float]:
    """On dev and test: what was spent is another every time."""
    return {name: value for name, value in scores.items() if name.startswith(("dev/", "test/"))}


def test_progress_is_told_in_its_order(tried):
    scheduler = tried.scheduler()
    scheduler.add(tried.runs("waits")[3], frozenset(("test",)))
    said = tried.finish(scheduler)
    assert [e.epoch for e in said if isinstance(e, Progress)] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert isinstance(said[-1], Ended)


def test_ways_to_fail_are_told_apart(tried):
    scheduler = tried.scheduler()
    ways = {"raises": "failed", "diverges": "diverged", "dies": "died"}
    if "Inline" in type(tried.session.engine).__name__:
        del ways["dies"]  # it would take this process along
    keys = {tried.runs(way)[0].key: way for way in ways}
    for way in ways:
        scheduler.add(tried.runs(way)[0], frozenset(("test",)))
    ended = [event for event in tried.finish(scheduler) if isinstance(event, Ended)]
    assert {keys[event.key]: event.status for event in ended} == ways
    said = {keys[event.key]: event.message for event in ended}
    assert "on purpose" in said["raises"]
    if "dies" in ways:
        assert "SIGKILL" in said["dies"]
    assert tried.session.engine.free > 0


def test_a_run_that_is_not_wanted_ends_as_pruned_and_the_next_one_is_executed(tried):
    tried.scheduler()
    run, engine = tried.runs("waits")[0], tried.session.engine
    engine.start(tried.job(run))
    if "Inline" not in type(engine).__name__:
        tried.events(lambda event: isinstance(event, Progress))
    engine.cancel(run.key)
    ended = [e for e in tried.events(lambda e: isinstance(e, Ended)) if isinstance(e, Ended)]
    assert [(event.key, event.status) for event in ended] == [(run.key, "pruned")]
    after = tried.runs("base")[0]
    engine.start(tried.job(after))
    ended = [e for e in tried.events(lambda e: isinstance(e, Ended)) if isinstance(e, Ended)]
    assert [(event.key, event.status) for event in ended] == [(after.key, "cached")]


def test_what_is_stopped_leaves_no_open_record(tried):
    tried.scheduler()
    run, engine = tried.runs("waits")[1], tried.session.engine
    engine.start(tried.job(run))
    if "Inline" not in type(engine).__name__:
        tried.events(lambda event: isinstance(event, Progress))
    assert [(event.key, event.status) for event in engine.stop()] == [(run.key, "interrupted")]
    close_orphans(tried.session.writer)
    assert not tried.session.query.runs("attributes.status = 'RUNNING' and tags.key != ''")
    assert engine.events(0.0) == []
