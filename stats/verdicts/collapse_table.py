"""Every candidate against the baseline: how often either collapses, and how the others differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from stats.errors import InvalidSetting, NotEnoughPairs, NotPaired
from stats.inputs import FloatArray
from stats.judging import Judging, by_task, families_of
from stats.multiplicity import adjust_in_families
from stats.table.collapsed_runs import collapsed
from stats.table.cube import Cube
from stats.table.pairing import measure_pairs
from stats.table.selection import baseline_first, select_arms
from stats.verdicts import caveats
from stats.verdicts.collapse import Collapse, conclude_collapse
from stats.verdicts.compare import ComparisonResult, conclude_comparisons
from stats.verdicts.paired import paired_statistics

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class CandidateCollapse:
    """Both answers about one candidate on one model, init and task.

    Attributes:
        n_pairs: seeds on which both arms have a score.
        p_adjusted: of McNemar's test, corrected over the candidates of the family.
        found: both answers; its comparison is of the seeds on which neither collapsed, and its
            p-values are corrected in a family of their own.
    """

    baseline: str
    candidate: str
    model: str
    init: str
    task: str
    n_pairs: int
    p_adjusted: float
    found: Collapse


@dataclass(frozen=True, kw_only=True)
class CollapseAnalysis:
    """What `analyse_collapse` found.

    Attributes:
        below: the score that a collapsed run is no better than, if it was declared.
    """

    study: str
    metric: str
    split: str
    below: float | None
    judging: Judging
    candidates: tuple[CandidateCollapse, ...]
    warnings: tuple[str, ...]

    @property
    def lower_is_better(self) -> bool:
        """Whether the metric is a loss."""
        return bool(self.judging.lower_is_better)


def analyse_collapse(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    judging: Judging | None = None,
    *,
    below: float | None = None,
    study: str = "",
) -> CollapseAnalysis:
    """`stats.collapse` of every candidate on every model, init and task.

    The p-values of either question are corrected over the candidates of a family, as in `analyse`;
    the two questions are families of their own.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        baseline: the method that candidates are compared with.
        candidates: methods, each compared with the baseline.
        judging: of the seeds on which neither collapsed; None for `Judging()`.
        below: a run has collapsed that is no better than this score; None takes the rule of
            `table.collapsed_runs.collapsed`, over all these arms on the same model, init and task.
        study: a name for the output.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: a setting outside what it can be.
        NotPaired: baseline and candidates never meet on a model, init and task.
        NotEnoughPairs: they share no scored seed there.
    """
    judging, methods = judging or Judging(), baseline_first(baseline, candidates)
    if not judging.paired:
        raise InvalidSetting("collapsed runs are compared by seed, and unpaired arms share none")
    selection = select_arms(scores, methods, replace(judging, scale=None))
    judging = judging.of_runs(selection.lower_is_better)
    cube = selection.cube
    rule: dict[str, Any] = {"below": below, "margin": judging.margin}
    rule |= {"lower_is_better": selection.lower_is_better}
    lost = np.array([collapsed(arms, **rule) for arms in cube.scores])
    found, remarks = _found(cube, lost, judging)
    return CollapseAnalysis(
        study=study,
        metric=selection.metric,
        split=selection.split,
        below=below,
        judging=judging,
        candidates=tuple(found),
        warnings=(*selection.remarks, *remarks),
    )


def _found(
    cube: Cube, lost: NDArray[np.bool_], judging: Judging
) -> tuple[list[CandidateCollapse], list[str]]:
    places = cube.places()
    if not places:
        raise NotPaired(cube.nowhere())
    scored = [np.isfinite(cube.scores[cell, [0, arm]]).all(axis=0) for cell, arm in places]
    if not np.any(scored):
        raise NotEnoughPairs(f"no scored seed is shared by {' and '.join(cube.methods)}")
    apart = [place for place, both in zip(places, scored, strict=True) if not both.any()]
    places = [place for place, both in zip(places, scored, strict=True) if both.any()]
    scored = [both for both in scored if both.any()]
    others = _others(cube, places, lost, judging)
    answers = []
    for (cell, arm), both, rest in zip(places, scored, others, strict=True):
        seeds = cube.named_seeds(both)
        kept = rest if rest and rest.n_pairs >= 2 else None
        named = lost[cell, [0, arm]][:, both]
        answers.append(conclude_collapse(named, seeds, kept, judging.confidence))
    families = families_of([cube.cells[cell] for cell, _ in places], judging)
    p_adjusted, _ = adjust_in_families(
        [each.p_value for each in answers], families, judging.correction
    )
    found = [
        CandidateCollapse(
            baseline=cube.methods[0],
            candidate=cube.methods[arm],
            **cube.cells[cell]._asdict(),
            n_pairs=int(both.sum()),
            p_adjusted=p,
            found=answer,
        )
        for (cell, arm), both, p, answer in zip(
            places, scored, p_adjusted.tolist(), answers, strict=True
        )
    ]
    dropped = cube.dropped(*np.array(places).T)
    return found, [
        *caveats.of_absence(cube),
        *caveats.of_no_shared_seed(cube, apart),
        *caveats.of_failures(cube, places, dropped),
    ]


def _others(
    cube: Cube,
    places: Sequence[tuple[int, int]],
    lost: NDArray[np.bool_],
    judging: Judging,
) -> Sequence[ComparisonResult | None]:
    """The comparisons over the seeds on which neither arm collapsed; None where none has two."""
    cell, arm = np.array(places).T
    arms: FloatArray = np.stack([cube.scores[cell, 0], cube.scores[cell, arm]])
    arms[:, lost[cell, 0] | lost[cell, arm]] = np.nan
    step = by_task(judging.resolution, [cube.cells[place].task for place in cell])
    measures, n_pairs = measure_pairs(
        arms, lambda both, rows: paired_statistics(both, judging, step[rows])
    )
    if not measures:
        return [None] * len(places)
    named = [
        {"baseline": cube.methods[0], "candidate": cube.methods[method], "unit": "seed"}
        | cube.cells[place]._asdict()
        | {"n_pairs": n, "dropped_seeds": (), "collapsed_seeds": ()}
        for (place, method), n in zip(places, n_pairs.tolist(), strict=True)
    ]
    families = families_of([cube.cells[place] for place, _ in places], judging)
    return conclude_comparisons(named, measures, families, judging)
