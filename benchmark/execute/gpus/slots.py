"""Which run is on which GPU: none gets more runs, or more memory to give, than it has."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import inf

from benchmark.execute.gpus.gpu import Gpu

#: Share of a GPU's free memory that is given to no run.
RESERVE = 0.1


class Slots:
    """Places on GPUs.

    Args:
        gpus: the GPUs.
        most: runs side by side on each.
    """

    def __init__(self, gpus: Sequence[Gpu], most: int) -> None:
        self.gpus, self.most = tuple(gpus), most
        self._on: dict[Gpu, dict[str, float]] = {gpu: {} for gpu in gpus}
        self._met: set[str] = set()

    def add(self, gpu: Gpu) -> None:
        """Have a GPU more, where it is not known yet."""
        if gpu not in self._on:
            self.gpus, self._on[gpu] = (*self.gpus, gpu), {}

    @property
    def free(self) -> int:
        """Places that are left, for runs that are small enough."""
        return sum(
            0 if inf in on.values() else max(0, self.most - len(on)) for on in self._on.values()
        )

    def gpu_of(self, key: str) -> Gpu | None:
        """Where a run is."""
        return next((gpu for gpu, on in self._on.items() if key in on), None)

    def on(self, gpu: Gpu) -> tuple[str, ...]:
        """The runs on a GPU."""
        return tuple(self._on[gpu])

    def fitting(self, need: float, kept: Collection[Gpu] = ()) -> Gpu | None:
        """The GPU with fewest runs, then most memory, of those that a run fits on, if there is one.

        Args:
            need: megabytes that it takes; infinite for a run that has to be alone.
            kept: GPUs that are kept for other runs.
        """
        fit = [d for d in self.gpus if d not in kept and self._fits(d, need)]
        return max(fit, key=self._room, default=None)

    def nearest(self, kept: Collection[Gpu] = ()) -> Gpu | None:
        """The GPU with fewest runs, whether another fits on it or not; none of those kept."""
        return max((d for d in self.gpus if d not in kept), key=self._room, default=None)

    def take(self, key: str, need: float, kept: Collection[Gpu] = ()) -> Gpu:
        """Put a run where it fits.

        Args:
            key: of the run.
            need: megabytes that it takes; infinite for a run that has to be alone.
            kept: GPUs that are kept for other runs.

        Raises:
            ValueError: it fits nowhere.
        """
        gpu = self.fitting(need, kept)
        if gpu is None:
            raise ValueError(f"no GPU has room for {key}")
        on = self._on[gpu]
        on[key] = need
        if len(on) > 1:
            self._met |= on.keys()
        return gpu

    def revise(self, key: str, need: float) -> None:
        """Note what a run takes that is on a GPU already."""
        for on in self._on.values():
            if key in on:
                on[key] = need

    def leave(self, key: str) -> bool:
        """Take a run off its GPU, and say whether others were beside it at any time."""
        for on in self._on.values():
            on.pop(key, None)
        met = key in self._met
        self._met.discard(key)
        return met

    def _fits(self, gpu: Gpu, need: float) -> bool:
        on = self._on[gpu]
        if not on:
            return True  # nowhere has it more
        taken = sum(on.values()) + need
        return len(on) < self.most and taken <= (1 - RESERVE) * gpu.memory_mb

    def _room(self, gpu: Gpu) -> tuple[int, float, int]:
        on = self._on[gpu]
        return -len(on), gpu.memory_mb - sum(on.values()), -gpu.number
