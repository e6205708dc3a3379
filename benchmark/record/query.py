"""What is read of the record.

A run is done when its MLflow run is FINISHED under its key, in whatever experiment of the store
it was made. Interrupted and failed attempts stay in the record as KILLED and FAILED; they are no
cache hits.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from benchmark.errors import StoreError
from benchmark.record.recorded import Recorded
from benchmark.store.connection import Connection
from benchmark.store.database import Row
from benchmark.store.scratch import scratch
from benchmark.store.store import Store

if TYPE_CHECKING:
    from mlflow.entities import Run

#: Tag in which MLflow keeps the description that its UI shows.
NOTE = "mlflow.note.content"
#: What holds for the status of those that have finished, and of all.
_FINISHED, _ANY = "= 'FINISHED'", "!= ''"
#: Values of a tag that a server is asked for one by one.
_ONE_BY_ONE = 20


@dataclass(frozen=True)
class Query:
    """Asks the record; what it answers is as it was at that moment.

    Attributes:
        connection: to the record.
    """

    connection: Connection

    @property
    def store(self) -> Store:
        """Where the record is."""
        return self.connection.store

    def runs(self, condition: str = "", experiment: str | None = None) -> list[Recorded]:
        """Every run that fulfils a condition, the oldest first.

        Args:
            condition: in the language of MLflow's search, as "tags.role = 'arm'"; none has all.
            experiment: MLflow's id of the one that is searched; None searches the whole store.
        """
        client = self.connection.client
        ids = [experiment] if experiment else [*self.connection.experiments()]
        found: list[Recorded] = []
        token = None
        while True:
            page = client.search_runs(
                ids, condition, max_results=1000, order_by=["start_time ASC"], page_token=token
            )
            found += map(_recorded, page)
            token = page.token
            if not token:
                return found

    def experiment(self, name: str) -> str | None:
        """The id of a study's experiment; None as long as it has none.

        Raises:
            StoreError: the experiment was deleted in MLflow.
        """
        found = self.connection.client.get_experiment_by_name(name)
        if found is not None and found.lifecycle_stage == "deleted":
            raise StoreError(
                f'the experiment "{name}" was deleted in MLflow; restore it there, or give '
                "the study another name."
            )
        return str(found.experiment_id) if found else None

    def description(self, experiment: str) -> str:
        """What the UI shows above an experiment's runs; empty where there is none."""
        return str(self.connection.client.get_experiment(experiment).tags.get(NOTE, ""))

    def of_role(self, role: str, experiment: str | None = None) -> list[Recorded]:
        """The runs of an experiment, or of all, that have a role, the oldest first."""
        found = self.with_tag("role", [role])
        return [run for run in found if experiment in (None, run.experiment)]

    def find(self, experiment: str, tags: Mapping[str, str]) -> str | None:
        """The id of the first run of an experiment with these tags."""
        condition = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
        for run in self.runs(condition, experiment):
            return run.run_id
        return None

    def with_tag(self, tag: str, values: Iterable[str], status: str = _ANY) -> list[Recorded]:
        """The runs whose tag has one of these values, of each value the oldest first.

        Args:
            tag: its name.
            values: any number of them.
            status: what holds for that of a run, as "= 'FINISHED'".
        """
        wanted = {value for value in values if value}
        if not wanted:
            return []
        rows = self.connection.rows_with(tag, wanted, status)
        if rows is None:
            return self._with_tag(tag, wanted, f"attributes.status {status}")
        return [*map(_of_row, rows)]

    def _with_tag(self, tag: str, wanted: set[str], condition: str) -> list[Recorded]:
        """Asked of MLflow alone, which takes one value at a time or reads all runs."""
        if len(wanted) <= _ONE_BY_ONE:
            asked = [self.runs(f"{condition} and tags.`{tag}` = '{value}'") for value in wanted]
            return [run for found in asked for run in found]
        found = self.runs(f"{condition} and tags.`{tag}` != ''")
        return [run for run in found if run.tags[tag] in wanted]

    def finished(self, keys: Iterable[str] | None = None) -> dict[str, Recorded]:
        """The finished runs of these keys, or every one of the store, by key.

        Where a key is there twice, the earliest that was scored on test, else the earliest.
        """
        if keys is None:
            return _by_key(self.runs(f"attributes.status {_FINISHED} and tags.key != ''"))
        return _by_key(self.with_tag("key", keys, _FINISHED))

    def finished_of_kinds(self, kinds: Iterable[str]) -> dict[str, Recorded]:
        """The finished runs that took as long as those of these kinds do, by key."""
        found = self.with_tag("kind", kinds, _FINISHED)
        return _by_key(run for run in found if "key" in run.tags)

    def finished_with_needs(self, keys: Iterable[str]) -> dict[str, Recorded]:
        """The finished runs of these keys, and of all that these needed, by key."""
        if not self.store.is_local:
            return self.finished()  # one look at all runs, in place of several
        found: dict[str, Recorded] = {}
        asked, new = set[str](), set(keys)
        while new:
            asked |= new
            more = self.finished(new)
            found |= more
            new = {key for run in more.values() for key in run.needs.values()} - asked
        return found

    def finished_run(self, key: str) -> Recorded | None:
        """The finished run of one key."""
        return self.finished([key]).get(key)

    def last_reasons(self, keys: Iterable[str]) -> dict[str, str]:
        """How the last unfinished attempt at each key ended."""
        return {run.tags["key"]: run.reason for run in self.with_tag("key", keys, "!= 'FINISHED'")}

    def is_open(self, run_id: str) -> bool:
        """Whether a run has not ended."""
        return str(self.connection.client.get_run(run_id).info.status) == "RUNNING"

    def curve(self, run_id: str, metric: str) -> dict[int, float]:
        """Values of a metric by step."""
        read = self.connection.curve(run_id, metric)
        if read is not None:
            return read
        history = self.connection.client.get_metric_history(run_id, metric)
        return {point.step: point.value for point in history}

    def artifact(self, run_id: str, path: str) -> Path | None:
        """A file or folder that a run keeps, on this machine; None where it keeps none."""
        kept = self.connection.artifacts_of(run_id)
        if kept is not None:
            return kept / path if (kept / path).exists() else None
        client = self.connection.client
        there = client.list_artifacts(run_id, path.rpartition("/")[0] or None)
        if path not in [each.path for each in there]:
            return None
        # MLflow would make a folder for each, and leave it.
        return Path(client.download_artifacts(run_id, path, str(self._downloads / run_id)))

    @cached_property
    def _downloads(self) -> Path:
        return scratch("bench-artifacts-")


def counting(attempts: Iterable[Recorded]) -> Recorded | None:
    """Of all attempts at a run, the oldest first, the finished one that counts; None for none."""
    return next(iter(_by_key(r for r in attempts if r.status == "FINISHED").values()), None)


def _by_key(runs: Iterable[Recorded]) -> dict[str, Recorded]:
    """The run that counts for each key, of runs that come with the oldest first."""
    found: dict[str, Recorded] = {}
    for run in runs:
        key = run.tags["key"]
        if key not in found or (run.is_tested and not found[key].is_tested):
            found[key] = run
    return found


def _recorded(run: Run) -> Recorded:
    ended = run.info.end_time or run.info.start_time
    return Recorded(
        run_id=str(run.info.run_id),
        scores=dict(run.data.metrics),
        seconds=(ended - run.info.start_time) / 1000,
        kind=run.data.tags.get("kind", ""),
        tags=dict(run.data.tags),
        experiment=str(run.info.experiment_id),
        status=str(run.info.status),
        parameters=dict(run.data.params),
        began=run.info.start_time / 1000,
    )


def _of_row(row: Row) -> Recorded:
    ended = row.ended or row.began
    return Recorded(
        run_id=row.run_id,
        scores=row.metrics,
        seconds=(ended - row.began) / 1000,
        kind=row.tags.get("kind", ""),
        tags=row.tags,
        experiment=row.experiment,
        status=row.status,
        parameters=row.parameters,
        began=row.began / 1000,
    )
