"""Runs in this very process, one after the other: for debuggers, and for runs of a moment."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Sequence
from pathlib import Path

import cloudpickle

from benchmark.execute.attempt.interruption import interrupted_by_signals
from benchmark.execute.attempt.worker import execute
from benchmark.execute.job import INTERRUPTED, Ended, Job, Progress
from benchmark.user_code.project import Project


class InlineEngine:
    """Executes a job when it is asked what has happened; nothing goes on at the side.

    Jobs are pickled as on their way to another process, so that what cannot travel is found here
    too. Code of the study has the terminal for itself meanwhile; whoever leaves a debugger there,
    or presses Ctrl-C, stops the run with a closed record, and the command.

    Args:
        study_file: relative paths of its code mean files beside it.
    """

    def __init__(self, study_file: Path) -> None:
        self.project = Project.of(study_file)
        self._waiting: Job | None = None
        self._unwanted = False

    #: Jobs side by side.
    workers = 1

    @property
    def free(self) -> int:
        """How many more jobs may be started now: one, or none."""
        return 0 if self._waiting else 1

    def choose(self, jobs: Iterable[Job]) -> Job | None:
        """The first, where none waits."""
        return next(iter(jobs), None) if self.free else None

    def start(self, job: Job) -> None:
        """Take a job; :meth:`events` executes it."""
        self._waiting, self._unwanted = pickle.loads(cloudpickle.dumps(job)), False

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        """What was said while the job was executed, and how it ended."""
        if self._waiting is None:
            return []
        job, self._waiting = self._waiting, None
        if self._unwanted:
            return [Ended(job.run.key, "pruned")]
        said: list[Progress | Ended] = []
        with self.project.at_home(), interrupted_by_signals():
            ended = execute(job, said.append)
        if ended.status == INTERRUPTED:  # which nothing does but what ends the command
            self._waiting = job
            raise KeyboardInterrupt
        return [*said, ended]

    def cancel(self, key: str) -> None:
        """Have the job that waits end as "pruned"."""
        self._unwanted = self._waiting is not None and self._waiting.run.key == key

    def stop(self) -> Sequence[Ended]:
        """Forget the job that has not ended."""
        stopped, self._waiting = self._waiting, None
        return [Ended(stopped.run.key, "interrupted")] if stopped else []
