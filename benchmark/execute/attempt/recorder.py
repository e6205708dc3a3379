"""A run as it is recorded while it is executed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmark.execute.attempt.interruption import shielded
from benchmark.execute.job import Job
from benchmark.record.environment import tags_here
from benchmark.record.writer import Writer
from benchmark.store.process import Process


class Recorder:
    """One MLflow run, from its start to its end; no signal ends half a message to the record.

    Args:
        writer: to the record.
        job: what is recorded.
        require: raises once another process has taken over the run, whose record it is then.
    """

    def __init__(
        self, writer: Writer, job: Job, require: Callable[[], None] = lambda: None
    ) -> None:
        self.writer, self.require = writer, require
        run = job.run
        here = tags_here(run.device, run.packages)
        tags = {**run.tags(), "role": run.role, **job.tags, **here, "key": run.key}
        tags |= {"kind": run.kind, "process": Process.here().name}
        self.run_id = writer.start(job.experiment, run.name, tags, run.parameters)

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record metrics, of a step where they have one."""
        with shielded():
            self.writer.log(self.run_id, metrics, step)

    def log_curve(self, curve: Mapping[int, Mapping[str, float]]) -> None:
        """Record metrics of several steps at once."""
        with shielded():
            self.writer.log_curve(self.run_id, curve)

    def tag(self, tags: Mapping[str, str]) -> None:
        """Say more of the run."""
        with shielded():
            self.writer.tag(self.run_id, tags)

    def attach(self, path: Path) -> None:
        """Keep a file with the run."""
        with shielded():
            self.require()
            self.writer.attach(self.run_id, path)

    def end(
        self,
        status: Any,
        cause: str,
        detail: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Close it, with its status in MLflow's words and the cause in ours."""
        self.require()
        self.writer.end(self.run_id, status, cause, metrics=metrics, detail=detail)


def record_failure(writer: Writer, job: Job, why: str) -> None:
    """Record a run that is not worth starting as one that failed."""
    Recorder(writer, job).end("FAILED", "failed", why)
