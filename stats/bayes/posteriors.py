"""How probable it is that a candidate is worse, practically the same, or better."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stats.bayes.signed_rank import bayesian_signed_rank
from stats.errors import InvalidSetting
from stats.inputs import FloatArray
from stats.judging import ByTask, Judging, by_task
from stats.table.pairing import Seed
from stats.table.selection import baseline_first, select_arms
from stats.table.suspicious_scores import remarks_on_margin
from stats.table.units import Units, check_pairs, units
from stats.ties import check_step, noise_scale, settle

if TYPE_CHECKING:
    import pandas as pd

#: Pairs whose signs agree by chance in less than 5 % of cases: 2/2⁶.
ENOUGH_PAIRS = 6


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
class PosteriorAnalysis:
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
    judging: Judging | None = None,
    *,
    study: str = "",
    samples: int = 50_000,
    seed: int = 0,
) -> PosteriorAnalysis:
    """`stats.bayes.signed_rank.bayesian_signed_rank` of every candidate, for each model and init.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        baseline: the method that candidates are compared with.
        candidates: methods, each compared with the baseline.
        judging: what a pair is and which difference matters, half the width of the region of
            practical equivalence; None for `Judging()`. Only sampled tasks make pairs of arms
            that are not paired; the resolution counts where each task stands alone.
        study: a name for the output.
        samples: of the posterior.
        seed: of the random numbers; the same seed gives the same probabilities.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: a setting outside what it can be.
        NotPaired: a task on which an arm has no run, or shares no seed with the baseline.
        NotEnoughPairs: no comparison has two pairs.
    """
    judging = judging or Judging()
    tasks, margin = judging.tasks, judging.deciding_margin
    if not judging.paired and tasks != "sampled":
        raise InvalidSetting("unpaired arms make pairs of sampled tasks only")
    methods = baseline_first(baseline, candidates)
    if judging.scale is not None and tasks is None:
        raise InvalidSetting("a common scale is for several tasks, and each stands alone here")
    selection = select_arms(scores, methods, judging, pooling=tasks is not None, baseline=baseline)
    found = list(units(selection.cube, tasks, judging.paired))
    check_pairs(found)
    lower, step = selection.lower_is_better, None if tasks else judging.resolution
    no_region = "no margin is declared, and without one nothing can lie inside it"
    unit = judging.unit
    remarks = [*selection.remarks, *remarks_on_margin(selection.cube, margin)]
    remarks += [no_region] * (margin is None)
    remarks += _of_few([each.arms.shape[1] for each in found], unit)
    remarks += [str(remark) for each in found for remark in each.remarks]
    return PosteriorAnalysis(
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
