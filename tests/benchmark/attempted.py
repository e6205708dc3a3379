"""A study of which some runs were attempted, written into the record as workers do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.declare.loading import load_study
from benchmark.record.of_study import study_record
from benchmark.record.query import Query
from benchmark.record.studies import record_study
from benchmark.record.writer import Writer
from benchmark.runs.plan import Plan, make_plan
from benchmark.store.connection import Connection
from benchmark.store.store import Store


@dataclass(frozen=True)
class Attempted:
    """A study whose plan is recorded, and no run of it but those that are written.

    Attributes:
        file: of the study.
        where: the record; by default beside the file.
    """

    file: Path
    where: str = ""
    plan: Plan = field(init=False)
    writer: Writer = field(init=False)

    def __post_init__(self) -> None:
        store = Store(self.where or str(self.file.parent / "mlruns"))
        object.__setattr__(self, "plan", make_plan(load_study(self.file)))
        object.__setattr__(self, "writer", Writer(Connection(store)))
        record_study(self.writer, study_record(self.plan, self.file))

    @property
    def query(self) -> Query:
        return Query(self.writer.connection)

    def key(self, name: str) -> str:
        """Of the run of this name."""
        (found,) = [k for k, run in self.plan.runs.items() if run.name == name]
        return found

    def begin(self, name: str, tags: Mapping[str, str] | None = None, epochs: int = 0) -> str:
        """Open a run, and write so many epochs of its curve; returns its id."""
        run = self.plan.runs[self.key(name)]
        told = {**run.tags(), "role": run.role, "key": run.key, "host": "here", **(tags or {})}
        experiment = self.writer.experiment(self.plan.study.name)
        run_id = self.writer.start(experiment, run.name, told, run.parameters)
        for epoch in range(epochs):
            self.writer.log(run_id, {"epoch/loss": 1.0}, epoch + 1)
        return run_id

    def finish(self, name: str, score: float = 90.0) -> None:
        """A run that ended as it should."""
        metrics = {"test/accuracy": score, "dev/accuracy": score}
        self.writer.end(self.begin(name), "FINISHED", "finished", {}, metrics)

    def fail(self, name: str, reason: str) -> None:
        """A run that failed, for instance by "diverged: the loss was nan"."""
        cause, _, detail = reason.partition(": ")
        self.writer.end(self.begin(name), "FAILED", cause, detail=detail)

    def stop(self, name: str) -> None:
        """A run that was interrupted."""
        self.writer.end(self.begin(name), "KILLED", "interrupted")
