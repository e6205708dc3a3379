"""Every trend in a table of scores: how each candidate's effect changes over a dose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from stats.changes.trend import Trend, trend
from stats.errors import InvalidSetting, NotEnoughPairs, UnknownName
from stats.judging import Judging, by_task
from stats.multiplicity import adjust_in_families
from stats.table.common_scale import check_like_scales, on_common_scale
from stats.table.cube import Cell, Cube, build, select
from stats.table.direction import direction_of
from stats.table.pairing import Seed
from stats.table.scores import validate_scores
from stats.table.selection import baseline_first
from stats.table.suspicious_scores import remarks_on

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class CandidateTrend:
    """The trend of one candidate's effect on one model.

    Attributes:
        where: the task where doses are inits, the init where they are tasks.
        n_seeds: seeds that baseline and candidate share at every dose.
        dropped_seeds: those that lack a score somewhere.
    """

    baseline: str
    candidate: str
    model: str
    where: str
    n_seeds: int
    dropped_seeds: tuple[Seed, ...]
    trend: Trend


@dataclass(frozen=True, kw_only=True)
class TrendAnalysis:
    """What `analyse_trends` found.

    Attributes:
        over: what the doses are: "init" or "task".
        doses: the dose of each init or task, by name.
    """

    study: str
    metric: str
    split: str
    over: str
    doses: Mapping[str, float]
    correction: str
    lower_is_better: bool
    trends: tuple[CandidateTrend, ...]
    warnings: tuple[str, ...]


def analyse_trends(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    doses: Mapping[str, float],
    judging: Judging | None = None,
    *,
    dose_scale: str = "log1p",
    study: str = "",
) -> TrendAnalysis:
    """Test for each candidate whether its effect has a slope over inits or tasks.

    A seed counts where it has a score of both arms at every dose. p-values are corrected over the
    candidates on the same model and task, or init.

    Args:
        scores: the columns `method, seed, score`, and those that `stats.read_scores` names.
        baseline: the method that candidates are compared with.
        candidates: methods.
        doses: by the names of inits, or by those of tasks; others are left out.
        judging: its test is that of the slopes, its `scale` a common one of the tasks whose
            effects are compared; None for `Judging()`.
        dose_scale: one of `changes.trend.DOSE_SCALES`.
        study: a name for the output.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric, split, init or task that the scores do not hold.
        NotEnoughPairs: no candidate has two seeds at every dose.
        InvalidSetting: fewer than two doses, or another setting outside what it can be.
    """
    judging = judging or Judging()
    table, metric, split = select(validate_scores(scores), judging.metric, judging.split)
    over = _dosed(table, doses)
    dosed = table[table[over].isin(list(doses))]
    direction = direction_of(dosed, judging.lower_is_better)
    lower, methods = direction.lower_is_better, baseline_first(baseline, candidates)
    remarks = (*direction.remarks, *remarks_on(build(dosed, methods)))
    if judging.scale is not None:
        dosed, called, lower = on_common_scale(dosed, methods, judging.scale, lower, baseline)
        metric = called.format(metric or "score")
    elif over == "task":
        check_like_scales(dosed[dosed["method"].isin(methods)])
    cube = build(dosed, methods)
    found = list(_each(cube, over, doses, judging, dose_scale))
    if not found:
        raise NotEnoughPairs("no candidate shares two seeds with the baseline at every dose")
    p_adjusted, _ = adjust_in_families(
        np.array([each.trend.p_value for each in found]),
        [(each.model, each.where) for each in found],
        judging.correction,
    )
    return TrendAnalysis(
        study=study,
        metric=metric,
        split=split,
        over=over,
        doses=dict(sorted(doses.items(), key=lambda item: item[1])),
        correction=judging.correction,
        lower_is_better=lower,
        trends=tuple(
            replace(each, trend=replace(each.trend, p_adjusted=p))
            for each, p in zip(found, p_adjusted.tolist(), strict=True)
        ),
        warnings=(*remarks, *_dropped(found), *_absent(cube, over, found)),
    )


def _dropped(found: Sequence[CandidateTrend]) -> Iterator[str]:
    for each in found:
        if each.dropped_seeds:
            seeds = ", ".join(map(str, each.dropped_seeds))
            yield (
                f"{each.baseline} vs {each.candidate} ({each.where}): without seed {seeds}, which "
                "lacks a score at some dose"
            )


def _absent(cube: Cube, over: str, found: Sequence[CandidateTrend]) -> Iterator[str]:
    there = {(each.model, each.where, each.candidate) for each in found}
    for model, where in _groups(cube, over):
        for candidate in cube.methods[1:]:
            if (model, where, candidate) not in there:
                place = " · ".join(filter(None, (model, where)))
                yield f"{cube.methods[0]} vs {candidate} ({place}): no two seeds at every dose"


def _dosed(table: pd.DataFrame, doses: Mapping[str, float]) -> str:
    """The column that the doses name."""
    if not isinstance(doses, Mapping) or len(doses) < 2:
        raise InvalidSetting("a trend needs two doses or more, by name")
    for over in ("init", "task"):
        known = table[over].unique().tolist()
        if set(doses) <= set(known):
            return over
        if set(doses) & set(known):
            raise UnknownName(over, min(set(doses) - set(known)), known)
    known = [*table["init"].unique().tolist(), *table["task"].unique().tolist()]
    raise UnknownName("init or task", next(iter(doses)), known)


def _groups(cube: Cube, over: str) -> dict[tuple[str, str], list[int]]:
    """Cells that differ in their dose alone, by model and by task or init."""
    groups: dict[tuple[str, str], list[int]] = {}
    for index, cell in enumerate(cube.cells):
        where = cell.task if over == "init" else cell.init
        groups.setdefault((cell.model, where), []).append(index)
    return groups


def _each(
    cube: Cube, over: str, doses: Mapping[str, float], judging: Judging, scale: str
) -> Iterator[CandidateTrend]:
    for (model, where), rows in _groups(cube, over).items():
        if len(rows) < len(doses):
            continue
        cells = [cube.cells[row] for row in rows]
        for method in range(1, len(cube.methods)):
            differences = (cube.scores[rows, method] - cube.scores[rows, 0]).T
            ran = cube.present[rows, 0] | cube.present[rows, method]
            scored = np.isfinite(differences).all(axis=1)
            lost = np.flatnonzero(ran.any(axis=0) & ~scored).tolist()
            if scored.sum() < 2:
                continue
            yield CandidateTrend(
                baseline=cube.methods[0],
                candidate=cube.methods[method],
                model=model,
                where=where,
                n_seeds=int(scored.sum()),
                dropped_seeds=tuple(cube.seeds[seed] for seed in lost),
                trend=_trend(differences[scored], cells, over, doses, judging, scale),
            )


def _trend(
    differences: Any,
    cells: Sequence[Cell],
    over: str,
    doses: Mapping[str, float],
    judging: Judging,
    scale: str,
) -> Trend:
    steps = by_task(judging.resolution, [cell.task for cell in cells])
    return trend(
        differences,
        [doses[getattr(cell, over)] for cell in cells],
        scale=scale,
        alpha=judging.alpha,
        test=judging.test,
        zeros=judging.zeros,
        resolution=steps.ravel().tolist(),
    )
