"""Every interaction in a table of scores."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from stats.changes import caveats
from stats.changes.interaction import Interaction, conclude_interactions, interaction_statistics
from stats.changes.unpaired import unpaired_interaction_statistics
from stats.errors import UnknownName
from stats.judging import Judging, families_of
from stats.table.cube import Cube
from stats.table.pairing import measure_pairs

STANDARD_REFERENCE = "pretrained"


def all_interactions(cube: Cube, judging: Judging) -> tuple[list[Interaction], list[str]]:
    """Interactions of every candidate between every two inits, and remarks about them.

    All of one model and task are one family, whichever the inits: they are looked at together.
    """
    places = [
        (first, second, method)
        for first, second in _init_pairs(cube, judging.reference_init)
        for method in range(1, len(cube.methods))
        if cube.has_runs[[first, second]][:, [0, method]].all()
    ]
    if not places:
        return [], []
    a, b, method = np.array(places).T
    arms = np.stack(
        [cube.scores[a, 0], cube.scores[a, method], cube.scores[b, 0], cube.scores[b, method]]
    )
    scored = np.isfinite(arms)
    shared = np.logical_and.reduce(scored).sum(axis=1)
    sizes = np.repeat(shared[None], 4, axis=0) if judging.paired else scored.sum(axis=2)
    least = sizes.min(axis=0)
    remarks = caveats.of_interactions(cube, places, least.tolist(), judging.paired)
    kept = np.flatnonzero(least >= 2)
    if not len(kept):
        return [], remarks
    cells = [cube.cells[cell] for cell in a[kept]]
    tasks = [cell.task for cell in cells]
    if judging.paired:
        measures, _ = measure_pairs(
            arms[:, kept],
            lambda four, rows: interaction_statistics(four, [tasks[row] for row in rows], judging),
        )
    else:
        measures = unpaired_interaction_statistics(arms[:, kept], tasks, judging)
    families = families_of([(cell.model, cell.task) for cell in cells], judging)
    named = [
        _named_inits(cube, *places[row])
        | {"n_pairs": int(shared[row]), "sizes": tuple(sizes[:, row].tolist())}
        for row in kept
    ]
    concluded = conclude_interactions(named, measures, families, judging)
    return concluded, [*remarks, *caveats.of_interaction_families(concluded, judging)]


def _named_inits(cube: Cube, first: int, second: int, method: int) -> dict[str, Any]:
    return {
        "baseline": cube.methods[0],
        "candidate": cube.methods[method],
        "model": cube.cells[first].model,
        "task": cube.cells[first].task,
        "inits": (cube.cells[first].init, cube.cells[second].init),
    }


def _init_pairs(cube: Cube, reference_init: str | None) -> Iterator[tuple[int, int]]:
    """Cells that differ in their init alone, the reference init second."""
    inits = list(dict.fromkeys(cell.init for cell in cube.cells))
    if reference_init is not None and reference_init not in inits:
        raise UnknownName("init", reference_init, inits)
    standard = STANDARD_REFERENCE if STANDARD_REFERENCE in inits else inits[0]
    reference = standard if reference_init is None else reference_init
    alike: dict[tuple[str, str], list[int]] = {}
    for index, cell in enumerate(cube.cells):
        alike.setdefault((cell.model, cell.task), []).append(index)
    for cells in alike.values():
        cells.sort(key=lambda index: cube.cells[index].init == reference)
        yield from combinations(cells, 2)
