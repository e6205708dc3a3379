"""What every engine promises the scheduler, asked of each.

An engine with one worker takes the runs of all tests, as it would those of a study.
"""

import argparse
import os
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

import pytest

from benchmark.execute.job import KILLED, Ended, Job, Progress
from benchmark.execute.retries import ATTEMPTS
from benchmark.execute.scheduler import Scheduler
from benchmark.record.left_open import close_orphans
from benchmark.runs.kinds import DataRun, TrainRun
from benchmark.session.session import Session
from benchmark.store.process import Process
from benchmark.store.store import Store
from tests.benchmark.conftest import command
from tests.slurm.studies import wait_until

#: An arm for each way in which a run may end.
STUDY = """
import os, signal, time
from dataclasses import dataclass
import torch
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
class Fills(Base):
    name = "fills"
    def loss(self, step):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

@dataclass(frozen=True)
class Leaves(Base):
    name = "leaves"
    def loss(self, step):
        raise SystemExit("enough")

@dataclass(frozen=True)
class Waits(Base):
    name = "waits"
    def loss(self, step):
        time.sleep(0.3)
        return super().loss(step)

methods = [Base(), Raises(), Dies(), Diverges(), Fills(), Leaves(), Waits()]
study = Study(
    name="protocol",
    task=Digits(digits=(5, 6), train=32, dev=20, test=20),
    arms=[Arm(ResNet((4,)), "scratch", method) for method in methods],
    comparison=Comparison("base", [method.name for method in methods[1:]]),
    judging=Judging(margin=2.0),
    training=Training(epochs=8, batch_size=16, device="cpu", precision="float32"),
    seeds=(1, 2, 3, 4, 5),
    allow_underpowered=True,
)
"""
#: How runs of its arms end, and a word of what is said of them.
WAYS = {
    "raises": ("failed", "on purpose"),
    "diverges": ("diverged", ""),
    "fills": ("out of memory", "9.00 GiB"),
    "leaves": ("failed", "enough"),
    "dies": ("killed", "SIGKILL"),
}


#: Of the first engine that was asked.
_scores: dict[str, dict[str, float]] = {}


@dataclass
class Tried:
    """An engine with one worker, and the runs of the study."""

    name: str
    session: Session

    @property
    def is_here(self) -> bool:
        """Whether runs are executed by this very process."""
        return self.name == "inline"

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

    def begin(self, run: TrainRun) -> None:
        """Start a run, and wait until it is being trained, where others can watch that."""
        self.session.engine.start(self.job(run))
        if not self.is_here:
            self.events(lambda event: isinstance(event, Progress))

    def end(self) -> list[tuple[str, str]]:
        """Wait for the end of a run; what was told of ends."""
        told = self.events(lambda event: isinstance(event, Ended))
        return [(event.key, event.status) for event in told if isinstance(event, Ended)]

    def events(self, until) -> list[Progress | Ended]:
        """What the engine tells until something is among it."""
        said: list[Progress | Ended] = []
        wait_until(lambda: said.extend(self.session.engine.events(0.2)) or any(map(until, said)))
        return said

    def process(self, run: TrainRun) -> int:
        """That of a run which is being trained."""
        open_runs = f"attributes.status = 'RUNNING' and tags.key = '{run.key}'"
        [attempt] = self.session.query.runs(open_runs)
        return Process.parse(attempt.tags["process"]).pid


@pytest.fixture(
    scope="module",
    params=[
        "inline",
        pytest.param("local", marks=pytest.mark.slow),
        pytest.param("ray", marks=[pytest.mark.slow, pytest.mark.long]),
        pytest.param("slurm", marks=[pytest.mark.slow, pytest.mark.long]),
    ],
)
def engine(request) -> tuple[str, str | None]:
    """The name of an engine, and the address of what it needs, which has been started."""
    if request.param == "slurm":
        request.getfixturevalue("started")
    if request.param == "ray":
        return "ray", request.getfixturevalue("ray_nodes").address
    return request.param, None


@pytest.fixture(scope="module")
def tried(engine, tmp_path_factory) -> Iterator[Tried]:
    name, address = engine
    folder = tmp_path_factory.mktemp(name)
    (folder / "protocol.py").write_text(STUDY)
    options = argparse.Namespace(
        data=None,
        study=folder / "protocol.py",
        optuna_storage=None,
        workers=1,
        debug=False,
        engine=name,
        address=address,
        slurm="partition=debug" if name == "slurm" else None,
    )
    session = Session.of(options, store=Store(str(folder / "mlruns")))
    yield Tried(name, session)
    session.engine.stop()
    if name == "slurm":
        with suppress(FileNotFoundError):
            subprocess.run(["scancel", "--quiet", "--user=root"])


def test_every_job_ends_once_and_the_most_urgent_is_taken_first(tried):
    scheduler = tried.scheduler()
    runs = tried.runs("base")[:4]
    for run, urgency in zip(runs, (1.0, 4.0, 2.0, 3.0), strict=True):
        scheduler.add(run, frozenset(("test",)), urgency)
    ended = [event for event in tried.finish(scheduler) if isinstance(event, Ended)]
    assert [event.key for event in ended] == [runs[i].key for i in (1, 3, 2, 0)]
    assert {event.status for event in ended} == {"finished"}
    scores = {event.key: _of_model(event.scores or {}) for event in ended}
    _scores.update({key: _scores.get(key, of_run) for key, of_run in scores.items()})
    assert scores == _scores, "another engine gave other scores"
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


def test_ways_to_fail_are_told_apart_and_recorded(tried):
    scheduler = tried.scheduler()
    ways = {way: end for way, end in WAYS.items() if way != "dies" or not tried.is_here}
    keys = {tried.runs(way)[0].key: way for way in ways}
    for way in ways:
        scheduler.add(tried.runs(way)[0], frozenset(("test",)))
    ended = [event for event in tried.finish(scheduler) if isinstance(event, Ended)]
    assert {keys[e.key]: e.status for e in ended} == {way: end for way, (end, _) in ways.items()}
    for event in ended:
        assert ways[keys[event.key]][1] in event.message
    attempts = [r for r in tried.session.query.runs("tags.key != ''") if r.tags["key"] in keys]
    again = ATTEMPTS[KILLED] - 1 if "dies" in ways else 0
    assert [run.status for run in attempts] == ["FAILED"] * (len(ways) + again)
    assert tried.session.engine.free > 0


def test_a_run_that_is_not_wanted_ends_as_pruned_and_the_next_one_is_executed(tried):
    tried.scheduler()
    run, after = tried.runs("waits")[0], tried.runs("base")[0]
    tried.begin(run)
    tried.session.engine.cancel(run.key)
    assert tried.end() == [(run.key, "pruned")]
    tried.session.engine.start(tried.job(after))
    assert tried.end() in ([(after.key, "cached")], [(after.key, "finished")])


def test_a_worker_that_is_killed_takes_its_own_run_along_and_no_other(tried):
    if tried.is_here:
        pytest.skip("this process is the worker")
    scheduler = tried.scheduler()
    run, after = tried.runs("waits")[2], tried.runs("base")[4]  # which no other test trains
    scheduler.add(run, frozenset(("test",)))
    wait_until(lambda: any(isinstance(event, Progress) for event in scheduler.step()))
    os.kill(tried.process(run), signal.SIGKILL)
    scheduler.add(after, frozenset(("test",)))
    ended = [event for event in tried.finish(scheduler) if isinstance(event, Ended)]
    assert {e.key: e.status for e in ended} == {run.key: "finished", after.key: "finished"}
    killed, again = tried.session.query.runs(f"tags.key = '{run.key}'")
    assert (killed.status, again.status) == ("FAILED", "FINISHED")
    assert again.tags["retry_of"] == killed.run_id


def test_what_is_stopped_leaves_no_open_record(tried):
    tried.scheduler()
    run, engine = tried.runs("waits")[1], tried.session.engine
    tried.begin(run)
    assert [(event.key, event.status) for event in engine.stop()] == [(run.key, "interrupted")]
    if tried.name in ("local", "inline"):
        close_orphans(tried.session.writer)  # of a run that was too slow to do it
    assert not tried.session.query.runs("attributes.status = 'RUNNING' and tags.key != ''")
    assert list(engine.events(0.0)) == []


SAYS = """
from dataclasses import dataclass
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits


def made():
    @dataclass(frozen=True)
    class Says(Base):
        name = "says"

        def loss(self, step):
            print(f"said in epoch {step.epoch}", flush=True)
            return super().loss(step)

    return Says()


study = Study(
    name="says",
    task=Digits(digits=(5, 6), train=16, dev=16, test=16),
    arms=Arm.grid(ResNet((4,)), "scratch", [Base(), made()]),
    comparison=Comparison("base", "says"),
    judging=Judging(margin=2.0),
    training=Training(epochs=2, batch_size=16, lr=1e-3, device="cpu", precision="float32"),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""


@pytest.mark.slow
@pytest.mark.long
def test_what_a_run_prints_is_kept_also_of_a_class_that_a_function_made(engine, tmp_path):
    name, address = engine
    path = tmp_path / "says.py"
    path.write_text(SAYS)
    where = ["--engine", name, *(["--address", address] if address else [])]
    asked = command("run", path, *where)
    done = subprocess.run(asked, cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    printed = done.stdout
    if name in ("slurm", "ray"):
        logs = [*(tmp_path / "mlruns").rglob("*.out"), *(tmp_path / "mlruns").rglob("*.log")]
        printed = "".join(log.read_text() for log in logs)
        assert "is kept in" in done.stdout
    # Two runs may print into one line.
    assert printed.count("said in epoch 1") == len(("1", "2")), "once by each seed"
    assert printed.count("said in epoch 0") >= len(("1", "2"))
