"""The sqlite file of a local record, as far as it is handled without MLflow."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Collection
from contextlib import closing
from math import nan
from pathlib import Path
from sqlite3 import Cursor
from typing import NamedTuple

from benchmark.store.scratch import scratch


def copied(database: Path) -> Path:
    """A copy with what sqlite had not yet written into the database itself."""
    folder = scratch("bench-record-")
    for name in (database.name, f"{database.name}-wal"):
        if (source := database.with_name(name)).exists():
            shutil.copyfile(source, folder / name)
    return folder / database.name


class Row(NamedTuple):
    """A run as its tables have it.

    Attributes:
        began: in milliseconds since 1970.
        ended: the same; None as long as it has not.
        metrics: the last value of each.
    """

    run_id: str
    experiment: str
    status: str
    began: int
    ended: int | None
    tags: dict[str, str]
    parameters: dict[str, str]
    metrics: dict[str, float]


def rows_with(database: Path, tag: str, values: Collection[str], status: str) -> list[Row]:
    """The runs that are not deleted whose tag has one of these values, the oldest first.

    MLflow's search takes a single value of a tag, and makes an object of every tag and number of a
    run, of which ten thousand runs have most of a million.

    Args:
        database: the sqlite file.
        tag: its name.
        values: any number of them.
        status: what holds for that of a run, as "= 'FINISHED'".
    """
    with _reading(database) as reading:
        reading.execute("BEGIN")  # all of it as it is at one moment
        found = {
            run_id: Row(run_id, str(experiment), status_of_run, began, ended, {}, {}, {})
            for run_id, experiment, status_of_run, began, ended in reading.execute(
                "SELECT run_uuid, runs.experiment_id, status, start_time, end_time "
                "FROM tags JOIN runs USING (run_uuid) JOIN experiments USING (experiment_id) "
                "WHERE tags.key = ? AND tags.value IN (SELECT value FROM json_each(?)) "
                "AND runs.lifecycle_stage = 'active' AND experiments.lifecycle_stage = 'active' "
                f"AND status {status} ORDER BY start_time, run_uuid",
                (tag, json.dumps([*values])),
            )
        }

        def held(table: str, value: str = "value") -> Cursor:
            return reading.execute(
                f"SELECT run_uuid, key, {value} FROM {table} "
                "WHERE run_uuid IN (SELECT value FROM json_each(?))",
                (json.dumps([*found]),),
            )

        for run_id, name, text in held("tags"):
            found[run_id].tags[name] = text
        for run_id, name, text in held("params"):
            found[run_id].parameters[name] = text
        for run_id, name, number in held("latest_metrics", "iif(is_nan, NULL, value)"):
            found[run_id].metrics[name] = nan if number is None else number
    return [*found.values()]


def curve_of(database: Path, run_id: str, metric: str) -> dict[int, float]:
    """Values of a metric by step; of several of a step the last."""
    with _reading(database) as reading:
        found = reading.execute(
            "SELECT step, iif(is_nan, NULL, value) FROM metrics WHERE run_uuid = ? AND key = ? "
            "ORDER BY timestamp, step",
            (run_id, metric),
        )
        return {step: nan if value is None else value for step, value in found}


def experiments_of(database: Path) -> dict[str, str]:
    """The names of all experiments that are not deleted, by MLflow's ids."""
    with _reading(database) as reading:
        found = reading.execute(
            "SELECT experiment_id, name FROM experiments WHERE lifecycle_stage = 'active'"
        )
        return {str(experiment): str(name) for experiment, name in found}


def address_of(database: Path, run_id: str) -> str | None:
    """Where MLflow was told to keep the files of a run; None where there is no such run."""
    with _reading(database) as reading:
        asked = "SELECT artifact_uri FROM runs WHERE run_uuid = ?"
        found = reading.execute(asked, (run_id,)).fetchone()
        return str(found[0]) if found else None


def last_start(database: Path) -> int:
    """When the run began that began last, in milliseconds since 1970; 0 where there is none."""
    with _reading(database) as reading:
        found = reading.execute(
            "SELECT max(start_time) FROM runs WHERE lifecycle_stage = 'active'"
        ).fetchone()
        return int(found[0] or 0)


def _reading(database: Path) -> closing[sqlite3.Connection]:
    """A connection to a database that is there, which is not made."""
    return closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", timeout=60, uri=True))


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
