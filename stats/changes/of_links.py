"""Scores along a chain of tasks: how each arm's own move from link to link, and how effects do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from stats.changes.of_doses import TrendAnalysis, analyse_trends
from stats.changes.trend import Trend, trend
from stats.errors import InvalidSetting, NotEnoughPairs
from stats.judging import Judging, by_task
from stats.multiplicity import adjust_in_families
from stats.table.cube import Cube, build, select
from stats.table.direction import direction_of
from stats.table.pairing import Seed
from stats.table.scores import validate_scores

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, kw_only=True)
class ArmTrend:
    """How the score of one arm moves along the links.

    Attributes:
        n_seeds: those with a score at every link.
        dropped_seeds: those that lack one somewhere.
        trend: of the scores themselves: its `effects` are means over seeds.
    """

    arm: str
    model: str
    task: str
    n_seeds: int
    dropped_seeds: tuple[Seed, ...]
    trend: Trend


@dataclass(frozen=True, kw_only=True)
class LinkAnalysis:
    """What `analyse_links` found.

    Attributes:
        links: the number of each link, by the init that stands for it.
        arms: the trend of each arm, the baseline first.
        effects: those of what candidates are better by; None where no candidate shares two seeds
            with the baseline at every link.
    """

    study: str
    metric: str
    split: str
    links: Mapping[str, int]
    correction: str
    lower_is_better: bool
    arms: tuple[ArmTrend, ...]
    effects: TrendAnalysis | None
    warnings: tuple[str, ...]


def analyse_links(
    scores: pd.DataFrame,
    baseline: str,
    candidates: Sequence[str],
    links: Mapping[str, int],
    judging: Judging | None = None,
    *,
    study: str = "",
) -> LinkAnalysis:
    """Test for each arm whether its score has a slope over links, and for each effect.

    A slope is that of a straight line through the scores of one seed, in points a link
    (`changes.trend.trend`); slopes are tested over seeds. p-values are corrected over the arms of
    a model and task, and apart from these over the candidates.

    Args:
        scores: the columns `init, method, seed, score`, and those that `stats.read_scores` names.
        baseline: the method that candidates are compared with.
        candidates: methods.
        links: at which link an init is, from 0, which is before all training. Every task of the
            scores has all of them; other inits are left out.
        judging: its test is that of the slopes; None for `Judging()`.
        study: a name for the output.

    Raises:
        ScoresError: the scores contradict themselves.
        UnknownName: a method, metric or split that the scores do not hold.
        InvalidSetting: fewer than two links.
        NotEnoughPairs: no arm has two seeds at every link.
    """
    judging = judging or Judging()
    if len(links) < 2:
        raise InvalidSetting("a trend over links needs two of them or more")
    table, metric, split = select(validate_scores(scores), judging.metric, judging.split)
    table = table[table["init"].isin(list(links))]
    lower = direction_of(table, judging.lower_is_better).lower_is_better
    cube = build(table, (baseline, *candidates))
    found = list(_each(cube, links, judging))
    if not found:
        raise NotEnoughPairs("no arm has two seeds with a score at every link")
    p_adjusted, _ = adjust_in_families(
        np.array([each.trend.p_value for each in found]),
        [(each.model, each.task) for each in found],
        judging.correction,
    )
    doses = {name: float(link) for name, link in links.items()}
    effects, unsaid = None, []
    try:
        effects = analyse_trends(
            table, baseline, candidates, doses, judging, dose_scale="linear", study=study
        )
    except NotEnoughPairs as error:
        unsaid.append(f"no trend of effects: {error}")
    return LinkAnalysis(
        study=study,
        metric=metric,
        split=split,
        links=dict(sorted(links.items(), key=lambda item: item[1])),
        correction=judging.correction,
        lower_is_better=lower,
        arms=tuple(
            replace(each, trend=replace(each.trend, p_adjusted=p))
            for each, p in zip(found, p_adjusted.tolist(), strict=True)
        ),
        effects=effects,
        warnings=(
            *(effects.warnings if effects else unsaid),
            *_dropped(found),
            *_absent(cube, found),
        ),
    )


def _each(cube: Cube, links: Mapping[str, int], judging: Judging) -> Iterator[ArmTrend]:
    groups: dict[tuple[str, str], list[int]] = {}
    for row, cell in enumerate(cube.cells):
        groups.setdefault((cell.model, cell.task), []).append(row)
    for (model, task), rows in groups.items():
        numbers = [float(links[cube.cells[row].init]) for row in rows]
        step = by_task(judging.resolution, [task] * len(rows)).ravel().tolist()
        for arm, name in enumerate(cube.methods):
            table, ran = cube.scores[rows, arm].T, cube.present[rows, arm].any(axis=0)
            scored = np.isfinite(table).all(axis=1)
            if len(rows) < 2 or scored.sum() < 2:
                continue
            lost = np.flatnonzero(ran & ~scored).tolist()
            yield ArmTrend(
                arm=name,
                model=model,
                task=task,
                n_seeds=int(scored.sum()),
                dropped_seeds=tuple(cube.seeds[seed] for seed in lost),
                trend=trend(
                    table[scored],
                    numbers,
                    scale="linear",
                    alpha=judging.alpha,
                    test=judging.test,
                    zeros=judging.zeros,
                    resolution=step,
                ),
            )


def _dropped(found: Sequence[ArmTrend]) -> Iterator[str]:
    for each in found:
        if each.dropped_seeds:
            seeds = ", ".join(map(str, each.dropped_seeds))
            told = f"{each.arm} ({each.task})"
            yield f"{told}: without seed {seeds}, which lacks a score at some link"


def _absent(cube: Cube, found: Sequence[ArmTrend]) -> Iterator[str]:
    there = {(each.model, each.task, each.arm) for each in found}
    places = dict.fromkeys((cell.model, cell.task) for cell in cube.cells)
    for model, task in places:
        for arm in cube.methods:
            if (model, task, arm) not in there:
                place = " · ".join(filter(None, (model, task)))
                yield f"{arm} ({place}): no two seeds at every link"
