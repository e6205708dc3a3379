"""Jobs on GPUs: which is started next and where, and what is learned when one ends."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from math import inf

from benchmark.execute.gpus.gpu import Gpu
from benchmark.execute.gpus.memory import KnownMemory
from benchmark.execute.gpus.slots import RESERVE, Slots
from benchmark.execute.gpus.stacks import Stacking
from benchmark.execute.job import Ended, Job
from benchmark.runs.kinds import Run


class Packing:
    """Places jobs on GPUs.

    Args:
        gpus: the GPUs.
        most: runs side by side on each.
        memory: of shapes of runs; the first run of a shape that it does not know is alone on its
            GPU, and others go beside each other as long as they fit. None counts runs alone.
        stacking: which runs are trained as one, on a GPU that they have for themselves; None lets
            each be trained apart.
    """

    def __init__(
        self,
        gpus: Sequence[Gpu],
        most: int,
        memory: KnownMemory | None = None,
        stacking: Stacking | None = None,
    ) -> None:
        self.slots, self.memory, self.stacking = Slots(gpus, most), memory, stacking
        self._running: dict[str, Job] = {}
        self._stacked: dict[str, str] = {}
        self._kept: set[Gpu] = set()

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """The GPUs."""
        return self.slots.gpus

    @property
    def free(self) -> int:
        """How many more jobs may be started now, if they are small enough."""
        return self.slots.free

    @property
    def most(self) -> int:
        """Runs side by side on all GPUs, if they are small enough."""
        return self.slots.most * len(self.gpus)

    def choose(self, jobs: Iterable[Job], among: Collection[Gpu] | None = None) -> Job | None:
        """The first of these that fits somewhere.

        One that does not fit has the GPU with fewest runs kept for it, so that smaller ones after
        it do not fill that again and again.

        Args:
            jobs: the most urgent first.
            among: the GPUs that have a worker for one; None for all.
        """
        kept: set[Gpu] = set() if among is None else set(self.gpus) - set(among)
        ready = [*jobs] if self.stacking else jobs
        idle = [gpu for gpu in self.gpus if not self.slots.on(gpu)] or self.gpus
        for each in ready:
            job = self.stacking.joined(each, ready, idle) if self.stacking else each
            if self.slots.fitting(self._need(job), kept):
                self._kept = kept
                return job
            nearest = self.slots.nearest(kept)
            if nearest is None:
                return None
            kept.add(nearest)
        return None

    def start(self, job: Job) -> Gpu:
        """Put the job that was chosen where it fits."""
        gpu = self.slots.take(job.run.key, self._need(job), self._kept)
        self._kept = set()
        self._running[job.run.key] = job
        if job.beside:
            self._stacked |= dict.fromkeys((each.run.key for each in job.stack), job.run.key)
        return gpu

    def end(self, ended: Ended) -> Ended:
        """Free the place of a job, and say whether it had its GPU for itself.

        That of a stack is free when all of its runs have ended.
        """
        if (stack := self._stacked.pop(ended.key, None)) is not None:
            if stack not in self._stacked.values():
                del self._running[stack]
                self.slots.leave(stack)
            return ended
        job = self._running.pop(ended.key)
        met = self.slots.leave(ended.key)
        took = (ended.scores or {}) if job.splits == 1 else {}
        if self.memory and self.memory.learn(job.run, took):
            for key, other in self._running.items():
                self.slots.revise(key, self._need(other))
        return replace(ended, crowded=met)

    def clear(self) -> None:
        """Free all places."""
        for key in [*self._running]:
            self.slots.leave(key)
        self._running.clear()
        self._stacked.clear()

    def side_by_side(self, runs: Sequence[Run]) -> int:
        """How many of these runs go side by side on all GPUs, as far as is known."""
        if not self.memory:
            return self.most
        largest = max((self.memory.need(run) for run in runs), default=0.0)
        return sum(self.at_once(gpu, largest) for gpu in self.gpus)

    def at_once(self, gpu: Gpu, need: float) -> int:
        """How many runs of so many megabytes go side by side on a GPU."""
        fit = (1 - RESERVE) * gpu.memory_mb / need if need else inf
        return max(1, int(min(fit, self.slots.most)))

    def _need(self, job: Job) -> float:
        if job.alone or job.beside:
            return inf
        return self.memory.need(job.run) if self.memory else 0.0
