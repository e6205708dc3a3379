"""What a pair is: a seed of one task, a seed averaged over fixed tasks, or a sampled task."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from stats.errors import NotEnoughPairs, NotPaired
from stats.inputs import FloatArray, IntArray
from stats.listing import first_few
from stats.table.cube import Cube, which

ONE_TASK = "one task is no sample of tasks; two are needed"


class Remark(NamedTuple):
    """What is to be said of one comparison.

    Attributes:
        where: the comparison.
        said: of it.
    """

    where: str
    said: str

    def __str__(self) -> str:
        return f"{self.where}: {self.said}"


class Units(NamedTuple):
    """The pairs of one comparison.

    Attributes:
        names: baseline, candidate, model, init, task, n_pairs and dropped_seeds.
        arms: shape (2, n_pairs), finite: baseline and candidate.
        remarks: what was left out, and why.
    """

    names: dict[str, Any]
    arms: FloatArray
    remarks: list[Remark]


def units(cube: Cube, tasks: str | None, paired: bool = True) -> Iterator[Units]:
    """The pairs of every candidate with method 0, for each model and init.

    Args:
        cube: scores of the baseline and its candidates.
        tasks: "fixed": a pair is a seed, averaged over tasks. "sampled": a pair is a task,
            averaged over seeds. None: each task alone, a pair is one of its seeds, of which
            there may be none; tasks on which an arm was not run are passed over.
        paired: whether the arms share their seeds; if not, only sampled tasks make pairs.

    Raises:
        NotPaired: a task on which an arm has no run, or shares no seed with the baseline.
        NotEnoughPairs: fewer than two complete seeds, or fewer than two tasks.
    """
    average = {"fixed": _over_tasks, "sampled": _over_seeds if paired else _over_own_seeds}
    places = [[cell] for cell in range(len(cube.cells))]
    if tasks is not None:
        places = list(cells_by_model_and_init(cube).values())
    for cells in places:
        for method in range(1, len(cube.methods)):
            how = _of_one_task if tasks is None else average[tasks]
            if tasks is None and not cube.has_runs[cells[0], [0, method]].all():
                continue
            arms, dropped, remarks = how(cube, cells, method)
            names = {"baseline": cube.methods[0], "candidate": cube.methods[method]}
            names |= cube.cells[cells[0]]._asdict()
            names["task"] = ", ".join(cube.cells[cell].task for cell in cells)
            seeds = tuple(cube.seeds[seed] for seed in dropped)
            yield Units(names | {"n_pairs": arms.shape[1], "dropped_seeds": seeds}, arms, remarks)


def cells_by_model_and_init(cube: Cube) -> dict[tuple[str, str], list[int]]:
    """The cells of each model and init, one for each task."""
    grouped: dict[tuple[str, str], list[int]] = {}
    for index, cell in enumerate(cube.cells):
        grouped.setdefault((cell.model, cell.init), []).append(index)
    return grouped


Averaged = tuple[FloatArray, list[int], list[Remark]]


def _of_one_task(cube: Cube, cells: Sequence[int], method: int) -> Averaged:
    """Both arms on the seeds that they share, the seeds that make no pair, and remarks."""
    arms = _both(cube, cells, method)[:, 0]
    shared = np.logical_and.reduce(np.isfinite(arms))
    known = cube.present[cells[0], [0, method]].any(axis=0)
    dropped = np.flatnonzero(known & ~shared).tolist()
    where = which(cube.methods[0], cube.methods[method], cube.cells[cells[0]])
    seeds = ", ".join(str(cube.seeds[seed]) for seed in dropped)
    said = f"dropped seed{'s' * (len(dropped) > 1)} {seeds}"
    remarks = [Remark(where, said)] if dropped else []
    return arms[:, shared], dropped, remarks


def check_pairs(found: Sequence[Units]) -> None:
    """Refuse comparisons of which not one has two pairs.

    Raises:
        NotEnoughPairs: there is none.
    """
    if not any(each.arms.shape[1] >= 2 for each in found):
        raise NotEnoughPairs(
            "no comparison has two pairs, on seeds that both arms have, and unpaired scores must "
            "be declared so"
        )


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
            Remark(
                _which(cube, cells, method),
                f"seed {cube.seeds[seed]} is left out of every task, because it has no pair on "
                f"{gaps}",
            )
        )
    if complete.sum() < 2:
        raise NotEnoughPairs(
            f"{_which(cube, cells, method)}: {int(complete.sum())} seeds have a pair on every "
            "task, and two are needed; leave out the tasks that lack them, or run these seeds; "
            + first_few([remark.said for remark in remarks])
        )
    return arms[:, :, complete].mean(axis=1), dropped, remarks


def _over_seeds(cube: Cube, cells: Sequence[int], method: int) -> Averaged:
    """Means of both arms over the shared seeds of each task, no seeds, and remarks."""
    arms = _both(cube, cells, method)
    if len(cells) < 2:
        raise NotEnoughPairs(f"{_which(cube, cells, method)}: {ONE_TASK}")
    shared = np.logical_and.reduce(np.isfinite(arms))
    sizes = shared.sum(axis=1)
    if not sizes.all():
        task = cube.cells[cells[int(np.argmin(sizes))]].task
        raise NotPaired(f"{_which(cube, cells, method)}: no shared scored seed on task {task}")
    means = np.where(shared, arms, 0.0).sum(axis=2) / sizes
    return means, [], _uneven(cube, cells, method, sizes)


def _over_own_seeds(cube: Cube, cells: Sequence[int], method: int) -> Averaged:
    """Means of either arm over its own seeds of each task, no seeds, and remarks."""
    arms = _both(cube, cells, method)
    scored = np.isfinite(arms)
    sizes = scored.sum(axis=2)
    if len(cells) < 2:
        raise NotEnoughPairs(f"{_which(cube, cells, method)}: {ONE_TASK}")
    if not sizes.all():
        arm, task = np.argwhere(sizes == 0)[0].tolist()
        raise NotPaired(
            f"{_which(cube, cells, method)}: no scored run of {cube.methods[method * arm]} on "
            f"task {cube.cells[cells[task]].task}"
        )
    means = np.where(scored, arms, 0.0).sum(axis=2) / sizes
    return means, [], _uneven(cube, cells, method, sizes.min(axis=0))


def _uneven(cube: Cube, cells: Sequence[int], method: int, sizes: IntArray) -> list[Remark]:
    """A remark where the averages of tasks are over different numbers of seeds."""
    if len(set(sizes.tolist())) == 1:
        return []
    counted = ", ".join(
        f"{cube.cells[cell].task} {n}" for cell, n in zip(cells, sizes.tolist(), strict=True)
    )
    return [
        Remark(
            _which(cube, cells, method),
            "tasks weigh alike although they are averages of different numbers of seeds: "
            + counted,
        )
    ]


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


def _which(cube: Cube, cells: Sequence[int], method: int) -> str:
    alike = cube.cells[cells[0]]._replace(task="")
    return which(cube.methods[0], cube.methods[method], alike)
