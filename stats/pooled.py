"""One verdict over several tasks, without counting a seed or a task more than once.

Seven tasks with eight seeds are not 56 pairs. Runs of one task share what the task does to the
candidate, runs of one seed share what the seed does, and a test that takes them as independent
rejects a true null hypothesis in 20 to 24 % of cases where it promises 5 %.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from stats import caveats
from stats.compare import Comparison, conclude_comparisons
from stats.cube import Cube
from stats.errors import InvalidSetting, NotEnoughPairs, NotPaired
from stats.inputs import FloatArray, check_choice
from stats.paired import paired_statistics
from stats.pairing import measure_pairs
from stats.selection import Selection, select_arms
from stats.settings import Settings

if TYPE_CHECKING:
    import pandas as pd

TASKS = ("fixed", "sampled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pooled:
    """Candidates against a baseline over several tasks at once.

    Attributes:
        tasks: "fixed" or "sampled".
        unit: what a pair of each comparison is: a "seed" for fixed tasks, a "task" for sampled.
        comparisons: for each model, init and candidate; their `task` names all tasks.
    """

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
    metric: str | None = None,
    split: str = "test",
    alpha: float = 0.05,
    margin: float | None = None,
    correction: str = "holm",
    family: str = "model-init-task",
    zeros: str = "wilcox",
    lower_is_better: bool | None = None,
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
        metric: which metric; may be left out where the scores hold one for each task.
        split: which split; without meaning where the scores name none.
        alpha: level of the tests; intervals have confidence 1 − alpha.
        margin: smallest average difference that matters, in points of the metric.
        correction: one of `stats.CORRECTIONS`, over the candidates of the same model and init.
        family: "study" corrects over all models and inits together.
        zeros: what the signed-rank test does with zero differences.
        lower_is_better: whether the metric is a loss; None knows the usual losses by name.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: a setting outside what it can be.
        NotPaired: a task on which an arm has no run, or shares no seed with the baseline.
        NotEnoughPairs: fewer than two complete seeds, or fewer than two tasks.
    """
    check_choice("tasks", tasks, TASKS)
    if isinstance(candidates, str):
        raise InvalidSetting(f'candidates is a list of methods: ["{candidates}"]')
    selection = select_arms(scores, [baseline, *candidates], metric, split, lower_is_better)
    settings = Settings(
        alpha=alpha,
        margin=margin,
        correction=correction,
        family=family,
        zeros=zeros,
        lower_is_better=selection.lower_is_better,
    )
    return _pooled(selection, tasks, settings)


def _pooled(selection: Selection, tasks: str, settings: Settings) -> Pooled:
    cube = selection.cube
    average = _over_tasks if tasks == "fixed" else _over_seeds
    named: list[dict[str, Any]] = []
    rows: list[FloatArray] = []
    remarks: list[str] = []
    for (model, init), cells in cells_by_model_and_init(cube).items():
        for method in range(1, len(cube.methods)):
            arms, dropped, lines = average(cube, cells, method)
            rows.append(arms)
            remarks += lines
            named.append(
                {
                    "baseline": cube.methods[0],
                    "candidate": cube.methods[method],
                    "model": model,
                    "init": init,
                    "task": ", ".join(cube.cells[cell].task for cell in cells),
                    "n_pairs": arms.shape[1],
                    "dropped_seeds": tuple(cube.seeds[seed] for seed in dropped),
                }
            )
    measures, _ = measure_pairs(_side_by_side(rows), partial(paired_statistics, settings=settings))
    places = [(each["model"], each["init"]) for each in named]
    families = places if settings.family == "model-init-task" else ["study"] * len(places)
    comparisons = conclude_comparisons(named, measures, families, settings)
    reach = caveats.of_analysis(comparisons, families, settings)
    unit = "seed" if tasks == "fixed" else "task"
    return Pooled(
        tasks=tasks,
        unit=unit,
        comparisons=tuple(comparisons),
        metric=selection.metric,
        split=selection.split,
        settings=settings,
        warnings=(*(line.replace("seeds are", f"{unit}s are") for line in reach), *remarks),
    )


def cells_by_model_and_init(cube: Cube) -> dict[tuple[str, str], list[int]]:
    """The cells of each model and init, one for each task."""
    grouped: dict[tuple[str, str], list[int]] = {}
    for index, cell in enumerate(cube.cells):
        grouped.setdefault((cell.model, cell.init), []).append(index)
    return grouped


Averaged = tuple[FloatArray, list[int], list[str]]


def _over_tasks(cube: Cube, cells: Sequence[int], method: int) -> Averaged:
    """Means of both arms over tasks for each complete seed, the other seeds, and remarks."""
    arms = _both(cube, cells, method)
    scored = np.logical_and.reduce(np.isfinite(arms))
    complete = np.logical_and.reduce(scored)
    known = np.logical_or.reduce(cube.present[np.ix_(cells, [0, method])], axis=(0, 1))
    dropped = np.flatnonzero(known & ~complete).tolist()
    remarks = []
    for seed in dropped:
        gaps = ", ".join(
            cube.cells[cell].task
            for cell, paired in zip(cells, scored[:, seed], strict=True)
            if not paired
        )
        remarks.append(
            f"{_which(cube, cells, method)}: seed {cube.seeds[seed]} is left out of every task, "
            f"because it has no pair on {gaps}"
        )
    if complete.sum() < 2:
        raise NotEnoughPairs(
            f"{_which(cube, cells, method)}: {int(complete.sum())} seeds have a pair on every "
            "task, and two are needed; leave out the tasks that lack them, or run these seeds"
            + "".join(f"; {remark.split(': ', 1)[1]}" for remark in remarks[:3])
        )
    return arms[:, :, complete].mean(axis=1), dropped, remarks


def _over_seeds(cube: Cube, cells: Sequence[int], method: int) -> Averaged:
    """Means of both arms over the shared seeds of each task, no seeds, and remarks."""
    arms = _both(cube, cells, method)
    if len(cells) < 2:
        raise NotEnoughPairs(
            f"{_which(cube, cells, method)}: one task is no sample of tasks; two are needed"
        )
    shared = np.logical_and.reduce(np.isfinite(arms))
    sizes = shared.sum(axis=1)
    if not sizes.all():
        task = cube.cells[cells[int(np.argmin(sizes))]].task
        raise NotPaired(f"{_which(cube, cells, method)}: no shared scored seed on task {task}")
    means = np.where(shared, arms, 0.0).sum(axis=2) / sizes
    if len(set(sizes.tolist())) == 1:
        return means, [], []
    counted = ", ".join(
        f"{cube.cells[cell].task} {n}" for cell, n in zip(cells, sizes.tolist(), strict=True)
    )
    uneven = (
        f"tasks weigh alike although they are averages of different numbers of seeds: {counted}"
    )
    return means, [], [f"{_which(cube, cells, method)}: {uneven}"]


def _both(cube: Cube, cells: Sequence[int], method: int) -> FloatArray:
    """Scores of baseline and candidate, shape (2, tasks, seeds), where both were run."""
    for arm in (0, method):
        absent = [cube.cells[cell].task for cell in cells if not cube.present[cell, arm].any()]
        if absent:
            raise NotPaired(
                f"no run of {cube.methods[arm]} on {', '.join(absent)}; pooling needs every task "
                "for both arms: leave these tasks out of the scores, or run it there"
            )
    return np.moveaxis(cube.scores[np.ix_(cells, [0, method])], 1, 0)


def _side_by_side(rows: Sequence[FloatArray]) -> FloatArray:
    """Rows of shape (2, n) with different n as one array (2, m, n), padded with NaN."""
    widest = max(row.shape[1] for row in rows)
    padded = np.full((2, len(rows), widest), np.nan)
    for index, row in enumerate(rows):
        padded[:, index, : row.shape[1]] = row
    return padded


def _which(cube: Cube, cells: Sequence[int], method: int) -> str:
    alike = cube.cells[cells[0]]._replace(task="")
    return caveats.which(cube.methods[0], cube.methods[method], alike)
