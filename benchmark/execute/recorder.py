"""A run as it is recorded while it is executed."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.execute.interruption import shielded
from benchmark.execute.job import Job
from benchmark.record.environment import tags_here
from benchmark.record.writer import Writer


class Recorder:
    """One MLflow run, from its start to its end; no signal ends half a message to the record."""

    def __init__(self, writer: Writer, job: Job) -> None:
        self.writer = writer
        run = job.run
        here = tags_here(run.device, run.packages)
        tags = {**run.tags(), "role": run.role, **job.tags, **here, "key": run.key}
        tags |= {"kind": run.kind, "process": str(os.getpid())}
        self.run_id = writer.start(job.experiment, run.name, tags, run.parameters())

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        """Record metrics, of a step where they have one."""
        with shielded():
            self.writer.log(self.run_id, metrics, step)

    def attach(self, path: Path) -> None:
        """Keep a file with the run."""
        with shielded():
            self.writer.attach(self.run_id, path)

    def end(self, status: Any, why: str) -> None:
        """Close it, with its status in MLflow's words and the reason in ours."""
        self.writer.end(self.run_id, status, why)


def record_failure(writer: Writer, job: Job, why: str) -> None:
    """Record a run that is not worth starting as one that failed."""
    Recorder(writer, job).end("FAILED", f"failed: {why}")
