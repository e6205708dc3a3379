"""Two methods on the folds of a cross-validation: from a table of scores to verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from stats.errors import InvalidSetting, NotEnoughPairs, NotPaired
from stats.inputs import FloatArray, two_numbers
from stats.intervals import mean_and_sd
from stats.judging import Judging, by_task, families_of
from stats.table.cube import Cube, build, select, which
from stats.table.direction import direction_of
from stats.table.pairing import Seed, measure_pairs
from stats.table.reading.folds import fold_in
from stats.table.scores import validate_scores
from stats.table.selection import baseline_first
from stats.table.suspicious_scores import remarks_on, remarks_on_margin, remarks_on_seeds
from stats.ties import check_step, noise_scale, settle
from stats.two_arms.correlated_t import corrected_error, corrected_t_rows
from stats.two_arms.student import student_rows
from stats.verdicts import caveats
from stats.verdicts.claims import adjust_claims_in_families
from stats.verdicts.verdict import Verdict, judge

if TYPE_CHECKING:
    import pandas as pd

#: More folds of one cross-validation than most people make.
MANY = 20


@dataclass(frozen=True, kw_only=True)
class FoldComparison:
    """A candidate against a baseline on the folds of one task, model and init.

    Differences are candidate minus baseline in points of the metric; what cannot be computed is
    NaN, as p and the interval's use where all differences are equal.

    Attributes:
        n_folds: folds, of all repetitions, on which both have a score.
        repetitions: of the cross-validation.
        ratio: examples that a fold tests on, over those that it trains on.
        dropped_folds: on which one of them has no score.
        ci_low: end of the interval of the mean difference, from the corrected variance.
        t: mean over corrected standard error, with `df` degrees of freedom.
        p_independent: of the plain paired t test, which takes folds for independent runs.
        p_adjusted: `p_value` corrected in its family together with `p_equivalence`.
        p_equivalence: of two one-sided tests with the same error; NaN without a margin.
    """

    baseline: str
    candidate: str
    model: str
    init: str
    task: str
    n_folds: int
    repetitions: int
    ratio: float
    dropped_folds: tuple[Seed, ...]
    baseline_mean: float
    candidate_mean: float
    mean_difference: float
    ci_low: float
    ci_high: float
    confidence: float
    t: float
    df: int
    p_value: float
    p_independent: float
    p_adjusted: float
    p_equivalence: float
    p_equivalence_adjusted: float
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class FoldAnalysis:
    """All comparisons of some candidates with one baseline on folds."""

    study: str
    metric: str
    split: str
    judging: Judging
    comparisons: tuple[FoldComparison, ...]
    warnings: tuple[str, ...]


def analyse_folds(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    judging: Judging | None = None,
    *,
    split_sizes: Sequence[int] | None = None,
    study: str = "",
) -> FoldAnalysis:
    """Compare candidates with a baseline by the corrected resampled t test.

    Folds share training examples, so that their differences are correlated, and s²/n is far too
    small a variance of their mean. Nadeau and Bengio (2003) take s² (1/n + n_test/n_train) in its
    place, with n − 1 degrees of freedom; Bouckaert and Frank (2004) do so for all k·r folds of a
    cross-validation that is repeated r times, where n_test/n_train is 1/(k − 1). Interval and
    equivalence have the same variance.

    Args:
        scores: as for `stats.analyse`; each seed is a fold, or names one as "REPETITION/FOLD", as
            `stats.read_scores(…, folds=…)` makes it.
        baseline: the method that candidates are compared with.
        candidates: methods, each compared with the baseline.
        judging: margin, alpha, correction and what the metric is. The test is always this one.
        split_sizes: examples that each fold trains and tests on; without them the ratio is
            1/(k − 1), of k folds of a repetition.
        study: a name for the output.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: another test, effect or equivalence than there is for folds.
        NotPaired: baseline and candidates never meet on a model, init and task.
        NotEnoughPairs: no comparison has two folds.
    """
    judging = judging or Judging()
    _check_for_folds(judging)
    if split_sizes is not None:
        two_numbers("split_sizes", split_sizes, 1)
    table, metric, split = select(validate_scores(scores), judging.metric, judging.split)
    direction = direction_of(table, judging.lower_is_better)
    judging = judging.of_runs(direction.lower_is_better)
    cube = build(table, baseline_first(baseline, candidates))
    comparisons, warnings = _comparisons(cube, judging, split_sizes)
    return FoldAnalysis(
        study=study,
        metric=metric,
        split=split,
        judging=judging,
        comparisons=tuple(comparisons),
        warnings=(
            *direction.remarks,
            *remarks_on(cube),
            *remarks_on_seeds(cube),
            *remarks_on_margin(cube, judging.margin),
            *warnings,
        ),
    )


def _check_for_folds(judging: Judging) -> None:
    """Refuse what takes folds for independent runs.

    Raises:
        InvalidSetting: with the reason.
    """
    shared = "folds share training examples, which only the corrected resampled t test allows for"
    if not judging.paired:
        raise InvalidSetting("folds are pairs: both arms train and test on the same examples")
    if judging.test not in ("", Judging().test):
        raise InvalidSetting(f'test "{judging.test}" takes folds for independent runs: {shared}')
    if judging.equivalence != "t":
        raise InvalidSetting(
            f"equivalence by {judging.equivalence} is for independent runs: {shared}"
        )
    if judging.tasks:
        raise InvalidSetting(
            "folds are those of one data set: leave out tasks, and judge each alone"
        )


def _comparisons(
    cube: Cube, judging: Judging, split_sizes: Sequence[int] | None
) -> tuple[list[FoldComparison], list[str]]:
    places = cube.places()
    if not places:
        raise NotPaired(cube.nowhere())
    cell, method = np.array(places).T
    arms = np.stack([cube.scores[cell, 0], cube.scores[cell, method]])
    step = by_task(judging.resolution, [cube.cells[c].task for c, _ in places])
    shapes = [_shape(cube, c, split_sizes) for c, _ in places]
    ratios = np.array([ratio for _, _, ratio in shapes])
    measures, n_folds = measure_pairs(
        arms, lambda both, rows: _measured(both, ratios[rows], judging, step[rows])
    )
    if n_folds.max() < 2:
        first = which(cube.methods[0], cube.methods[places[0][1]], cube.cells[places[0][0]])
        raise NotEnoughPairs(f"{first}: {n_folds.max()} folds with scores of both; 2 needed")
    families = families_of([cube.cells[c] for c, _ in places], judging)
    p_adjusted, p_inside, _ = adjust_claims_in_families(
        measures["p_value"], measures["p_equivalence"], families, judging.correction
    )
    measures |= {"p_adjusted": p_adjusted, "p_equivalence_adjusted": p_inside}
    dropped = cube.dropped(cell, method)
    found = []
    for i, (c, m) in enumerate(places):
        values: dict[str, Any] = {name: float(each[i]) for name, each in measures.items()}
        found.append(
            FoldComparison(
                baseline=cube.methods[0],
                candidate=cube.methods[m],
                **cube.cells[c]._asdict(),
                n_folds=int(n_folds[i]),
                repetitions=shapes[i][0],
                ratio=float(ratios[i]),
                dropped_folds=tuple(cube.seeds[seed] for seed in dropped[i]),
                confidence=judging.confidence,
                df=int(n_folds[i]) - 1,
                verdict=judge(
                    values["p_adjusted"],
                    values["p_equivalence_adjusted"],
                    values["mean_difference"],
                    judging.alpha,
                    bool(judging.lower_is_better),
                ),
                **values,
            )
        )
    return found, [
        *_of_margin(judging),
        *_of_shapes(shapes, split_sizes),
        *caveats.of_absence(cube),
        *caveats.of_failures(cube, places, dropped),
    ]


def _shape(cube: Cube, cell: int, split_sizes: Sequence[int] | None) -> tuple[int, int, float]:
    """Repetitions, folds of each, and the ratio of tested to trained examples."""
    present = cube.present[cell].any(axis=0)
    folds = [fold_in(seed) for seed in cube.named_seeds(present)]
    k = max(Counter(repetition for repetition, _ in folds).values())
    repetitions = len({repetition for repetition, _ in folds})
    if split_sizes:
        return repetitions, k, split_sizes[1] / split_sizes[0]
    if k < 2:
        raise InvalidSetting(
            "a cross-validation has at least two folds, and no repetition here has: name the "
            "column of the folds, or the sizes of training and test sets (split_sizes)"
        )
    return repetitions, k, 1 / (k - 1)


def _measured(
    arms: FloatArray, ratios: FloatArray, judging: Judging, step: FloatArray
) -> dict[str, FloatArray]:
    baseline, candidate = arms
    check_step(arms, step)
    differences = settle(candidate - baseline, noise_scale(arms, axis=(0, 2))[:, None], step)
    mean, sd = mean_and_sd(differences)
    n = differences.shape[1]
    tested = corrected_t_rows(mean, corrected_error(sd, n, ratios), n - 1, judging)
    return {
        "baseline_mean": baseline.mean(axis=1),
        "candidate_mean": candidate.mean(axis=1),
        "mean_difference": mean,
        **tested,
        "p_independent": student_rows(mean, sd, n)[1],
    }


def _of_margin(judging: Judging) -> list[str]:
    if judging.margin is not None:
        return []
    return ["no margin is declared, so no verdict can be negligible or equivalent"]


def _of_shapes(
    shapes: Sequence[tuple[int, int, float]], split_sizes: Sequence[int] | None
) -> list[str]:
    most = max(k for _, k, _ in shapes)
    if split_sizes or most <= MANY:
        return []
    return [
        f"{most} folds are taken as one cross-validation, whose folds test on 1/{most} of the "
        "examples; if they are those of several repetitions, name the column of the fold within "
        "a repetition (--folds COLUMN), or the sizes of training and test sets (--split-sizes)"
    ]
