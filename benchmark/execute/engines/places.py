"""Where a job may begin: a worker that is free, and room on a GPU where runs are placed on some."""

from __future__ import annotations

from abc import ABC
from collections.abc import Iterable, Sized

from benchmark.execute.gpus.packing import Packing
from benchmark.execute.job import Job


class HasPlaces(ABC):
    """An engine with so many workers, whose jobs go on GPUs or wherever there is one.

    Attributes:
        workers: how many jobs at a time.
        packing: places jobs on GPUs; None leaves all workers what this process sees.
    """

    workers: int
    packing: Packing | None
    _running: Sized

    @property
    def free(self) -> int:
        """How many more jobs may be started now."""
        left = self.workers - len(self._running)
        return min(left, self.packing.free) if self.packing else left

    def choose(self, jobs: Iterable[Job]) -> Job | None:
        """The first for which there is a worker, and room on a GPU."""
        if self.free < 1:
            return None
        return self.packing.choose(jobs) if self.packing else next(iter(jobs), None)
