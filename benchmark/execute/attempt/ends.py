"""How the execution of a run ends: each way is recorded, and told in a word and a line."""

from __future__ import annotations

import errno
import multiprocessing
import os
import time
import traceback
from bdb import BdbQuit
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from benchmark.errors import BenchmarkError, CacheError
from benchmark.execute.attempt.interruption import Interrupted
from benchmark.execute.attempt.recorder import Recorder
from benchmark.execute.attempt.resuming import Resuming
from benchmark.execute.job import DISK_ERROR, DISK_FULL, OUT_OF_MEMORY, TIMED_OUT, Ended, Job
from benchmark.execute.short_of_memory import unsplit
from benchmark.record.writer import Status
from benchmark.secrets import masked
from benchmark.terminal.duration import duration
from benchmark.user_code.blame import blamed, user_line
from trainers.errors import Diverged, TrainerError

#: What CUDA, HIP and their libraries say where a context or a workspace finds no memory.
_FULL = (
    "CUDA error: out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "HIP error: out of memory",
)
#: What a file system says that fails under its files, or is gone.
_OF_DISKS = (errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.EREMOTEIO, errno.EROFS, errno.ENODEV)


@dataclass(frozen=True)
class UnderWay:
    """An execution of a run that has begun: each way in which it ends is recorded and told.

    Attributes:
        job: what is executed.
        recorder: None where nothing of it is recorded.
        resuming: what is kept of it for another attempt.
        owner: number of the process that executes it.
        began: when this process turned to it, in seconds of a clock that is never set.
        stacked: runs that are trained as one model, this among them.
    """

    job: Job
    recorder: Recorder | None
    resuming: Resuming
    owner: int
    began: float
    stacked: int = 1

    def finished(self, scores: Mapping[str, float] | None, mended: str) -> Ended:
        """It has come to its end."""
        self._record("FINISHED", "finished", metrics=scores)
        self.resuming.discard()
        return self._ended("finished", mended, scores=scores, seconds=self._seconds)

    def stopped(self, stopped: Interrupted) -> Ended:
        """It was told to stop, or went on for longer than it may, which is a result."""
        why = str(stopped)
        if why == TIMED_OUT:
            self.resuming.discard()
            said = f"it goes on for more than {duration(self.job.limit)}{_place(stopped)}"
            self._record("FAILED", TIMED_OUT, said)
            details = masked(traceback.format_exc())
            return self._ended(TIMED_OUT, said, seconds=self._seconds, details=details)
        if why == "pruned":
            self.resuming.discard()
        self._record("KILLED", why)
        return self._ended(why, seconds=self._seconds, goes_on=self.resuming.kept)

    def failed(self, error: BaseException) -> Ended:
        """Something was raised in it.

        Raises:
            KeyboardInterrupt: the user stopped the command whose process this is.
        """
        by_hand = isinstance(error, KeyboardInterrupt | BdbQuit)
        if by_hand and multiprocessing.parent_process() is None:
            self._record("KILLED", "interrupted")
            raise KeyboardInterrupt from error
        leave_unless(self.owner)
        status, message = reason(error)
        if status in ("failed", "diverged"):  # which it would do again
            self.resuming.discard()
        self._record("FAILED", status, message)
        details = masked(traceback.format_exc())
        reason_against = unsplit(self.job) if status == OUT_OF_MEMORY else ""
        return self._ended(status, message, details=details, unsplit=reason_against)

    def _record(
        self,
        status: Status,
        cause: str,
        detail: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        if self.recorder:
            self.recorder.end(status, cause, detail, metrics)

    def _ended(self, status: str, message: str = "", **more: Any) -> Ended:
        return Ended(self.job.run.key, status, message, stacked=self.stacked, **more)

    @property
    def _seconds(self) -> float:
        """What is spent on it: of a stack its share."""
        return (time.perf_counter() - self.began) / self.stacked


def _place(error: BaseException) -> str:
    """Where the user's code stood, to be put behind a sentence."""
    line = user_line(error)
    return f" ({line})" if line else ""


def leave_unless(owner: int) -> None:
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
