"""What other commands on the same store do of the runs that this one wants done.

A run that another command executes is put aside, and looked at again from time to time; the workers
go on with others meanwhile. What has become of it there counts here.
"""

from __future__ import annotations

import time
from collections.abc import Container
from dataclasses import dataclass, field
from functools import cached_property

from benchmark.execute.job import TIMED_OUT, Ended, Job, Progress, is_done
from benchmark.record.query import Query, counting
from benchmark.store import heartbeat

#: Seconds between two looks at a run that is put aside.
_AGAIN = 2.0
#: Failures that are due to the run, and would come again.
_RESULTS = ("diverged", "failed", TIMED_OUT)


@dataclass
class Elsewhere:
    """Runs that are executed by other commands, as far as this one has met them.

    Attributes:
        query: to the record.
    """

    query: Query
    _aside: dict[str, tuple[float, str]] = field(default_factory=dict)
    _met: bool = False
    _swept: float = 0.0

    def has(self, key: str) -> bool:
        """Whether a run is put aside for a while."""
        return key in self._aside and time.monotonic() < self._aside[key][0]

    def count(self, keys: Container[str]) -> int:
        """How many of these runs are put aside."""
        return sum(key in keys for key in self._aside)

    def put_aside(self, job: Job, who: str) -> Progress | None:
        """Let a run be that another process executes; what is new of that."""
        key = job.run.key
        known = self._aside.get(key, (0.0, ""))[1] == who
        self._aside[key] = time.monotonic() + _AGAIN, who
        if not self._met:
            self._met = True
            _ = self._earlier
        return None if known else Progress(key, 0.0, "", elsewhere=who)

    def watch(self) -> None:
        """Now and then look at what others hold, and clear away what those left that are gone."""
        if self._met and time.monotonic() - self._swept > heartbeat.LIMIT / 2:
            self._swept = time.monotonic()
            self.query.store.cache.sweep()

    def look(self, job: Job) -> Progress | Ended | None:
        """What keeps a run from being started now, if it is news: it is executed or has ended."""
        holder = job.store.cache.runs.clear(job.run.key)
        if holder is not None:
            return self.put_aside(job, holder.process.shown)
        ended = self._ended(job) if self._met else None
        self._aside.pop(job.run.key, None)
        return ended

    def _ended(self, job: Job) -> Ended | None:
        """What has become of a run since this command began."""
        key = job.run.key
        tried = self.query.runs(f"tags.key = '{key}'") if job.run.tracked else []
        done = counting(tried)
        if is_done(job.run, job.outputs, done, job.store.cache):
            return Ended(key, "cached", scores=done.scores if done else None)
        for run in tried:
            new = run.status == "FAILED" and run.run_id not in self._earlier
            if new and run.cause in _RESULTS:
                where = run.tags.get("host", "another machine")
                return Ended(key, run.cause, f"{run.detail} (by another command, on {where})")
        return None

    @cached_property
    def _earlier(self) -> set[str]:
        """MLflow's ids of runs that had failed when the first other command was met."""
        return {
            r.run_id for r in self.query.runs("attributes.status = 'FAILED' and tags.key != ''")
        }
