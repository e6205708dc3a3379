"""Which arms of a table are looked at together, and which of their runs they share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stats.errors import InvalidSetting, NotEnoughPairs
from stats.judging import Judging
from stats.table.common_scale import check_like_scales, on_common_scale
from stats.table.cube import Cube, build, select
from stats.table.direction import direction_of
from stats.table.scores import validate_scores
from stats.table.suspicious_scores import remarks_on

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Selection:
    """Scores of some methods on one split and metric, with the direction of the metric.

    Attributes:
        remarks: what is to be said of the scores, whatever is asked about them.
    """

    cube: Cube
    metric: str
    split: str
    lower_is_better: bool
    remarks: tuple[str, ...] = ()


def select_arms(
    scores: pd.DataFrame,
    methods: Sequence[str] | None,
    judging: Judging,
    *,
    pooling: bool = False,
    baseline: str | None = None,
) -> Selection:
    """The block of these methods; all methods of the scores where none are named.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        methods: which.
        judging: names metric, split, direction and common scale.
        pooling: whether scores of several tasks are to be averaged or ranked together.
        baseline: what "relative" and "z" are relative to; None for the mean of all methods.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        NotEnoughPairs: one method only.
        InvalidSetting: a method named twice, several metrics of one task, a direction that is
            not known, or not the same of all metrics, or unlike scales that are to be pooled.
    """
    table, names, metric, split = rows_of(scores, methods, judging)
    direction = direction_of(table, judging.lower_is_better)
    cube = build(table, names)
    lower, remarks = direction.lower_is_better, (*direction.remarks, *remarks_on(cube))
    if judging.scale is not None:
        table, called, lower = on_common_scale(table, names, judging.scale, lower, baseline)
        cube, metric = build(table, names), called.format(metric or "score")
    elif pooling:
        check_like_scales(table[table["method"].isin(names)])
    return Selection(cube, metric, split, lower, remarks)


def rows_of(
    scores: pd.DataFrame, methods: Sequence[str] | None, judging: Judging
) -> tuple[pd.DataFrame, list[str], str, str]:
    """The validated rows of one split and metric, the methods, and the names of both.

    Raises:
        StatsError: as for `select_arms`, but for the direction.
    """
    table, metric, split = select(validate_scores(scores), judging.metric, judging.split)
    every = table["method"].drop_duplicates().tolist()
    names = every if methods is None else list_of_names("methods", methods)
    check_named_once(names, "the methods")
    if len(names) < 2:
        raise NotEnoughPairs(f"only one method ({', '.join(names) or 'none'}); two are needed")
    return table, names, metric, split


def shared_runs(cube: Cube, cell: int) -> NDArray[np.bool_]:
    """The seeds on which every method has a score in this cell, shape (seeds,)."""
    return np.asarray(np.isfinite(cube.scores[cell]).all(axis=0), dtype=np.bool_)


def losses(cube: Cube, cell: int) -> list[str]:
    """Why seeds of this cell are not shared by all methods, one line for each reason."""
    known = cube.present[cell].any(axis=0)
    lost: dict[str, list[str]] = {}
    for seed in np.flatnonzero(known & ~shared_runs(cube, cell)):
        reasons = [cube.failure(cell, method, int(seed)) for method in range(len(cube.methods))]
        why = " and ".join(reason for reason in reasons if reason)
        lost.setdefault(why, []).append(str(cube.seeds[seed]))
    place = str(cube.cells[cell])
    return [
        (f"{place}: " if place else "")
        + f"dropped seed{'s' * (len(seeds) > 1)} {', '.join(seeds)} ({why})"
        for why, seeds in lost.items()
    ]


def baseline_first(baseline: str, candidates: Sequence[str]) -> list[str]:
    """The methods of a comparison, each once.

    Raises:
        InvalidSetting: candidates that are no list, none, or a method named twice.
    """
    methods = [*list_of_names("baseline", [baseline]), *list_of_names("candidates", candidates)]
    if len(methods) < 2:
        raise InvalidSetting("name at least one candidate")
    check_named_once(methods, "baseline and candidates")
    return methods


def list_of_names(what: str, names: Sequence[str]) -> list[str]:
    """The names as a list.

    Raises:
        InvalidSetting: one name instead of a list, or something that is no name.
    """
    if isinstance(names, str):
        raise InvalidSetting(f'{what} is a list: ["{names}"]')
    if not isinstance(names, Iterable) or not all(isinstance(each, str) for each in names):
        raise InvalidSetting(f"{what} must be names, not {names}")
    return list(names)


def check_named_once(names: Sequence[str], among: str) -> None:
    """Raise InvalidSetting if a method is named twice."""
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise InvalidSetting(f'"{twice[0]}" is named twice among {among}')
