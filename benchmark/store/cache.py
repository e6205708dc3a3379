"""What runs leave for each other on disk; all of it can be deleted and is made again.

A folder appears under its final name only when it is complete, so that a killed process never
leaves half of one behind. It is sealed with the checksums of its files, and what no longer fits
them counts as not there.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from benchmark.errors import CacheError
from benchmark.store import checksums
from benchmark.store.heartbeat import Lease, held_here
from benchmark.store.leases import LeaseFolder
from benchmark.store.process import Process

#: What runs leave for others, and for another attempt at themselves, each a folder of the cache.
KINDS = ("data", "encoded", "weights", "logits", "texts", "features", "hidden", "resume")


@dataclass(frozen=True)
class Cache:
    """A folder of finished results by kind and key."""

    root: Path

    def path(self, kind: str, key: str) -> Path:
        """Where a result lies once it is made."""
        return self.root / kind / key

    def exists(self, kind: str, key: str) -> bool:
        """Whether there is something in its place, sound or not."""
        return os.path.exists(f"{self.root}/{kind}/{key}")  # asked of every run that is planned

    def has(self, kind: str, key: str) -> bool:
        """Whether it is made, and as it was when it was made."""
        return self.exists(kind, key) and not self.flaw(kind, key)

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
            LeaseLost: this process held the run of this key, and does so no more.
        """
        final = self.path(kind, key)
        draft = final.with_name(f".{key}.{_process()}")
        try:
            draft.mkdir(parents=True)
            yield draft
            checksums.seal(draft, f"{kind}/{key}")
            if lease := held_here(self.runs.root / key):
                lease.require()
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

    @property
    def runs(self) -> LeaseFolder:
        """Who executes which run, by its key; and who does what else is done by one at a time."""
        return LeaseFolder(self.root / "leases" / "runs")

    @property
    def uses(self) -> LeaseFolder:
        """Who uses what may be removed: results by their key, and studies."""
        return LeaseFolder(self.root / "leases" / "uses")

    def using(self, *names: str) -> AbstractContextManager[None]:
        """Have nobody remove what these name, which others may use at the same time."""
        return self.uses.holding(*names, mode="shared")

    @contextmanager
    def unused(self, name: str) -> Iterator[bool]:
        """Whether nobody uses what this names; then nobody begins to before the block ends."""
        with _tried(self.uses, name) as unused:
            yield unused

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

    def sweep(self) -> None:
        """Remove what processes left that are gone; those of other machines are left to these."""
        for draft in self.root.glob("*/.*.*"):
            told = draft.name[1:].removesuffix(".before").partition(".")[2]
            whose = Process.parse(told)
            if whose and whose.is_gone:
                shutil.rmtree(draft, ignore_errors=True)
        self.runs.sweep()
        self.uses.sweep()

    def settle(self, tell: Callable[[str], None]) -> None:
        """Find out what other machines use and execute, before something is removed.

        Args:
            tell: told the name of each whose sign is waited for, at most a minute.
        """
        for leases in (self.uses, self.runs):
            leases.settle(tell)

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
        with self.unused(key) as unused, _tried(self.runs, key) as nobody_makes_it:
            if not unused or not nobody_makes_it:
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


def _size(folder: Path) -> int:
    files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    return sum(path.stat().st_size for path in files)


@contextmanager
def _tried(leases: LeaseFolder, name: str) -> Iterator[bool]:
    """Whether a name could be had alone, until the block ends."""
    lease = leases.attempt(name)
    with lease if isinstance(lease, Lease) else nullcontext():
        yield isinstance(lease, Lease)


def _process() -> str:
    """This process, as it is told from those of every machine that shares the cache."""
    return Process.here().name
