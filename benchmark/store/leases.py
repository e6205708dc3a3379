"""Who works on what in a folder that processes of several machines share, without file locks.

A lease is an empty file, ``NAME/mode.host.machine.pid.started.nonce.beat``: its name says who holds
NAME, and ends in a number that the holder raises every few seconds. It is taken, raised, let go and
cleared away by one rename or unlink of an exact name each. A file server carries these out one
after the other, also for NFS, so that one process at a time succeeds, and what a machine remembers
of a folder may make it fail, but never succeed beside another. Clocks are never compared: a holder
is gone when its process is, where that can be seen, or when somebody has watched its number not
change for long enough by a clock of their own.
"""

import errno
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from uuid import uuid4

from benchmark.errors import CacheError, LeaseLost
from benchmark.store.process import Process

#: Seconds between two beats of a lease, and without one after which its holder counts as gone.
BEAT, LIMIT = 5.0, 60.0
#: Seconds between two looks at a lease that somebody waits for, at first and at most.
_SOON, _LATER = 0.02, 0.5
#: How often a name is tried that nobody holds; others may be quicker each time.
_TIMES = 1000
#: One alone holds a name, or some share it.
Mode = Literal["alone", "shared"]
#: Of a holder: it goes on while the machine sleeps, where there is such a clock.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
#: By folder and nonce, leases that were looked at: their number, and when it was seen first.
_watched: dict[Path, dict[str, tuple[int, float]]] = {}


@dataclass(frozen=True)
class Holder:
    """Who holds a lease, as its file says.

    Attributes:
        mode: how.
        process: of whom.
        nonce: tells it from every other lease of that process.
        beat: how often it was raised.
    """

    mode: str
    process: Process
    nonce: str
    beat: int = 0

    @classmethod
    def parse(cls, name: str) -> "Holder | None":
        """From the name of a file; None where that is no lease."""
        mode, _, rest = name.partition(".")
        whose, nonce, beat = [*rest.rsplit(".", 2), "", ""][:3]
        process = Process.parse(whose)
        return cls(mode, process, nonce, int(beat)) if process and beat.isdigit() else None

    @property
    def stem(self) -> str:
        """The name of its file without the number of its beat."""
        return f"{self.mode}.{self.process.name}.{self.nonce}"

    @property
    def file(self) -> str:
        """The name of its file."""
        return f"{self.stem}.{self.beat}"


@dataclass
class Lease:
    """A name that this process holds, until :meth:`release` or the end of its ``with`` block.

    Attributes:
        folder: of the name.
        stem: of its file.
    """

    folder: Path
    stem: str
    _beat: int = 0
    _lost: bool = False
    _beaten: float = field(default_factory=lambda: time.clock_gettime(_CLOCK))
    _owner: int = field(default_factory=os.getpid)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> "Lease":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def beat(self) -> bool:
        """Show that the holder lives; whether it is still the holder.

        Raises:
            OSError: the folder cannot be written at this moment.
        """
        with self._lock:
            if self._lost:
                return False
            now = time.clock_gettime(_CLOCK)
            before, after = self._file(self._beat), self._file(self._beat + 1)
            try:
                before.rename(after)
            except FileNotFoundError:
                if not after.exists():  # else it was done, and the answer was lost
                    self._lost = True
                    return False
            self._beat, self._beaten = self._beat + 1, now
            return True

    def check(self) -> None:
        """Go on only as the holder; looks at the folder only after a long silence.

        Raises:
            LeaseLost: somebody took this process for gone.
            CacheError: that cannot be told.
        """
        if self._lost or time.clock_gettime(_CLOCK) - self._beaten >= LIMIT:
            self.require()

    def require(self) -> None:
        """Go on only as the holder, as the folder says now.

        Raises:
            LeaseLost: somebody took this process for gone.
            CacheError: that cannot be told.
        """
        try:
            held = self.beat()
        except OSError as error:
            raise _unwritten(self.folder, error) from error
        if not held:
            now = next(iter(_holders(self.folder)), None)
            whose = now.process.shown if now else "nobody now"
            raise LeaseLost(f"{whose}, for this process was silent for more than {LIMIT:.0f} s")

    def release(self) -> None:
        """Let go; nothing is left of it."""
        if os.getpid() != self._owner:
            return  # a copy that code of a study forked holds nothing
        _heart.forget(self)
        with self._lock, suppress(OSError):
            self._lost = True
            self._file(self._beat).unlink()
            self.folder.rmdir()

    def _file(self, beat: int) -> Path:
        return self.folder / f"{self.stem}.{beat}"


@dataclass(frozen=True)
class Leases:
    """The leases of one kind.

    Attributes:
        root: in it is a folder for each name that somebody holds, and nothing else.
        me: as whom this process holds them.
    """

    root: Path
    me: Process = field(default_factory=Process.here)

    def attempt(self, name: str, mode: Mode = "alone") -> Lease | Holder:
        """Take a name, or find out who holds it.

        Raises:
            CacheError: the folder cannot be written.
        """
        holder = Holder(mode, self.me, uuid4().hex[:8])
        take = self._enter if mode == "alone" else self._join
        try:
            for _ in range(_TIMES):
                if take(name, holder):
                    lease = Lease(self.root / name, holder.stem)
                    _heart.keep(lease)
                    return lease
                if (other := self.clear(name, mode)) is not None:
                    return other
        except OSError as error:
            raise _unwritten(self.root, error) from error
        raise CacheError(f"{self.root / name} holds what is no lease; remove it")

    @contextmanager
    def holding(self, *names: str, mode: Mode = "alone") -> Iterator[None]:
        """Hold names within this block, once nobody else does."""
        with ExitStack() as held:
            for name in sorted(names):
                held.callback(self._wait(name, mode).release)
            yield

    def holder(self, name: str) -> Holder | None:
        """Who holds a name, as far as can be told from one look; writes nothing."""
        return next(iter(_sorted(self.root / name)[0]), None)

    def clear(self, name: str, beside: Mode = "alone") -> Holder | None:
        """Remove what holders left of a name that are gone, and find out who holds it still.

        Args:
            name: of the lease.
            beside: how it is to be held: those that share it are in the way of one alone.
        """
        folder = self.root / name
        living, gone = _sorted(folder)
        for holder in gone:
            with suppress(FileNotFoundError):  # its number has changed: it lives
                (folder / holder.file).unlink()
        if not living:
            with suppress(OSError):
                folder.rmdir()
        return next((h for h in living if beside == "alone" or h.mode == "alone"), None)

    def sweep(self) -> None:
        """Remove what holders left that are gone."""
        for path in self.root.glob("*"):
            if not path.name.startswith("."):
                self.clear(path.name)
            elif (drafted := Holder.parse(path.name[1:])) and drafted.process.is_gone:
                shutil.rmtree(path, ignore_errors=True)

    def _wait(self, name: str, mode: Mode) -> Lease:
        pause = _SOON
        while isinstance(found := self.attempt(name, mode), Holder):
            time.sleep(pause)
            pause = min(2 * pause, _LATER)
        return found

    def _enter(self, name: str, holder: Holder) -> bool:
        """Hold a name alone: a folder with the lease in it takes the place of none, or of an empty
        one.
        """
        folder, draft = self.root / name, self.root / f".{holder.file}"
        if _holders(folder):
            return False
        draft.mkdir(parents=True)
        try:
            (draft / holder.file).touch()
            draft.rename(folder)
        except OSError as error:
            if (folder / holder.file).exists():  # it was done, and the answer was lost
                return True
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                return False
            raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return True

    def _join(self, name: str, holder: Holder) -> bool:
        """Share a name: one alone that comes later finds the folder taken."""
        folder = self.root / name
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                (folder / holder.file).touch()
            except FileNotFoundError:  # the last one has just left
                continue
            break
        if all(other.mode == "shared" for other in _holders(folder)):
            return True
        (folder / holder.file).unlink(missing_ok=True)
        return False


class _Heart:
    """Raises the numbers of all leases that this process holds, as long as it holds any."""

    def __init__(self) -> None:
        self._leases: list[Lease] = []
        self._lock = threading.Lock()
        self._beats = False

    def keep(self, lease: Lease) -> None:
        """From now on."""
        with self._lock:
            self._leases.append(lease)
            if not self._beats:
                self._beats = True
                threading.Thread(target=self._beat, name="leases", daemon=True).start()

    def forget(self, lease: Lease) -> None:
        """From now on not any more."""
        with self._lock:
            self._leases = [each for each in self._leases if each is not lease]

    def of(self, folder: Path) -> Lease | None:
        """The lease that this process holds alone of the name of a folder."""
        mine = (each for each in self._leases if each.folder == folder)
        return next((each for each in mine if each.stem.startswith("alone.")), None)

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT)
            with self._lock:
                leases = self._leases
                if not leases:
                    self._beats = False
                    return
            for lease in leases:
                with suppress(OSError):  # the next beat may be luckier
                    lease.beat()


_heart = _Heart()
os.register_at_fork(after_in_child=_heart.__init__)  # type: ignore[misc]


def held_here(folder: Path) -> Lease | None:
    """The lease that this process holds alone of the name of a folder."""
    return _heart.of(folder)


def _holders(folder: Path) -> list[Holder]:
    """All that a folder names, dead or alive."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [holder for name in names if (holder := Holder.parse(name))]


def _sorted(folder: Path) -> tuple[list[Holder], list[Holder]]:
    """Those who hold a name, and those who have ended, or were silent as long as they were watched
    from here.
    """
    living, gone = list[Holder](), list[Holder]()
    before, now = _watched.pop(folder, {}), time.monotonic()
    silent: dict[str, tuple[int, float]] = {}
    for holder in _holders(folder):
        beat, since = before.get(holder.nonce, (-1, now))
        if beat != holder.beat or holder.process.is_at_work:
            since = now
        if holder.process.is_gone or now - since >= LIMIT:
            gone.append(holder)
        else:
            living.append(holder)
            silent[holder.nonce] = holder.beat, since
    if silent:
        _watched[folder] = silent
    return living, gone


def _unwritten(path: Path, error: OSError) -> CacheError:
    return CacheError(f"{path} could not be written: {error.strerror or error}")
