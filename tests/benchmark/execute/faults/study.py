"""A study whose runs stand still in the middle, so that something can happen to them there."""

import os
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.conftest import command

#: Two runs of base, and two of an own method that wait in the middle while there is a "hold.2".
STUDY = """
import os
import select
import time
from dataclasses import dataclass
from typing import ClassVar

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits


@dataclass(frozen=True)
class Still(Base):
    name: ClassVar[str] = "still"

    def loss(self, step):
        hold = f"hold.{step.epoch}"  # a file of a constant name would be a part of the run's key
        if os.path.exists(hold):
            os.mknod(f"arrived.{os.getpid()}")
            while os.path.exists(hold):
                select.select([], [], [], 0.02)  # which libfaketime does not know
        return super().loss(step)


study = Study(
    name="faults",
    task=Digits(digits=(5, 6), train=40, dev=20, test=20),
    arms=Arm.grid(ResNet((4,)), ["scratch"], [Base(), Still()]),
    comparison=Comparison("base", "still"),
    judging=Judging(margin=2.0),
    training=Training(epochs=3, batch_size=16, lr=3e-3, device="cpu", precision="float32"),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""
#: Seconds after which a test gives up.
LONG = 300.0


def scores(query: Query) -> dict[str, dict[str, float]]:
    """By run name, of what is the same in every execution of it."""
    return {
        run.called: {name: value for name, value in run.scores.items() if "/" in name}
        for run in query.finished().values()
    }


def wait_until(happens: Callable[[], Any], what: str) -> Any:
    """What a function gives as soon as it gives something."""
    deadline = time.monotonic() + LONG
    while time.monotonic() < deadline:
        if found := happens():
            return found
        time.sleep(0.05)
    raise AssertionError(f"it did not happen in time: {what}")


class Disturbed:
    """A `bench run` of the study in a folder of its own, whose runs stand still in the middle.

    Args:
        folder: with the study, and a record in which nothing is.
        arguments: of the command.
        environment: variables of its own.
    """

    def __init__(
        self, folder: Path, *arguments: object, environment: Mapping[str, str] | None = None
    ) -> None:
        self.folder, self.temporary = folder, folder / "tmp"
        if not self.temporary.exists():  # elsewhere: paths of sockets have to be short
            self.temporary.symlink_to(mkdtemp(prefix="faults-"))
        (folder / "hold.2").touch()
        self.output = folder / "output"
        with self.output.open("a") as out:
            self.process = subprocess.Popen(
                command("run", "faults.py", "--workers", 2, *arguments),
                cwd=folder,
                env={**os.environ, "TMPDIR": str(self.temporary.resolve()), **(environment or {})},
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._met: set[int] = set()

    @property
    def said(self) -> str:
        return self.output.read_text()

    def arrived(self, count: int = 1) -> list[int]:
        """The processes of workers that have come to the middle of a run, new ones each time."""

        def new() -> list[int]:
            assert self.process.poll() is None, self.said
            found = {int(path.suffix[1:]) for path in self.folder.glob("arrived.*")} - self._met
            return sorted(found) if len(found) >= count else []

        found: list[int] = wait_until(new, f"{count} workers come to the middle of a run")
        self._met |= {*found}
        return found

    def hears(self, text: str) -> None:
        """Wait until the command has said something."""

        def heard() -> bool:
            over = self.process.poll() is not None
            assert text in self.said or not over, self.said
            return text in self.said

        wait_until(heard, f"the command says {text!r}")

    def go_on(self) -> None:
        """Have no run stand still any longer."""
        (self.folder / "hold.2").unlink()

    def end(self, code: int = 0) -> str:
        """Let the command come to its end, which has to be this."""
        (self.folder / "hold.2").unlink(missing_ok=True)
        try:
            assert self.process.wait(LONG) == code, self.said
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        assert "Traceback" not in self.said, self.said
        return self.said

    def again(self, *arguments: object) -> "Disturbed":
        """The same command once more."""
        made = Disturbed(self.folder, *arguments)
        made.go_on()
        return made


def check(folder: Path, expected: Mapping[str, object], store: str = "mlruns") -> list[Recorded]:
    """Everything is as without a disturbance; gives the attempts that failed."""
    query = Query(Connection(Store(store if "://" in store else str(folder / store))))
    runs = query.runs("tags.key != ''")
    assert scores(query) == expected
    assert Counter(run.status for run in runs)["FINISHED"] == len(expected)  # none is doubled
    assert {run.status for run in runs} <= {"FINISHED", "FAILED", "KILLED"}
    wait_until(lambda: not processes_in(folder), f"no process is left: {processes_in(folder)}")
    assert left_behind(folder) == []
    return [run for run in runs if run.status != "FINISHED"]


def left_behind(folder: Path) -> list[str]:
    """Drafts, temporary files, leases and checkpoints that nobody will ever read."""
    found, cache = [*(folder / "tmp").iterdir()], folder / "mlruns" / "cache"
    found += (path for told in ("*/.*", "leases/*/*", "resume/*") for path in cache.glob(told))
    found += (folder / "mlruns" / "artifacts").rglob(".*")
    found += (folder / "mlruns").glob("mlflow.new-*")
    return [str(path.relative_to(folder)) for path in found]


def processes_in(folder: Path) -> list[str]:
    """Command lines of living processes whose working directory is this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            mine = entry.name == str(os.getpid())
            if entry.name.isdigit() and not mine and Path(os.readlink(entry / "cwd")) == folder:
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return [line for line in found if line]


def parent_of(pid: int) -> int:
    """The process that a process was forked by."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])
