"""How much memory of a GPU runs take, as those of the same shape did."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import replace
from math import inf
from typing import Any

from benchmark.runs.kinds import PretrainRun, Run, TrainRun
from benchmark.runs.probing import FeaturesRun

#: Megabytes that a process takes of a GPU beside its tensors.
CONTEXT = 800.0
#: Settings of training that do not change how much memory it takes.
_ANY: dict[str, Any] = {
    "epochs": 1,
    "lr": 1e-5,
    "warmup": 0.0,
    "weight_decay": 0.0,
    "clip": 1.0,
    "select": "best",
    "momentum": 0.9,
    "schedule": "linear",
}


def shape(run: Run) -> Hashable | None:
    """What decides on the memory of a run, hyper-parameters and seed left out; None of one that
    computes nothing of a model.
    """
    match run:
        case TrainRun(model=model, task=task, training=t):
            method = (type(run.method), run.method.name)
            return (model, task.name, method, replace(t, **_ANY), "teacher" in run.needs)
        case PretrainRun(model=model, task=task, pretraining=p, training=t):
            savings = tuple(t.savings().items())
            return (model, task.name, p.batch_size, p.length, t.precision, t.device, savings)
        case FeaturesRun(model=model, task=task, training=t):
            return ("features", model, task.name, t.max_length, t.device)
    return None


class KnownMemory:
    """What is known of the memory of shapes.

    Args:
        recorded: measures of runs that are recorded, by the kind of run.
        runs: some of which may be of those kinds.
    """

    def __init__(
        self,
        recorded: Mapping[str, Iterable[Mapping[str, float]]] | None = None,
        runs: Iterable[Run] = (),
    ) -> None:
        self._most: dict[Hashable, float] = {}
        for run in runs if recorded else ():
            for measures in (recorded or {}).get(run.kind, ()):
                self.learn(run, measures)

    def learn(self, run: Run, measures: Mapping[str, float]) -> bool:
        """Take note of what a run measured; whether there was anything new in it."""
        took = measures.get("reserved_memory_mb", measures.get("peak_memory_mb"))
        of = shape(run)
        if took is None or of is None or took + CONTEXT <= self._most.get(of, 0.0):
            return False
        self._most[of] = took + CONTEXT
        return True

    def need(self, run: Run) -> float:
        """Megabytes that a run takes, none if it runs no model; infinite where nobody knows."""
        of = shape(run)
        return 0.0 if of is None else self._most.get(of, inf)
