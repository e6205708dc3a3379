"""Runs as processes of this machine: one forked from a warm server for each run.

The fork server has torch and transformers loaded, so that a run starts in milliseconds. A process
for each run means that one that dies takes only its own run along.
"""

import multiprocessing
import os
import pickle
import signal
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from benchmark.interruption import interrupt
from benchmark.project import Sources, sources
from benchmark.worker import Ended, Job, Progress, execute

#: Seconds that an interrupted run has to close its record before it is killed.
_PATIENCE = 3.0


@dataclass(frozen=True)
class _Worker:
    job: Job
    process: BaseProcess
    connection: Connection


class LocalEngine:
    """Executes jobs in processes forked from a server with the heavy imports done.

    Args:
        workers: how many at a time.
        study_file: imported by each process, so that classes declared there are known.
    """

    def __init__(self, workers: int, study_file: Path) -> None:
        self.workers = workers
        self.study_file = study_file.resolve()
        self._sources = sources()
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["benchmark.engines.preload"])
        # Its imports take seconds: they begin now, beside whatever this process does next.
        forkserver.ensure_running()
        self._running: list[_Worker] = []
        self._cancelled: set[str] = set()

    @property
    def free(self) -> int:
        """How many more jobs may be started now."""
        return self.workers - len(self._running)

    def start(self, job: Job) -> None:
        """Fork a process for the job."""
        receiving, sending = self._context.Pipe(duplex=False)
        told = (sending, self.study_file, self._sources, pickle.dumps(job))
        process = self._context.Process(target=_work, args=told, daemon=True)
        process.start()
        sending.close()
        self._running.append(_Worker(job, process, receiving))

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        """What workers said, and how those that are gone ended."""
        wait([w.connection for w in self._running], timeout)
        found: list[Progress | Ended] = []
        for worker in list(self._running):
            found += self._read(worker)
        return found

    def cancel(self, key: str) -> None:
        """Tell the job's process to close its record as pruned."""
        for worker in self._running:
            if worker.job.run.key == key and worker.process.pid and key not in self._cancelled:
                self._cancelled.add(key)
                with suppress(ProcessLookupError):  # it has just ended
                    os.kill(worker.process.pid, signal.SIGUSR1)

    def stop(self) -> Sequence[Ended]:
        """Ask every worker to close its record; kill those that do not in time."""
        for worker in self._running:
            worker.process.terminate()
        deadline = time.monotonic() + _PATIENCE
        for worker in self._running:
            worker.process.join(max(0.0, deadline - time.monotonic()))
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        ended = [Ended(worker.job.run.key, "interrupted") for worker in self._running]
        self._running.clear()
        return ended

    def _read(self, worker: _Worker) -> list[Progress | Ended]:
        """Messages of one worker; a closed pipe without an end means that it died."""
        found: list[Progress | Ended] = []
        try:
            while worker.connection.poll():
                found.append(worker.connection.recv())
        except (EOFError, ConnectionResetError):
            worker.process.join()
            if not any(isinstance(event, Ended) for event in found):
                found.append(self._unsaid(worker))
        if any(isinstance(event, Ended) for event in found):
            worker.process.join()
            worker.connection.close()
            self._running.remove(worker)
            self._cancelled.discard(worker.job.run.key)
        return found

    def _unsaid(self, worker: _Worker) -> Ended:
        """How a worker ended that could not say so itself."""
        key = worker.job.run.key
        if key in self._cancelled:  # told to stop before it had begun
            return Ended(key, "pruned")
        return Ended(key, "died", _death(worker.process.exitcode))


def _death(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        likely = "; the system may have run out of memory" if name == "SIGKILL" else ""
        return f"its worker was ended by {name}{likely}"
    return f"its worker ended with exit code {exit_code}"


def _work(connection: Connection, study_file: Path, read: Sources, pickled: bytes) -> None:
    """What a worker process does."""
    # Ctrl-C reaches the whole process group; the parent decides what becomes of the runs.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGUSR1, _interrupt)
    threading.Thread(target=_die_with_parent, daemon=True).start()

    from benchmark.loading import load_module
    from trainers.memory import keep_freed_memory

    keep_freed_memory()
    try:
        load_module(study_file, read)
        # Here and now: the user's code opens files beside the study, whatever the command's folder.
        os.chdir(study_file.parent)
        connection.send(execute(pickle.loads(pickled), connection.send))
    except BrokenPipeError:
        os._exit(1)  # nobody listens any more


def _interrupt(signum: int, frame: object) -> None:
    interrupt("pruned" if signum == signal.SIGUSR1 else "interrupted")


def _die_with_parent() -> None:
    """A worker whose parent was killed would go on unseen, and race the command's next start."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
