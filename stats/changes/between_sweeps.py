"""Does one arm lose more than another as an ordered hyper-parameter grows?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from stats.changes.swept_arms import SweptArms
from stats.changes.trend import Trend, trend
from stats.judging import Judging, by_task
from stats.multiplicity import adjust_in_families
from stats.table.cube import Cube


@dataclass(frozen=True, kw_only=True)
class SweepInteraction:
    """How the difference between two series changes over the values that both were given.

    Attributes:
        first: name of a series.
        second: name of the one that is subtracted.
        parameter: what both were given values of.
        n_seeds: that have a score of both at every value.
        trend: of first minus second; its slope is the change from one value to the next, in points
            of the metric, and its p is corrected over the pairs of series at this place.
    """

    first: str
    second: str
    parameter: str
    model: str
    init: str
    task: str
    n_seeds: int
    trend: Trend


def between_sweeps(
    cube: Cube, sweeps: Sequence[SweptArms], judging: Judging
) -> tuple[SweepInteraction, ...]:
    """The interaction of method and value for every two series of the same values, where both are.

    The baseline cancels in it. Of each seed one slope over the steps is tested, see
    `changes.trend.trend`: values that lie unevenly count by their order alone.

    Args:
        cube: scores of all arms.
        sweeps: the series.
        judging: its test is that of the slopes.
    """
    found = list(_each(cube, sweeps, judging))
    if not found:
        return ()
    p_adjusted, _ = adjust_in_families(
        np.array([each.trend.p_value for each in found]),
        [(each.model, each.init, each.task) for each in found],
        judging.correction,
    )
    return tuple(
        replace(each, trend=replace(each.trend, p_adjusted=p))
        for each, p in zip(found, p_adjusted.tolist(), strict=True)
    )


def _each(cube: Cube, sweeps: Sequence[SweptArms], judging: Judging) -> Iterator[SweepInteraction]:
    for place, cell in enumerate(cube.cells):
        for one, other in combinations(sweeps, 2):
            if (one.parameter, sorted(one.values)) != (other.parameter, sorted(other.values)):
                continue
            own, its = (
                np.array([cube.scores[place, cube.methods.index(arm)] for arm in each.arms])
                for each in (_ascending(one), _ascending(other))
            )
            differences = (own - its).T
            scored = np.isfinite(differences).all(axis=1)
            if scored.sum() < 2:
                continue
            yield SweepInteraction(
                first=one.name,
                second=other.name,
                parameter=one.parameter,
                model=cell.model,
                init=cell.init,
                task=cell.task,
                n_seeds=int(scored.sum()),
                trend=trend(
                    differences[scored],
                    sorted(one.values),
                    scale="order",
                    alpha=judging.alpha,
                    test=judging.test,
                    zeros=judging.zeros,
                    resolution=by_task(judging.resolution, [cell.task]).item(),
                ),
            )


def _ascending(swept: SweptArms) -> SweptArms:
    order = np.argsort(swept.values)
    return replace(
        swept,
        arms=tuple(swept.arms[i] for i in order),
        values=tuple(swept.values[i] for i in order),
    )
