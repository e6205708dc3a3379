"""Executes one run unless it is done; whatever goes wrong becomes how it ended."""

from __future__ import annotations

import errno
import multiprocessing
import os
import time
import traceback
from bdb import BdbQuit
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from benchmark.errors import BenchmarkError, CacheError, LeaseLost, RecordLost, StoreError
from benchmark.execute.attempt.deadline import limited
from benchmark.execute.attempt.interruption import (
    Interrupted,
    interruptible,
    shielded,
    told_to_stop,
)
from benchmark.execute.attempt.recorder import Recorder
from benchmark.execute.attempt.resuming import Resuming
from benchmark.execute.attempt.steps import make_repeatable, perform
from benchmark.execute.job import (
    DISK_ERROR,
    DISK_FULL,
    HELD,
    LOST,
    OUT_OF_MEMORY,
    TIMED_OUT,
    Ended,
    Job,
    Progress,
    Report,
    is_done,
    is_recorded,
)
from benchmark.execute.short_of_memory import unsplit
from benchmark.record.left_open import close_earlier
from benchmark.record.query import Query
from benchmark.record.writer import Status, Writer
from benchmark.runs.kinds import Need, PretrainRun, TrainRun
from benchmark.secrets import masked
from benchmark.store.checksums import take_as_sound
from benchmark.store.connection import Connection
from benchmark.store.heartbeat import Holder, Lease
from benchmark.store.outages import persevering
from benchmark.terminal.duration import duration
from benchmark.user_code.blame import blamed, user_line
from trainers.errors import Diverged, TrainerError

#: Seconds between two looks at a run that another process executes.
_TICK = 0.25
#: What CUDA, HIP and their libraries say where a context or a workspace finds no memory.
_FULL = (
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "HIP error: out of memory",
)
#: What a file system says that fails under its files, or is gone.
_OF_DISKS = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EREMOTEIO, errno.EROFS, errno.ENODEV)


def execute(job: Job, report: Report) -> Ended:
    """Execute a run unless it is done; whatever goes wrong becomes how it ended.

    Only one process at a time executes a key: of a second one the run ends as held elsewhere.
    """
    cache, needs, key = job.store.cache, job.run.needs.values(), job.run.key
    take_as_sound(job.sound)

    def tell(notice: str) -> None:
        report(Progress(key, 0.0, "waits for the record", notice=notice))

    try:
        with persevering(tell, lambda: told_to_stop() == "interrupted"):
            lease = cache.runs.attempt(key)
            if isinstance(lease, Holder):
                return Ended(key, HELD, lease.process.shown)
            with lease, cache.using(*{need.key for need in needs}):
                return _execute_alone(job, report, lease)
    except LeaseLost as error:
        return Ended(key, HELD, str(error))
    except (RecordLost, StoreError) as error:
        if told_to_stop():
            return Ended(key, told_to_stop())
        return Ended(key, LOST, str(error), details=masked(traceback.format_exc()))
    except CacheError as error:
        return Ended(job.run.key, *reason(error), details=masked(traceback.format_exc()))


def _execute_alone(job: Job, report: Report, lease: Lease) -> Ended:
    """Execute a run that this process holds."""
    began, owner = time.perf_counter(), os.getpid()
    cache, key = job.store.cache, job.run.key

    def say(progress: Progress) -> None:
        _leave_unless(owner)
        lease.check()
        with shielded():  # half a message would garble the next one
            report(progress)

    connection = Connection(job.store, make=False)
    query, writer = Query(connection), Writer(connection)
    done = query.finished_run(key) if job.run.tracked else None
    if is_done(job.run, job.outputs, done, cache):
        # Of an attempt that was killed as it ended.
        Resuming(job, None, [], lease.require).discard()
        return Ended(key, "cached", scores=done.scores if done else None)
    if job.run.tracked:
        close_earlier(writer, key)
    # A finished run whose outputs were deleted is executed again but recorded once.
    fresh = job.run.tracked and not is_recorded(job.outputs, done)
    recorder = Recorder(writer, job, lease.require) if fresh else None
    inputs = Inputs(job, say)
    resuming = Resuming(job, recorder, inputs.mended, lease.require)
    attempt = _Attempt(job, recorder, resuming, owner, began)
    try:
        with interruptible(), limited(job.limit):
            scores = perform(job, inputs.open, recorder, say, resuming.checkpoints)
    except Interrupted as stopped:
        return attempt.stopped(stopped)
    except (RecordLost, StoreError, LeaseLost):
        raise
    except BaseException as error:  # noqa: BLE001 - every failure is a result, SystemExit too
        return attempt.failed(error)
    return attempt.finished(scores, "; ".join(inputs.mended))


@dataclass(frozen=True)
class _Attempt:
    """An execution of a run that has begun: each way in which it ends is recorded and told.

    Attributes:
        job: what is executed.
        recorder: None where nothing of it is recorded.
        resuming: what is kept of it for another attempt.
        owner: number of the process that executes it.
        began: when this process turned to it, in seconds of a clock that is never set.
    """

    job: Job
    recorder: Recorder | None
    resuming: Resuming
    owner: int
    began: float

    def finished(self, scores: Mapping[str, float] | None, mended: str) -> Ended:
        """It has come to its end."""
        self._record("FINISHED", "finished", metrics=scores)
        self.resuming.discard()
        return Ended(self._key, "finished", mended, scores, self._seconds)

    def stopped(self, stopped: Interrupted) -> Ended:
        """It was told to stop, or went on for longer than it may, which is a result."""
        why = str(stopped)
        if why == TIMED_OUT:
            self.resuming.discard()
            said = f"it goes on for more than {duration(self.job.limit)}{_place(stopped)}"
            self._record("FAILED", TIMED_OUT, said)
            details = masked(traceback.format_exc())
            return Ended(self._key, TIMED_OUT, said, None, self._seconds, details)
        if why == "pruned":
            self.resuming.discard()
        self._record("KILLED", why)
        return Ended(self._key, why, seconds=self._seconds, goes_on=self.resuming.kept)

    def failed(self, error: BaseException) -> Ended:
        """Something was raised in it.

        Raises:
            KeyboardInterrupt: the user stopped the command whose process this is.
        """
        by_hand = isinstance(error, KeyboardInterrupt | BdbQuit)
        if by_hand and multiprocessing.parent_process() is None:
            self._record("KILLED", "interrupted")
            raise KeyboardInterrupt from error
        _leave_unless(self.owner)
        status, message = reason(error)
        if status in ("failed", "diverged"):  # which it would do again
            self.resuming.discard()
        self._record("FAILED", status, message)
        details = masked(traceback.format_exc())
        reason_against = unsplit(self.job) if status == OUT_OF_MEMORY else ""
        return Ended(self._key, status, message, details=details, unsplit=reason_against)

    def _record(
        self,
        status: Status,
        cause: str,
        detail: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        if self.recorder:
            self.recorder.end(status, cause, detail, metrics)

    @property
    def _key(self) -> str:
        return self.job.run.key

    @property
    def _seconds(self) -> float:
        return time.perf_counter() - self.began


def _place(error: BaseException) -> str:
    """Where the user's code stood, to be put behind a sentence."""
    line = user_line(error)
    return f" ({line})" if line else ""


def _leave_unless(owner: int) -> None:
    """End a copy of this process that code of the study forked: a run has one record."""
    if os.getpid() != owner:
        os._exit(1)


def reason(error: BaseException) -> tuple[str, str]:
    """A failure in a word, and in a line."""
    said = masked(str(error).strip())
    message = said.splitlines()[0] if said else type(error).__name__
    if isinstance(error, Diverged):
        return "diverged", message
    if isinstance(error, torch.OutOfMemoryError | MemoryError) or _is_full(error):
        return OUT_OF_MEMORY, message
    cause = (error.__cause__ or error) if isinstance(error, CacheError) else error
    if _disk_is_full(cause):
        return DISK_FULL, f"{message}; free some space"
    if isinstance(cause, OSError) and cause.errno in _OF_DISKS:
        return DISK_ERROR, f"{message}; look at the disk"
    if isinstance(cause, OSError):
        return "unreadable", f"{type(cause).__name__}: {message}"
    if isinstance(error, TrainerError | BenchmarkError):
        return "failed", message
    return "failed", blamed(error)


def _disk_is_full(error: BaseException) -> bool:
    """Whether a disk had no room, as Python and what is written in Rust say it."""
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or (type(error).__name__ == "SafetensorError" and "No space left" in str(error))


def _is_full(error: BaseException) -> bool:
    """Whether a GPU's memory is full, as its libraries say where torch did not ask for it."""
    said = str(error)
    return isinstance(error, RuntimeError) and any(each in said for each in _FULL)


@dataclass
class Inputs:
    """The folders in the cache that a run reads, each looked at whenever it is opened.

    Attributes:
        job: whose they are.
        report: told of what takes time.
        mended: what was wrong with them, and else with the cache, a sentence each.
    """

    job: Job
    report: Report
    mended: list[str] = field(default_factory=list)

    def open(self, role: str) -> Path:
        """The folder that another run left; where it is damaged, that run is executed again.

        Raises:
            CacheError: it cannot be made again.
        """
        need, cache = self.job.run.needs[role], self.job.store.cache
        if flaw := cache.flaw(need.output, need.key):
            self._make_again(need, flaw)
        return cache.path(need.output, need.key)

    def _make_again(self, need: Need, flaw: str) -> None:
        def say(progress: Progress) -> None:
            told = f"{need.run.name}, once more"
            self.report(Progress(self.job.run.key, 0.0, told, notice=progress.notice))

        job = replace(self.job, run=need.run, outputs=frozenset((need.output,)))
        while (ended := execute(job, say)).status == HELD:
            time.sleep(_TICK)  # another run has found the same, and makes it
        if ended.status in ("interrupted", "pruned"):
            raise Interrupted(ended.status)
        if ended.status == LOST:
            raise RecordLost(ended.message)
        if ended.status not in ("finished", "cached"):
            raise CacheError(f"{flaw}; to make it again {ended.status}: {ended.message}")
        self.mended += [f"{flaw}: made again", *filter(None, [ended.message])]
        if isinstance(self.job.run, TrainRun | PretrainRun):
            make_repeatable(self.job.run.training)
