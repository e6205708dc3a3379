"""Where runs are recorded: a folder that may be moved and copied, or an MLflow tracking URI."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from benchmark.errors import StoreError
from benchmark.secrets import masked
from benchmark.store.cache import Cache

_FILE = "sqlite:///"
#: What a record can be reached by, beside a file.
_SCHEMES = ("http", "https", "postgresql", "mysql", "mssql", "databricks", "databricks-uc", "uc")
#: MLflow's own variable with the address of a record.
_ADDRESS = "MLFLOW_TRACKING_URI"


@dataclass(frozen=True)
class Store:
    """Where runs are recorded.

    Attributes:
        location: as the user gave it; a password may be in it, so what is printed is
            :attr:`shown`.
        working: the folder from which a relative location counts, wherever a process goes.
    """

    location: str
    working: Path = field(default_factory=Path.cwd, compare=False)

    @classmethod
    def choose(cls, asked: str | None) -> Store:
        """`--store` if given, else `MLFLOW_TRACKING_URI`, else `mlruns/` here.

        Raises:
            StoreError: it is no place that a record can have.
        """
        store = cls(asked or os.environ.get(_ADDRESS) or "mlruns")
        store.check()
        if masked(store.location) != store.location:
            os.environ[_ADDRESS] = store.location  # by which workers learn its password
        return store

    def __reduce__(self) -> tuple[Callable[[str, Path], Store], tuple[str, Path]]:
        """For another process, without its password: that may go through files and over networks.

        The process finds it in its environment, or has none.
        """
        return _in_this_process, (masked(self.location), self.working)

    @property
    def folder(self) -> Path:
        """Holds the cache, and for a local store the database and the artifacts too."""
        return self._database.parent if self.is_local else (self.working / "mlruns").resolve()

    @property
    def is_local(self) -> bool:
        """Whether the record is a sqlite file."""
        return "://" not in self.location or self.location.startswith(_FILE)

    @property
    def database(self) -> Path | None:
        """The sqlite file; None where a server or a database of another kind keeps the record."""
        return self._database if self.is_local else None

    @property
    def _database(self) -> Path:
        if self.location.startswith(_FILE):
            return (self.working / self.location.removeprefix(_FILE)).resolve()
        return (self.working / self.location).resolve() / "mlflow.db"

    @property
    def uri(self) -> str:
        """What MLflow is given."""
        return f"{_FILE}{self._database}" if self.is_local else self.location

    @property
    def shown(self) -> str:
        """Its address as it may be printed, without a password."""
        return masked(self.uri)

    @property
    def artifacts(self) -> Path | None:
        """Where artifacts lie; a server decides that itself."""
        return self.folder / "artifacts" if self.is_local else None

    @cached_property
    def cache(self) -> Cache:
        """What can be deleted and is made again."""
        return Cache(self.folder / "cache")

    def exists(self) -> bool:
        """Whether anything has been recorded yet, as far as that can be told from here."""
        return not self.is_local or self._database.exists()

    @property
    def is_writable(self) -> bool:
        """Whether a local record that is there can be written, with what sqlite puts beside it."""
        file = self._database
        beside = [file.with_name(f"{file.name}-{each}") for each in ("wal", "shm")]
        needed = [file.parent, file, *(path for path in beside if path.exists())]
        return all(os.access(path, os.W_OK) for path in needed)

    def require(self) -> None:
        """Refuse a store in which nothing has been recorded yet.

        Raises:
            StoreError: there is none.
        """
        if not self.exists():
            raise StoreError(f"there is no record in {self.folder}; start with: bench run STUDY")

    def check(self) -> None:
        """Refuse a place that no record can have.

        Raises:
            StoreError: with the reason, and what to give instead.
        """
        if not self.is_local:
            self._check_scheme()
            return
        if self.location in (_FILE, f"{_FILE}:memory:"):
            raise StoreError(
                f"the store {self.location} is kept nowhere, and workers are processes of their "
                "own: give --store a folder."
            )
        self._check_signs(self.location)
        try:
            self._check_signs(str(self._database))  # the folders above it are in the address, too
            in_the_way = [p for p in (self.folder, *self.folder.parents) if not _fits(p)]
            there = self._database.exists()
        except (OSError, RuntimeError, ValueError) as error:  # too long, or links in a circle
            raise StoreError(
                f"the store {self.location[:200]} is no path that can be opened: "
                f"{getattr(error, 'strerror', None) or error}. Give --store another folder."
            ) from error
        if in_the_way:
            raise StoreError(
                f"the store {self.location} is no folder: {in_the_way[-1]} is a file. Give "
                "--store the folder that holds mlflow.db, or one that is to be made."
            )
        if there and not self._database.is_file():
            raise StoreError(f"{self._database} is no file, where the record should be one.")

    def _check_scheme(self) -> None:
        scheme = self.location.partition("://")[0]
        if scheme.partition("+")[0] not in _SCHEMES:
            raise StoreError(
                f"no record is kept at {masked(self.location)}: give --store a folder, or the "
                "address of an MLflow server (https://…) or of its database (postgresql://…). "
                "Such a server may keep the files of runs in a bucket."
            )

    def _check_signs(self, path: str) -> None:
        wrong = next((s for s in path if s in "?%\0\n" or "\udc80" <= s <= "\udcff"), None)
        if wrong is not None:
            what = repr(wrong) if wrong < "\x80" else "a byte that is no letter"
            raise StoreError(
                f"the store {masked(path)!r} has {what} in its path, which an address of a "
                "database cannot hold: give --store a folder of another name."
            )


def _in_this_process(shown: str, working: Path) -> Store:
    """A store of another process, with the password that the environment of this one has."""
    known = os.environ.get(_ADDRESS, "")
    return Store(known if masked(known) == shown else shown, working)


def _fits(path: Path) -> bool:
    """Whether a folder is there, or could be made."""
    return path.is_dir() or not path.exists()
