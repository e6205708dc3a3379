"""Figures of arms: how they learn, how far their probabilities hold, what they cost, who leads."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from typing import Any

import numpy as np

from benchmark.report.gather import Gathered
from benchmark.report.picture import Sketch
from benchmark.report.ranked import MANY_ARMS
from benchmark.report.sections.calibration_table import calibrations
from benchmark.report.sections.costs import costs, unit_of
from benchmark.report.sections.tables import mean_and_sd
from stats import StatsError, performance_profiles
from stats.many_arms.ranked_arms import Ranking
from stats.report.figures import (
    PAGE,
    Cost,
    Look,
    cost,
    critical_difference,
    learning_curves,
    profiles,
    reliability,
)
from stats.report.words import wording
from stats.table.direction import is_lower_better


def sketch_arms(gathered: Gathered) -> Iterator[Sketch]:
    """Every figure of arms, those of one model, init and task in one."""
    for ranking in gathered.ranked.rankings if gathered.ranked else ():
        yield sketch_ranks(ranking)
    yield from sketch_profiles(gathered)
    for place, title in gathered.places():
        yield from sketch_curves(gathered, place, title)
        yield from sketch_reliability(gathered, place, title)
        yield from sketch_costs(gathered, place, title)


def sketch_ranks(ranking: Ranking) -> Sketch:
    """Mean ranks of the arms of one place, and which cannot be told apart."""
    title = wording.printable(" · ".join(filter(None, (ranking.task, ranking.model, ranking.init))))
    said = "mean ranks; arms on one bar cannot be told apart"
    return "ranking", f"ranks · {title}", f"{title}: {said}.", critical_difference(ranking)


def sketch_profiles(gathered: Gathered) -> Iterator[Sketch]:
    """How many runs of each arm score better than each threshold, for each model and init."""
    analysis, scores = gathered.analysis, gathered.scores
    for (model, init), part in scores.groupby(["model", "init"], sort=False):
        if part["method"].nunique() < MANY_ARMS:
            continue
        try:
            found = performance_profiles(part, judging=analysis.judging)
        except StatsError:  # an arm without a run on some task, or unlike scales: no comparison
            continue
        title = wording.printable(f"{model} · {init}")
        said = f"{title}: the share of runs that score better than each threshold."
        yield "ranking", f"profiles · {title}", said, profiles(found, metric=analysis.metric)


def sketch_curves(gathered: Gathered, place: tuple[str, ...], title: str) -> Iterator[Sketch]:
    """How the arms of a place learn, if they were looked at more than once."""
    curves = gathered.curves
    here = curves[(curves[["model", "init", "task"]] == list(place)).all(axis=1)]
    if here.loc[here["score"].notna(), "epoch"].nunique() > 1:  # one epoch is no curve
        metric, lower = str(here["metric"].iloc[0]), gathered.analysis.lower_is_better
        if metric != gathered.analysis.metric:
            lower = is_lower_better(metric)
        figure = learning_curves(here, metric=metric, lower_is_better=lower)
        yield "curves", f"curves · {title}", f"{title}: mean over seeds, and one sd.", figure


def sketch_reliability(gathered: Gathered, place: tuple[str, ...], title: str) -> Iterator[Sketch]:
    """A panel for each arm, the predictions of all its seeds joined."""
    where = (place[0], place[1], place[2])
    arms = gathered.calibrated.arms.get(where)
    if arms:
        figure = reliability(arms, errors=_errors(gathered, place), look=Look(PAGE))
        cells = [(c.model, c.init, c.task) for c, _ in gathered.runs]
        drawn = gathered.calibrated.drawn[where]
        said = (
            f"{title}: how often an arm is right, over how sure it is; predictions of {drawn} of "
            f"{cells.count(where)} runs, all seeds of an arm together. ECE: mean ± sd of its "
            "seeds, in points."
        )
        yield "calibration", f"reliability · {title}", said, figure


def _errors(gathered: Gathered, place: tuple[str, ...]) -> dict[str, str]:
    """The calibration error of each arm of a place, as the table has it."""
    table = calibrations(gathered)
    if "ece_mean" not in table:
        return {}
    here = table[(table[["model", "init", "task"]] == list(place)).all(axis=1)]
    rows = here.to_dict("records")
    return {row["method"]: mean_and_sd(row["ece_mean"], row["ece_sd"]) for row in rows}


def sketch_costs(gathered: Gathered, place: tuple[str, ...], title: str) -> Iterator[Sketch]:
    """Effects of a place beside what they cost, if that is known."""
    model, init, task = place
    analysis = gathered.analysis
    compared = [
        each
        for each in analysis.comparisons
        if (each.model, each.init, each.task) == place and np.isfinite(each.mean_difference)
    ]
    table = costs(gathered)
    here = table[(table[["model", "init", "task"]] == [model, init, task]).all(axis=1)]
    unit = unit_of(here)
    known = {each["method"]: _cost(each, unit) for each in here.to_dict("records")}
    if compared and any(np.isfinite(each.total) for each in known.values()):
        figure = cost(
            compared,
            known,
            unit=f"{unit.upper()} s",
            margin=analysis.judging.margin,
            lower_is_better=analysis.lower_is_better,
            look=Look(PAGE),
        )
        yield "cost", f"cost · {title}", f"{title}: effect beside cost, teachers included.", figure


def _cost(row: Mapping[Hashable, Any], unit: str) -> Cost:
    return Cost(
        seconds=row[f"{unit}_seconds"],
        teacher_seconds=row[f"teacher_{unit}_seconds"],
        peak_memory_mb=row["peak_memory_mb"],
        sd=row[f"total_{unit}_seconds_sd"],
    )
