"""Complete blocks: places where every arm has one score, so that arms can be ranked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stats.errors import NotEnoughPairs
from stats.inputs import FloatArray
from stats.listing import first_few
from stats.table.cube import Cube
from stats.table.selection import Selection, losses, shared_runs

BLOCKS = ("task", "seed", "average")


@dataclass(frozen=True)
class Blocks:
    """Scores of shape (blocks, methods), without gaps, and what was left out on the way.

    Attributes:
        seeds_dropped: whether seeds were that some of the methods have.
    """

    names: tuple[str, ...]
    scores: FloatArray
    warnings: tuple[str, ...]
    seeds_dropped: bool


def complete_blocks(selection: Selection, by: str, paired: bool) -> Blocks:
    """Blocks of a selection, each complete.

    Args:
        selection: what `select_arms` returns.
        by: "task": a block is a task (with its model and init), its scores averaged over seeds.
            "seed": a block is one seed within a task. "average": a block is one seed, its scores
            averaged over all tasks.
        paired: whether methods share seeds. If so, averages are over the seeds that all methods
            have; if not, each method is averaged over its own.

    Raises:
        NotEnoughPairs: fewer than two complete blocks; the message names what is missing.
    """
    cube = selection.cube
    if by == "average":
        return _averages(cube)
    names: list[str] = []
    rows: list[FloatArray] = []
    remarks: list[str] = []
    dropped = False
    gather: Callable[[Cube, int], tuple[list[str], FloatArray]] = (
        _each_seed if by == "seed" else _mean_of_shared if paired else _mean_of_own
    )
    for cell in range(len(cube.cells)):
        labels, scores = gather(cube, cell)
        names += labels
        rows.append(scores)
        remarks += _what_is_missing(cube, cell, len(labels), paired)
        dropped = dropped or bool(paired and labels and losses(cube, cell))
    if len(names) < 2:
        raise NotEnoughPairs(
            first_few(
                [
                    f"{len(names)} complete block{'s' * (len(names) != 1)} of {by}s; "
                    "two are needed",
                    *remarks,
                ],
                most=4,
            )
        )
    return Blocks(tuple(names), np.concatenate(rows), tuple(remarks), dropped)


def _each_seed(cube: Cube, cell: int) -> tuple[list[str], FloatArray]:
    shared = shared_runs(cube, cell)
    place = str(cube.cells[cell])
    seeds = [str(cube.seeds[seed]) for seed in np.flatnonzero(shared)]
    return [f"{place} · {seed}" if place else seed for seed in seeds], cube.scores[cell][
        :, shared
    ].T


def _averages(cube: Cube) -> Blocks:
    """A block for each seed that all methods have on every task."""
    complete = np.isfinite(cube.scores).all(axis=(0, 1))
    missing = [line for cell in range(len(cube.cells)) for line in losses(cube, cell)]
    if complete.sum() < 2:
        raise NotEnoughPairs(
            first_few(
                [
                    f"{int(complete.sum())} seeds have a score of every method on every task; "
                    "two are needed",
                    *missing,
                ],
                most=4,
            )
        )
    names = tuple(str(cube.seeds[seed]) for seed in np.flatnonzero(complete))
    scores = cube.scores[:, :, complete].mean(axis=0).T
    return Blocks(names, scores, tuple(missing), bool(missing))


def _mean_of_shared(cube: Cube, cell: int) -> tuple[list[str], FloatArray]:
    shared = shared_runs(cube, cell)
    if not shared.any():
        return [], np.empty((0, len(cube.methods)))
    return [str(cube.cells[cell])], cube.scores[cell][:, shared].mean(axis=1)[None]


def _mean_of_own(cube: Cube, cell: int) -> tuple[list[str], FloatArray]:
    scored = np.isfinite(cube.scores[cell])
    if not scored.any(axis=1).all():
        return [], np.empty((0, len(cube.methods)))
    return [str(cube.cells[cell])], np.nanmean(cube.scores[cell], axis=1)[None]


def _what_is_missing(cube: Cube, cell: int, found: int, paired: bool) -> list[str]:
    place = str(cube.cells[cell]) or "the scores"
    scored = np.isfinite(cube.scores[cell]).any(axis=1)
    if not scored.all():
        absent = ", ".join(cube.methods[method] for method in np.flatnonzero(~scored))
        return [f"{place}: left out, no score of {absent}"]
    if not paired:
        return failed_runs(cube, cell)
    if not found:
        return [f"{place}: left out, no seed is shared by all methods; are the runs unpaired?"]
    return losses(cube, cell)


def failed_runs(cube: Cube, cell: int) -> list[str]:
    """For each method how many of its runs in this cell have no score, in words."""
    place = str(cube.cells[cell]) or "the scores"
    failed = cube.present[cell] & ~np.isfinite(cube.scores[cell])
    return [
        f"{place}: {count} of {int(cube.present[cell, method].sum())} runs of "
        f"{cube.methods[method]} have no score"
        for method, count in enumerate(failed.sum(axis=1).tolist())
        if count
    ]
