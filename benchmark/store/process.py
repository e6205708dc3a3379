"""Which process did something, told from those of every machine that shares a folder."""

from __future__ import annotations

import hashlib
import os
import socket
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

#: Longest part of a host's name that is kept: with all else it has to fit into the name of a file.
_HOST = 64


@dataclass(frozen=True)
class Process:
    """A process, as it is named in files that others read.

    Attributes:
        host: name of its machine, for people; dots are dashes.
        machine: tells its machine, from one start of it to the next, and its container from others.
        pid: its number there.
        started: when it began, in the ticks of its machine; "0" where that is not known. Numbers of
            processes are given again, not so together with their beginning.
    """

    host: str
    machine: str
    pid: int
    started: str

    @classmethod
    def here(cls) -> Process:
        """This one."""
        return _numbered(os.getpid())

    @classmethod
    def parse(cls, name: str) -> Process | None:
        """From :attr:`name`; None where a text is none."""
        host, _, rest = name.partition(".")
        parts = rest.split(".")
        if len(parts) != 3 or not parts[1].isdigit():
            return None
        return cls(host, parts[0], int(parts[1]), parts[2])

    @property
    def name(self) -> str:
        """All that tells it from others, with three dots."""
        return f"{self.host}.{self.machine}.{self.pid}.{self.started}"

    @property
    def shown(self) -> str:
        """For people."""
        return f"{self.host}, process {self.pid}"

    @property
    def is_here(self) -> bool:
        """Whether it is of this machine, so that its end can be seen."""
        return self.machine == _machine()

    @property
    def is_gone(self) -> bool:
        """Whether it has certainly ended; of another machine nobody can tell."""
        return self.is_here and (
            not is_running(self.pid)
            or _started(self.pid) != self.started
            or _state(self.pid) in "ZX"
        )

    @property
    def is_at_work(self) -> bool:
        """Whether it is certainly there, and nothing has stopped it."""
        return self.is_here and not self.is_gone and _state(self.pid) not in "Tt"


def is_running(pid: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


@lru_cache(2)
def _numbered(pid: int) -> Process:
    host = socket.gethostname().replace(".", "-").replace("/", "-")[:_HOST]
    return Process(host or "unnamed", _machine(), pid, _started(pid))


@lru_cache(1)
def _machine() -> str:
    """What this start of the machine shares with no other one, nor with a container on it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii")
        told = f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        told = socket.gethostname()
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def _stat(pid: int) -> list[str]:
    """What Linux tells of a process, from its state on; nothing elsewhere."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return []
    return told.rpartition(")")[2].split()


def _started(pid: int) -> str:
    told = _stat(pid)
    return told[19] if len(told) > 19 else "0"


def _state(pid: int) -> str:
    """A letter, as `ps` prints it; R where it is not known."""
    return next(iter(_stat(pid)), "R")
