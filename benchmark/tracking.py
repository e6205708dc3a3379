"""The record of runs: MLflow. This is the only file that imports it.

A run is done when its MLflow run is FINISHED under its key, in whatever experiment of the store
it was made. Interrupted and failed attempts stay in the record as KILLED and FAILED; they are no
cache hits.
"""

import json
import logging
import os
import sqlite3
import tempfile
import time
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from benchmark.cache import Cache
from benchmark.errors import StoreError

# Read by mlflow when it is imported: its usage reports would leave the machine with every call.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException

# MLflow narrates the making of its tables.
logging.getLogger("mlflow").setLevel(logging.ERROR)
logging.getLogger("alembic").setLevel(logging.ERROR)

Status = Literal["FINISHED", "FAILED", "KILLED"]

#: Longest text that MLflow keeps as a tag or parameter.
_LONGEST = 5000

#: Most metrics and tags that MLflow takes together.
_MOST_METRICS, _MOST_TAGS = 900, 100

#: Tag in which MLflow keeps the description that its UI shows.
_NOTE = "mlflow.note.content"

#: Tag of the run that holds a study's plan.
STUDY_ROLE = "study"


@dataclass(frozen=True)
class Store:
    """Where runs are recorded: a folder, or an MLflow tracking URI.

    Attributes:
        location: as the user gave it.
        working: the folder from which a relative location counts, wherever a process goes.
    """

    location: str
    working: Path = field(default_factory=Path.cwd, compare=False)

    @classmethod
    def choose(cls, asked: str | None) -> "Store":
        """``--store`` if given, else ``MLFLOW_TRACKING_URI``, else ``mlruns/`` here."""
        return cls(asked or os.environ.get("MLFLOW_TRACKING_URI") or "mlruns")

    @property
    def folder(self) -> Path:
        """Holds the cache, and for a local store the database and the artifacts too."""
        if self.location.startswith("sqlite:///"):
            path = self.working / self.location.removeprefix("sqlite:///")
            return path.resolve().parent
        return (self.working / ("mlruns" if "://" in self.location else self.location)).resolve()

    @property
    def is_local(self) -> bool:
        """Whether the record is a sqlite file."""
        return "://" not in self.location or self.location.startswith("sqlite:///")

    @property
    def uri(self) -> str:
        """What MLflow is given."""
        if "://" in self.location:
            return self.location
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    @property
    def artifacts(self) -> str | None:
        """Where artifacts go; a server decides that itself."""
        return (self.folder / "artifacts").as_uri() if self.is_local else None

    @property
    def cache(self) -> Cache:
        """What can be deleted and is made again."""
        return Cache(self.folder / "cache")

    def exists(self) -> bool:
        """Whether anything has been recorded yet, as far as that can be told from here."""
        return not self.is_local or Path(self.uri.removeprefix("sqlite:///")).exists()


@dataclass(frozen=True)
class Recorded:
    """A finished run, as the record has it.

    Attributes:
        run_id: MLflow's.
        scores: by "split/metric".
        seconds: from its start to its end.
        kind: what it shares with runs that take equally long.
        tags: coordinates and provenance.
        experiment: MLflow's id of where it was made.
    """

    run_id: str
    scores: Mapping[str, float]
    seconds: float
    kind: str
    tags: Mapping[str, str]
    experiment: str = ""

    @property
    def is_tested(self) -> bool:
        """Whether it has scores on test; runs of tuning and teachers have none."""
        return any(name.startswith("test/") for name in self.scores)


@dataclass
class Tracker:
    """A connection to the record; every process makes its own."""

    store: Store
    _experiments: dict[str, str] = field(default_factory=dict)

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client.

        Raises:
            StoreError: the store cannot be opened.
        """
        if self.store.is_local:
            try:
                self.store.folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"the store {self.store.folder} cannot be made: {error.strerror}. "
                    "Give --store a folder that can be written."
                ) from error
        # Unreachable servers would otherwise be retried for minutes.
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
        try:
            # The first to open a new database makes its tables; two at once would collide.
            with self.store.cache.locked("store"):
                client = MlflowClient(tracking_uri=self.store.uri)
                client.search_experiments(max_results=1)
                self._write_ahead()
        except Exception as error:
            detail = str(error).strip().splitlines()[0]
            raise StoreError(
                f"the MLflow store {self.store.uri} cannot be opened: {detail}"
            ) from error
        return client

    def _write_ahead(self) -> None:
        """Let readers and a writer of the database file work at the same time."""
        if self.store.is_local:
            path = self.store.uri.removeprefix("sqlite:///")
            with closing(sqlite3.connect(path, timeout=60)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")

    def experiment(self, name: str) -> str:
        """The id of a study's experiment, made if it is new.

        Raises:
            StoreError: the experiment was deleted in MLflow.
        """
        if name not in self._experiments:
            found = self.client.get_experiment_by_name(name)
            if found is None:
                self._experiments[name] = self.client.create_experiment(
                    name, artifact_location=self.store.artifacts
                )
            elif found.lifecycle_stage == "deleted":
                raise StoreError(
                    f'the experiment "{name}" was deleted in MLflow; restore it there, or give '
                    "the study another name."
                )
            else:
                self._experiments[name] = found.experiment_id
        return self._experiments[name]

    # -- writing: what a worker says of its own run ---------------------------------------------

    def start(
        self, experiment: str, name: str, tags: Mapping[str, str], parameters: Mapping[str, Any]
    ) -> str:
        """Open a run and return its id."""
        run = self.client.create_run(experiment, tags=_cut(tags), run_name=name)
        params = [Param(k, v) for k, v in _cut({k: str(v) for k, v in parameters.items()}).items()]
        self.client.log_batch(run.info.run_id, params=params)
        return str(run.info.run_id)

    def log(self, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """Write metrics of one step."""
        self._write(run_id, _metrics(metrics, step), [])

    def attach(self, run_id: str, path: Path, folder: str | None = None) -> None:
        """Keep a file as an artifact of the run."""
        self.client.log_artifact(run_id, str(path), folder)

    def end(
        self,
        run_id: str,
        status: Status,
        reason: str,
        tags: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Close a run; the reason says how it ended, in a word or a sentence."""
        told = _cut({"status_reason": reason, **(tags or {})})
        tags_of_run = [RunTag(name, value) for name, value in told.items()]
        self._write(run_id, _metrics(metrics or {}, 0), tags_of_run)
        self.client.set_terminated(run_id, status)

    def reopen(self, run_id: str) -> bool:
        """Go on with a run that was interrupted; whether it is there."""
        try:
            self.client.update_run(run_id, status="RUNNING")
        except MlflowException:
            return False
        return True

    def is_open(self, run_id: str) -> bool:
        """Whether a run has not ended."""
        return str(self.client.get_run(run_id).info.status) == "RUNNING"

    def close_children(self, parent: str, ends: Mapping[str, tuple[Status, str]]) -> None:
        """End the open runs below another one.

        Args:
            parent: their parent.
            ends: by the id of a run, how it ended; others were interrupted.
        """
        below = f"tags.`mlflow.parentRunId` = '{parent}' and attributes.status = 'RUNNING'"
        for run in self._search(below):
            status, word = ends.get(run.info.run_id, ("KILLED", "interrupted"))
            self.end(run.info.run_id, status, word, {"trial_state": word})

    def tag(self, run_id: str, tags: Mapping[str, str]) -> None:
        """Add tags to a run, or change them."""
        self._write(run_id, [], [RunTag(name, value) for name, value in _cut(tags).items()])

    def _write(self, run_id: str, metrics: list[Metric], tags: list[RunTag]) -> None:
        """In one batch, or in as many as MLflow's limits on a batch take."""
        batches = max(-(-len(metrics) // _MOST_METRICS), -(-len(tags) // _MOST_TAGS))
        for i in range(batches):
            self.client.log_batch(
                run_id,
                metrics=metrics[i * _MOST_METRICS : (i + 1) * _MOST_METRICS],
                tags=tags[i * _MOST_TAGS : (i + 1) * _MOST_TAGS],
            )

    def note(self, run_id: str, text: str) -> None:
        """What the UI shows as the description of a run, in Markdown."""
        self.tag(run_id, {_NOTE: text})

    def describe(self, experiment: str, text: str) -> None:
        """What the UI shows above an experiment's runs, in Markdown."""
        self.client.set_experiment_tag(experiment, _NOTE, _cut({_NOTE: text})[_NOTE])

    def withdraw(self, run_id: str) -> None:
        """Take a run out of sight; MLflow keeps it among the deleted ones."""
        self.client.delete_run(run_id)

    def attach_folder(self, run_id: str, folder: Path) -> None:
        """Keep everything in a folder as artifacts of the run."""
        self.client.log_artifacts(run_id, str(folder))

    def artifact(self, run_id: str, path: str) -> Path | None:
        """A file or folder that a run keeps, on this machine; None where it keeps none."""
        try:
            found = Path(self.client.download_artifacts(run_id, path))
        except (OSError, MlflowException):
            return None
        return found if found.exists() else None

    def runs_of_role(self, role: str, experiment: str) -> dict[str, Mapping[str, str]]:
        """By their ids, parameters, tags and `status` of an experiment's runs, oldest first."""
        found = self._search(f"tags.role = '{role}'", [experiment])
        return {
            str(r.info.run_id): {**r.data.params, **r.data.tags, "status": str(r.info.status)}
            for r in found
        }

    def find(self, experiment: str, tags: Mapping[str, str]) -> str | None:
        """The id of the first run of an experiment with these tags."""
        condition = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
        for run in self._search(condition, [experiment]):
            return str(run.info.run_id)
        return None

    # -- reading --------------------------------------------------------------------------------

    def finished(self) -> dict[str, Recorded]:
        """Every finished run of the store, by its key.

        Where a key is there twice, the earliest that was scored on test, else the earliest.
        """
        return self._finished("tags.key != ''")

    def finished_run(self, key: str) -> Recorded | None:
        """The finished run of one key."""
        return self._finished(f"tags.key = '{key}'").get(key)

    def _finished(self, condition: str) -> dict[str, Recorded]:
        found: dict[str, Recorded] = {}
        for run in self._search(f"attributes.status = 'FINISHED' and {condition}"):
            key, recorded = run.data.tags["key"], _recorded(run)
            if key not in found or (recorded.is_tested and not found[key].is_tested):
                found[key] = recorded
        return found

    def curve(self, run_id: str, metric: str) -> dict[int, float]:
        """Values of a metric by step."""
        history = self.client.get_metric_history(run_id, metric)
        return {point.step: point.value for point in history}

    def last_reasons(self, keys: Iterable[str]) -> dict[str, str]:
        """How the last unfinished attempt at each key ended."""
        wanted = set(keys)
        reasons: dict[str, str] = {}
        for run in self._search("attributes.status != 'FINISHED' and tags.key != ''"):
            key = run.data.tags["key"]
            if key in wanted:
                reasons[key] = run.data.tags.get("status_reason", run.info.status.lower())
        return reasons

    def close_orphans(self) -> int:
        """End the runs whose process died without a word, and count them."""
        orphans = [
            run
            for run in self._search("attributes.status = 'RUNNING' and tags.key != ''")
            if not self.store.cache.is_locked(run.data.tags["key"])
        ]
        # One may have finished between the search and the look at its lock.
        orphans = [r for r in orphans if self._status(r) == "RUNNING"]
        for run in orphans:
            self.end(run.info.run_id, "KILLED", "interrupted")
        return len(orphans)

    def _status(self, run: Run) -> str:
        return str(self.client.get_run(run.info.run_id).info.status)

    def close_run(self, key: str, status: Status, reason: str) -> None:
        """End the running attempt at one key, whose worker can no longer do it."""
        for run in self._search(f"attributes.status = 'RUNNING' and tags.key = '{key}'"):
            self.end(run.info.run_id, status, reason)

    def _search(self, condition: str, experiments: list[str] | None = None) -> list[Run]:
        ids = experiments or [
            e.experiment_id for e in self.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
        ]
        runs: list[Run] = []
        token = None
        while True:
            page = self.client.search_runs(
                ids, condition, max_results=1000, order_by=["start_time ASC"], page_token=token
            )
            runs += page
            token = page.token
            if not token:
                return runs

    # -- a study's own record -------------------------------------------------------------------

    def record_study(self, name: str, record: Mapping[str, Any], digest: str) -> None:
        """Keep a study's plan as a run of its experiment, and mark it as the study last run."""
        experiment = self.experiment(name)
        unfinished = f"tags.role = '{STUDY_ROLE}' and attributes.status = 'RUNNING'"
        for run in self._search(unfinished, [experiment]):
            self.end(run.info.run_id, "KILLED", "interrupted")
        same = [
            run
            for run in self._search(
                f"tags.role = '{STUDY_ROLE}' and tags.plan = '{digest}' "
                "and attributes.status = 'FINISHED'",
                [experiment],
            )
            if self._plan_of(run) is not None
        ]
        if same:
            run_id = same[-1].info.run_id
        else:
            tags = {"role": STUDY_ROLE, "plan": digest, "study_file": record["study_file"]}
            run_id = self.start(experiment, f"study · {name}", tags, {})
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "plan.json"
                path.write_text(json.dumps(record, indent=1))
                self.attach(run_id, path)
            self.end(run_id, "FINISHED", "planned")
        self.client.set_tag(run_id, "last_run", f"{time.time():.3f}")

    def study_record(self, wanted: str | None) -> dict[str, Any]:
        """The plan of a study: by name or by file, else the study last run.

        Raises:
            StoreError: there is none.
        """
        records = self._search(f"tags.role = '{STUDY_ROLE}'")
        if wanted is not None:
            path = str(Path(wanted).resolve())
            names = {e.experiment_id: e.name for e in self.client.search_experiments()}
            records = [
                r
                for r in records
                if wanted == names[r.info.experiment_id] or r.data.tags.get("study_file") == path
            ]
        if not records:
            what = f"of {wanted} " if wanted else ""
            raise StoreError(
                f"no run {what}is recorded in {self.store.uri}; start with: "
                f"bench run {wanted or 'STUDY'}"
            )
        last = max(records, key=lambda r: float(r.data.tags.get("last_run", "0")))
        record = self._plan_of(last)
        if record is None:
            raise StoreError(
                f"the plan of {last.info.run_name} in {self.store.uri} cannot be read; "
                "bench run writes it anew."
            )
        return record

    def _plan_of(self, run: Run) -> dict[str, Any] | None:
        try:
            path = self.client.download_artifacts(run.info.run_id, "plan.json")
            plan: dict[str, Any] = json.loads(Path(path).read_text())
        except (OSError, MlflowException, json.JSONDecodeError):
            return None
        return plan


def _metrics(values: Mapping[str, float], step: int) -> list[Metric]:
    now = int(time.time() * 1000)
    return [Metric(name, float(value), now, step) for name, value in values.items()]


def _recorded(run: Run) -> Recorded:
    ended = run.info.end_time or run.info.start_time
    return Recorded(
        run_id=run.info.run_id,
        scores=dict(run.data.metrics),
        seconds=(ended - run.info.start_time) / 1000,
        kind=run.data.tags.get("kind", ""),
        tags=dict(run.data.tags),
        experiment=str(run.info.experiment_id),
    )


def _cut(texts: Mapping[str, str]) -> dict[str, str]:
    return {k: v if len(v) <= _LONGEST else v[: _LONGEST - 1] + "…" for k, v in texts.items()}


def preload() -> None:
    """Import what MLflow otherwise imports on its first call, for a process that will be forked."""
    import mlflow.store.artifact.local_artifact_repo
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
