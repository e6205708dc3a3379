"""The record of runs: MLflow.

A run is done when its MLflow run is FINISHED under its key, in whatever experiment of the store
it was made. Interrupted and failed attempts stay in the record as KILLED and FAILED; they are no
cache hits.
"""

import hashlib
import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from benchmark.errors import StoreError
from benchmark.record.connection import connect, guarding
from benchmark.record.of_study import checked
from benchmark.record.scratch import scratch
from benchmark.record.store import Store
from benchmark.secrets import masked

# isort: split
# What mlflow reads when it is imported is set by the file that connects to it.
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException

Status = Literal["FINISHED", "FAILED", "KILLED"]

#: Longest text that MLflow keeps as a tag or parameter.
_LONGEST = 5000
#: Longest name of a run.
_NAME = 250

#: Most metrics and tags that MLflow takes together.
_MOST_METRICS, _MOST_TAGS = 900, 100

#: Tag in which MLflow keeps the description that its UI shows.
_NOTE = "mlflow.note.content"

#: Tag of the run that holds a study's plan.
STUDY_ROLE = "study"


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
    def name(self) -> str:
        """What people call it, with its task: "kd · pretrained · 42 (sst5)"."""
        called = self.tags.get("mlflow.runName") or self.run_id
        return f"{called} ({self.tags['task']})" if "task" in self.tags else called

    @property
    def is_tested(self) -> bool:
        """Whether it has scores on test; runs of tuning and teachers have none."""
        return any(name.startswith("test/") for name in self.scores)


@dataclass
class Tracker:
    """A connection to the record; every process makes its own.

    Attributes:
        store: where the record is.
        make: whether a local record that is not there is made; a worker's was there a moment ago.
    """

    store: Store
    make: bool = True
    _experiments: dict[str, str] = field(default_factory=dict)
    _begun: dict[str, tuple[int, float]] = field(default_factory=dict)

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client.

        Raises:
            StoreError: the store cannot be opened.
            RecordLost: it was there a moment ago.
        """
        return connect(self.store, self.make)

    def experiment(self, name: str) -> str:
        """The id of a study's experiment, made if it is new.

        Raises:
            StoreError: the experiment was deleted in MLflow.
        """
        if name not in self._experiments:
            found = self.client.get_experiment_by_name(name)
            if found is None:
                kept = self.store.artifacts
                self._experiments[name] = self.client.create_experiment(
                    name, artifact_location=kept.as_uri() if kept else None
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
        at = self._now()
        called = name if len(name) <= _NAME else name[: _NAME - 1] + "…"
        run = self.client.create_run(experiment, at, _cut(tags), called)
        self._begun[run.info.run_id] = at, time.monotonic()
        params = [Param(k, v) for k, v in _cut({k: str(v) for k, v in parameters.items()}).items()]
        self.client.log_batch(run.info.run_id, params=params)
        return str(run.info.run_id)

    def _now(self) -> int:
        """Milliseconds since 1970, after all that has begun also where a clock was set back."""
        latest = self.client.search_runs(
            self._everywhere(), max_results=1, order_by=["start_time DESC"]
        )
        return max(int(time.time() * 1000), *(int(run.info.start_time) + 1 for run in latest), 0)

    def _until(self, run_id: str) -> int:
        """When a run ends that ends now, never before it began."""
        if run_id in self._begun:
            at, clock = self._begun[run_id]
            return at + int((time.monotonic() - clock) * 1000)
        began = self.client.get_run(run_id).info.start_time
        return max(int(time.time() * 1000), int(began))

    def log(self, run_id: str, metrics: Mapping[str, float], step: int = 0) -> None:
        """Write metrics of one step."""
        self._write(run_id, _metrics(metrics, step), [])

    def attach(self, run_id: str, path: Path, folder: str | None = None) -> None:
        """Keep a file as an artifact of the run."""
        kept = self._kept(run_id)
        if kept is None:
            self.client.log_artifact(run_id, str(path), folder)
            return
        place = kept / (folder or "") / path.name
        draft = place.with_name(f".{path.name}.{os.getpid()}")
        with guarding(self.store):
            place.parent.mkdir(parents=True, exist_ok=True)
            try:
                shutil.copyfile(path, draft)
                draft.replace(place)
            finally:
                draft.unlink(missing_ok=True)

    def end(
        self,
        run_id: str,
        status: Status,
        reason: str,
        tags: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Close a run; the reason says how it ended, in a word or a sentence."""
        told = _cut({"status_reason": masked(reason), **(tags or {})})
        tags_of_run = [RunTag(name, value) for name, value in told.items()]
        self._write(run_id, _metrics(metrics or {}, 0), tags_of_run)
        self.client.set_terminated(run_id, status, self._until(run_id))

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
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                inside = path.parent.relative_to(folder).as_posix()
                self.attach(run_id, path, None if inside == "." else inside)

    def artifact(self, run_id: str, path: str) -> Path | None:
        """A file or folder that a run keeps, on this machine; None where it keeps none."""
        kept = self._kept(run_id)
        if kept is not None:
            return kept / path if (kept / path).exists() else None
        there = self.client.list_artifacts(run_id, path.rpartition("/")[0] or None)
        if path not in [each.path for each in there]:
            return None
        # MLflow would make a folder for each, and leave it.
        return Path(self.client.download_artifacts(run_id, path, str(self._downloads / run_id)))

    def _kept(self, run_id: str) -> Path | None:
        """Where a run's artifacts lie in a local record, wherever that was moved; else None."""
        address = str(self.client.get_run(run_id).info.artifact_uri)
        if self.store.artifacts is None or not address.endswith(f"/artifacts/{run_id}/artifacts"):
            return None
        return self.store.artifacts / run_id / "artifacts"

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
        ids = experiments or self._everywhere()
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

    def _everywhere(self) -> list[str]:
        found = self.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
        return [each.experiment_id for each in found]

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
            if self._is_readable(run)
        ]
        if same:
            run_id = same[-1].info.run_id
        else:
            text = json.dumps(record, indent=1)
            tags = {"role": STUDY_ROLE, "plan": digest, "study_file": record["study_file"]}
            tags["plan_sha256"] = hashlib.sha256(text.encode()).hexdigest()
            run_id = self.start(experiment, f"study · {name}", tags, {})
            with self.store.cache.scratch() as folder:
                path = folder / "plan.json"
                path.write_text(text, encoding="utf-8")
                self.attach(run_id, path)
            self.end(run_id, "FINISHED", "planned")
        # A clock that was set back makes no study run earlier than the one before it.
        before = max(map(_last_run, self._search(f"tags.role = '{STUDY_ROLE}'")), default=0.0)
        self.client.set_tag(run_id, "last_run", f"{max(time.time(), before + 0.001):.3f}")

    def study_record(self, wanted: str | None) -> dict[str, Any]:
        """The plan of a study: by name or by file, else the study last run.

        Raises:
            StoreError: there is none.
        """
        records = self._search(f"tags.role = '{STUDY_ROLE}'")
        if wanted is not None:
            records = self._of(wanted, records)
        if not records:
            what = f"of {wanted} " if wanted else ""
            raise StoreError(
                f"no run {what}is recorded in {self.store.shown}; start with: "
                f"bench run {wanted or 'STUDY'}"
            )
        last = max(records, key=_last_run)
        record = self._plan_of(last)
        if record is None:
            raise StoreError(
                f'the plan of "{last.info.run_name}" in {self.store.shown} is missing or damaged; '
                "bench run writes it anew, and trains nothing again."
            )
        return checked(record)

    def _of(self, wanted: str, records: list[Run]) -> list[Run]:
        """The plans of the study of a name, else of a file, wherever that was moved to."""
        names = {e.experiment_id: e.name for e in self.client.search_experiments()}
        named = [r for r in records if wanted == names[r.info.experiment_id]]
        path = Path(wanted)
        files = {r.info.run_id: Path(r.data.tags.get("study_file", "")) for r in records}
        try:
            there = [r for r in records if files[r.info.run_id] == path.resolve()]
            if named or there or not path.is_file():
                return named or there
        except (OSError, RuntimeError, ValueError):  # a name that no file can have
            return named
        alike = [r for r in records if files[r.info.run_id].name == path.name]
        if len({files[r.info.run_id] for r in alike}) < 2:
            return alike  # what has changed in it since is warned of
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return [r for r in alike if (self._plan_of(r) or {}).get("study_digest") == digest]

    def _is_readable(self, run: Run) -> bool:
        """Whether this version reads the plan that a run keeps."""
        plan = self._plan_of(run)
        try:
            return plan is not None and bool(checked(plan))
        except StoreError:
            return False

    def _plan_of(self, run: Run) -> dict[str, Any] | None:
        """The plan that a run keeps; None where it is missing or not what was written."""
        path = self.artifact(run.info.run_id, "plan.json")
        try:
            text = path.read_bytes() if path else b""
            plan = json.loads(text)
        except (OSError, ValueError):
            return None
        kept = run.data.tags.get("plan_sha256", "")
        whole = not kept or kept == hashlib.sha256(text).hexdigest()
        return plan if whole and isinstance(plan, dict) else None

    @cached_property
    def _downloads(self) -> Path:
        return scratch("bench-artifacts-")


def _last_run(run: Run) -> float:
    try:
        return float(run.data.tags.get("last_run", "0"))
    except ValueError:
        return 0.0


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
