"""Jobs that wait for their turn: each after those that it needs, the most urgent first."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import replace

from benchmark.execute.job import RETRY_OF, Job

#: Sorts jobs: the most urgent first, then the one that came first.
_Rank = tuple[float, int, str]


class Queue:
    """Knows at any time which jobs may begin; what begins and ends costs no look at all others."""

    def __init__(self) -> None:
        self._waiting: dict[str, Job] = {}
        self._running: dict[str, Job] = {}
        self._ready: list[_Rank] = []
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
        return (self._waiting[key] for _, _, key in self._ready)

    def add(self, job: Job) -> None:
        """Have a job wait; one of the same run that waits already becomes one with it.

        It does not begin as long as another one of its run is executing.
        """
        key = job.run.key
        before = self._waiting.pop(key, None)
        if before is not None:
            self._drop(key)
            job = _both(before, job)
        self._waiting[key] = job
        self._came += 1
        self._ranks[key] = (-job.urgency, self._came, key)
        for need in job.run.needs.values():
            self._after.setdefault(need.key, set()).add(key)
        self._look_at(key, *self._after.get(key, ()))

    def begin(self, key: str) -> Job:
        """Take out a job that is executed from now on, until :meth:`end`."""
        self._running[key] = self._waiting[key]  # at once: what needs it may not begin meanwhile
        return self.remove(key)

    def remove(self, key: str) -> Job:
        """Take out a job that waits."""
        job = self._waiting.pop(key)
        self._drop(key)
        for need in job.run.needs.values():
            self._after[need.key].discard(key)
        self._look_at(*self._after.get(key, ()))
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
        for held in (self._waiting, self._running, self._ready, self._ranks, self._after):
            held.clear()

    def _look_at(self, *keys: str) -> None:
        """See which of these may begin now."""
        for key in keys:
            rank = self._ranks.get(key)
            if rank is None:
                continue
            place = bisect_left(self._ready, rank)
            listed = place < len(self._ready) and self._ready[place] == rank
            if self._may_begin(key) and not listed:
                insort(self._ready, rank)
            elif listed and not self._may_begin(key):
                del self._ready[place]

    def _may_begin(self, key: str) -> bool:
        before = {need.key for need in self._waiting[key].run.needs.values()}
        return not ((before | {key}) & self._running.keys() or before & self._waiting.keys())

    def _drop(self, key: str) -> None:
        rank = self._ranks.pop(key)
        place = bisect_left(self._ready, rank)
        if place < len(self._ready) and self._ready[place] == rank:
            del self._ready[place]


def _both(first: Job, second: Job) -> Job:
    """Two jobs of one run as one: all that either must leave, as urgent as the more urgent one."""
    retried = {name: told for name, told in first.tags.items() if name == RETRY_OF}
    return replace(
        second,
        tags={**second.tags, **retried},
        outputs=first.outputs | second.outputs,
        urgency=max(first.urgency, second.urgency),
        alone=first.alone or second.alone,
    )
