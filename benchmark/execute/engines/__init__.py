"""Where runs execute: one small protocol, and the engines that follow it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from benchmark.execute.job import Ended, Job, Progress


class Engine(Protocol):
    """Executes jobs side by side and tells what becomes of them.

    Every job that was started ends in exactly one :class:`Ended`, also when its worker dies.
    """

    @property
    def workers(self) -> int:
        """How many jobs are executed side by side."""
        ...

    @property
    def free(self) -> int:
        """How many more jobs may be started now; some of them may wait until others have ended."""
        ...

    def choose(self, jobs: Iterable[Job]) -> Job | None:
        """Which of these, the most urgent first, is to be started now; None if there is none."""
        ...

    def start(self, job: Job) -> None:
        """Begin to execute a job; returns at once."""
        ...

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        """What has happened since the last call; waits at most `timeout` seconds for it."""
        ...

    def cancel(self, key: str) -> None:
        """Have a job stopped that is no longer wanted; it ends as "pruned" if it was in time."""
        ...

    def stop(self) -> Sequence[Ended]:
        """Interrupt what is executing; returns within seconds, when nothing is left."""
        ...
