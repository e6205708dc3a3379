"""A lease: what a process holds in a folder that several machines share, as long as it lives.

It is an empty file, `NAME/mode.host.machine.pid.started.nonce.beat`, whose name says who holds
NAME and ends in a number that the holder raises every few seconds. Whoever takes the holder for
gone removes the file under the name that it had for long; a holder that was only slow either raises
the number before, and keeps it, or finds it gone, and has lost it.
"""

from __future__ import annotations

import errno
import os
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from benchmark.errors import CacheError, LeaseLost
from benchmark.store.process import Process

#: Seconds between two beats of a lease, and without one after which its holder counts as gone.
BEAT, LIMIT = 5.0, 60.0
#: One alone holds a name, or some share it.
Mode = Literal["alone", "shared"]
#: Of a holder: it goes on while the machine sleeps, where there is such a clock.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


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
    def parse(cls, name: str) -> Holder | None:
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
    """A name that this process holds, until :meth:`release` or the end of its `with` block.

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

    def __enter__(self) -> Lease:
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
            raise unwritten(self.folder, error) from error
        if not held:
            now = next(iter(holders(self.folder)), None)
            whose = now.process.shown if now else "nobody now"
            raise LeaseLost(f"{whose}, for this process was silent for more than {LIMIT:.0f} s")

    def release(self) -> None:
        """Let go; nothing is left of it."""
        if os.getpid() != self._owner:
            return  # a copy that code of a study forked holds nothing
        heart.forget(self)
        with self._lock, suppress(OSError):
            self._lost = True
            self._file(self._beat).unlink()
            self.folder.rmdir()

    def _file(self, beat: int) -> Path:
        return self.folder / f"{self.stem}.{beat}"


class Heart:
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


heart = Heart()
os.register_at_fork(after_in_child=heart.__init__)  # type: ignore[misc]


def held_here(folder: Path) -> Lease | None:
    """The lease that this process holds alone of the name of a folder."""
    return heart.of(folder)


def holders(folder: Path) -> list[Holder]:
    """All that a folder names, dead or alive."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
            return []
        raise
    return [holder for name in names if (holder := Holder.parse(name))]


def unwritten(path: Path, error: OSError) -> CacheError:
    """What is said where a lease cannot be taken or raised."""
    return CacheError(f"{path} could not be written: {error.strerror or error}")
