"""What ends a run without being its own doing, and how such a run is tried again."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from benchmark.execute.job import (
    DIED,
    DISK_ERROR,
    DISK_FULL,
    INTERRUPTED,
    KILLED,
    NODE_LOST,
    OUT_OF_MEMORY,
    TIMED_OUT,
    Ended,
    Job,
)

#: How often a run is tried, by how it ended; what is not here is a result. Memory that runs out
#: kills from outside, and may be the run's own doing; a process that dies of its own code may have
#: met a fault of the machine once, and twice hardly.
ATTEMPTS: Mapping[str, int] = {
    KILLED: 3,
    INTERRUPTED: 3,
    DIED: 2,
    DISK_FULL: 5,
    DISK_ERROR: 5,
    NODE_LOST: 5,
}
#: How a stack ends of which each run is tried apart, at once: all end so where one does.
OF_A_STACK = frozenset({KILLED, DIED, OUT_OF_MEMORY, TIMED_OUT, "failed"})
#: Seconds before the second attempt, twice as many before every further one, and at most.
FIRST, LONGEST = 2.0, 60.0


@dataclass
class Retries:
    """Runs that wait until they are tried again, each longer after every failure."""

    _failures: Counter[tuple[str, str]] = field(default_factory=Counter)
    _resting: dict[str, tuple[float, Job]] = field(default_factory=dict)

    def __contains__(self, key: object) -> bool:
        return key in self._resting

    def __len__(self) -> int:
        return len(self._resting)

    def count(self, ended: Ended) -> bool:
        """Note how a run ended; whether it is worth another attempt."""
        if ended.status not in ATTEMPTS:
            return False
        self._failures[ended.key, ended.status] += 1
        return self._failures[ended.key, ended.status] < ATTEMPTS[ended.status]

    def rest(self, ended: Ended, job: Job) -> str:
        """Have a job wait that :meth:`count` found worth it; returns how long, in words."""
        failures = self._failures[ended.key, ended.status]
        seconds = min(FIRST * 2 ** (failures - 1), LONGEST)
        self._resting[ended.key] = (time.monotonic() + seconds, job)
        return f"tried again in {seconds:.0f} s ({failures + 1} of {ATTEMPTS[ended.status]})"

    def in_vain(self, ended: Ended) -> Ended:
        """An end that says how often the run was tried, where it was more than once."""
        failures = self._failures[ended.key, ended.status]
        if failures < 2:
            return ended
        return replace(ended, message=f"{ended.message}; tried {failures} times")

    def due(self) -> list[Job]:
        """The jobs that have waited for long enough, which no longer wait then."""
        now = time.monotonic()
        return [self.take(key) for key, (until, _) in [*self._resting.items()] if until <= now]

    def take(self, key: str) -> Job:
        """A job that waits, which no longer does."""
        return self._resting.pop(key)[1]

    def clear(self) -> None:
        """Forget all that wait."""
        self._resting.clear()
