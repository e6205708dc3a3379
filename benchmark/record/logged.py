"""Runs that other programs have logged with MLflow: read as they are, and never changed."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

from benchmark.errors import StoreError
from benchmark.store.connection import Connection
from benchmark.store.store import Store

#: Tag in which MLflow keeps the run around another one.
_PARENT = "mlflow.parentRunId"


@dataclass(frozen=True)
class LoggedRun:
    """A run of an experiment.

    Attributes:
        status: as "FINISHED".
        parent: id of the run around it; "" where there is none.
        columns: "params.…", "tags.…" and "metrics.…", of these the last value; of a run inside
            another one also that one's "parent.run_name" and "parent.params.…".
    """

    run_id: str
    name: str
    status: str
    parent: str
    columns: dict[str, str]


def connection_to_others(asked: str | None) -> Connection:
    """A connection for reading alone; a database in a file is copied before.

    Args:
        asked: a folder, or an address as MLflow's tracking URI; None takes MLFLOW_TRACKING_URI,
            else `mlruns/` here. A folder of files, which MLflow wrote before it took databases, is
            read too.

    Raises:
        StoreError: there is no record.
    """
    location = asked or os.environ.get("MLFLOW_TRACKING_URI") or "mlruns"
    if location.startswith("file:"):
        location = url2pathname(urlsplit(location).path)
    store = Store.choose(location)
    if not (store.exists() or any(store.folder.glob("*/meta.yaml"))):
        beside = Path("mlflow.db")
        way = "Say where it is with --store"
        if not asked and beside.is_file():
            way = f"{beside} is one: --store sqlite:///{beside}"
        raise StoreError(f"there is no MLflow record in {store.folder}. {way}.")
    return Connection(store, make=True, only_read=True)


def logged_runs(connection: Connection, experiment: str) -> list[LoggedRun]:
    """The runs of an experiment that are not deleted, the oldest first.

    Args:
        connection: to the record.
        experiment: its name, or MLflow's id of it.

    Raises:
        StoreError: there is none, or it was deleted; the message names those that are there.
        RecordLost: the record is out of reach.
    """
    client = connection.client
    known = {each.name: each for each in client.search_experiments()}
    found = known.get(experiment)
    found = found or next((e for e in known.values() if e.experiment_id == experiment), None)
    if found is None:
        names = ", ".join(f'"{name}"' for name in known) or "none"
        raise StoreError(
            f'there is no experiment "{experiment}" in {connection.store.shown}, or it was '
            f"deleted; it has {names}."
        )
    runs: list[Any] = []
    token = None
    while True:
        page = client.search_runs(
            [found.experiment_id], max_results=1000, order_by=["start_time ASC"], page_token=token
        )
        runs += page
        token = page.token
        if not token:
            return _with_parents(runs)


def best_value(connection: Connection, run_id: str, metric: str, lower_is_better: bool) -> float:
    """The best of all values that a run has logged of a metric; NaN where none is a number."""
    history = connection.client.get_metric_history(run_id, metric)
    values = [float(each.value) for each in history if math.isfinite(each.value)]
    best = min if lower_is_better else max
    return best(values, default=math.nan)


def _with_parents(runs: Sequence[Any]) -> list[LoggedRun]:
    by_id = {run.info.run_id: run for run in runs}
    found = []
    for run in runs:
        parent = run.data.tags.get(_PARENT, "")
        columns = _columns(run)
        if parent in by_id:
            columns |= {
                f"parent.{name}": value
                for name, value in _columns(by_id[parent]).items()
                if name.startswith(("params.", "run_name"))
            }
        name = run.info.run_name or run.info.run_id
        found.append(LoggedRun(run.info.run_id, name, run.info.status, parent, columns))
    return found


def _columns(run: Any) -> dict[str, str]:
    data = run.data
    tags = {name: value for name, value in data.tags.items() if not name.startswith("mlflow.")}
    return {
        "run_name": run.info.run_name or "",
        **{f"params.{name}": str(data.params[name]) for name in sorted(data.params)},
        **{f"tags.{name}": str(tags[name]) for name in sorted(tags)},
        **{f"metrics.{name}": repr(float(data.metrics[name])) for name in sorted(data.metrics)},
    }
