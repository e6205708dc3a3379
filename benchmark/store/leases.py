"""Who works on what in a folder that processes of several machines share, without file locks.

A lease is taken, raised, let go and cleared away by one rename or unlink of an exact name each. A
file server carries these out one after the other, also for NFS, so that one process at a time
succeeds, and what a machine remembers of a folder may make it fail, but never succeed beside
another. Clocks are never compared: a holder is gone when its process is, where that can be seen, or
when somebody has watched its number not change for long enough by a clock of their own.
"""

from __future__ import annotations

import errno
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4

from benchmark.errors import CacheError
from benchmark.store import heartbeat
from benchmark.store.heartbeat import Holder, Lease, Mode, heart, holders, unwritten
from benchmark.store.process import Process

#: Seconds between two looks at a lease that somebody waits for, at first and at most.
_SOON, _LATER = 0.02, 0.5
#: How often a name is tried that nobody holds; others may be quicker each time.
_TIMES = 1000
#: By folder and nonce, leases that were looked at: their number, and when it was seen first.
_watched: dict[Path, dict[str, tuple[int, float]]] = {}


@dataclass(frozen=True)
class LeaseFolder:
    """The leases of one kind.

    Attributes:
        root: in it is a folder for each name that somebody holds, and nothing else.
        me: as whom this process holds them.
    """

    root: Path
    me: Process = field(default_factory=Process.here)

    def attempt(self, name: str, mode: Mode = "alone") -> Lease | Holder:
        """Take a name, or find out who holds it.

        Raises:
            CacheError: the folder cannot be written.
        """
        holder = Holder(mode, self.me, uuid4().hex[:8])
        take = self._enter if mode == "alone" else self._join
        try:
            for _ in range(_TIMES):
                if take(name, holder):
                    taken = Lease(self.root / name, holder.stem)
                    heart.keep(taken)
                    return taken
                if (other := self.clear(name, mode)) is not None:
                    return other
        except OSError as error:
            raise unwritten(self.root, error) from error
        raise CacheError(f"{self.root / name} holds what is no lease; remove it")

    @contextmanager
    def holding(self, *names: str, mode: Mode = "alone") -> Iterator[None]:
        """Hold names within this block, once nobody else does."""
        with ExitStack() as held:
            for name in sorted(names):
                held.callback(self._wait(name, mode).release)
            yield

    def holder(self, name: str) -> Holder | None:
        """Who holds a name, as far as can be told from one look; writes nothing."""
        return next(iter(_sorted(self.root / name)[0]), None)

    def clear(self, name: str, beside: Mode = "alone") -> Holder | None:
        """Remove what holders left of a name that are gone, and find out who holds it still.

        Args:
            name: of the lease.
            beside: how it is to be held: those that share it are in the way of one alone.
        """
        folder = self.root / name
        living, gone = _sorted(folder)
        for holder in gone:
            try:
                (folder / holder.file).unlink(missing_ok=True)  # its number may change: it lives
            except OSError:  # another user's, or out of reach
                living.append(holder)
        if not living:
            with suppress(OSError):
                folder.rmdir()
        return next((h for h in living if beside == "alone" or h.mode == "alone"), None)

    def sweep(self) -> None:
        """Remove what holders left that are gone."""
        for path in self.root.glob("*"):
            if not path.name.startswith("."):
                self.clear(path.name)
            elif (drafted := Holder.parse(path.name[1:])) and drafted.process.is_gone:
                shutil.rmtree(path, ignore_errors=True)

    def settle(self, tell: Callable[[str], None]) -> None:
        """Wait until all holders of other machines have given a sign or are gone.

        Args:
            tell: told whose sign is waited for: for seconds, or a minute where none comes.
        """
        before = self._of_others()
        for who in {holder.process.host for holder in before}:
            tell(who)
        while set(before) & set(self._of_others()):
            time.sleep(_LATER)
        self.sweep()

    def _of_others(self) -> list[Holder]:
        """Living holders, as far as can be told, whose process cannot be seen."""
        folders = [path for path in self.root.glob("[!.]*") if path.is_dir()]
        living = [holder for folder in folders for holder in _sorted(folder)[0]]
        return [holder for holder in living if not holder.process.is_at_work]

    def _wait(self, name: str, mode: Mode) -> Lease:
        pause = _SOON
        while isinstance(found := self.attempt(name, mode), Holder):
            time.sleep(pause)
            pause = min(2 * pause, _LATER)
        return found

    def _enter(self, name: str, holder: Holder) -> bool:
        """Hold a name alone: a folder with the lease in it takes the place of none, or of an empty
        one.
        """
        folder, draft = self.root / name, self.root / f".{holder.file}"
        if holders(folder):
            return False
        draft.mkdir(parents=True)
        try:
            (draft / holder.file).touch()
            draft.rename(folder)
        except OSError as error:
            if (folder / holder.file).exists():  # it was done, and the answer was lost
                return True
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                return False
            raise
        finally:
            shutil.rmtree(draft, ignore_errors=True)
        return True

    def _join(self, name: str, holder: Holder) -> bool:
        """Share a name: one alone that comes later finds the folder taken."""
        folder = self.root / name
        while True:
            folder.mkdir(parents=True, exist_ok=True)
            try:
                (folder / holder.file).touch()
                break
            except OSError as error:
                if error.errno not in (errno.ENOENT, errno.ESTALE):
                    raise  # else the last one has just left
        if all(other.mode == "shared" for other in holders(folder)):
            return True
        (folder / holder.file).unlink(missing_ok=True)
        return False


def _sorted(folder: Path) -> tuple[list[Holder], list[Holder]]:
    """Those who hold a name, and those who have ended, or were silent as long as they were watched
    from here.
    """
    living, gone = list[Holder](), list[Holder]()
    before, now = _watched.pop(folder, {}), time.monotonic()
    silent: dict[str, tuple[int, float]] = {}
    for holder in holders(folder):
        beat, since = before.get(holder.nonce, (-1, now))
        if beat != holder.beat or holder.process.is_at_work:
            since = now
        if holder.process.is_gone or now - since >= heartbeat.LIMIT:
            gone.append(holder)
        else:
            living.append(holder)
        silent[holder.nonce] = holder.beat, since
    if silent:
        _watched[folder] = silent
    return living, gone
