"""Every interaction in a table of scores."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from stats import caveats
from stats.cube import Cube
from stats.errors import UnknownName
from stats.interaction import Interaction, conclude_interactions, interaction_statistics
from stats.pairing import measure_pairs
from stats.settings import Settings

STANDARD_REFERENCE = "pretrained"


def families_of(cells: Sequence[Hashable], settings: Settings) -> Sequence[Hashable]:
    """The family of each comparison, made in these cells."""
    return cells if settings.family == "model-init-task" else ["study"] * len(cells)


def all_interactions(
    cube: Cube, settings: Settings, reference_init: str | None
) -> tuple[list[Interaction], list[str]]:
    """Interactions of every candidate between every two inits, and remarks about them."""
    pairs = list(_init_pairs(cube, reference_init))
    if not settings.paired:
        return [], caveats.of_unpaired_interactions(bool(pairs))
    places = [
        (first, second, method)
        for first, second in pairs
        for method in range(1, len(cube.methods))
        if cube.has_runs[[first, second]][:, [0, method]].all()
    ]
    scored = np.isfinite(cube.scores)
    shared = [
        int((scored[a, 0] & scored[a, method] & scored[b, 0] & scored[b, method]).sum())
        for a, b, method in places
    ]
    remarks = caveats.of_interactions(cube, places, shared)
    kept = [place for place, n in zip(places, shared, strict=True) if n >= 2]
    if not kept:
        return [], remarks
    a, b, method = np.array(kept).T
    arms = [cube.scores[a, 0], cube.scores[a, method], cube.scores[b, 0], cube.scores[b, method]]
    tasks = [cube.cells[cell].task for cell in a]
    measures, n_pairs = measure_pairs(
        np.stack(arms),
        lambda four, rows: interaction_statistics(four, [tasks[row] for row in rows], settings),
    )
    families = families_of([place[:2] for place in kept], settings)
    named = [_named_inits(cube, *p, n) for p, n in zip(kept, n_pairs.tolist(), strict=True)]
    return conclude_interactions(named, measures, families, settings), remarks


def _named_inits(cube: Cube, first: int, second: int, method: int, n_pairs: int) -> dict[str, Any]:
    return {
        "baseline": cube.methods[0],
        "candidate": cube.methods[method],
        "model": cube.cells[first].model,
        "task": cube.cells[first].task,
        "inits": (cube.cells[first].init, cube.cells[second].init),
        "n_pairs": n_pairs,
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
