"""Where runs go on that were broken off: what an attempt leaves for the next one, in the cache."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from benchmark.errors import CacheError
from benchmark.execute.attempt.interruption import shielded, stop_if_told, told_to_stop
from benchmark.execute.attempt.recorder import Recorder
from benchmark.execute.job import Job
from benchmark.record.environment import environment_here, in_words
from benchmark.store.cache import Cache
from trainers.resume.checkpoints import Keeper
from trainers.resume.snapshot import Snapshot

#: The folder of the cache in which they lie.
KIND = "resume"


def forget(cache: Cache, done: Collection[str]) -> None:
    """Remove what is kept of runs that are done: each was killed between its end and that.

    Args:
        cache: in which it lies.
        done: their keys.
    """
    for folder in (cache.root / KIND).glob("[!.]*"):
        if folder.name in done:
            cache.remove(KIND, folder.name)


@dataclass
class Resuming:
    """What a run leaves and finds of its own.

    Attributes:
        job: whose it is.
        recorder: of this attempt, if it is recorded.
        told: sentences of which the user should know.
        require: raises once another process has taken over the run, and all that is kept of it.
        kept: whether this attempt has left something.
    """

    job: Job
    recorder: Recorder | None
    told: list[str]
    require: Callable[[], None]
    kept: bool = False

    def checkpoints(self) -> Keeper:
        """For the training loop; the attempt that goes on names the one before it."""
        return Keeper(
            keep=self._keep,
            found=self._found(),
            every=self.job.checkpoint_every,
            asked=lambda: bool(told_to_stop()),
            stop=stop_if_told,
            say=self._say,
        )

    def discard(self) -> None:
        """Remove what is kept of the run, which has ended or begins anew."""
        folder = self._cache.path(KIND, self._key)
        if folder.exists():
            self.require()
            shutil.rmtree(folder, ignore_errors=True)

    def _keep(self, snapshot: Snapshot) -> None:
        """Put it in the place of the one before; a full disk does not end the run."""
        about = {
            "environment": self._environment(),
            "splits": self.job.splits,
            "attempt": self.recorder.run_id if self.recorder else "",
        }
        with shielded():
            self.require()
            try:
                with self._cache.making(KIND, self._key) as folder:
                    replace(snapshot, about=about).save(folder)
                self.kept = True
            except CacheError as error:
                self._say(f"{error}: the run goes on without a checkpoint")

    def _found(self) -> Snapshot | None:
        """What an earlier attempt left, if it is sound and of this environment."""
        folder = self._cache.path(KIND, self._key)
        if not folder.exists():
            return None
        flaw = self._cache.flaw(KIND, self._key)
        snapshot = None if flaw else Snapshot.open(folder)
        if not flaw:
            flaw = self._unfit(snapshot)
        if flaw or snapshot is None:
            self._say(f"{flaw}: the run begins anew")
            self.discard()
            return None
        if self.recorder:
            told = {"resumes": snapshot.about["attempt"], "resumed_at": snapshot.place}
            self.recorder.tag(told)
        return snapshot

    def _unfit(self, snapshot: Snapshot | None) -> str:
        """Why this process would not have gone on with the same bits; empty where it would."""
        folder = self._cache.path(KIND, self._key)
        if snapshot is None:
            return f"{folder} was written by another version of armbench"
        there, here = snapshot.about["environment"], self._environment()
        if there != here:
            return f"{folder} was written with {in_words(there, [there, here]) or 'other packages'}"
        if snapshot.about.get("splits") != self.job.splits:
            return f"{folder} was written with batches in other parts"
        return ""

    def _say(self, sentence: str) -> None:
        self.told.append(sentence)
        if self.recorder:
            self.recorder.tag({"resuming": sentence})

    def _environment(self) -> Mapping[str, str]:
        run = self.job.run
        return dict(environment_here(run.device, run.packages))

    @property
    def _cache(self) -> Cache:
        return self.job.store.cache

    @property
    def _key(self) -> str:
        return self.job.run.key
