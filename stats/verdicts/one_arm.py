"""Scores of one arm alone: each mean with the interval that there is for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from stats.errors import InvalidSetting, NotEnoughPairs
from stats.inputs import FloatArray, check_count
from stats.intervals import t_interval
from stats.items.wilson import wilson
from stats.judging import Judging
from stats.table.cube import Cell, build, select
from stats.table.reading.folds import fold_in
from stats.table.scores import validate_scores
from stats.table.suspicious_scores import remarks_on

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ArmInterval:
    """The mean score of one arm in one place.

    Attributes:
        n: what it is over.
        unit: of n: "seeds", "items" or "examples".
        how: the interval is made.
    """

    method: str
    model: str
    init: str
    task: str
    n: int
    unit: str
    score: float
    low: float
    high: float
    confidence: float
    how: str


@dataclass(frozen=True, kw_only=True)
class ArmAnalysis:
    """Intervals of one arm, in each place that it has scores of."""

    study: str
    metric: str
    split: str
    intervals: tuple[ArmInterval, ...]
    warnings: tuple[str, ...]


def analyse_arm(
    scores: pd.DataFrame,
    judging: Judging | None = None,
    *,
    examples: int | None = None,
    items: bool = False,
    study: str = "",
) -> ArmAnalysis:
    """The interval of each mean score of one arm.

    Several seeds have Student's interval over seeds. One score has none by itself: with the size of
    its test set it is taken for a share of right answers, with Wilson's interval; from a score
    for each item it is Wilson's where all are 0 or 1, and Student's over items otherwise.

    Args:
        scores: as for `stats.analyse`, of one method.
        judging: names metric, split and alpha.
        examples: of the test set of one score.
        items: whether the seeds are items, as `stats.read_scores(…, folds=COLUMN)` makes them.
        study: a name for the output.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a metric or split that the scores do not hold.
        InvalidSetting: several methods, a size for scores of several seeds, or a score that is no
            share.
        NotEnoughPairs: one score, and nothing says how many examples or items it is over.
    """
    judging = judging or Judging()
    if examples is not None:
        check_count("examples", examples, 1)
    table, metric, split = select(validate_scores(scores), judging.metric, judging.split)
    methods = table["method"].drop_duplicates().tolist()
    if len(methods) > 1:
        raise InvalidSetting(f"intervals of one arm, and the scores hold {', '.join(methods)}")
    cube = build(table, methods)
    found, failed = [], []
    for cell, place in enumerate(cube.cells):
        held = np.isfinite(cube.scores[cell, 0])
        lost = cube.named_seeds(cube.present[cell, 0] & ~held)
        failed += [f"{str(place) or methods[0]}: seed {seed} has no score" for seed in lost]
        if items and len({fold_in(seed)[0] for seed in cube.named_seeds(held)}) > 1:
            raise InvalidSetting(
                "items of several seeds vary by both: stats.items.seeds_and_items has the interval "
                "over both; or give the items of one seed"
            )
        own = cube.scores[cell, 0, held]
        found.append(_interval(methods[0], place, own, examples, items, judging.confidence))
    return ArmAnalysis(
        study=study,
        metric=metric,
        split=split,
        intervals=tuple(found),
        warnings=(*([] if items else remarks_on(cube)), *failed),
    )


def _interval(
    method: str,
    cell: Cell,
    scores: FloatArray,
    examples: int | None,
    items: bool,
    confidence: float,
) -> ArmInterval:
    if not len(scores):
        raise NotEnoughPairs(f"{method}{f' ({cell})' if str(cell) else ''} has no score")
    n, unit, how = len(scores), "items" if items else "seeds", "Student's t"
    mean = float(scores.mean())
    if examples is not None:
        if len(scores) > 1:
            raise InvalidSetting(
                f"{len(scores)} scores of {method} vary over {unit}, and have their interval "
                "without the size of a test set (examples)"
            )
        n, unit, how = examples, "examples", "Wilson"
        low, high = _of_share(mean, n, confidence)
    elif items and np.isin(scores, (0, 1)).all():
        how = "Wilson"
        low, high = wilson(mean, n, confidence)
    elif n > 1:
        found = t_interval(scores, confidence)
        low, high = found.low, found.high
    else:
        raise NotEnoughPairs(
            f"one score of {method} has no interval by itself: --examples N says how many examples "
            "its test set has (examples=), --items COLUMN that there is a score for each of them"
        )
    names = cell._asdict()
    return ArmInterval(
        method=method,
        **names,
        n=n,
        unit=unit,
        score=mean,
        low=low,
        high=high,
        confidence=confidence,
        how=how,
    )


def _of_share(score: float, n: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a fraction, or of a percentage where it is above 1."""
    if not 0 <= score <= 100:
        raise InvalidSetting(
            f"a score of {score:g} is no share of examples, which lies from 0 to 1 or 100; "
            "Wilson's interval is of shares, such as an accuracy"
        )
    unit = 1 if score <= 1 else 100
    low, high = wilson(score / unit, n, confidence)
    return unit * low, unit * high
