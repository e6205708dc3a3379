"""What an attempt at a run leaves for the next one, and when that is not used."""

import json
import shutil
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path

import pytest

from benchmark.execute.attempt.worker import execute
from benchmark.execute.job import Ended, Job, Progress
from benchmark.record.recorded import Recorded
from benchmark.runs.kinds import DataRun, TrainRun
from benchmark.store import checksums
from tests.benchmark.attempted import Attempted

STUDY = """
from dataclasses import dataclass
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base, L2SP
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

@dataclass(frozen=True)
class Odd(Base):
    name = "odd"
    def after_step(self, step):
        step.state.unheard_of = object()

study = Study(
    name="left",
    task=Digits(digits=(5, 6), train=40, dev=20, test=20),
    arms=[Arm(ResNet((4,)), "scratch", method) for method in (Base(), L2SP(), Odd())],
    comparison=Comparison("base", ["l2_sp", "odd"]),
    judging=Judging(margin=2.0),
    training=Training(epochs=4, batch_size=16, lr=3e-3, device="cpu", precision="float32"),
    seeds=(1, 2, 3, 4, 5, 6, 7, 8),
    allow_underpowered=True,
)
"""


@pytest.fixture(scope="module")
def attempted(tmp_path_factory) -> Attempted:
    """A study of which every test takes a run of its own."""
    path = tmp_path_factory.mktemp("left") / "left.py"
    path.write_text(STUDY)
    found = Attempted(path)
    for run in found.plan.runs.values():
        if isinstance(run, DataRun):
            assert executed(found, run.name, outputs=("data",)).status == "finished"
    return found


def executed(attempted: Attempted, name: str, until: int | None = None, outputs=("test",)) -> Ended:
    """A run, written down after every epoch; Ctrl-C comes when so many are reported."""
    run = attempted.plan.runs[attempted.key(name)]
    experiment = attempted.writer.experiment("left")
    store = attempted.query.store
    job = Job(run, frozenset(outputs), store, experiment, {}, checkpoint_every=0.0)

    def say(progress: Progress) -> None:
        if progress.epoch == until:
            raise KeyboardInterrupt

    if until is None:
        return execute(job, say)
    with pytest.raises(KeyboardInterrupt):
        execute(job, say)
    return Ended(run.key, "left open")


_seeds = count(1)


@pytest.fixture
def name() -> str:
    """Of a run that nobody has tried."""
    return f"l2_sp · scratch · {next(_seeds)}"


def left(attempted: Attempted, name: str) -> Path:
    return attempted.query.store.cache.path("resume", attempted.key(name))


def attempts(attempted: Attempted, name: str) -> list[Recorded]:
    return attempted.query.runs(f"tags.key = '{attempted.key(name)}'")


def scores(ended: Ended) -> Mapping[str, float]:
    assert ended.status == "finished", ended
    return {name: value for name, value in (ended.scores or {}).items() if "/" in name}


def test_the_next_attempt_goes_on_and_names_the_one_before(attempted, name):
    executed(attempted, name, until=3)
    assert left(attempted, name).exists()
    done = executed(attempted, name)
    assert (done.status, done.message) == ("finished", "")
    assert not left(attempted, name).exists()
    first, second = attempts(attempted, name)
    assert (first.status, second.status) == ("KILLED", "FINISHED")
    assert second.tags["resumes"] == first.run_id
    # a second time only where the first one took no more than a fiftieth of what had passed
    assert second.tags["resumed_at"] in ("step 3 in epoch 2", "step 6 in epoch 3")
    client = attempted.query.connection.client
    history = client.get_metric_history(second.run_id, "epoch/loss")
    assert [point.step for point in history] == [1, 2, 3, 4]


def test_what_a_run_kept_that_was_killed_as_it_ended_goes_when_it_is_tried_again(attempted, name):
    executed(attempted, name, until=3)
    aside = left(attempted, name).with_name("aside")
    shutil.copytree(left(attempted, name), aside)
    assert executed(attempted, name).status == "finished"
    aside.rename(left(attempted, name))  # as if there had been no time to remove it
    assert executed(attempted, name).status == "cached"
    assert not left(attempted, name).exists()


def _cut(folder: Path) -> None:
    path = folder / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def _change(**changed: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "state.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
        checksums.seal(folder, f"resume/{folder.name}")

    return change


def _split(folder: Path) -> None:
    """As if the attempt before had lacked memory for whole batches."""
    about = json.loads((folder / "state.json").read_text())["about"]
    _change(about={**about, "splits": 2})(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_split, "was written with batches in other parts: the run begins anew"),
        (_cut, "holds a damaged state.safetensors: the run begins anew"),
        (_change(format=0), "was written by another version of armbench: the run begins anew"),
        (
            _change(about={"attempt": "", "environment": {"torch": "1.0"}, "splits": 1}),
            "was written with torch 1.0: the run begins anew",
        ),
    ],
)
def test_what_does_not_fit_is_said_and_the_run_begins_anew(attempted, name, change, said):
    executed(attempted, name, until=3)
    change(left(attempted, name))
    done = executed(attempted, name)
    assert done.status == "finished"
    assert done.message == f"{left(attempted, name)} {said}"
    assert "resumes" not in attempts(attempted, name)[-1].tags
    assert not left(attempted, name).exists()


def test_what_cannot_be_written_is_said_once_and_recorded(attempted):
    name = "odd · scratch · 1"
    done = executed(attempted, name)
    assert done.status == "finished"
    assert done.message == (
        "state.unheard_of is a object, which cannot be written down: the run begins anew if it is "
        "interrupted."
    )
    assert attempts(attempted, name)[-1].tags["resuming"] == done.message
    assert not left(attempted, name).exists()


def test_a_place_that_cannot_be_written_does_not_end_a_run(attempted, name):
    place = left(attempted, name).parent
    shutil.rmtree(place)
    place.write_text("no folder")
    done = executed(attempted, name)
    assert done.status == "finished"
    assert f"{left(attempted, name)} could not be written" in done.message
    assert "the run goes on without a checkpoint" in done.message
    place.unlink()


def test_a_run_of_less_than_a_minute_leaves_nothing(attempted, name):
    (run,) = [r for r in attempted.plan.runs.values() if r.name == name]
    assert isinstance(run, TrainRun)
    job = Job(
        run, frozenset(("test",)), attempted.query.store, attempted.writer.experiment("left"), {}
    )
    assert job.checkpoint_every == 60.0
    seen: list[bool] = []
    ended = execute(job, lambda _: seen.append(left(attempted, name).exists()))
    assert ended.status == "finished"
    assert not any(seen)
