"""What the seeds of a study can show, comparison by comparison, from the runs that exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from stats.errors import InvalidSetting, NotEnoughPairs
from stats.judging import ByTask, Judging, by_task
from stats.power.planning import PowerPlan, plan_power
from stats.table.common_scale import check_like_scales, on_common_scale
from stats.table.cube import Cell, build, which
from stats.table.selection import baseline_first, rows_of
from stats.table.units import Units, check_pairs, units
from stats.ties import check_step, noise_scale, settle

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ComparisonPlan:
    """The plan of one comparison.

    Attributes:
        task: "" where the plan is for a verdict over several tasks.
        sd_pairs: pairs behind the sd of the plan.
    """

    baseline: str
    candidate: str
    model: str
    init: str
    task: str
    sd_pairs: int
    plan: PowerPlan


@dataclass(frozen=True, kw_only=True)
class PowerAnalysis:
    """Plans of all comparisons of a study, each at the sd of its own differences."""

    study: str
    split: str
    plans: tuple[ComparisonPlan, ...]
    warnings: tuple[str, ...]


def plan_comparisons(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    n_pairs: int,
    judging: Judging,
    *,
    gain: float | None = None,
    family: int = 1,
    study: str = "",
) -> PowerAnalysis:
    """`stats.plan_power` of every comparison, at the sd that its differences have so far.

    The sd of differences is the same whichever way the metric is better, so that no direction is
    asked. An sd from few pairs is uncertain: of 5 pairs, 95 % intervals reach from 0.6 to 2.9 times
    it.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        baseline: the method that candidates are compared with.
        candidates: methods, each compared with the baseline.
        n_pairs: pairs to plan for.
        judging: what a pair is, which difference matters and by which test it is to be found.
        gain: true difference at which `better` is planned; None for twice the margin.
        family: comparisons that are corrected together.
        study: a name for the output.

    Raises:
        InvalidSetting: no margin is declared.
        StatsError: as for `stats.posteriors` and `stats.plan_power`.
        NotEnoughPairs: no comparison has two pairs that differ.
    """
    margin = judging.deciding_margin
    if margin is None:
        raise InvalidSetting("a plan needs a margin: the smallest difference that matters")
    tasks = judging.tasks
    found, split = _pairs(scores, baseline_first(baseline, candidates), judging)
    planned = partial(
        plan_power,
        n_pairs,
        margin=margin,
        gain=gain,
        alpha=judging.alpha,
        family=family,
        correction=judging.correction,
        test=judging.test,
    )
    plans, warnings = [], []
    for pairs in found:
        place = Cell(*(pairs.names[name] for name in Cell._fields))
        place = place if tasks is None else place._replace(task="")
        arms = {name: pairs.names[name] for name in ("baseline", "candidate")}
        n, sd = pairs.arms.shape[1], _sd(pairs, None if tasks else judging.resolution)
        if sd > 0:
            plan = planned(sd=sd)
            plans.append(ComparisonPlan(**arms, **place._asdict(), sd_pairs=n, plan=plan))
        else:
            why = "not two pairs yet" if n < 2 else "all differences are equal"
            named = which(arms["baseline"], arms["candidate"], place)
            warnings.append(f"{named}: {why}, no sd")
    if not plans:
        raise NotEnoughPairs("no comparison has differences with a spread; " + "; ".join(warnings))
    return PowerAnalysis(study=study, split=split, plans=tuple(plans), warnings=tuple(warnings))


def _pairs(
    scores: pd.DataFrame, methods: Sequence[str], judging: Judging
) -> tuple[list[Units], str]:
    """The pairs of every candidate with the first method, and the name of the split."""
    table, _, _, split = rows_of(scores, methods, judging)
    if judging.scale is not None:
        if judging.tasks is None:
            raise InvalidSetting("a common scale is for several tasks: say which, fixed or sampled")
        table, *_ = on_common_scale(table, methods, judging.scale, False, methods[0])
    elif judging.tasks is not None:
        check_like_scales(table[table["method"].isin(methods)])
    found = list(units(build(table, methods), judging.tasks))
    check_pairs(found)
    return found, split


def _sd(pairs: Units, resolution: ByTask) -> float:
    """Sd of the differences, 0 where fewer than two pairs show none."""
    baseline, candidate = pairs.arms
    if len(baseline) < 2:
        return 0.0
    step = by_task(resolution, [pairs.names["task"]])[0]
    check_step(pairs.arms, step)
    differences = settle(candidate - baseline, noise_scale(pairs.arms), step)
    return float(differences.std(ddof=1))
