"""Studies whose runs go to a cluster, and what is asked of their records."""

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.record.query import Query
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.conftest import command

#: Prepared data, plain runs, and runs that take logits from these.
STUDY = """
from dataclasses import dataclass
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base, SelfKD
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

@dataclass(frozen=True)
class Talks(SelfKD):
    name = "talks"

    def loss(self, step):
        print("said by a run")
        return super().loss(step)

quick = Training(epochs=EPOCHS, batch_size=16, lr=3e-3, device="cpu", precision="float32")
study = Study(
    name="on-slurm",
    task=Digits(digits=(5, 6, 7), train=60, dev=60, test=120),
    arms=[Arm(ResNet((8,)), "scratch", Base()), Arm(ResNet((8,)), "scratch", Talks())],
    comparison=Comparison("base", "talks"),
    judging=Judging(margin=2.0),
    training=quick,
    seeds=SEEDS,
    allow_underpowered=True,
)
"""


def written(folder: Path, epochs: int = 2, seeds: int = 3) -> Path:
    """A file of the study in a folder."""
    path = folder / "study.py"
    text = STUDY.replace("EPOCHS", str(epochs)).replace("SEEDS", str(tuple(range(seeds))))
    path.write_text(text)
    return path


def query(store: Path) -> Query:
    """To the record in a folder."""
    return Query(Connection(Store(str(store))))


def scores(store: Path) -> dict[str, dict[str, float]]:
    """Every score of every finished run by its key, to the last bit."""
    return {
        key: {name: value for name, value in run.scores.items() if "/" in name}
        for key, run in query(store).finished().items()
    }


def statuses(store: Path) -> list[str]:
    """How the runs in the record stand."""
    return sorted(run.status for run in query(store).runs("tags.key != ''"))


def wait_until(what: Callable[[], object], seconds: float = 240) -> None:
    """Until something holds."""
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, "it never came to that"
        time.sleep(0.3)


def is_training(store: Path) -> bool:
    """Whether a run is being trained."""
    return (store / "mlflow.db").exists() and "RUNNING" in statuses(store)


def jobs() -> dict[str, str]:
    """The nodes of all jobs that Slurm knows of, by id."""
    said = subprocess.run(
        ["squeue", "--noheader", "--array", "--format=%i=%N"], capture_output=True, text=True
    ).stdout
    return dict(line.strip().split("=") for line in said.splitlines())


def logs(printed: str) -> list[Path]:
    """The logs of jobs, where a command said that they are."""
    told = re.search(r"is kept in (\S+)/JOB_0_log.out", printed)
    assert told, printed
    return sorted(Path(told[1]).glob("*_0_log.out"))


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """Start the command in a process of its own; what it prints goes to a file."""
    monkeypatch.chdir(tmp_path)
    running = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        with (tmp_path / "printed").open("a") as printed:
            process = subprocess.Popen(
                command(*arguments), stdout=printed, stderr=subprocess.STDOUT, text=True
            )
        running.append(process)
        return process

    yield begin
    for process in running:
        process.kill()
        process.wait()
