"""How probable it is that a candidate is worse, practically the same, or better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stats.bayes.signed_rank import bayesian_signed_rank
from stats.errors import InvalidSetting
from stats.inputs import FloatArray, check_choice, check_positive
from stats.settings import ByTask, by_task, check_resolution
from stats.table.pairing import Seed
from stats.table.selection import baseline_first, select_arms
from stats.table.suspicious_scores import remarks_on_margin
from stats.table.units import TASKS, Units, check_pairs, units
from stats.ties import check_step, noise_scale, settle

if TYPE_CHECKING:
    import pandas as pd

ENOUGH_PAIRS = 6
"""Pairs whose signs agree by chance in less than 5 % of cases: 2/2⁶."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """A candidate against a baseline: posterior probabilities that add up to 1.

    Without a pair all numbers are NaN.

    Attributes:
        mean_difference: candidate minus baseline over the pairs, in points.
        p_worse: that the candidate is worse by more than the margin.
        p_inside: that the difference lies inside ±margin; 0 without a margin.
        p_better: that the candidate is better by more than the margin.
    """

    baseline: str
    candidate: str
    model: str
    init: str
    task: str
    n_pairs: int
    dropped_seeds: tuple[Seed, ...]
    baseline_mean: float
    candidate_mean: float
    mean_difference: float
    p_worse: float
    p_inside: float
    p_better: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Posteriors:
    """Bayesian signed-rank tests of candidates against a baseline.

    Attributes:
        tasks: "fixed", "sampled", or None where each task stands alone.
        unit: what a pair is: a "seed" or a "task".
        margin: half width of the region of practical equivalence; None if there is none.
    """

    study: str
    tasks: str | None
    unit: str
    posteriors: tuple[Posterior, ...]
    metric: str
    split: str
    lower_is_better: bool
    margin: float | None
    samples: int
    seed: int
    warnings: tuple[str, ...]


def posteriors(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    *,
    tasks: str | None = None,
    study: str = "",
    metric: str | None = None,
    split: str = "test",
    margin: float | None = None,
    lower_is_better: bool | None = None,
    paired: bool = True,
    resolution: ByTask = None,
    scale: str | None = None,
    samples: int = 50_000,
    seed: int = 0,
) -> Posteriors:
    """`stats.bayesian_signed_rank` of every candidate, for each model and init.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        baseline: the method that candidates are compared with.
        candidates: methods, each compared with the baseline.
        tasks: None for each task alone over its seeds; "fixed" for seeds averaged over tasks;
            "sampled" for tasks averaged over seeds.
        study: a name for the output.
        metric: which metric; may be left out where the scores hold one for each task.
        split: which split; without meaning where the scores name none.
        margin: smallest difference that matters, in points of the metric: half the width of the
            region of practical equivalence.
        lower_is_better: whether the metric is a loss; None knows the usual losses by name.
        paired: whether the arms share their seeds; if not, only sampled tasks make pairs.
        resolution: smallest step of the metric; used where each task stands alone.
        scale: of several tasks, a common one as for `stats.pooled`; the margin is then one of it.
        samples: of the posterior.
        seed: of the random numbers; the same seed gives the same probabilities.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: a setting outside what it can be.
        NotPaired: a task on which an arm has no run, or shares no seed with the baseline.
        NotEnoughPairs: no comparison has two pairs.
    """
    if tasks is not None:
        check_choice("tasks", tasks, TASKS)
    if not paired and tasks != "sampled":
        raise InvalidSetting("unpaired arms make pairs of sampled tasks only")
    if margin is not None:
        check_positive("margin", margin)
    check_resolution(resolution, margin)
    methods = baseline_first(baseline, candidates)
    if scale is not None and tasks is None:
        raise InvalidSetting("a common scale is for several tasks, and each stands alone here")
    selection = select_arms(
        *(scores, methods, metric, split, lower_is_better),
        pooling=tasks is not None,
        scale=scale,
        baseline=baseline,
    )
    found = list(units(selection.cube, tasks, paired))
    check_pairs(found)
    lower, step = selection.lower_is_better, None if tasks else resolution
    no_region = "no margin is declared, and without one nothing can lie inside it"
    unit = "task" if tasks == "sampled" else "seed"
    remarks = [*selection.remarks, *remarks_on_margin(selection.cube, margin)]
    remarks += [no_region] * (margin is None)
    remarks += _of_few([each.arms.shape[1] for each in found], unit)
    remarks += [line for each in found for line in each.remarks]
    return Posteriors(
        study=study,
        tasks=tasks,
        unit=unit,
        posteriors=tuple(_posterior(each, margin, step, lower, samples, seed) for each in found),
        metric=selection.metric,
        split=selection.split,
        lower_is_better=lower,
        margin=margin,
        samples=samples,
        seed=seed,
        warnings=tuple(remarks),
    )


def _of_few(sizes: Sequence[int], unit: str) -> list[str]:
    """What so few pairs cannot show: all on one side, they leave the other one nothing."""
    return [
        f"{n} {unit}s say little about others: {n} differences of one sign, which chance gives in "
        f"1 of {2 ** (n - 1)} cases, make a probability of nearly 1 whatever their size; from "
        f"{ENOUGH_PAIRS} {unit}s on, that takes a chance below 5 %"
        for n in sorted(set(sizes))
        if 1 < n < ENOUGH_PAIRS
    ]


def _posterior(
    pairs: Units, margin: float | None, resolution: ByTask, lower: bool, samples: int, seed: int
) -> Posterior:
    baseline, candidate = pairs.arms
    below = inside = above = math.nan
    differences = baseline
    if len(baseline):
        step = by_task(resolution, [pairs.names["task"]])[0]
        check_step(pairs.arms, step)
        differences = settle(candidate - baseline, noise_scale(pairs.arms), step)
        found = bayesian_signed_rank(differences, margin or 0.0, samples=samples, seed=seed)
        below, inside, above = found.p_below, found.p_rope, found.p_above
    return Posterior(
        **pairs.names,
        baseline_mean=_mean(baseline),
        candidate_mean=_mean(candidate),
        mean_difference=_mean(differences),
        p_worse=above if lower else below,
        p_inside=inside,
        p_better=below if lower else above,
    )


def _mean(values: FloatArray) -> float:
    return float(values.mean()) if len(values) else math.nan
