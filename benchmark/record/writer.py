"""What is written to the record: what a worker says of its own run, and a command of a study's."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmark.record.query import NOTE, Query
from benchmark.record.recorded import ORIGIN, PARENT, half
from benchmark.record.whole import WholeRun
from benchmark.secrets import masked
from benchmark.store.connection import Connection, unusable
from benchmark.store.store import Store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, RunTag

Status = Literal["FINISHED", "FAILED", "KILLED"]

#: A file by which it is tried whether files can be kept.
_TRIED = ".armbench"
#: Longest text that MLflow keeps as a tag or parameter.
_LONGEST = 5000
#: Longest name of a run.
_NAME = 250

#: Most metrics and tags that MLflow takes together.
_MOST_METRICS, _MOST_TAGS = 900, 100


@dataclass(frozen=True)
class Writer:
    """Writes runs, each from its start to its end.

    Attributes:
        connection: to the record.
    """

    connection: Connection
    _experiments: dict[str, str] = field(default_factory=dict)
    _begun: dict[str, tuple[int, float]] = field(default_factory=dict)
    _addresses: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> Store:
        """Where the record is."""
        return self.connection.store

    def experiment(self, name: str) -> str:
        """The id of a study's experiment, made if it is new.

        Raises:
            StoreError: the experiment was deleted in MLflow.
        """
        if name not in self._experiments:
            found = Query(self.connection).experiment(name)
            self._experiments[name] = found or self._new_experiment(name)
        return self._experiments[name]

    def _new_experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        kept = self.store.artifacts

        def make(client: MlflowClient) -> str:
            try:
                place = kept.as_uri() if kept else None
                return str(client.create_experiment(name, artifact_location=place))
            except MlflowException:
                made = client.get_experiment_by_name(name)  # by another process, or a moment ago
                if made is None:
                    raise
                return str(made.experiment_id)

        return self.connection.ask(make)

    def require_files(self, experiment: str) -> None:
        """Refuse a record elsewhere that keeps no files, before any are made for it.

        A small one is left beside those of the experiment's runs.

        Raises:
            StoreError: with the reason.
        """
        if self.store.is_local:
            return
        from mlflow.store.artifact.artifact_repository_registry import get_artifact_repository

        place = self.connection.client.get_experiment(experiment).artifact_location
        with self.store.cache.scratch() as folder:
            path = folder / _TRIED
            path.write_text("Files can be kept here.\n", encoding="utf-8")
            try:
                files: Any = get_artifact_repository(place, self.store.uri)
                files.log_artifact(str(path))
            except Exception as error:
                what = f"files cannot be kept in the record {self.store.shown}"
                raise unusable(what, error) from error

    def start(
        self, experiment: str, name: str, tags: Mapping[str, str], parameters: Mapping[str, Any]
    ) -> str:
        """Open a run and return its id."""
        from mlflow.entities import Param

        at, client = self._now(), self.connection.client
        called = name if len(name) <= _NAME else name[: _NAME - 1] + "…"
        run_id = self._open(experiment, at, _cut(tags), called)
        self._begun[run_id] = at, time.monotonic()
        params = [Param(k, v) for k, v in _cut({k: str(v) for k, v in parameters.items()}).items()]
        client.log_batch(run_id, params=params)
        return run_id

    def _open(self, experiment: str, at: int, tags: Mapping[str, str], called: str) -> str:
        """Open a run once, also where the record got it and its answer did not arrive."""
        asked = False

        def make(client: MlflowClient) -> str:
            nonlocal asked
            if asked:
                for run in client.search_runs([experiment], f"attributes.start_time = {at}"):
                    if tags.items() <= run.data.tags.items():
                        return str(run.info.run_id)
            asked = True
            made = client.create_run(experiment, at, dict(tags), called).info
            self._addresses[str(made.run_id)] = str(made.artifact_uri)
            return str(made.run_id)

        return self.connection.ask(make)

    def log(self, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """Write metrics of one step."""
        self._write(run_id, _metrics(metrics, step), [])

    def log_curve(self, run_id: str, curve: Mapping[int, Mapping[str, float]]) -> None:
        """Write metrics of several steps."""
        points = [point for step, values in curve.items() for point in _metrics(values, step)]
        self._write(run_id, points, [])

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Add tags to a run, or change them."""
        self._write(run_id, [], _tags(_cut(tags)))

    def note(self, run_id: str, text: str) -> None:
        """What the UI shows as the description of a run, in Markdown."""
        self.tag(run_id, {NOTE: text})

    def describe(self, experiment: str, text: str) -> None:
        """What the UI shows above an experiment's runs, in Markdown."""
        told = _cut({NOTE: text})[NOTE]
        self.connection.client.set_experiment_tag(experiment, NOTE, told)

    def attach(self, run_id: str, path: Path, folder: str | None = None) -> None:
        """Keep a file as an artifact of the run."""
        kept = self.connection.artifacts_of(run_id, self._addresses.get(run_id))
        if kept is None:
            self.connection.client.log_artifact(run_id, str(path), folder)
            return
        place = kept / (folder or "") / path.name
        self.connection.ask(lambda _: _copy(path, place))

    def attach_folder(self, run_id: str, folder: Path) -> None:
        """Keep everything in a folder as artifacts of the run."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                inside = path.parent.relative_to(folder).as_posix()
                self.attach(run_id, path, None if inside == "." else inside)

    def end(
        self,
        run_id: str,
        status: Status,
        cause: str,
        tags: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        detail: str = "",
    ) -> None:
        """Close a run.

        Args:
            run_id: of the run.
            status: MLflow's word for how it ended.
            cause: ours: "finished", "interrupted", "diverged", "out of memory", …
            tags: to be recorded with that.
            metrics: likewise.
            detail: what else is to be said of the cause, in a line.
        """
        said = masked(detail)
        how = {"cause": cause, "status_reason": f"{cause}: {said}" if said else cause}
        told = _cut({**how, **({"detail": said} if said else {}), **(tags or {})})
        self._write(run_id, _metrics(metrics or {}, 0), _tags(told))
        self.connection.client.set_terminated(run_id, status, self._until(run_id))

    def reopen(self, run_id: str) -> bool:
        """Go on with a run that was interrupted; whether it is there."""
        from mlflow.exceptions import MlflowException

        try:
            self.connection.client.update_run(run_id, status="RUNNING")
        except MlflowException:
            return False
        return True

    def begin_moved(self, run: WholeRun) -> str:
        """Open a run that was made elsewhere, with its parameters and metrics; returns its id.

        It has neither key nor role before :meth:`end_moved`, so that half of a run counts nowhere.
        """
        from mlflow.entities import Metric, Param

        tags, experiment = {ORIGIN: half(run.identity)}, self.experiment(run.experiment)
        run_id = self._open(experiment, run.began, tags, run.name)
        params = [Param(name, value) for name, value in run.parameters.items()]
        for i in range(0, len(params), _MOST_TAGS):
            self.connection.client.log_batch(run_id, params=params[i : i + _MOST_TAGS])
        points = [
            Metric(name, value, at, step)
            for name, curve in run.metrics.items()
            for step, value, at in curve
        ]
        self._write(run_id, points, [])
        return run_id

    def end_moved(self, run_id: str, run: WholeRun, parent: str) -> None:
        """Close a run that was made elsewhere, as it was closed there.

        Args:
            run_id: from :meth:`begin_moved`.
            run: as it was.
            parent: the id that its parent has here; empty where it has none.
        """
        self.connection.client.set_terminated(run_id, run.status, run.ended)
        tags = {**run.tags, **({PARENT: parent} if parent else {})}
        tags.pop(ORIGIN, None)
        # Of several batches in the last, so that a run with less says that it is half of one.
        self._write(run_id, [], _tags({**tags, ORIGIN: run.identity}))

    def withdraw(self, run_id: str) -> None:
        """Take a run out of sight; MLflow keeps it among the deleted ones."""
        self.connection.client.delete_run(run_id)

    def _now(self) -> int:
        """Milliseconds since 1970, after all that has begun also where a clock was set back."""
        return max(int(time.time() * 1000), self.connection.last_start() + 1)

    def _until(self, run_id: str) -> int:
        """When a run ends that ends now, never before it began."""
        if run_id in self._begun:
            at, clock = self._begun[run_id]
            return at + int((time.monotonic() - clock) * 1000)
        began = self.connection.client.get_run(run_id).info.start_time
        return max(int(time.time() * 1000), int(began))

    def _write(self, run_id: str, metrics: list[Metric], tags: list[RunTag]) -> None:
        """In one batch, or in as many as MLflow's limits on a batch take."""
        batches = max(-(-len(metrics) // _MOST_METRICS), -(-len(tags) // _MOST_TAGS))
        for i in range(batches):
            self.connection.client.log_batch(
                run_id,
                metrics=metrics[i * _MOST_METRICS : (i + 1) * _MOST_METRICS],
                tags=tags[i * _MOST_TAGS : (i + 1) * _MOST_TAGS],
            )


def _copy(path: Path, place: Path) -> None:
    draft = place.with_name(f".{path.name}.{os.getpid()}")
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        shutil.copyfile(path, draft)
        draft.replace(place)
    finally:
        draft.unlink(missing_ok=True)


def _tags(texts: Mapping[str, str]) -> list[RunTag]:
    from mlflow.entities import RunTag

    return [RunTag(name, text) for name, text in texts.items()]


def _metrics(values: Mapping[str, float], step: int) -> list[Metric]:
    from mlflow.entities import Metric

    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, step) for name, value in values.items()]


def _cut(texts: Mapping[str, str]) -> dict[str, str]:
    return {k: v if len(v) <= _LONGEST else v[: _LONGEST - 1] + "…" for k, v in texts.items()}
