"""How much energy GPUs take for what is planned, at most."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

from benchmark.execute.gpus.gpu import Gpu
from benchmark.runs.kinds import DataRun, Run


@dataclass(frozen=True)
class EnergyBound:
    """The hours that runs have a GPU, at the power that it may draw.

    What it draws is less, and runs side by side share it: it is a bound, and no measurement.

    Attributes:
        watts: that a GPU may draw.
        packed: whether each run that trains is put on a GPU, in place of those on CUDA alone.
    """

    watts: float
    packed: bool

    @classmethod
    def of(cls, gpus: Sequence[Gpu], packed: bool) -> EnergyBound | None:
        """By the highest limit of these GPUs; None where there are none, or one does not say."""
        limits = [gpu.watts for gpu in gpus]
        known = [watts for watts in limits if watts is not None]
        return cls(max(known), packed) if known and len(known) == len(limits) else None

    def __str__(self) -> str:
        return (
            f"the hours of runs on a GPU, at the {self.watts:.0f} W that it may draw; it draws "
            "less, and several runs side by side are each counted as if alone"
        )

    def kwh(self, run: Run, seconds: float) -> float:
        """Kilowatt hours of a run of so many seconds."""
        on_gpu = not isinstance(run, DataRun) and (self.packed or run.device == "cuda")
        return self.watts / 1000 * seconds / 3600 if on_gpu else 0.0


def in_kwh(amount: float) -> str:
    """A number of kilowatt hours as tables show it.

    >>> [in_kwh(amount) for amount in (0.0, 3e-5, 0.0123, 1.26, 99.7, 1234.5)]
    ['', '<0.0001', '0.012', '1.3', '100', '1,234']
    """
    if isnan(amount):
        return "?"
    if amount < 1e-4:
        return "<0.0001" if amount else ""
    return f"{amount:,.0f}" if amount >= 99.5 else f"{amount:.2g}"
