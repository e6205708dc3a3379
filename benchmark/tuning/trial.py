"""A trial of a search, as everybody who works on it sees it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchmark.declare.search import Params
from benchmark.store.process import Process

#: Seconds between signs of life of a process that holds trials, and after which it is given up.
BEAT, SILENCE = 20.0, 120.0
#: Seconds in which a process that takes a trial says so.
CLAIM = 10.0

State = Literal["complete", "pruned", "failed"]


@dataclass(frozen=True)
class Trial:
    """One setting, and what came of it.

    Attributes:
        number: from 0.
        params: the setting; None as long as it is only claimed.
        curve: what it was held against others by: value by step.
        end: how it ended; None as long as it has not.
        value: its objective, if complete.
        reason: why it failed.
        told: whether the sampler knows of its end.
        owner: the process that trains it, by its name.
        beat: another number whenever the owner gives a sign of life.
        run_id: its run in MLflow; empty as long as there is none.
        steps: training steps that it took.
    """

    number: int
    params: Params | None
    curve: Mapping[int, float]
    end: State | None
    value: float | None
    reason: str
    told: bool
    owner: str
    beat: float
    run_id: str
    steps: int


def claimed(number: int, owner: str, beat: float) -> Trial:
    """A trial of which nothing is known yet but who trains it."""
    return Trial(
        number=number,
        params=None,
        curve={},
        end=None,
        value=None,
        reason="",
        told=False,
        owner=owner,
        beat=beat,
        run_id="",
        steps=0,
    )


@dataclass
class Signs:
    """Signs of life that owners of trials gave, with when this process saw each first.

    Clocks of different machines are not compared.
    """

    _seen: dict[int, tuple[tuple[str, float], float]] = field(default_factory=dict)

    def are_of_life(self, trial: Trial) -> bool:
        """Whether the process that holds a trial still works on it, as far as can be told here."""
        owner = Process.parse(trial.owner)
        if owner and (owner.is_gone or owner.is_at_work):
            return not owner.is_gone
        sign, now = (trial.owner, trial.beat), time.monotonic()
        known, since = self._seen.get(trial.number, (None, now))
        if known != sign:
            self._seen[trial.number] = sign, now
            return True
        # Nobody's was claimed a moment ago, or by a process that died in that moment.
        return now - since < (SILENCE if owner else CLAIM)
