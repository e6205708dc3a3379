"""One verdict over several tasks, without counting a seed or a task more than once.

Seven tasks with eight seeds are not 56 pairs. Runs of one task share what the task does to the
candidate, runs of one seed share what the seed does, and a test that takes them as independent
rejects a true null hypothesis in 20 to 24 % of cases where it promises 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from stats.errors import InvalidSetting
from stats.inputs import FloatArray
from stats.judging import Judging, families_of
from stats.table.pairing import measure_pairs
from stats.table.selection import Selection, baseline_first, select_arms
from stats.table.suspicious_scores import remarks_on_margin
from stats.table.units import Units, units
from stats.verdicts import caveats
from stats.verdicts.compare import ComparisonResult, conclude_comparisons
from stats.verdicts.paired import paired_statistics

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Pooled:
    """Candidates against a baseline over several tasks at once.

    Attributes:
        comparisons: for each model, init and candidate; their `task` names all tasks.
    """

    study: str
    comparisons: tuple[ComparisonResult, ...]
    metric: str
    split: str
    judging: Judging
    warnings: tuple[str, ...]

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric is a loss."""
        return bool(self.judging.lower_is_better)

    @property
    def tasks(self) -> str:
        """Which claim it is about: "fixed" or "sampled"."""
        return self.judging.tasks or ""

    @property
    def unit(self) -> str:
        """What a pair of each comparison is: a "seed" for fixed tasks, a "task" for sampled."""
        return self.judging.unit


def pooled(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    judging: Judging,
    *,
    study: str = "",
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
        judging: how; its `tasks` are "fixed" or "sampled", since the claim decides which. With
            `scale` the margin is `common_margin`. Where arms are not paired, each is averaged
            over its own runs of a task, which makes pairs of sampled tasks, and none of fixed.
        study: a name for the output.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: a setting outside what it can be, or tasks on unlike scales.
        NotPaired: a task on which an arm has no run, or shares no seed with the baseline.
        NotEnoughPairs: fewer than two complete seeds, or fewer than two tasks.
    """
    if judging.tasks is None:
        raise InvalidSetting('tasks must be "fixed" or "sampled": the claim decides which')
    if not judging.paired and judging.tasks == "fixed":
        raise InvalidSetting("fixed tasks are tested over seeds, and unpaired arms share none")
    methods = baseline_first(baseline, candidates)
    selection = select_arms(scores, methods, judging, pooling=True, baseline=baseline)
    found = list(units(selection.cube, judging.tasks, judging.paired))
    of_averages = judging.of_averages(selection.lower_is_better)
    result = _pooled(selection, found, study, of_averages)
    return replace(result, warnings=(*result.warnings, *_of_runs_alone(judging, of_averages)))


def _of_runs_alone(declared: Judging, taken: Judging) -> list[str]:
    """What was declared of unpaired runs, and is not what averages are tested by."""
    own = Judging(paired=declared.paired)
    left = [
        f"{name} {value}"
        for name in ("test", "effect")
        if (value := getattr(declared, name)) not in (getattr(taken, name), getattr(own, name))
    ]
    if not left:
        return []
    return [
        f"{' and '.join(left)}: of the runs on each task, which are not paired; averages over a "
        "task's runs are paired by the task"
    ]


def _pooled(selection: Selection, found: Sequence[Units], study: str, judging: Judging) -> Pooled:
    measures, _ = measure_pairs(
        _side_by_side([each.arms for each in found]),
        lambda arms, _: paired_statistics(arms, judging),
    )
    named = [each.names | {"unit": judging.unit, "collapsed_seeds": ()} for each in found]
    places = [(each["model"], each["init"]) for each in named]
    families = families_of(places, judging)
    comparisons = conclude_comparisons(named, measures, families, judging)
    reach = caveats.of_analysis(comparisons, families, judging)
    remarks = [str(remark) for each in found for remark in each.remarks]
    lost = selection.cube.collapsed(judging.margin, bool(judging.lower_is_better))
    remarks += caveats.of_collapse(selection.cube, lost)
    return Pooled(
        study=study,
        comparisons=tuple(comparisons),
        metric=selection.metric,
        split=selection.split,
        judging=judging,
        warnings=(
            *selection.remarks,
            *remarks_on_margin(selection.cube, judging.margin),
            *reach,
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
