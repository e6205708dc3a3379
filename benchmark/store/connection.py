"""The connection to a record: opened wherever the record lies, and lost in one sentence.

This file, :mod:`benchmark.record.query` and :mod:`benchmark.record.writer` are the only ones that
import MLflow.
"""

import functools
import logging
import multiprocessing
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

from benchmark.errors import RecordLost, StoreError
from benchmark.secrets import masked
from benchmark.store.database import copied, run_ids, settle
from benchmark.store.store import Store

# Read by mlflow when it is imported: its usage reports would leave the machine with every call.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from mlflow import MlflowClient
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

# MLflow narrates the making of its tables, and every fault of a database with its traceback.
logging.getLogger("mlflow").setLevel(logging.CRITICAL)
logging.getLogger("alembic").setLevel(logging.ERROR)

#: Seconds for which a database that somebody else has locked is waited for.
PATIENCE = 150.0
#: Answers to a question, such as that there is no such run; all others are faults of the record.
_ANSWERS = (
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_ALREADY_EXISTS",
    "INVALID_PARAMETER_VALUE",
    "INVALID_STATE",
)
_FAULTS = (MlflowException, SQLAlchemyError, sqlite3.Error, OSError)
_READS = ("get_", "search_", "list_", "download_")
#: What is said of a fault, by what libraries say of it; and what to do about it.
_CAUSES = (
    (("is locked",), "another process has kept it locked", "End that process"),
    (("disk is full", "No space left", "quota"), "the disk is full", "Free some space"),
    (
        ("readonly database", "Read-only file system", "Permission denied", "unable to open"),
        "it can no longer be opened for writing",
        "Give back the permission to write there",
    ),
    (
        ("disk I/O error", "File too large"),
        "its disk refuses to read or to write it",
        "Look at the disk, and at limits on the size of files (ulimit -f)",
    ),
    (
        ("malformed", "not a database", "no such table"),
        "its database is damaged",
        "Put back a copy of it",
    ),
    (
        ("onnection", "timed out", "too many 5", "server closed", "terminat"),
        "its server does not answer",
        "Start the server",
    ),
)


@dataclass(frozen=True)
class Connection:
    """A connection to the record, opened when it is first asked; every process makes its own.

    Attributes:
        store: where the record is.
        make: whether a local record that is not there is made; a worker's was there a moment ago.
    """

    store: Store
    make: bool = True

    @cached_property
    def client(self) -> MlflowClient:
        """MLflow's client.

        Raises:
            StoreError: the store cannot be opened.
            RecordLost: it was there a moment ago.
        """
        return connect(self.store, self.make)

    def experiments(self) -> dict[str, str]:
        """The names of all experiments that are not deleted, by MLflow's ids."""
        found = self.client.search_experiments(view_type=ViewType.ACTIVE_ONLY)
        return {each.experiment_id: each.name for each in found}

    @property
    def database(self) -> Path | None:
        """The sqlite file that is read; None where something else keeps the record."""
        kind, _, path = str(self.client.tracking_uri).partition(":///")
        return Path(path) if kind == "sqlite" else None

    def run_ids(self, tag: str, values: Collection[str]) -> list[str]:
        """The ids of all runs in a sqlite file whose tag has one of these values, oldest first."""
        watched = cast(_Watched, self.client)
        found: list[str] = watched.call(run_ids, self.database, tag, values)
        return found

    def artifacts_of(self, run_id: str) -> Path | None:
        """Where a run's artifacts lie in a local record, wherever that was moved; else None."""
        address = str(self.client.get_run(run_id).info.artifact_uri)
        if self.store.artifacts is None or not address.endswith(f"/artifacts/{run_id}/artifacts"):
            return None
        return self.store.artifacts / run_id / "artifacts"


def connect(store: Store, make: bool) -> MlflowClient:
    """A client of a record, each call of which is watched.

    A record that cannot be written here, as on a medium that is mounted for reading, is read from
    a copy: sqlite has to write beside a database even to read it.

    Args:
        store: where.
        make: whether a local record that is not there is made; otherwise it has been lost.

    Raises:
        StoreError: the store cannot be opened.
        RecordLost: it is not there, and not to be made.
    """
    # Unreachable servers would otherwise be retried for minutes.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    database = store.database
    if database is None:
        return _watched(_opened(store, store.uri, make), store)
    if not make and not database.exists():
        raise _gone(store)
    if database.exists() and not store.is_writable:
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
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
        if database:
            settle(database, (store.folder / "artifacts").as_uri())
        return client

    try:
        client: MlflowClient = _patiently(opened, store)
    except Exception as error:
        if not make:
            raise lost(store.shown, error) from error
        raise StoreError(
            f"the MLflow store {store.shown} cannot be opened: {_line(error)}"
        ) from error
    return client


class _Watched:
    """MLflow's client, whose faults are told in one sentence."""

    def __init__(self, client: MlflowClient, store: Store, only_read: bool) -> None:
        self._client, self._store, self._only_read = client, store, only_read
        self._file = None if only_read else _identity(store)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        if not callable(found):
            return found
        if self._only_read and not name.startswith(_READS):
            raise StoreError(
                f"the record {self._store.shown} can only be read here: bench stats, bench "
                "status and bench report do; for more, copy it to a folder that can be written, "
                "and name that with --store."
            )
        return functools.partial(self.call, found)

    def call(self, method: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
        """Call something that asks the record, and tell its faults."""
        if _identity(self._store) != self._file and not self._only_read:
            raise _gone(self._store)
        with guarding(self._store):
            return _patiently(lambda: method(*args, **keywords), self._store)


def _watched(client: MlflowClient, store: Store, only_read: bool = False) -> MlflowClient:
    return cast(MlflowClient, _Watched(client, store, only_read))


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
def guarding(store: Store) -> Iterator[None]:
    """Within this block a fault of the record is one sentence.

    Raises:
        RecordLost: with what happened, and how to go on.
    """
    try:
        yield
    except _FAULTS as error:
        if isinstance(error, MlflowException) and error.error_code in _ANSWERS:
            raise
        raise lost(store.shown, error) from error


def lost(what: str, error: BaseException) -> RecordLost:
    """The end of a command whose record is out of reach.

    Args:
        what: the record's address as it may be printed.
        error: what a library said.
    """
    cause, remedy = f"it failed ({_line(error)})", "See to it"
    said = f"{error} {os.strerror(getattr(error, 'errno', 0) or 0)}"
    for signs, told, way in _CAUSES:
        if any(sign in said for sign in signs):
            cause, remedy = told, way
            break
    return _told(what, cause, remedy)


def _gone(store: Store) -> RecordLost:
    return _told(store.shown, "its database was deleted or moved away", "Put it back")


def _told(what: str, cause: str, remedy: str) -> RecordLost:
    return RecordLost(
        f"the record {what} was lost: {cause}. {remedy}, and run the same command again: it goes "
        "on from what has been recorded."
    )


def _patiently(attempt: Callable[[], Any], store: Store) -> Any:
    """Try again as long as another process has locked the database."""
    until = time.monotonic() + PATIENCE
    waiting = False
    while True:
        try:
            return attempt()
        except (MlflowException, SQLAlchemyError, sqlite3.Error) as error:
            if "is locked" not in str(error) or time.monotonic() > until:
                raise
        if not waiting and multiprocessing.parent_process() is None:
            print(
                f"bench: another process has locked the record {store.shown}; waiting for it.",
                file=sys.stderr,
            )
        waiting = True
        time.sleep(0.5)


def _line(error: BaseException) -> str:
    """The first line of what a library said, without passwords."""
    lines = str(error).strip().splitlines()
    return masked(lines[0]) if lines else type(error).__name__


def preload() -> None:
    """Import what MLflow otherwise imports on its first call, for a process that will be forked."""
    import mlflow.store.artifact.local_artifact_repo
    import mlflow.store.tracking.sqlalchemy_store  # noqa: F401
