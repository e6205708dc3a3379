"""How processes of a study are ended: whom, by what, and how many runs that cut off."""

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from signal import Signals

from tests.benchmark.execute.faults.study import parent_of
from tests.soak.study import executing

#: Exit codes of a command that is told to stop: by its own word, or before it could say one.
STOPPED = {
    Signals.SIGKILL: {-Signals.SIGKILL},
    Signals.SIGTERM: {130, -Signals.SIGTERM},
    Signals.SIGINT: {130, -Signals.SIGINT},
}


@dataclass(frozen=True)
class Target:
    """A command at work.

    Attributes:
        folder: of its study.
        pid: its number.
        rng: draws whom of several.
    """

    folder: Path
    pid: int
    rng: Random


@dataclass(frozen=True)
class Way:
    """One way in which something is ended.

    Attributes:
        victim: what.
        how: by what.
        strike: does it; how many runs it was in the middle of, None where there was no victim.
        weight: how often, beside the others.
        ends: exit codes with which the command then ends; none if it goes on.
    """

    victim: str
    how: str
    strike: Callable[[Target], int | None]
    weight: int = 1
    ends: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Engine:
    """Where the runs of a soak are executed.

    Attributes:
        arguments: of the command.
        ways: in which it is disturbed.
        pause: seconds, at most, from when runs are executed to a disturbance.
        running: within which there is all that it takes.
        left: what is left, some time after the last command, in a folder.
    """

    arguments: Sequence[str]
    ways: Sequence[Way]
    pause: float
    running: Callable[[], AbstractContextManager[None]]
    left: Callable[[Path], list[str]] = lambda _: []


def ancestors(pid: int) -> list[int]:
    """A process, its parent, and so on."""
    found = [pid]
    with suppress(OSError):
        while found[-1] > 1:
            found.append(parent_of(found[-1]))
    return found


def end(target: Target, victims: Sequence[int], signum: Signals) -> int | None:
    """Send a signal to all of these at once; how many runs were executed in or below them."""
    if not victims:
        return None
    at_work = executing(target.folder).values()
    if len(victims) > 1 and signum == signal.SIGKILL:
        for pid in victims:  # so that none of them can do anything about it
            _send(pid, signal.SIGSTOP)
    for pid in victims:
        _send(pid, signum)
    return sum(bool({*ancestors(pid)} & {*victims}) for pid in at_work)


def of_command(signum: Signals) -> Way:
    """The command alone is ended."""
    return Way(
        victim="command",
        how=signum.name,
        strike=lambda target: end(target, [target.pid], signum),
        ends=frozenset(STOPPED[signum]),
    )


def _send(pid: int, signum: Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signum)
