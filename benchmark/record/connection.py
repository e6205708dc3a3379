"""The connection to a record: opened wherever the record lies, and lost in one sentence.

This file and :mod:`benchmark.record.tracking` are the only ones that import MLflow.
"""

import functools
import logging
import multiprocessing
import os
import shutil
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast

from benchmark.errors import RecordLost, StoreError
from benchmark.record.scratch import scratch
from benchmark.record.store import Store
from benchmark.secrets import masked

# Read by mlflow when it is imported: its usage reports would leave the machine with every call.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from mlflow import MlflowClient
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
        ("malformed", "not a database", "no such table", "disk I/O error"),
        "its database is damaged",
        "Put back a copy of it",
    ),
    (
        ("onnection", "timed out", "too many 5", "server closed", "terminat"),
        "its server does not answer",
        "Start the server",
    ),
)


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
        copy = f"sqlite:///{_copied(database)}"
        return _watched(_opened(store, copy, make), store, only_read=True)
    try:
        store.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the store {store.folder} cannot be made: {error.strerror}. "
            "Give --store a folder that can be written."
        ) from error
    # The first to open a new database makes its tables; two at once would collide.
    with store.cache.locked("store"):
        client = _opened(store, store.uri, make, database)
    return _watched(client, store)


def _opened(store: Store, uri: str, make: bool, database: Path | None = None) -> MlflowClient:
    def opened() -> MlflowClient:
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
        if database:
            _settle(database, (store.folder / "artifacts").as_uri())
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


def _copied(database: Path) -> Path:
    """A copy with what sqlite had not yet written into the database itself."""
    folder = scratch("bench-record-")
    for name in (database.name, f"{database.name}-wal"):
        if (source := database.with_name(name)).exists():
            shutil.copyfile(source, folder / name)
    return folder / database.name


def _settle(database: Path, artifacts: str) -> None:
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
                f"the record {self._store.shown} can only be read here: bench stats and bench "
                "report do; for more, copy it to a folder that can be written, and name that with "
                "--store."
            )
        return functools.partial(self._call, found)

    def _call(self, method: Callable[..., Any], *args: Any, **keywords: Any) -> Any:
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
