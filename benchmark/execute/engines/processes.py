"""A process of this machine for code of a study, in which that can do no harm to any other.

Processes are forked from a warm server that has torch and transformers loaded, so that one starts
in milliseconds. One that dies, hangs, forks or leaves threads behind takes nothing else along.
"""

from __future__ import annotations

import faulthandler
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from tempfile import gettempdir
from types import ModuleType
from typing import Any

from benchmark.errors import BenchmarkError
from benchmark.execute.attempt.deadline import end_from_below
from benchmark.execute.attempt.interruption import interrupt
from benchmark.execute.engines.deaths import UNKNOWN, Death, death
from benchmark.execute.engines.orphaned import PARENT
from benchmark.user_code.project import Sources

#: By which Python is told to leave the current folder out of where modules lie, and what it is set
#: to for the server alone: what a run of the user's starts has it only where the user has set it.
SAFE_PATH, FOR_SERVER = "PYTHONSAFEPATH", "of armbench's fork server"
#: What a process does: it is given a way to say something, and what its starter pickled.
Work = Callable[[Callable[[Any], None], bytes], None]

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(
    [
        "benchmark.execute.engines.orphaned",
        "benchmark.cli",  # which each process would import with the command's own module
        "benchmark.execute.engines.preload",
    ]
)
#: How much rather than others a process of ours is ended where memory runs out.
_FIRST_TO_GO = "700"
#: Seconds for which it is tried to fork a process, and between two attempts.
_PATIENCE, _TICK = 30.0, 0.05
#: Seconds that a process has to leave that has said its last word.
_MOMENT = 0.5
#: As it is before code of a study may reach for it.
_leave = os._exit


@dataclass(frozen=True)
class NotLoaded:
    """The study file does not run in the process: with what it says."""

    message: str


@dataclass(frozen=True)
class Contained:
    """A process that executes code of a study.

    Attributes:
        process: the leader of a group of its own, in which what it forks is too.
        connection: what it says arrives here.
        traces: where its code stood arrives here, as text, if that ends the process.
        inbox: by which one that stays is given more to work on.
    """

    process: BaseProcess
    connection: Connection
    traces: Connection
    inbox: Connection | None = None

    @classmethod
    def start(
        cls,
        study_file: Path,
        work: Work,
        pickled: bytes,
        read: Sources,
        environment: Mapping[str, str] | None = None,
        stays: bool = False,
    ) -> Contained:
        """Fork a process that loads the study file, from what was read, and then works.

        Args:
            study_file: what it loads.
            work: what it does then.
            pickled: what that is told.
            read: the sources of the study file and of the modules beside it.
            environment: variables that it has from its start, before it looks for a GPU.
            stays: whether it waits for more to work on, until it is ended.
        """
        receiving, sending = _context.Pipe(duplex=False)
        traces, traced = _context.Pipe(duplex=False)
        more, inbox = _context.Pipe(duplex=False) if stays else (None, None)
        given = (study_file.resolve(), read, work, pickled, dict(environment or {}), more)
        process = _forked(sending, traced, *given)
        for each in (sending, traced, more):
            if each is not None:
                each.close()
        return cls(process, receiving, traces, inbox)

    def give(self, pickled: bytes) -> bool:
        """Have one that stays work on something else; whether it is still there to do so."""
        assert self.inbox
        with suppress(OSError):
            self.inbox.send_bytes(pickled)
            return self.process.is_alive()
        return False

    def said(self) -> tuple[list[Any], bool]:
        """What it has said since the last call, and whether it is gone."""
        found: list[Any] = []
        gone = not self.process.is_alive()  # what it forked may hold its end of the pipe open
        try:
            while self.connection.poll():
                found.append(self.connection.recv())
        except (EOFError, OSError, pickle.UnpicklingError):
            gone = True
        return found, gone

    def end(self) -> None:
        """Have nothing left of it and of what it forked, once it had a moment to end itself."""
        if self.inbox is not None:
            self.inbox.close()
        self.process.join(_MOMENT)
        if self.process.pid:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            if self.process.exitcode == UNKNOWN:  # it lives on where its server was killed
                self.tell(signal.SIGKILL)
        with suppress(OSError):
            self.process.kill()
        self.process.join()
        self.connection.close()
        self.traces.close()

    def tell(self, signum: signal.Signals) -> None:
        """Send it a signal, unless it has just ended."""
        if self.process.pid:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signum)

    def death(self) -> Death:
        """How it ended that could not say so itself."""
        self.process.join(1)
        return death(self.process.exitcode, self._trace())

    def _trace(self) -> str:
        found = b""
        while self.traces.poll() and (more := os.read(self.traces.fileno(), 1 << 16)):
            found += more
        return found.decode("utf-8", "backslashreplace")


def warm_up() -> None:
    """Start the server, whose imports take seconds, beside whatever this process does next.

    It does not look for them in the current folder, where a study may have modules of its own.
    """
    asked = os.environ.get(SAFE_PATH)
    os.environ |= {SAFE_PATH: asked or FOR_SERVER, PARENT: str(os.getpid())}
    try:
        forkserver.ensure_running()
    except OSError as error:
        if "path too long" not in str(error):
            raise
        raise BenchmarkError(
            f"the path of the folder for temporary files, {gettempdir()}, is too long for the "
            "sockets by which processes speak: set TMPDIR to a shorter one."
        ) from error
    finally:
        del os.environ[PARENT]
        if not asked:
            del os.environ[SAFE_PATH]


def wait_for(running: Sequence[Contained], timeout: float) -> None:
    """Until one of them says something or is gone, at most so many seconds."""
    wait([end for each in running for end in (each.connection, each.process.sentinel)], timeout)


def _forked(*told: object) -> BaseProcess:
    """A new process; where the server that forks was killed a moment ago, of a new one.

    Of one that is ending the system says for a while that it lives, though it answers no more.
    """
    until = time.monotonic() + _PATIENCE
    while True:
        warm_up()
        process = _context.Process(target=_begin, args=told, daemon=True)
        try:
            with _without_main():
                process.start()
        except (EOFError, ConnectionError, FileNotFoundError):
            if time.monotonic() > until:
                raise
            time.sleep(_TICK)
        else:
            return process


@contextmanager
def _without_main() -> Iterator[None]:
    """A process that is started within this block does not execute what this one was started by.

    multiprocessing would have it import the file of `__main__`, which may be a script that runs a
    study; of that a worker loads the study file, and by its own name.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _begin(
    connection: Connection,
    traces: Connection,
    study_file: Path,
    read: Sources,
    work: Work,
    told: bytes,
    environment: Mapping[str, str],
    more: Connection | None,
) -> None:
    """What such a process does, from its start to its end."""
    os.environ.update(environment)  # first: a driver reads it once, when it is opened
    with suppress(OSError):
        os.setpgid(0, 0)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, "ascii")
    # Ctrl-C reaches the whole terminal; the parent decides what becomes of the runs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGUSR1, _interrupt)
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.register_at_fork(after_in_child=connection.close)  # one voice is enough
    faulthandler.enable(traces.fileno(), all_threads=False)
    end_from_below(traces.fileno())

    from benchmark.declare.loading import load_module
    from benchmark.terminal.transliteration import transliterate_output
    from benchmark.user_code.containment import leaving_raises
    from benchmark.user_code.faults import take_as_asked
    from trainers.machine.memory import keep_freed_memory

    keep_freed_memory()
    transliterate_output()
    take_as_asked()
    try:
        with leaving_raises():
            load_module(study_file, read)
            # The user's code opens files beside the study, whatever the command's folder.
            os.chdir(study_file.parent)
            work(connection.send, told)
            while more is not None and (told := _next(more)):
                work(connection.send, told)
    except BenchmarkError as error:
        connection.send(NotLoaded(str(error)))
    except OSError:
        _leave(1)  # nobody listens any more
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    _leave(0)  # threads that were left running are not waited for


def _next(more: Connection) -> bytes:
    """What is to be worked on next, by a process as it was when it began; empty for nothing."""
    from trainers.machine.memory import begin_anew

    begin_anew()
    with suppress(EOFError, OSError):
        return more.recv_bytes()
    return b""


def _interrupt(signum: int, frame: object) -> None:
    interrupt("pruned" if signum == signal.SIGUSR1 else "interrupted")


def _die_with_parent() -> None:
    """A worker whose parent was killed would go on unseen, and race the command's next start."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        if os.getpgrp() == os.getpid():  # with all that it forked
            os.killpg(0, signal.SIGKILL)
        _leave(1)
