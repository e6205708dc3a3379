"""From a table of scores to every comparison and interaction in it."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from stats import caveats
from stats.compare import Comparison, conclude_comparisons
from stats.cube import Cube, build, select
from stats.errors import InvalidSetting, NotEnoughPairs, NotPaired, UnknownName
from stats.inputs import IntArray
from stats.interaction import Interaction, conclude_interactions, interaction_statistics
from stats.paired import paired_statistics
from stats.pairing import measure_pairs
from stats.scores import validate_scores
from stats.settings import Settings, is_lower_better

if TYPE_CHECKING:
    import pandas as pd

STANDARD_REFERENCE = "pretrained"


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """All comparisons of some candidates with one baseline, and what to know beside them."""

    study: str
    metric: str
    split: str
    settings: Settings
    comparisons: tuple[Comparison, ...]
    interactions: tuple[Interaction, ...]
    warnings: tuple[str, ...]

    @property
    def alpha(self) -> float:
        """Level of the tests."""
        return self.settings.alpha

    @property
    def margin(self) -> float | None:
        """Smallest difference that matters, in points of the metric."""
        return self.settings.margin

    @property
    def correction(self) -> str:
        """How p-values are corrected within a family."""
        return self.settings.correction

    @property
    def family(self) -> str:
        """Which comparisons are corrected together."""
        return self.settings.family


def analyse(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    *,
    study: str = "",
    metric: str | None = None,
    split: str = "test",
    alpha: float = 0.05,
    margin: float | None = None,
    correction: str = "holm",
    family: str = "model-init-task",
    resolution: float | None = None,
    zeros: str = "wilcox",
    lower_is_better: bool | None = None,
    reference_init: str | None = None,
) -> Analysis:
    """Compare candidates with a baseline on every model, init and task, paired by seed.

    A comparison without two pairs stays in the result, with NaN where nothing can be computed,
    counts in its family, and is named in the warnings, as is every seed that was dropped.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        baseline: the method that candidates are compared with.
        candidates: methods, each compared with the baseline.
        study: a name for the output.
        metric: which metric; may be left out where the scores hold one for each task.
        split: which split; without meaning where the scores name none.
        alpha: level of the tests; intervals have confidence 1 − alpha.
        margin: smallest difference that matters, in points of the metric.
        correction: one of `stats.CORRECTIONS`.
        family: what is corrected together, one of `stats.FAMILIES`.
        resolution: smallest step of the metric, to which differences are rounded.
        zeros: what the signed-rank test does with zero differences.
        lower_is_better: whether the metric is a loss; None knows the usual losses by name.
        reference_init: the init whose effect is subtracted in interactions; "pretrained" if
            there is one, else the first in the scores.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric, split or init that the scores do not hold.
        InvalidSetting: a setting outside what it can be.
        NotPaired: baseline and candidates never meet on a model, init and task.
        NotEnoughPairs: no comparison has two pairs.
    """
    table, metric, split = select(validate_scores(scores), metric, split)
    settings = Settings(
        alpha=alpha,
        margin=margin,
        correction=correction,
        family=family,
        resolution=resolution,
        zeros=zeros,
        lower_is_better=_direction(table) if lower_is_better is None else lower_is_better,
    )
    cube = build(table, _methods(baseline, candidates))
    comparisons, remarks = _comparisons(cube, settings)
    interactions, more_remarks = _interactions(cube, settings, reference_init)
    return Analysis(
        study=study,
        metric=metric,
        split=split,
        settings=settings,
        comparisons=tuple(comparisons),
        interactions=tuple(interactions),
        warnings=(*remarks, *more_remarks),
    )


def _direction(table: pd.DataFrame) -> bool:
    directions = {is_lower_better(metric) for metric in table["metric"].unique()}
    if len(directions) > 1:
        raise InvalidSetting("less is better for some of the metrics only: name one metric")
    return directions.pop()


def _methods(baseline: str, candidates: Sequence[str]) -> list[str]:
    if isinstance(candidates, str):
        raise InvalidSetting(f'candidates is a list of methods: ["{candidates}"]')
    methods = [baseline, *candidates]
    if len(methods) < 2:
        raise InvalidSetting("name at least one candidate")
    twice = sorted({name for name in methods if methods.count(name) > 1})
    if twice:
        raise InvalidSetting(f'"{twice[0]}" is named twice among baseline and candidates')
    return methods


def _comparisons(cube: Cube, settings: Settings) -> tuple[list[Comparison], list[str]]:
    places = [
        (cell, method)
        for cell in range(len(cube.cells))
        for method in range(1, len(cube.methods))
        if cube.has_runs(cell, 0, method)
    ]
    if not places:
        raise NotPaired(f"no model, init and task has runs of {' and '.join(cube.methods)}")
    cell, method = np.array(places).T
    arms = np.stack([cube.scores[cell, 0], cube.scores[cell, method]])
    measures, n_pairs = measure_pairs(arms, partial(paired_statistics, settings=settings))
    if n_pairs.max() < 2:
        raise NotEnoughPairs(caveats.nothing_paired(cube, places, n_pairs))
    dropped = cube.dropped(cell, method)
    families = _families([cube.cells[c] for c, _ in places], settings)
    named = [
        _named(cube, *place, n, seeds)
        for place, n, seeds in zip(places, n_pairs.tolist(), dropped, strict=True)
    ]
    concluded = conclude_comparisons(named, measures, families, settings)
    return concluded, [
        *caveats.of_analysis(concluded, families, settings),
        *caveats.of_absence(cube),
        *caveats.of_failures(cube, places, dropped),
        *caveats.of_differences(concluded, measures["sd"]),
    ]


def _named(cube: Cube, cell: int, method: int, n_pairs: int, dropped: IntArray) -> dict[str, Any]:
    return {
        "baseline": cube.methods[0],
        "candidate": cube.methods[method],
        **cube.cells[cell]._asdict(),
        "n_pairs": n_pairs,
        "dropped_seeds": tuple(cube.seeds[seed] for seed in dropped),
    }


def _families(cells: Sequence[Hashable], settings: Settings) -> Sequence[Hashable]:
    return cells if settings.family == "model-init-task" else ["study"] * len(cells)


def _interactions(
    cube: Cube, settings: Settings, reference_init: str | None
) -> tuple[list[Interaction], list[str]]:
    places = [
        (first, second, method)
        for first, second in _init_pairs(cube, reference_init)
        for method in range(1, len(cube.methods))
        if cube.has_runs(first, 0, method) and cube.has_runs(second, 0, method)
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
    measures, n_pairs = measure_pairs(
        np.stack(arms), partial(interaction_statistics, settings=settings)
    )
    families = _families([place[:2] for place in kept], settings)
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
