"""The folder in which a command leaves runs for its Slurm jobs, and they what becomes of them.

A run is one file, whose name says who has it: waiting, or taken by a job. Names change by renaming,
of which only one process at a time succeeds, so that no run is taken twice. What is written is
written beside its place, and put there whole.
"""

from __future__ import annotations

import json
import os
import pickle
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from benchmark.errors import StoreError
from benchmark.execute.job import Ended, Progress
from benchmark.user_code.project import Sources

#: Seconds without a beat after which a command is taken to be gone, and for which somebody who has
#: heard none yet waits for the first.
_GONE, _FIRST = 60.0, 15.0
#: Seconds between two looks for that one.
_TICK = 0.2
#: Of the folder in which all pools of a store lie.
_POOLS = "jobs"
#: More than any run is urgent, so that names sort by urgency.
_MOST_URGENT = 1e12


@dataclass(frozen=True)
class Entry:
    """A run on its way to a job.

    Attributes:
        key: of the run.
        name: of the run.
        study_file: loaded by the process that executes it.
        read: sources that the command has read, in place of what the files hold by then.
        pickled: what to do, to be read where the study is loaded.
    """

    key: str
    name: str
    study_file: Path
    read: Sources
    pickled: bytes


@dataclass(frozen=True)
class Whereabouts:
    """Where the file of a run lies.

    Attributes:
        order: the smallest is taken first.
        ticket: tells this attempt at a run from every other.
        job: Slurm's id of the job that has it; empty while it waits.
    """

    order: str
    ticket: str
    job: str = ""

    @classmethod
    def of(cls, name: str) -> Whereabouts:
        """From the name of its file."""
        return cls(*name.split("."))

    @property
    def name(self) -> str:
        """Of its file."""
        return ".".join(filter(None, (self.order, self.ticket, self.job)))

    @property
    def key(self) -> str:
        """Of the run."""
        return self.ticket.partition("-")[0]


@dataclass(frozen=True)
class JobPool:
    """What is to do for the jobs of one study under one set of Slurm's options.

    Attributes:
        folder: shared with the nodes.
    """

    folder: Path

    @classmethod
    def of(cls, store: Path, name: str) -> JobPool:
        """The pool of a name below a store's folder."""
        return cls(store / _POOLS / name)

    @classmethod
    def all_of(cls, store: Path) -> list[JobPool]:
        """All pools below a store's folder."""
        return [cls(path.parent) for path in sorted((store / _POOLS).glob("*/waiting"))]

    @property
    def name(self) -> str:
        """Of the jobs that take from it."""
        return self.folder.name

    @property
    def logs(self) -> Path:
        """What jobs print."""
        return self.folder / "logs"

    def log(self, job: str) -> Path:
        """What one job prints."""
        return self.logs / f"{job}_0_log.out"

    def make(self) -> None:
        """Make the folder, where it is not there; nobody else may lay a run into it.

        Raises:
            StoreError: it is another user's.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        _require_own(self.folder)
        self.folder.chmod(0o700)
        for name in ("waiting", "taken", "said", "ended", "called_off", "jobs", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def put(self, entry: Entry, urgency: float) -> str:
        """Leave a run for the jobs; returns its ticket."""
        order = f"{round((_MOST_URGENT - urgency) * 1000):018d}"
        place = Whereabouts(order, f"{entry.key}-{uuid4().hex[:8]}")
        _write(self.folder / "waiting" / place.name, pickle.dumps(entry))
        return place.ticket

    def waiting(self) -> list[Whereabouts]:
        """Runs that no job has, the most urgent first."""
        return _places(self.folder / "waiting")

    def taken(self) -> list[Whereabouts]:
        """Runs that a job has."""
        return _places(self.folder / "taken")

    def laid(self) -> Iterator[tuple[Whereabouts, Entry]]:
        """What waits, and what a job has; without what changes its place at this moment."""
        for place in (*self.waiting(), *self.taken()):
            with suppress(FileNotFoundError):
                yield place, _read(self._file(place))

    def take(self, job: str) -> tuple[Whereabouts, Entry] | None:
        """The most urgent run that no other job was quicker to take."""
        for place in self.waiting():
            mine = Whereabouts(place.order, place.ticket, job)
            path = self.folder / "taken" / mine.name
            with suppress(FileNotFoundError):
                (self.folder / "waiting" / place.name).rename(path)
                return mine, _read(path)
        return None

    def give_back(self, place: Whereabouts) -> bool:
        """Have a run wait again that a job has taken; whether it is still wanted."""
        waits = Whereabouts(place.order, place.ticket)
        try:
            (self.folder / "taken" / place.name).rename(self.folder / "waiting" / waits.name)
        except FileNotFoundError:
            return False
        return True

    def withdraw(self, place: Whereabouts) -> bool:
        """Have no job take a run, or give it back; whether it was still there."""
        try:
            self._file(place).unlink()
        except FileNotFoundError:
            return False
        return True

    def _file(self, place: Whereabouts) -> Path:
        return self.folder / ("taken" if place.job else "waiting") / place.name

    def call_off(self, ticket: str) -> None:
        """Ask the job that has a run to stop it."""
        (self.folder / "called_off" / ticket).touch()

    def is_called_off(self, ticket: str) -> bool:
        """Whether the run is no longer wanted."""
        return (self.folder / "called_off" / ticket).exists()

    def say(self, ticket: str, progress: Progress) -> None:
        """Tell how far a run has come."""
        line = json.dumps(asdict(progress), default=float)
        with (self.folder / "said" / ticket).open("a", encoding="utf-8") as file:
            file.write(f"{line}\n")

    def said(self, ticket: str, since: int) -> tuple[list[Progress], int]:
        """What was told of a run from a place in its file on, and the place after that."""
        try:
            with (self.folder / "said" / ticket).open("rb") as file:
                file.seek(since)
                found = file.read()
        except FileNotFoundError:
            return [], since
        whole = found[: found.rfind(b"\n") + 1]
        return [Progress(**json.loads(line)) for line in whole.splitlines()], since + len(whole)

    def end(self, place: Whereabouts, ended: Ended) -> None:
        """Tell how a run ended."""
        text = json.dumps(asdict(ended), default=float)
        _write(self.folder / "ended" / place.ticket, text.encode())
        self.withdraw(place)

    def ended(self, ticket: str) -> Ended | None:
        """How a run ended, if it has."""
        try:
            return Ended(**json.loads((self.folder / "ended" / ticket).read_text("utf-8")))
        except FileNotFoundError:
            return None

    def forget(self, ticket: str) -> None:
        """Remove what was told of a run."""
        for kind in ("said", "ended", "called_off"):
            (self.folder / kind / ticket).unlink(missing_ok=True)

    def beat(self) -> None:
        """Show that a command looks after the jobs, and submits others for those that leave."""
        (self.folder / "watched").write_text(uuid4().hex, encoding="ascii")

    def last_beat(self) -> str:
        """What tells the last beat from all others; empty where no command ever came."""
        try:
            return (self.folder / "watched").read_text("ascii")
        except FileNotFoundError:
            return ""

    def enlist(self, jobs: list[str]) -> None:
        """Note the ids of jobs that were submitted."""
        for job in jobs:
            (self.folder / "jobs" / job).touch()

    def jobs(self) -> list[str]:
        """The ids of jobs that were submitted and have not left."""
        return sorted(os.listdir(self.folder / "jobs"))

    def leave(self, job: str) -> None:
        """Take a job's id from the list."""
        (self.folder / "jobs" / job).unlink(missing_ok=True)


class Watch:
    """Listens whether a command looks after a pool: to its beats, as they come by the clock of this
    process; what clocks of other machines say is never asked.
    """

    def __init__(self, pool: JobPool) -> None:
        self._pool, self._last, self._began = pool, pool.last_beat(), time.monotonic()
        self._heard: float | None = None

    def listen(self) -> None:
        """To be called now and then: a beat counts from when it is noticed."""
        last = self._pool.last_beat()
        if last != self._last:
            self._last, self._heard = last, time.monotonic()

    def is_kept(self) -> bool:
        """Whether a command is there; waits for a moment where none was heard yet."""
        self.listen()
        while self._heard is None:
            if not self._last or time.monotonic() - self._began > _FIRST:
                return False
            time.sleep(_TICK)
            self.listen()
        return time.monotonic() - self._heard < _GONE


def _read(path: Path) -> Entry:
    _require_own(path)
    entry: Entry = pickle.loads(path.read_bytes())
    return entry


def _require_own(path: Path) -> None:
    """Refuse what another user may have laid there: whoever takes a run does what it says."""
    if path.stat().st_uid != os.getuid():
        raise StoreError(
            f"{path} is another user's, and jobs would do in your name what lies there: name a "
            "store of your own with --store."
        )


def _places(folder: Path) -> list[Whereabouts]:
    return [Whereabouts.of(name) for name in sorted(_visible(folder))]


def _visible(folder: Path) -> Iterator[str]:
    return (name for name in os.listdir(folder) if not name.startswith("."))


def _write(path: Path, content: bytes) -> None:
    draft = path.with_name(f".{path.name}.{uuid4().hex[:8]}")
    draft.write_bytes(content)
    draft.replace(path)
