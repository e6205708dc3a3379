"""What runs leave for each other on disk; all of it can be deleted and is made again.

A folder appears under its final name only when it is complete, so that a killed process never
leaves half of one behind. It is sealed with the checksums of its files, and what no longer fits
them counts as not there.
"""

import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from uuid import uuid4

from benchmark.errors import CacheError
from benchmark.store import checksums

#: What runs leave for others, each a folder of the cache.
KINDS = ("data", "weights", "logits", "hidden")


@dataclass(frozen=True)
class Cache:
    """A folder of finished results by kind and key."""

    root: Path

    def path(self, kind: str, key: str) -> Path:
        """Where a result lies once it is made."""
        return self.root / kind / key

    def has(self, kind: str, key: str) -> bool:
        """Whether it is made, and as it was when it was made."""
        return not self.flaw(kind, key)

    def flaw(self, kind: str, key: str) -> str:
        """What is wrong with a result, in a sentence with its path; empty where it is sound."""
        folder = self.path(kind, key)
        found = checksums.flaw(folder, f"{kind}/{key}")
        return f"{folder} {found}" if found else ""

    @contextmanager
    def making(self, kind: str, key: str) -> Iterator[Path]:
        """An empty folder that takes its final name when the block ends without an error.

        Raises:
            CacheError: the disk is full or cannot be written.
        """
        final = self.path(kind, key)
        draft = final.with_name(f".{key}.{_process()}")
        try:
            draft.mkdir(parents=True)
            yield draft
            checksums.seal(draft, f"{kind}/{key}")
            self._take_place(draft, final)
        except OSError as error:
            raise CacheError(f"{final} could not be written: {error.strerror or error}") from error
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def _take_place(self, draft: Path, final: Path) -> None:
        """Give a draft its final name, which a damaged result may have."""
        before = draft.with_name(f"{draft.name}.before")
        if final.is_symlink() or final.exists():
            final.rename(before)  # another process may still be reading in it
        draft.rename(final)
        if before.is_dir() and not before.is_symlink():
            shutil.rmtree(before, ignore_errors=True)
        else:
            before.unlink(missing_ok=True)

    @contextmanager
    def locked(self, key: str) -> Iterator[None]:
        """Hold the run of this key; the system lets go of it when the process dies."""
        with _made(self._lock(key)) as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    @contextmanager
    def using(self, *names: str) -> Iterator[None]:
        """Have nobody remove what these name, which others may use at the same time."""
        with ExitStack() as held:
            for name in sorted(names):
                fcntl.flock(held.enter_context(_made(self._use(name))), fcntl.LOCK_SH)
            yield

    @contextmanager
    def unused(self, name: str) -> Iterator[bool]:
        """Whether nobody uses what this names; then nobody begins to before the block ends."""
        with _made(self._use(name)) as file:
            yield _taken(file)

    def is_used(self, name: str) -> bool:
        """Whether a living process uses what this names; writes nothing."""
        try:
            file = self._use(name).open("rb")
        except FileNotFoundError:
            return False
        with file:
            return not _taken(file)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """An empty folder for this block; of a process that is killed, :meth:`sweep` removes it.

        Raises:
            CacheError: the disk is full or cannot be written.
        """
        folder = self.root / "scratch" / f".{uuid4().hex}.{_process()}"
        try:
            folder.mkdir(parents=True)
        except OSError as error:
            raise CacheError(f"{folder} could not be made: {error.strerror}") from error
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def is_locked(self, key: str) -> bool:
        """Whether a living process holds the run of this key; writes nothing."""
        try:
            file = self._lock(key).open("rb")
        except FileNotFoundError:
            return False
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # as others may who only look
            except BlockingIOError:
                return True
            return False

    def sweep(self) -> None:
        """Remove drafts whose process is gone; those of other machines are left to these."""
        for draft in self.root.glob("*/.*.*"):
            pid, host = (*draft.name.split("."), "")[2:4]
            if host == _host() and pid.isdigit() and not is_running(int(pid)):
                shutil.rmtree(draft, ignore_errors=True)

    def results(self) -> dict[tuple[str, str], int]:
        """Every result, by kind and key, with its size in bytes."""
        found = {}
        for kind in KINDS:
            for folder in sorted((self.root / kind).glob("[!.]*")):
                found[kind, folder.name] = _size(folder)
        return found

    def remove(self, kind: str, key: str) -> bool:
        """Remove a result that no process uses or makes at this moment; whether it did.

        Raises:
            CacheError: it cannot be written.
        """
        final = self.path(kind, key)
        with self.unused(key) as unused, _made(self._lock(key)) as file:
            if not unused or not _taken(file):
                return False
            away = final.with_name(f".{key}.{_process()}")  # which goes, too, if this is killed
            try:
                final.rename(away)
                shutil.rmtree(away)
            except FileNotFoundError:
                return False
            except OSError as error:
                raise CacheError(f"{final} could not be removed: {error.strerror}") from error
        return True

    def _lock(self, key: str) -> Path:
        return self.root / "locks" / key

    def _use(self, name: str) -> Path:
        return self.root / "uses" / name


def _size(folder: Path) -> int:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(path.stat().st_size for path in files)


def _made(path: Path) -> IO[str]:
    """A file to lock, opened."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w")
    except OSError as error:
        raise CacheError(f"{path} could not be written: {error.strerror}") from error


def _taken(file: IO[Any]) -> bool:
    """Whether this process got the lock of a file, which nobody else has."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _process() -> str:
    """This process, as it is told from those of every machine that shares the cache."""
    return f"{os.getpid()}.{_host()}"


def _host() -> str:
    return socket.gethostname().replace(".", "-")


def is_running(pid: int) -> bool:
    """Whether a process of this machine is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
