"""What runs were planned to take, and what they took."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean

from benchmark.execute.scheduler import Outcome
from benchmark.runs.kinds import Run, TrainRun
from benchmark.runs.plan import Plan
from benchmark.terminal.duration import duration

#: Share of what was planned, and seconds, by which a run has to be off to be named.
_MUCH, _SECONDS = 0.5, 2.0
_JOULES_A_KWH = 3.6e6


def planned_and_real(
    made: Plan,
    outcome: Outcome,
    seconds: Mapping[str, float],
    planned: float,
    took: float,
) -> str:
    """A sentence on the whole, and one on the runs that took much more or much less than planned.

    Args:
        made: the runs.
        outcome: how they ended.
        seconds: that were planned, by key.
        planned: seconds of all of them side by side.
        took: how many it were.
    """
    of_groups: dict[str, list[tuple[float, float]]] = {}
    for k, ended in outcome.ended.items():
        if ended.status == "finished":
            both = seconds[k], ended.seconds
            of_groups.setdefault(series_of(made.runs[k]), []).append(both)
    off = [
        f"{name} {duration(real)} each in place of {duration(expected)}"
        for name, pairs in of_groups.items()
        for expected, real in [(fmean(p for p, _ in pairs), fmean(r for _, r in pairs))]
        if abs(real - expected) > max(_SECONDS, _MUCH * expected)
    ]
    told = f"It took {duration(took)}; {duration(planned)} were planned.{_energy(outcome)}"
    return f"{told} Far off: {'; '.join(off)}." if off else told


def _energy(outcome: Outcome) -> str:
    """What GPUs took; runs side by side on one have each counted what all of them took."""
    measured = (ended.scores or {} for ended in outcome.ended.values())
    taken = [scores["gpu_joules"] for scores in measured if "gpu_joules" in scores]
    return f" Their GPUs took {sum(taken) / _JOULES_A_KWH:.2g} kWh at most." if taken else ""


def series_of(r: Run) -> str:
    """What has one row: an arm on whatever task, of whatever model, else the runs of all seeds.

    All links of the chain of an arm have one together.
    """
    if isinstance(r, TrainRun) and r.role == "arm":
        return f"{r.method_name} · {r.init_name}"
    if r.role == "link" and isinstance(r, TrainRun):
        return f"links of {r.method_name}"
    return r.series
