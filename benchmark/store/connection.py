"""The connection to a record: opened wherever the record lies, and lost in one sentence.

This file, :mod:`benchmark.record.query` and :mod:`benchmark.record.writer` are the only ones that
import MLflow.
"""

from __future__ import annotations

import functools
import logging
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import uuid4

from benchmark.errors import BenchmarkError, StoreError
from benchmark.store.database import (
    Row,
    address_of,
    copied,
    curve_of,
    experiments_of,
    last_start,
    rows_with,
    settle,
)
from benchmark.store.faults import explained, is_of_storage, line
from benchmark.store.outages import gone, lost, patiently
from benchmark.store.store import Store

# Read by mlflow when it is imported: its usage reports would leave the machine with every call.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

if TYPE_CHECKING:
    from mlflow import MlflowClient

#: Answers to a question, such as that there is no such run; all others are faults of the record.
_ANSWERS = (
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_ALREADY_EXISTS",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
)
_READS = ("get_", "search_", "list_", "download_")
#: MLflow's function that finds out which tables it would make.
_LATEST = "_get_latest_schema_revision"

_T = TypeVar("_T")


@dataclass(frozen=True)
class Connection:
    """A connection to the record, opened when it is first asked; every process makes its own.

    Attributes:
        store: where the record is.
        make: whether a local record that is not there is made; a worker's was there a moment ago.
        only_read: whether it is of other programs, and left as it is: a database in a file is
            read from a copy, and a folder of files where there is no database.
    """

    store: Store
    make: bool = True
    only_read: bool = False

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client.

        Raises:
            StoreError: the store cannot be opened.
            RecordLost: it was there a moment ago.
        """
        return connect(self.store, self.make, self.only_read)

    def experiments(self) -> dict[str, str]:
        """The names of all experiments that are not deleted, by MLflow's ids."""
        if (read := self._read(experiments_of)) is not None:
            return read
        from mlflow.entities import ViewType

        found = self.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
        return {each.experiment_id: each.name for each in found}

    @property
    def database(self) -> Path | None:
        """The sqlite file that is read; None where something else keeps the record."""
        kind, _, path = str(self.client.tracking_uri).partition(":///")
        return Path(path) if kind == "sqlite" else None

    def ask(self, question: Callable[[MlflowClient], _T]) -> _T:
        """Ask or tell the record several things, from the start again where it is out of reach."""
        watched = cast(_Watched, self.client)
        return watched.call(question, watched.bare)

    def rows_with(self, tag: str, values: Collection[str], status: str) -> list[Row] | None:
        """As of :func:`benchmark.store.database.rows_with`, of the sqlite file that is read.

        None where something else keeps the record.
        """
        read = self._read(lambda there: rows_with(there, tag, values, status))
        if read is not None:
            return read
        if (database := self.database) is None:
            return None
        return self.ask(lambda _: rows_with(database, tag, values, status))

    def curve(self, run_id: str, metric: str) -> dict[int, float] | None:
        """Values of a metric by step; None where MLflow is to be asked."""
        return self._read(lambda there: curve_of(there, run_id, metric))

    def _read(self, question: Callable[[Path], _T]) -> _T | None:
        """What a local record answers without MLflow, which takes a second to import.

        None where MLflow is needed, or is to say what is wrong with the record.
        """
        there = self.store.database
        if there is None or "client" in vars(self) or not there.exists():
            return None
        with suppress(sqlite3.Error, OSError):
            return question(there)
        return None

    def last_start(self) -> int:
        """When the run began that began last, in milliseconds since 1970; 0 where there is none."""
        if (database := self.database) is not None:
            return self.ask(lambda _: last_start(database))
        ids = [*self.experiments()]
        latest = self.client.search_runs(ids, max_results=1, order_by=["start_time DESC"])
        return max((int(run.info.start_time) for run in latest), default=0)

    def artifacts_of(self, run_id: str, address: str | None = None) -> Path | None:
        """Where a run's artifacts lie in a local record, wherever that was moved; else None.

        Args:
            run_id: of the run.
            address: what the record says of that, if it is known.
        """
        address = address or self._read(lambda there: address_of(there, run_id))
        address = address or str(self.client.get_run(run_id).info.artifact_uri)
        if self.store.artifacts is None or not address.endswith(f"/artifacts/{run_id}/artifacts"):
            return None
        return self.store.artifacts / run_id / "artifacts"


def connect(store: Store, make: bool, only_read: bool = False) -> MlflowClient:
    """A client of a record, each call of which is watched.

    A record that cannot be written here, as on a medium that is mounted for reading, is read from
    a copy: sqlite has to write beside a database even to read it.

    Args:
        store: where.
        make: whether a local record that is not there is made; otherwise it has been lost.
        only_read: as of `Connection`.

    Raises:
        StoreError: the store cannot be opened.
        RecordLost: it is not there, and not to be made.
    """
    # A server that is out of reach is waited for by us: MLflow would ask it again for minutes, in
    # which nothing is said and no signal heard, and open a run twice whose answer was lost.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    database = store.database
    if database is None:
        return _watched(_opened(store, store.uri, make), store, only_read)
    if only_read and not database.exists():
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # MLflow no longer writes them
        return _watched(_opened(store, store.folder.as_uri(), make), store, only_read)
    if not make and not database.exists():
        raise gone(store.shown)
    if database.exists() and (only_read or not store.is_writable):
        copy = f"sqlite:///{copied(database)}"
        return _watched(_opened(store, copy, make), store, only_read=True)
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the store {store.folder} cannot be made: {error.strerror}. "
            "Give --store a folder that can be written."
        ) from error
    if not database.exists():
        # The first to open a new database makes its tables; two at once would collide.
        with store.cache.runs.holding("store"):
            if not database.exists():
                _make(store, database)
    return _watched(_opened(store, store.uri, make, database), store)


def _make(store: Store, database: Path) -> None:
    """Make a new database beside its place, so that one whose making was cut short is none."""
    for left in database.parent.glob("mlflow.new-*"):
        left.unlink()
    # MLflow keeps what it knows of a path for as long as the process lives.
    aside = database.with_name(f"mlflow.new-{uuid4().hex}.db")
    client = _opened(store, f"sqlite:///{aside}", make=True)
    client._tracking_client.store.engine.dispose()
    settle(aside, (store.folder / "artifacts").as_uri())
    aside.replace(database)


def _opened(store: Store, uri: str, make: bool, database: Path | None = None) -> MlflowClient:
    def opened() -> MlflowClient:
        with _guarding(store.shown):
            _knock(uri)
            client = _client(uri)
            if database:  # which MLflow has asked already
                settle(database, (store.folder / "artifacts").as_uri())
            else:
                client.search_experiments(max_results=1)
            return client

    try:
        return patiently(opened, store.shown)
    except Exception as error:
        told = isinstance(error, BenchmarkError)
        if not make:
            raise error if told else lost(store.shown, error) from error
        said = (error.__cause__ if told else None) or error
        raise unusable(f"the MLflow store {store.shown} cannot be opened", said) from error


def _knock(uri: str) -> None:
    """Have a server of databases say at once what it refuses: MLflow asks it for 100 seconds."""
    from mlflow.store.db.db_types import DATABASE_ENGINES, SQLITE
    from sqlalchemy import create_engine

    if uri.partition(":")[0].partition("+")[0] not in {*DATABASE_ENGINES} - {SQLITE}:
        return
    engine = create_engine(uri)
    try:
        engine.connect().close()
    finally:
        engine.dispose()


def _client(uri: str) -> MlflowClient:
    from mlflow import MlflowClient

    # It narrates the making of its tables, and every fault of a database with its traceback, at
    # levels that it sets when it is imported.
    logging.getLogger("mlflow").setLevel(logging.CRITICAL)
    logging.getLogger("alembic").setLevel(logging.ERROR)
    return MlflowClient(tracking_uri=uri)


class _Watched:
    """MLflow's client, which waits for the record and whose faults are told in one sentence."""

    def __init__(self, client: MlflowClient, store: Store, only_read: bool) -> None:
        self.bare = client
        self._store, self._only_read = store, only_read
        self._file = None if only_read else _identity(store)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.bare, name)
        if not callable(found):
            return found
        if self._only_read and not name.startswith(_READS):
            raise StoreError(
                f"the record {self._store.shown} can only be read here: bench stats, bench "
                "status and bench report do; for more, copy it to a folder that can be written, "
                "and name that with --store."
            )
        return functools.partial(self.call, found)

    def call(self, method: Callable[..., _T], *args: Any, **keywords: Any) -> _T:
        """Call something that asks the record, again where that is out of reach."""

        def once() -> _T:
            if _identity(self._store) != self._file and not self._only_read:
                raise gone(self._store.shown)
            with _guarding(self._store.shown):
                return method(*args, **keywords)

        return patiently(once, self._store.shown)


def _watched(client: MlflowClient, store: Store, only_read: bool = False) -> MlflowClient:
    return cast("MlflowClient", _Watched(client, store, only_read))


def _identity(store: Store) -> tuple[int, int] | None:
    """What tells the database file from another one of its name: writes to a deleted one vanish."""
    if store.database is None:
        return None
    try:
        found = store.database.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def _guarding(shown: str) -> Iterator[None]:
    """Within this block a fault of the record is one sentence.

    Raises:
        RecordLost: with what happened, and how to go on.
        StoreError: it is there, and refuses what was asked.
    """
    try:
        yield
    except Exception as error:
        from mlflow.exceptions import MlflowException
        from sqlalchemy.exc import SQLAlchemyError

        faults = (MlflowException, SQLAlchemyError, sqlite3.Error, OSError)
        if not isinstance(error, faults) and not is_of_storage(error):
            raise
        if isinstance(error, MlflowException) and error.error_code in _ANSWERS:
            raise
        fault = explained(error)
        if fault and fault.refused:
            raise StoreError(
                f"the record {shown} cannot be used: {fault.cause}. {fault.remedy}, and run the "
                "same command again: it goes on from what has been recorded."
            ) from error
        raise lost(shown, error) from error


def unusable(what: str, error: BaseException) -> StoreError:
    """What is said before anything is trained.

    Args:
        what: cannot be done.
        error: what a library said.
    """
    fault = explained(error)
    return StoreError(f"{what}: {f'{fault.cause}. {fault.remedy}.' if fault else line(error)}")


def preload() -> None:
    """Do what MLflow otherwise does on its first call, for a process that will be forked."""
    import mlflow.store.artifact.artifact_repository_registry
    import mlflow.store.artifact.local_artifact_repo
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
    from mlflow.store.db import utils
    from sqlalchemy import create_engine
    from sqlalchemy.orm import configure_mappers

    create_engine("sqlite://")
    configure_mappers()
    # Asked of the files of all migrations whenever a database is opened; it is not public, so that
    # another MLflow may go without.
    if latest := getattr(utils, _LATEST, None):
        setattr(utils, _LATEST, functools.cache(latest))
        getattr(utils, _LATEST)()
