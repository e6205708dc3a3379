"""Every sweep in a table of scores: how far a hyper-parameter may go on each task, or over all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from stats.changes.between_sweeps import SweepInteraction, between_sweeps
from stats.changes.sweep import Sweep, conclude_sweep
from stats.changes.swept_arms import SweptArms
from stats.errors import InvalidSetting, NotPaired
from stats.inputs import FloatArray, finite_vector
from stats.judging import Judging, by_task
from stats.table.selection import baseline_first, select_arms
from stats.table.units import Units, units
from stats.ties import check_step, noise_scale, settle

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class PlacedSweep:
    """A sweep on one model, init and task, or over all tasks.

    Attributes:
        baseline_mean: over all pairs of the value that has most of them.
        candidate_means: at each value, over its pairs.
        found: what it came to.
    """

    baseline: str
    swept: SweptArms
    model: str
    init: str
    task: str
    baseline_mean: float
    candidate_means: tuple[float, ...]
    found: Sweep


@dataclass(frozen=True, kw_only=True)
class SweepAnalysis:
    """What `analyse_sweeps` found; each sweep holds its own error rate.

    Attributes:
        interactions: between every two series of the same values, on each task by itself; none
            where tasks are pooled.
    """

    study: str
    metric: str
    split: str
    judging: Judging
    sweeps: tuple[PlacedSweep, ...]
    interactions: tuple[SweepInteraction, ...]
    warnings: tuple[str, ...]

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric is a loss."""
        return bool(self.judging.lower_is_better)


def analyse_sweeps(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    sweeps: Sequence[SweptArms],
    judging: Judging | None = None,
    *,
    study: str = "",
) -> SweepAnalysis:
    """Find for each sweep the last value up to which its arms are equivalent to the baseline.

    On every model, init and task, or over the tasks as the judging pools them: by the pairs, the
    margin and the tests of equivalence of the single comparisons, whose verdicts are corrected in
    their family where these claims are held by their order; see `changes.sweep.sweep`.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        baseline: the method that arms are compared with.
        candidates: every method that is, of sweeps or not.
        sweeps: which of them belong together.
        judging: how; without a margin nothing is claimed. None for `Judging()`.
        study: a name for the output.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: scores that are declared unpaired, an arm of a sweep that is no candidate,
            values in no order, or another setting outside what it can be.
        NotPaired: no sweep has all of its arms anywhere, or arms that are to be pooled lack a task.
        NotEnoughPairs: fewer than two complete seeds, or tasks, to be pooled.
    """
    judging, methods = judging or Judging(), baseline_first(baseline, candidates)
    if not judging.paired:
        raise InvalidSetting("a sweep is tested over the seeds that its arms share")
    _check(sweeps, methods[1:])
    alone = judging.tasks is None
    chosen = replace(judging, scale=None) if alone else judging
    selection = select_arms(scores, methods, chosen, pooling=not alone, baseline=baseline)
    lower = selection.lower_is_better
    judging = judging.of_runs(lower) if alone else judging.of_averages(lower)
    places: dict[tuple[str, str, str], dict[str, Units]] = {}
    for each in units(selection.cube, judging.tasks):
        where = (each.names["model"], each.names["init"], each.names["task"])
        places.setdefault(where, {})[each.names["candidate"]] = each
    found = tuple(
        _placed(swept, arms, judging)
        for arms in places.values()
        for swept in sweeps
        if arms.keys() >= set(swept.arms)
    )
    if not found:
        raise NotPaired("no model, init and task has all arms of a sweep")
    return SweepAnalysis(
        study=study,
        metric=selection.metric,
        split=selection.split,
        judging=judging,
        sweeps=found,
        interactions=between_sweeps(selection.cube, sweeps, judging) if alone else (),
        warnings=(*selection.remarks, *_absent(places, sweeps), *_unseen(found)),
    )


def _check(sweeps: Sequence[SweptArms], candidates: Sequence[str]) -> None:
    if not isinstance(sweeps, list | tuple):
        raise InvalidSetting(f"sweeps must be a list of SweptArms, not {sweeps!r}")
    for swept in sweeps:
        if not isinstance(swept, SweptArms):
            raise InvalidSetting(f"sweeps must be a list of SweptArms, and holds {swept!r}")
        if len(swept.arms) != len(finite_vector(swept.values, "values", at_least=2)):
            raise InvalidSetting(
                f"a sweep needs a value for each arm, and {swept.name} has {len(swept.values)} for "
                f"{len(swept.arms)}"
            )
        for arm in swept.arms:
            if arm not in candidates:
                raise InvalidSetting(f'the sweep {swept.name} holds "{arm}", which is no candidate')


def _absent(
    places: Mapping[tuple[str, str, str], Mapping[str, Units]], sweeps: Sequence[SweptArms]
) -> Iterator[str]:
    for where, arms in places.items():
        for swept in sweeps:
            lacking = [arm for arm in swept.arms if arm not in arms]
            if 0 < len(lacking) < len(swept.arms):
                place = " · ".join(filter(None, where))
                yield f"{swept.name} ({place}): no sweep, no run of {', '.join(lacking)}"


def _unseen(found: Sequence[PlacedSweep]) -> Iterator[str]:
    """Sequences that end where no spread was seen."""
    for each in found:
        own, last = each.found, each.found.equivalent
        if own.margin is None or last == len(own.values) or own.n_pairs[last] < 2:
            continue
        if np.isnan(own.p_equivalence[last]):
            place = " · ".join(filter(None, (each.model, each.init, each.task)))
            where = f"{each.swept.arms[last]}{f' ({place})' if place else ''}"
            yield (
                f"{where}: the same difference on all {own.n_pairs[last]} seeds, which gives t no "
                f"p and ends the sweep; leave out a value that is {each.baseline} itself, or take "
                "equivalence by ranks"
            )


def _placed(swept: SweptArms, arms: Mapping[str, Units], judging: Judging) -> PlacedSweep:
    own = [arms[arm] for arm in swept.arms]
    most = max(own, key=lambda each: each.arms.shape[1])
    names = most.names
    return PlacedSweep(
        baseline=names["baseline"],
        swept=swept,
        model=names["model"],
        init=names["init"],
        task=names["task"],
        baseline_mean=_mean(most.arms[0]),
        candidate_means=tuple(_mean(each.arms[1]) for each in own),
        found=conclude_sweep([_differences(each, judging) for each in own], swept.values, judging),
    )


def _mean(scores: FloatArray) -> float:
    return float(scores.mean()) if scores.size else np.nan


def _differences(each: Units, judging: Judging) -> FloatArray:
    """Those of the single comparison, with their ties restored."""
    if not each.arms.size:
        return np.empty(0)
    step = by_task(judging.resolution, [each.names["task"]])
    check_step(each.arms, step)
    differences: FloatArray = each.arms[1] - each.arms[0]
    return settle(differences, noise_scale(each.arms), step[0])
