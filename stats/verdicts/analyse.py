"""From a table of scores to every comparison and interaction in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stats.changes.interaction import Interaction
from stats.changes.of_inits import all_interactions
from stats.errors import NotEnoughPairs, NotPaired
from stats.inputs import IntArray
from stats.settings import ByTask, Settings, by_task, families_of
from stats.table.cube import Cube, build, select
from stats.table.direction import direction_of
from stats.table.pairing import measure_pairs
from stats.table.scores import validate_scores
from stats.table.selection import baseline_first
from stats.table.suspicious_scores import remarks_on, remarks_on_margin
from stats.verdicts import caveats
from stats.verdicts.compare import Comparison, conclude_comparisons
from stats.verdicts.paired import paired_statistics
from stats.verdicts.unpaired import measure_unpaired

if TYPE_CHECKING:
    import pandas as pd


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
    resolution: ByTask = None,
    zeros: str = "wilcox",
    lower_is_better: bool | None = None,
    paired: bool = True,
    test: str | None = None,
    effect: str = "hedges_g",
    equivalence: str = "t",
    interaction_scale: str = "raw",
    test_examples: ByTask = None,
    reference_init: str | None = None,
) -> Analysis:
    """Compare candidates with a baseline on every model, init and task.

    Arms are paired by seed; with `paired=False` they are taken as independent, and shared seeds
    are pointed out.

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
        correction: one of `multiplicity.CORRECTIONS`.
        family: what is corrected together, one of `settings.FAMILIES`.
        resolution: smallest step of the metric, to which differences are rounded: one for all
            tasks, or by the name of the task.
        zeros: what the signed-rank test does with zero differences.
        lower_is_better: whether the metric is a loss; None knows the usual losses by name.
        paired: whether the arms share their seeds.
        test: the primary test, one of `register.PAIRED_TESTS` (default "wilcoxon") or of
            `register.UNPAIRED_TESTS` (default "mann-whitney").
        effect: the effect size to show, one of `settings.PAIRED_EFFECTS` or
            `settings.UNPAIRED_EFFECTS`.
        equivalence: of means, by "t", or of pseudo-medians, by "ranks".
        interaction_scale: "raw", in points, or "log_odds" of percentages, which have no ceiling.
        test_examples: size of the test set, where log odds meet scores of 0 or 100 %: one for all
            tasks, or by the name of the task.
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
    direction = direction_of(table, lower_is_better)
    settings = Settings(
        alpha=alpha,
        margin=margin,
        correction=correction,
        family=family,
        resolution=resolution,
        zeros=zeros,
        lower_is_better=direction.lower_is_better,
        paired=paired,
        test=test or "",
        effect=effect,
        equivalence=equivalence,
        interaction_scale=interaction_scale,
        test_examples=test_examples,
    )
    cube = build(table, baseline_first(baseline, candidates))
    found = _analysed(cube, settings, reference_init, study, metric, split)
    remarks = (*direction.remarks, *remarks_on(cube), *remarks_on_margin(cube, margin))
    return replace(found, warnings=(*remarks, *found.warnings))


def _analysed(
    cube: Cube,
    settings: Settings,
    reference_init: str | None,
    study: str,
    metric: str,
    split: str,
) -> Analysis:
    comparisons, remarks = _comparisons(cube, settings)
    interactions, more_remarks = all_interactions(cube, settings, reference_init)
    return Analysis(
        study=study,
        metric=metric,
        split=split,
        settings=settings,
        comparisons=tuple(comparisons),
        interactions=tuple(interactions),
        warnings=(*remarks, *more_remarks),
    )


def _comparisons(cube: Cube, settings: Settings) -> tuple[list[Comparison], list[str]]:
    places = cube.places()
    if not places:
        raise NotPaired(f"no model, init and task has runs of {' and '.join(cube.methods)}")
    cell, method = np.array(places).T
    arms = np.stack([cube.scores[cell, 0], cube.scores[cell, method]])
    step = by_task(settings.resolution, [cube.cells[c].task for c, _ in places])
    if settings.paired:
        measures, n_pairs = measure_pairs(
            arms, lambda both, rows: paired_statistics(both, settings, step[rows])
        )
        sizes, least = np.stack([n_pairs, n_pairs]), n_pairs
    else:
        measures, sizes, n_pairs = measure_unpaired(arms, settings, step)
        least = sizes.min(axis=0)
    if least.max() < 2:
        raise NotEnoughPairs(caveats.nothing_paired(cube, places, least, settings))
    dropped = cube.dropped(cell, method, settings.paired)
    lost = cube.collapsed(settings.margin, settings.lower_is_better)
    families = families_of([cube.cells[c] for c, _ in places], settings)
    named = [
        _named(cube, *place, counts, seeds)
        | {"collapsed_seeds": cube.named_seeds(lost[place[0], [0, place[1]]].any(axis=0))}
        for place, counts, seeds in zip(
            places, zip(n_pairs.tolist(), *sizes.tolist(), strict=True), dropped, strict=True
        )
    ]
    concluded = conclude_comparisons(named, measures, families, settings)
    return concluded, [
        *caveats.of_analysis(concluded, families, settings),
        *caveats.of_pairing(concluded, settings),
        *caveats.of_absence(cube),
        *caveats.of_failures(cube, places, dropped, settings.paired),
        *caveats.of_collapse(cube, lost),
        *caveats.of_differences(concluded, measures["sd"], settings.margin),
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
