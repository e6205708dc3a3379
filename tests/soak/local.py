"""Processes of one machine, and what may end them: a person, a system, a container that stops."""

import os
import signal
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path
from signal import Signals

from tests.benchmark.execute.faults.study import parent_of
from tests.soak.striking import STOPPED, Engine, Target, Way, end, of_command

_KILL, _TERM, _INT = signal.SIGKILL, signal.SIGTERM, signal.SIGINT


def _all(target: Target) -> list[int]:
    """Every process of the command's session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if os.getsid(int(entry.name)) == target.pid:
                found.append(int(entry.name))
    return sorted(found)


def _children(target: Target, parents: list[int]) -> list[int]:
    found = []
    for pid in _all(target):
        with suppress(OSError):
            if parent_of(pid) in parents:
                found.append(pid)
    return found


def _server(target: Target) -> list[int]:
    """The process that forks workers."""
    found = []
    for pid in _children(target, [target.pid]):
        with suppress(OSError):
            if b"forkserver" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found


def _workers(target: Target) -> list[int]:
    return _children(target, _server(target))


def _worker(target: Target) -> list[int]:
    """One of them."""
    there = _workers(target)
    return [target.rng.choice(there)] if there else []


def _both(target: Target) -> list[int]:
    return [target.pid, *_workers(target)]


def _way(
    victim: str,
    signum: Signals,
    find: Callable[[Target], list[int]],
    weight: int = 1,
    ends: bool = False,
) -> Way:
    def strike(target: Target) -> int | None:
        return end(target, find(target), signum)

    codes = frozenset(STOPPED[signum]) if ends else frozenset[int]()
    return Way(victim, signum.name, strike, weight, codes)


def _on_the_terminal(target: Target) -> list[int]:
    """Those whom Ctrl-C reaches: workers have groups of their own."""
    return [pid for pid in _all(target) if os.getpgid(pid) == target.pid]


ENGINE = Engine(
    arguments=("--workers", "2"),
    ways=(
        _way("worker", _KILL, _worker, 6),
        _way("worker", _TERM, _worker, 4),
        _way("fork server", _KILL, _server, 3),
        of_command(_KILL),
        of_command(_TERM),
        of_command(_INT),
        _way("command and workers", _KILL, _both, ends=True),
        _way("command and workers", _TERM, _both, ends=True),
        _way("all processes", _KILL, _all, ends=True),
        _way("all processes", _TERM, _all, ends=True),
        _way("all on the terminal", _INT, _on_the_terminal, ends=True),
    ),
    pause=2.0,
    running=nullcontext,
)
