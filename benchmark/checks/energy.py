"""How long GPUs are taken for what is planned, and how much energy that is at most."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isnan

from benchmark.execute.gpus.gpu import Gpu
from benchmark.runs.kinds import DataRun, Run
from benchmark.runs.probing import ProbeRun


@dataclass(frozen=True)
class GpuUse:
    """The hours that runs have a GPU, and what it may draw in these.

    What it draws is less, and runs side by side share it: that is a bound, and no measurement.

    Attributes:
        watts: that a GPU may draw; None where one does not say.
        packed: whether each run that trains is put on a GPU, in place of those on CUDA alone.
    """

    watts: float | None
    packed: bool

    @classmethod
    def of(cls, gpus: Sequence[Gpu], packed: bool) -> GpuUse:
        """By the highest limit of these GPUs, if each says one."""
        limits = [gpu.watts for gpu in gpus]
        known = [watts for watts in limits if watts is not None]
        return cls(max(known) if known and len(known) == len(limits) else None, packed)

    @property
    def headings(self) -> tuple[str, ...]:
        """Of what :meth:`cells` gives."""
        return ("GPU hours",) if self.watts is None else ("GPU hours", "kWh at most")

    def cells(self, runs: Iterable[tuple[Run, float]]) -> tuple[str, ...]:
        """What runs of so many seconds take, as a table shows it."""
        hours = sum(self.hours(run, seconds) for run, seconds in runs)
        energy = () if self.watts is None else (amount(hours * self.watts / 1000),)
        return (amount(hours), *energy)

    def hours(self, run: Run, seconds: float) -> float:
        """That a run of so many seconds has a GPU."""
        on_gpu = not isinstance(run, DataRun | ProbeRun) and (self.packed or run.device == "cuda")
        return seconds / 3600 if on_gpu else 0.0

    @property
    def remark(self) -> str:
        """What is to be known of the bound; empty where there is none."""
        if self.watts is None:
            return ""
        return (
            f"kWh at most: the hours of runs on a GPU, at the {self.watts:.0f} W that it may draw; "
            "it draws less, and several runs side by side are each counted as if alone."
        )


def amount(value: float) -> str:
    """Hours or kilowatt hours as tables show them.

    >>> [amount(value) for value in (0.0, 3e-5, 0.0123, 1.26, 99.7, 1234.5)]
    ['', '<0.0001', '0.012', '1.3', '100', '1,234']
    """
    if isnan(value):
        return "?"
    if value < 1e-4:
        return "<0.0001" if value else ""
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.2g}"
