"""Runs on a clock that nobody waits for: each takes as long as is expected of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import heappop, heappush

from benchmark.execute.engines.places import HasPlaces
from benchmark.execute.gpus.gpu import Gpu
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.job import Ended, Job, Progress
from benchmark.runs.kinds import Run


class VirtualEngine(HasPlaces):
    """Says of a job that it has finished when everything that ends earlier has.

    A stack takes as long as its runs one after the other: those that are recorded took their share
    of one, and of others nobody knows how much less it is.

    Args:
        workers: how many at a time.
        seconds: how long a run takes.
        packing: places jobs on GPUs, with nothing on them yet.
    """

    def __init__(
        self, workers: int, seconds: Callable[[Run], float], packing: Packing | None = None
    ) -> None:
        self.workers, self.seconds, self.packing = workers, seconds, packing
        #: Seconds since the first job was started.
        self.now = 0.0
        #: By GPU, keys in the order in which they began.
        self.order: dict[Gpu, list[str]] = {gpu: [] for gpu in packing.gpus} if packing else {}
        #: By GPU, when the last of what has begun there ends.
        self.until: dict[Gpu, float] = dict.fromkeys(self.order, 0.0)
        #: Keys of the runs of each stack.
        self.stacks: list[tuple[str, ...]] = []
        self._running: list[tuple[float, int, tuple[str, ...]]] = []
        self._begun = 0

    def start(self, job: Job) -> None:
        """Begin a job now."""
        keys = tuple(each.run.key for each in job.stack)
        ends = self.now + sum(self.seconds(each.run) for each in job.stack)
        self._begun += 1
        heappush(self._running, (ends, self._begun, keys))
        if self.packing:
            gpu = self.packing.start(job)
            self.order[gpu] += keys
            self.until[gpu] = max(self.until[gpu], ends)
        if job.beside:
            self.stacks.append(keys)

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        """What ends next, at once: a job, or those of a stack; their end is now."""
        if not self._running:
            return []
        self.now, _, keys = heappop(self._running)
        ended = [Ended(key, "finished") for key in keys]
        return [self.packing.end(each) for each in ended] if self.packing else ended

    def cancel(self, key: str) -> None:
        """Let a job go on: nobody can tell how far it is."""

    def stop(self) -> Sequence[Ended]:
        """End all that has begun, now."""
        stopped = [
            Ended(key, "interrupted") for _, _, keys in sorted(self._running) for key in keys
        ]
        self._running.clear()
        if self.packing:
            self.packing.clear()
        return stopped
