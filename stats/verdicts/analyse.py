"""From a table of scores to every comparison and interaction in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stats.changes.interaction import Interaction
from stats.changes.of_inits import all_interactions
from stats.errors import NotEnoughPairs, NotPaired
from stats.inputs import IntArray
from stats.judging import Judging, by_task, families_of
from stats.table.cube import Cube, build, select
from stats.table.direction import direction_of
from stats.table.pairing import measure_pairs
from stats.table.scores import validate_scores
from stats.table.selection import baseline_first
from stats.table.suspicious_scores import remarks_on, remarks_on_margin, remarks_on_seeds
from stats.verdicts import caveats
from stats.verdicts.compare import ComparisonResult, conclude_comparisons
from stats.verdicts.paired import paired_statistics
from stats.verdicts.unpaired import measure_unpaired

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class Analysis:
    """All comparisons of some candidates with one baseline, and what to know beside them."""

    study: str
    metric: str
    split: str
    judging: Judging
    comparisons: tuple[ComparisonResult, ...]
    interactions: tuple[Interaction, ...]
    warnings: tuple[str, ...]

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric is a loss."""
        return bool(self.judging.lower_is_better)

    @property
    def alpha(self) -> float:
        """Level of the tests."""
        return self.judging.alpha

    @property
    def margin(self) -> float | None:
        """Smallest difference that matters, in points of the metric."""
        return self.judging.margin

    @property
    def correction(self) -> str:
        """How p-values are corrected within a family."""
        return self.judging.correction

    @property
    def family(self) -> str:
        """Which comparisons are corrected together."""
        return self.judging.family


def analyse(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str] | None = None,
    judging: Judging | None = None,
    *,
    study: str = "",
    between_inits: bool = True,
) -> Analysis:
    """Compare candidates with a baseline on every model, init and task.

    Arms are paired by seed; with `Judging(paired=False)` they are taken as independent, and shared
    seeds are pointed out.

    A comparison without two pairs stays in the result, with NaN where nothing can be computed,
    counts in its family, and is named in the warnings, as is every seed that was dropped.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        baseline: the method that candidates are compared with.
        candidates: methods, each compared with the baseline; None for all others.
        judging: by which test, at which margin, on which metric; None for `Judging()`.
        study: a name for the output.
        between_inits: whether effects under several inits are held against each other.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric, split or init that the scores do not hold.
        InvalidSetting: a setting outside what it can be.
        NotPaired: baseline and candidates never meet on a model, init and task.
        NotEnoughPairs: no comparison has two pairs.
    """
    judging = judging or Judging()
    table, metric, split = select(validate_scores(scores), judging.metric, judging.split)
    direction = direction_of(table, judging.lower_is_better)
    judging = judging.of_runs(direction.lower_is_better)
    if candidates is None:
        candidates = [name for name in table["method"].unique() if name != baseline]
    cube = build(table, baseline_first(baseline, candidates))
    comparisons, of_comparisons = _comparisons(cube, judging)
    interactions, of_interactions = all_interactions(cube, judging) if between_inits else ([], [])
    return Analysis(
        study=study,
        metric=metric,
        split=split,
        judging=judging,
        comparisons=tuple(comparisons),
        interactions=tuple(interactions),
        warnings=(
            *direction.remarks,
            *remarks_on(cube),
            *(remarks_on_seeds(cube) if judging.paired else ()),
            *remarks_on_margin(cube, judging.margin),
            *of_comparisons,
            *of_interactions,
        ),
    )


def _comparisons(cube: Cube, judging: Judging) -> tuple[list[ComparisonResult], list[str]]:
    places = cube.places()
    if not places:
        raise NotPaired(cube.nowhere())
    cell, method = np.array(places).T
    arms = np.stack([cube.scores[cell, 0], cube.scores[cell, method]])
    step = by_task(judging.resolution, [cube.cells[c].task for c, _ in places])
    if judging.paired:
        measures, n_pairs = measure_pairs(
            arms, lambda both, rows: paired_statistics(both, judging, step[rows])
        )
        sizes, least = np.stack([n_pairs, n_pairs]), n_pairs
    else:
        measures, sizes, n_pairs = measure_unpaired(arms, judging, step)
        least = sizes.min(axis=0)
    if least.max() < 2:
        raise NotEnoughPairs(caveats.nothing_paired(cube, places, least, judging))
    dropped = cube.dropped(cell, method, judging.paired)
    lost = cube.collapsed(judging.margin, bool(judging.lower_is_better))
    families = families_of([cube.cells[c] for c, _ in places], judging)
    named = [
        _named(cube, *place, counts, seeds)
        | {"collapsed_seeds": cube.named_seeds(lost[place[0], [0, place[1]]].any(axis=0))}
        for place, counts, seeds in zip(
            places, zip(n_pairs.tolist(), *sizes.tolist(), strict=True), dropped, strict=True
        )
    ]
    concluded = conclude_comparisons(named, measures, families, judging)
    return concluded, [
        *caveats.of_analysis(concluded, families, judging),
        *caveats.of_pairing(concluded, judging),
        *caveats.of_absence(cube),
        *caveats.of_failures(cube, places, dropped, judging.paired),
        *caveats.of_collapse(cube, lost),
        *caveats.of_differences(concluded, measures["sd"], judging.margin),
    ]


def _named(
    cube: Cube, cell: int, method: int, counts: tuple[int, ...], dropped: IntArray
) -> dict[str, Any]:
    n_pairs, n_baseline, n_candidate = counts
    return {
        "baseline": cube.methods[0],
        "candidate": cube.methods[method],
        **cube.cells[cell]._asdict(),
        "n_pairs": n_pairs,
        "n_baseline": n_baseline,
        "n_candidate": n_candidate,
        "dropped_seeds": tuple(cube.seeds[seed] for seed in dropped),
    }
