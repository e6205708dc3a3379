"""Jobs that wait for their turn: each after those that it needs, the most urgent first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import replace

from benchmark.execute.job import RETRY_OF, Job
from benchmark.record.recorded import IN_PARTS

#: Tags that tell of earlier attempts.
_OF_ATTEMPTS = (RETRY_OF, IN_PARTS)
#: Sorts jobs: the most urgent first, then the one that came first.
_Rank = tuple[float, int, str]


class Queue:
    """Knows at any time which jobs may begin; what begins and ends costs no look at all others."""

    def __init__(self) -> None:
        self._waiting: dict[str, Job] = {}
        self._running: dict[str, Job] = {}
        #: Sorted; those before the first that counts have begun.
        self._ready: list[_Rank] = []
        self._first = 0
        self._listed: set[str] = set()
        self._ranks: dict[str, _Rank] = {}
        self._after: dict[str, set[str]] = {}
        self._came = 0

    @property
    def waiting(self) -> dict[str, Job]:
        """By key, those that have not begun."""
        return self._waiting

    @property
    def running(self) -> dict[str, Job]:
        """By key, those that have begun and not ended."""
        return self._running

    def ready(self) -> Iterator[Job]:
        """Jobs that wait for no other, the most urgent first."""
        places = range(self._first, len(self._ready))
        return (self._waiting[self._ready[place][2]] for place in places)

    def add(self, job: Job) -> None:
        """Have a job wait; one of the same run that waits already becomes one with it.

        It does not begin as long as another one of its run is executing.
        """
        key = job.run.key
        before = self._waiting.pop(key, None)
        if before is not None:
            self._unlist(self._ranks.pop(key))
            job = _both(before, job)
        self._waiting[key] = job
        self._came += 1
        self._ranks[key] = (-job.urgency, self._came, key)
        for need in job.run.needs.values():
            self._after.setdefault(need.key, set()).add(key)
        self._look_at(key, *self._after.get(key, ()))

    def begin(self, key: str) -> Job:
        """Take out a job that is executed from now on, until :meth:`end`."""
        self._running[key] = job = self._taken(key)
        return job

    def remove(self, key: str) -> Job:
        """Take out a job that waits."""
        job = self._taken(key)
        self._look_at(*self._after.get(key, ()))
        return job

    def _taken(self, key: str) -> Job:
        """A job that waits no longer."""
        job = self._waiting.pop(key)
        self._unlist(self._ranks.pop(key))
        for need in job.run.needs.values():
            self._after[need.key].discard(key)
        return job

    def end(self, key: str) -> Job | None:
        """Take out a job that has ended; None if it had not begun."""
        job = self._running.pop(key, None)
        self._look_at(key, *self._after.get(key, ()))
        return job

    def dependants(self, key: str) -> Iterable[str]:
        """Of the jobs that wait, those that need this run directly."""
        return tuple(self._after.get(key, ()))

    def clear(self) -> None:
        """Forget all."""
        held = self._waiting, self._running, self._ready, self._listed, self._ranks, self._after
        for each in held:
            each.clear()
        self._first = 0

    def _look_at(self, *keys: str) -> None:
        """See which of these may begin now."""
        begin = []
        for key in keys:
            rank = self._ranks.get(key)
            if rank is None:
                continue
            if not self._may_begin(key):
                self._unlist(rank)
            elif key not in self._listed:
                begin.append(rank)
        for rank in sorted(begin):  # of thousands each goes behind the last, without a move
            self._listed.add(rank[2])
            if self._ready and rank < self._ready[-1]:
                insort(self._ready, rank, lo=self._first)
            else:
                self._ready.append(rank)

    def _may_begin(self, key: str) -> bool:
        for need in self._waiting[key].run.needs.values():
            before = need.key
            if before in self._waiting or before in self._running:
                return False
        return key not in self._running

    def _unlist(self, rank: _Rank) -> None:
        """Take it out of those that are ready; of thousands the first goes without a move."""
        if rank[2] not in self._listed:
            return
        self._listed.discard(rank[2])
        if self._ready[self._first] != rank:
            del self._ready[bisect_left(self._ready, rank, lo=self._first)]
            return
        self._first += 1
        if 2 * self._first > len(self._ready):
            del self._ready[: self._first]
            self._first = 0


def _both(first: Job, second: Job) -> Job:
    """Two jobs of one run as one: all that either must leave, as urgent as the more urgent one."""
    retried = {name: told for name, told in first.tags.items() if name in _OF_ATTEMPTS}
    return replace(
        second,
        tags={**second.tags, **retried},
        outputs=first.outputs | second.outputs,
        urgency=max(first.urgency, second.urgency),
        alone=first.alone or second.alone,
        apart=first.apart or second.apart,
        splits=max(first.splits, second.splits),
    )
