"""One verdict over several tasks, without counting a seed or a task more than once.

Seven tasks with eight seeds are not 56 pairs. Runs of one task share what the task does to the
candidate, runs of one seed share what the seed does, and a test that takes them as independent
rejects a true null hypothesis in 20 to 24 % of cases where it promises 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stats.errors import InvalidSetting
from stats.inputs import FloatArray, check_choice
from stats.settings import Settings
from stats.table.pairing import measure_pairs
from stats.table.selection import Selection, baseline_first, select_arms
from stats.table.suspicious_scores import remarks_on_margin
from stats.table.units import TASKS, Units, units
from stats.verdicts import caveats
from stats.verdicts.compare import Comparison, conclude_comparisons
from stats.verdicts.paired import paired_statistics

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Candidates against a baseline over several tasks at once.

    Attributes:
        tasks: "fixed" or "sampled".
        unit: what a pair of each comparison is: a "seed" for fixed tasks, a "task" for sampled.
        comparisons: for each model, init and candidate; their `task` names all tasks.
    """

    study: str
    tasks: str
    unit: str
    comparisons: tuple[Comparison, ...]
    metric: str
    split: str
    settings: Settings
    warnings: tuple[str, ...]


def pooled(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    tasks: str,
    *,
    study: str = "",
    metric: str | None = None,
    split: str = "test",
    alpha: float = 0.05,
    margin: float | None = None,
    correction: str = "holm",
    family: str = "model-init-task",
    zeros: str = "wilcox",
    lower_is_better: bool | None = None,
    paired: bool = True,
    test: str | None = None,
    effect: str = "hedges_g",
    equivalence: str = "t",
    scale: str | None = None,
) -> Pooled:
    """Compare candidates with a baseline over all tasks, for each model and init.

    Fixed tasks are the ones that the claim is about: scores are averaged over tasks within a
    seed, and tested over seeds. Sampled tasks stand for others like them: scores are averaged
    over seeds within a task, and tested over tasks. In simulation with 7 tasks, 8 seeds and no
    effect the former rejects in 4 % and the latter in 5 %. A candidate whose effect differs
    between tasks can be better on these seven and show nothing about others.

    Args:
        scores: the columns `method, task, seed, score`, and those of `stats.read_scores`.
        baseline: the method that candidates are compared with.
        candidates: methods, each compared with the baseline.
        tasks: "fixed" or "sampled"; there is no default, because the claim decides it.
        study: a name for the output.
        metric: which metric; may be left out where the scores hold one for each task.
        split: which split; without meaning where the scores name none.
        alpha: level of the tests; intervals have confidence 1 − alpha.
        margin: smallest average difference that matters, in points of the metric.
        correction: one of `multiplicity.CORRECTIONS`, over the candidates of one model and init.
        family: "study" corrects over all models and inits together.
        zeros: what the signed-rank test does with zero differences.
        lower_is_better: whether the metric is a loss; None knows the usual losses by name.
        paired: whether the arms share their seeds. If not, each is averaged over its own runs of
            a task, which makes pairs of sampled tasks, and none of fixed ones.
        test: the primary test of the averages, one of `register.PAIRED_TESTS`.
        effect: the effect size to show, one of `settings.PAIRED_EFFECTS`.
        equivalence: of means, by "t", or of pseudo-medians, by "ranks".
        scale: None averages the scores as they are, which must be on like scales; else a common
            scale, one of `table.common_scale.COMMON_SCALES`: "relative" is the change from the
            baseline's mean on the task in percent, "rank" the rank among the methods on the task
            and seed, "z" the distance from the baseline's mean in standard deviations over seeds.
            The margin is then one of that scale.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: a setting outside what it can be, or tasks on unlike scales.
        NotPaired: a task on which an arm has no run, or shares no seed with the baseline.
        NotEnoughPairs: fewer than two complete seeds, or fewer than two tasks.
    """
    check_choice("tasks", tasks, TASKS)
    if not paired and tasks == "fixed":
        raise InvalidSetting("fixed tasks are tested over seeds, and unpaired arms share none")
    methods = baseline_first(baseline, candidates)
    selection = select_arms(
        *(scores, methods, metric, split, lower_is_better),
        pooling=True,
        scale=scale,
        baseline=baseline,
    )
    settings = Settings(
        alpha=alpha,
        margin=margin,
        correction=correction,
        family=family,
        zeros=zeros,
        lower_is_better=selection.lower_is_better,
        test=test or "",
        effect=effect,
        equivalence=equivalence,
    )
    return _pooled(selection, list(units(selection.cube, tasks, paired)), tasks, study, settings)


def _pooled(
    selection: Selection, found: Sequence[Units], tasks: str, study: str, settings: Settings
) -> Pooled:
    measures, _ = measure_pairs(
        _side_by_side([each.arms for each in found]),
        lambda arms, _: paired_statistics(arms, settings),
    )
    unit = "seed" if tasks == "fixed" else "task"
    named = [each.names | {"unit": unit, "collapsed_seeds": ()} for each in found]
    places = [(each["model"], each["init"]) for each in named]
    families = places if settings.family == "model-init-task" else ["study"] * len(places)
    comparisons = conclude_comparisons(named, measures, families, settings)
    reach = caveats.of_analysis(comparisons, families, settings)
    remarks = [remark for each in found for remark in each.remarks]
    lost = selection.cube.collapsed(settings.margin, settings.lower_is_better)
    remarks += caveats.of_collapse(selection.cube, lost)
    return Pooled(
        study=study,
        tasks=tasks,
        unit=unit,
        comparisons=tuple(comparisons),
        metric=selection.metric,
        split=selection.split,
        settings=settings,
        warnings=(
            *selection.remarks,
            *remarks_on_margin(selection.cube, settings.margin),
            *(line.replace("seeds are", f"{unit}s are") for line in reach),
            *remarks,
        ),
    )


def _side_by_side(rows: Sequence[FloatArray]) -> FloatArray:
    """Rows of shape (2, n) with different n as one array (2, m, n), padded with NaN."""
    widest = max(row.shape[1] for row in rows)
    padded = np.full((2, len(rows), widest), np.nan)
    for index, row in enumerate(rows):
        padded[:, index, : row.shape[1]] = row
    return padded
