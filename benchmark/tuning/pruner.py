"""Which trials stop early, decided from their curves alone."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import optuna
from optuna.pruners import BasePruner, NopPruner, SuccessiveHalvingPruner, WilcoxonPruner

from benchmark.declare.search import Tuning
from benchmark.tuning.optuna_study import STATES
from benchmark.tuning.trial import Trial

#: Of the settings at a rung, one in so many goes on to the next.
REDUCTION = 3


class Pruner:
    """Decides in memory, with Optuna's pruners.

    These keep notes on trials while they decide; a process that dies between the note and the
    decision would leave the next one with another decision. Here every process repeats all
    decisions from the curves, and so comes to the same ones.

    Args:
        tuning: says how trials are pruned.
        higher_is_better: of the objective.
    """

    def __init__(self, tuning: Tuning, higher_is_better: bool) -> None:
        self.waits_for_ends = tuning.pruner == "wilcoxon"
        self._study = optuna.create_study(
            direction="maximize" if higher_is_better else "minimize", pruner=_pruner(tuning)
        )
        self._trials: list[optuna.trial.Trial] = []
        self._seen: dict[int, int] = {}
        self._told: set[int] = set()

    def may_see(self, trials: Sequence[Trial], number: int, step: int) -> bool:
        """Whether everything is known that this point of a trial's curve is held against."""
        return all(
            t.end is not None or (not self.waits_for_ends and max(t.curve, default=-1) >= step)
            for t in trials[:number]
        )

    def sees(self, trial: Trial) -> int | None:
        """Look at what is new of a trial's curve; earlier trials are to be shown first.

        Returns:
            The step at which it is to stop, if any.
        """
        self._open(trial.number)
        live = self._trials[trial.number]
        for step, value in sorted(trial.curve.items()):
            if step > self._seen.get(trial.number, -1):
                self._seen[trial.number] = step
                live.report(value, step)
                if live.should_prune():
                    return step
        return None

    def hears(self, trial: Trial) -> None:
        """Learn how a trial ended."""
        if trial.number not in self._told and trial.end is not None:
            self._open(trial.number)
            self._told.add(trial.number)
            value = trial.value if trial.end == "complete" else None
            self._study.tell(self._trials[trial.number], value, STATES[trial.end])

    def _open(self, number: int) -> None:
        while len(self._trials) <= number:
            self._trials.append(self._study.ask())


def _pruner(tuning: Tuning) -> BasePruner:
    match tuning.pruner:
        case "asha":
            return SuccessiveHalvingPruner(min_resource=1, reduction_factor=REDUCTION)
        case "wilcoxon":
            with warnings.catch_warnings():  # Optuna calls its interface experimental
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return WilcoxonPruner()
        case "none":
            return NopPruner()
