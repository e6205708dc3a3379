"""The sqlite file of a local record, as far as it is handled without MLflow."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path

from benchmark.store.scratch import scratch


def copied(database: Path) -> Path:
    """A copy with what sqlite had not yet written into the database itself."""
    folder = scratch("bench-record-")
    for name in (database.name, f"{database.name}-wal"):
        if (source := database.with_name(name)).exists():
            shutil.copyfile(source, folder / name)
    return folder / database.name


def run_ids(database: Path, tag: str, values: Collection[str]) -> list[str]:
    """The ids of all runs whose tag has one of these values, of the oldest run first.

    MLflow's search takes a single value of a tag, and reads all runs that are asked for whole.
    """
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", timeout=60, uri=True)) as reading:
        rows = reading.execute(
            "SELECT runs.run_uuid FROM tags JOIN runs ON runs.run_uuid = tags.run_uuid "
            "WHERE tags.key = ? AND tags.value IN (SELECT value FROM json_each(?)) "
            "ORDER BY runs.start_time, runs.run_uuid",
            (tag, json.dumps([*values])),
        )
        return [run_id for (run_id,) in rows]


def last_start(database: Path) -> int:
    """When the run began that began last, in milliseconds since 1970; 0 where there is none."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", timeout=60, uri=True)) as reading:
        found = reading.execute(
            "SELECT max(start_time) FROM runs WHERE lifecycle_stage = 'active'"
        ).fetchone()
        return int(found[0] or 0)


def settle(database: Path, artifacts: str) -> None:
    """Let readers and a writer work at once, and take a record that was moved for where it is.

    MLflow keeps absolute addresses of artifacts; its UI would look for them in the old place.
    """
    with closing(sqlite3.connect(database, timeout=60)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        rows = connection.execute("SELECT experiment_id, artifact_location FROM experiments")
        moved = [(e, old) for e, old in rows.fetchall() if old != artifacts and _is_ours(old)]
        for experiment, old in moved:
            connection.execute(
                "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) "
                "WHERE experiment_id = ? AND substr(artifact_uri, 1, ?) = ?",
                (artifacts, len(old) + 1, experiment, len(old) + 1, f"{old}/"),
            )
            connection.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?",
                (artifacts, experiment),
            )
        connection.commit()


def _is_ours(location: str | None) -> bool:
    """Whether this package gave an experiment the place of its artifacts, in a local store."""
    return str(location).startswith("file:") and str(location).endswith("/artifacts")
