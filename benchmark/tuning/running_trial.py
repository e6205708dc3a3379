"""What a process knows of the trials that it trains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, takewhile
from statistics import mean


@dataclass
class RunningTrial:
    """A trial that this process trains.

    Attributes:
        number: of the trial.
        run_id: its run in MLflow.
        groups: keys of its runs, those of one seed together, in the order of the seeds.
        launched: how many groups have been handed to the scheduler.
        trouble: why it failed; empty as long as it has not.
        lost: whether it can go on only after a new start of the command.
    """

    number: int
    run_id: str
    groups: list[tuple[str, ...]]
    launched: int = 0
    trouble: str = ""
    lost: bool = False

    @property
    def keys(self) -> set[str]:
        """All of its runs."""
        return {k for group in self.groups for k in group}


@dataclass
class KnownScores:
    """What is known of runs, by key: a run may serve several trials.

    Attributes:
        curves: score on dev by epoch, as far as a run has come.
        scores: score on dev of finished runs.
    """

    curves: dict[str, dict[int, float]] = field(default_factory=dict)
    scores: dict[str, float] = field(default_factory=dict)

    def finished(self, running: RunningTrial) -> int:
        """How many seeds of a trial are through, counted from the first."""
        done = [all(k in self.scores for k in group) for group in running.groups]
        return done.index(False) if False in done else len(done)

    def mean_of(self, group: Sequence[str]) -> float:
        """Score of one seed: the mean over arms and tasks."""
        return mean(self.scores[k] for k in group)

    def curve(self, group: Sequence[str]) -> dict[int, float]:
        """Mean score by epoch of one seed, from the first epoch as far as all runs are known.

        A run that had begun for somebody else is known from its first epoch when it ends.
        """
        curves = [self.curves.get(k, {}) for k in group]
        shared = set.intersection(*(set(curve) for curve in curves))
        known = takewhile(shared.__contains__, count(1))
        return {epoch: mean(curve[epoch] for curve in curves) for epoch in known}
