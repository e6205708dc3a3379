"""What another command is at is put aside, and what becomes of it there counts here."""

import argparse
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

import pytest

from benchmark.execute import elsewhere
from benchmark.execute.engines.inline import InlineEngine
from benchmark.execute.job import Ended, Progress
from benchmark.execute.scheduler import Scheduler, run_plan
from benchmark.execute.todo import todo
from benchmark.runs.kinds import Run
from benchmark.session.session import Session
from benchmark.store.leases import LeaseFolder
from benchmark.store.process import Process
from benchmark.store.store import Store
from tests.benchmark.attempted import Attempted

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base, SelfKD
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

study = Study(
    name="small",
    task=Digits(digits=(5, 6), train=20, dev=20, test=20),
    arms=[Arm(ResNet((4,)), "scratch", Base()), Arm(ResNet((4,)), "scratch", SelfKD())],
    comparison=Comparison("base", "self_kd"),
    judging=Judging(margin=2.0),
    training=Training(epochs=1, batch_size=16, device="cpu", precision="float32"),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""
N1 = Process("n1", "n1", 4711, "1")
TEACHER, PUPIL = "base · scratch · 1", "self_kd · scratch · 1"


@dataclass
class Other:
    """Another command on the same store: it holds a run until something becomes of that."""

    attempted: Attempted
    held: ExitStack = field(default_factory=ExitStack)

    def hold(self, name: str) -> None:
        leases = LeaseFolder(self.attempted.query.store.cache.runs.root, N1)
        self.held.enter_context(leases.holding(self.attempted.key(name)))

    def let_go(self) -> None:
        self.held.close()


@dataclass
class Followed:
    """A command: what it started, and what it was told."""

    session: Session
    started: list[str] = field(default_factory=list)
    told: list[Progress | Ended] = field(default_factory=list)

    def run(self, on_event: Callable[[Progress | Ended], None]) -> dict[str, Ended]:
        """Train all of the study; returns how each run ended, by its name."""
        session, plan = self.session, self.session.plan()
        engine = InlineEngine(session.study_file)
        experiment = session.writer.experiment("small")
        scheduler = Scheduler(engine, session.query, session.writer, experiment, {}, self._start)

        def tell(event: Progress | Ended) -> None:
            self.told.append(event)
            on_event(event)

        jobs = todo(plan, {}, session.store).jobs
        ended = run_plan(plan, jobs, scheduler, lambda run: 1.0, tell).ended
        return {plan.runs[key].name: each for key, each in ended.items()}

    def _start(self, run: Run) -> None:
        self.started.append(run.name)

    def ends(self) -> int:
        return sum(isinstance(event, Ended) for event in self.told)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "small.py"
    path.write_text(STUDY)
    return path


@pytest.fixture
def other(file) -> Other:
    return Other(Attempted(file))


@pytest.fixture
def followed(file, other, monkeypatch) -> Followed:
    monkeypatch.setattr(elsewhere, "_AGAIN", 0.1)
    options = argparse.Namespace(
        data=None, study=file, optuna_storage=None, workers=1, debug=False, engine=None, slurm=None
    )
    return Followed(Session.of(options, store=Store(str(file.parent / "mlruns"))))


def test_all_else_is_done_before_anybody_waits_and_what_finished_there_is_cached(followed, other):
    other.hold(TEACHER)

    def on_event(event: Progress | Ended) -> None:
        if isinstance(event, Ended) and followed.ends() == 3:  # the data and what seed 2 has
            other.attempted.finish(TEACHER)
            cache = other.attempted.query.store.cache
            with cache.making("logits", other.attempted.key(TEACHER)) as folder:
                (folder / "left").touch()
            other.let_go()

    ended = followed.run(on_event)
    assert ended[TEACHER].status == "cached"
    assert ended[TEACHER].scores
    assert TEACHER not in followed.started
    assert followed.started[-1] == PUPIL
    aside = [event for event in followed.told if isinstance(event, Progress) and event.elsewhere]
    assert [event.elsewhere for event in aside] == ["n1, process 4711"]


@pytest.mark.slow
def test_what_diverged_there_is_not_tried_again_nor_what_waits_for_it(followed, other):
    other.hold(TEACHER)

    def on_event(event: Progress | Ended) -> None:
        if isinstance(event, Ended) and followed.ends() == 3:
            other.attempted.fail(TEACHER, "diverged: the loss was nan in epoch 1")
            other.let_go()

    ended = followed.run(on_event)
    assert ended[TEACHER].status == "diverged"
    assert ended[TEACHER].message.startswith("the loss was nan in epoch 1 (by another command, on")
    assert TEACHER not in followed.started
    assert PUPIL not in ended


@pytest.mark.slow
@pytest.mark.parametrize("earlier", [True, False])
def test_what_had_failed_before_or_was_left_is_done_here(followed, other, earlier):
    if earlier:
        other.attempted.fail(TEACHER, "diverged: the loss was nan in epoch 1")
    other.hold(TEACHER)

    def on_event(event: Progress | Ended) -> None:
        if isinstance(event, Ended) and followed.ends() == 3:
            if not earlier:
                other.attempted.begin(TEACHER, {"process": N1.name})
            other.let_go()

    ended = followed.run(on_event)
    assert {each.status for each in ended.values()} == {"finished"}
    states = [run.status for run in followed.session.query.runs("tags.key != ''")]
    assert sorted(states) == sorted(["FAILED" if earlier else "KILLED", *["FINISHED"] * 4])
