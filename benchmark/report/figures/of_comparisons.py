"""Figures of comparisons: effects over places, pairs of seeds, and what an init changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from benchmark.report.gather import Gathered
from benchmark.report.picture import Sketch
from stats import ComparisonResult
from stats.changes.interaction import Interaction
from stats.changes.of_sweeps import PlacedSweep, SweepAnalysis
from stats.many_tasks.pooled import Pooled
from stats.report.figures import (
    COLUMN,
    MOST_ROWS,
    PAGE,
    Look,
    estimation,
    forest,
    interaction,
    slopes,
    sweep_curves,
)
from stats.report.layout import versus
from stats.report.words import wording

if TYPE_CHECKING:
    import pandas as pd

#: Arms that slopes in a column have room for.
MOST_IN_A_COLUMN = 4


def sketch_comparisons(gathered: Gathered) -> Iterator[Sketch]:
    """Every figure of comparisons and interactions."""
    yield from sketch_forests(gathered)
    if gathered.pooled and gathered.judging.scale:
        yield from _on_a_common_scale(gathered.pooled)
    yield from sketch_estimations(gathered)
    yield from sketch_slopes(gathered)
    yield from sketch_interactions(gathered)
    yield from sketch_sweeps(gathered.sweeps)


def sketch_forests(gathered: Gathered) -> Iterator[Sketch]:
    """All comparisons in one figure, or in as many as their number takes.

    Those over tasks on a common scale have an axis of their own.
    """
    on_a_scale = gathered.judging.scale
    over_all = gathered.pooled.comparisons if gathered.pooled and not on_a_scale else ()
    judging = gathered.analysis.judging
    rows = gathered.analysis.comparisons
    most = max(1, MOST_ROWS - len(over_all))
    parts = [rows[i : i + most] for i in range(0, len(rows), most)]
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        of = f" ({number} of {len(parts)})" if len(parts) > 1 else ""
        figure = forest(
            part,
            over_all if last and len(over_all) < MOST_ROWS else (),
            margin=judging.margin,
            metric=gathered.analysis.metric,
            lower_is_better=gathered.analysis.lower_is_better,
        )
        yield "analysis", f"forest · {number}", f"Every comparison with its interval{of}.", figure


def _on_a_common_scale(pooled: Pooled) -> Iterator[Sketch]:
    """The comparisons over tasks that were brought to a common scale."""
    rows = pooled.comparisons
    for number, first in enumerate(range(0, len(rows), MOST_ROWS), 1):
        figure = forest(
            (),
            rows[first : first + MOST_ROWS],
            margin=pooled.judging.margin,
            metric=pooled.metric,
            lower_is_better=pooled.lower_is_better,
        )
        said = f"Every comparison over all tasks, with its interval: {pooled.metric}."
        yield "pooled", f"forest over tasks · {number}", wording.printable(said), figure


def sketch_estimations(gathered: Gathered) -> Iterator[Sketch]:
    """Every comparison with its pairs."""
    analysis = gathered.analysis
    for each, name in zip(analysis.comparisons, _titles(analysis.comparisons), strict=True):
        if min(each.n_baseline, each.n_candidate) < 1:
            continue
        arms = gathered.arms(each.model, each.init, each.task)
        figure = estimation(
            each,
            arms[each.baseline],
            arms[each.candidate],
            margin=analysis.judging.margin,
            metric=analysis.metric,
            lower_is_better=analysis.lower_is_better,
        )
        yield "analysis", f"estimation · {name}", f"{name}: each pair, and the difference.", figure


def sketch_slopes(gathered: Gathered) -> Iterator[Sketch]:
    """Every seed over the arms of one model, init and task."""
    analysis = gathered.analysis
    compared = gathered.record.arms
    places = list(dict.fromkeys((e.model, e.init, e.task) for e in analysis.comparisons))
    _, titles = wording.places([(task, model, init) for model, init, task in places])
    for place, title in zip(places, titles, strict=True):
        arms = gathered.arms(*place)
        shown = {name: arms[name] for name in compared if name in arms}
        if not any(scores.notna().any() for scores in shown.values()):
            continue
        figure = slopes(
            shown,
            metric=analysis.metric,
            lower_is_better=analysis.lower_is_better,
            look=Look(PAGE if len(shown) > MOST_IN_A_COLUMN else COLUMN),
        )
        said = f"{title}: " if title else ""
        yield (
            "analysis",
            f"slopes · {title}",
            f"{said}every seed over all arms; bars: the mean of all seeds of an arm.",
            figure,
        )


def sketch_interactions(gathered: Gathered) -> Iterator[Sketch]:
    """What each effect differs by between two inits."""
    found = gathered.analysis.interactions
    _, where = wording.places([(e.task, e.model, *e.inits) for e in found] or [("",)])
    for each, place in zip(found, where, strict=False):
        if each.n_pairs < 2 or each.scale != "raw":
            continue
        sides = [_pair(gathered, each, init) for init in each.inits]
        judging = gathered.analysis.judging
        p_name = wording.p_name(judging, each.family_size)
        figure = interaction(each, *sides, margin=judging.margin, p_name=p_name)
        name = " · ".join(filter(None, (wording.printable(versus(each)), place)))
        said = (
            f"{name}: the effect under {' and '.join(each.inits)} of every seed that all four "
            "arms have."
        )
        yield "analysis", f"interaction · {name}", wording.printable(said), figure


def sketch_sweeps(analyses: Iterable[SweepAnalysis]) -> Iterator[Sketch]:
    """Score over each hyper-parameter that was swept, its sweeps on one place in one."""
    for found in analyses:
        kind = "pooled_sweeps" if found.judging.tasks else "sweeps"
        grouped: dict[tuple[str, ...], list[PlacedSweep]] = {}
        for each in found.sweeps:
            task = "all tasks" if found.judging.tasks else each.task
            grouped.setdefault((task, each.model, each.init, each.swept.parameter), []).append(each)
        shared, titles = wording.places(list(grouped))
        for sweeps, title in zip(grouped.values(), titles, strict=True):
            figure = sweep_curves(
                sweeps,
                metric=found.metric,
                split=found.split,
                lower_is_better=found.lower_is_better,
            )
            first = sweeps[0].found
            said = (
                f"{title or shared}: mean score over seeds. Line and grey band: "
                f"{sweeps[0].baseline} and the margin. Bands: {100 * first.confidence:g} % "
                "intervals of the difference of each value by itself, which lie inside the margin "
                "exactly where it is equivalent, if a spread over seeds was seen."
            )
            yield kind, f"{kind} · {title or shared}", wording.printable(said), figure


def _pair(
    gathered: Gathered, each: Interaction, init: str
) -> tuple[pd.Series[float], pd.Series[float]]:
    arms = gathered.arms(each.model, init, each.task)
    return arms[each.baseline], arms[each.candidate]


def _titles(comparisons: Sequence[ComparisonResult]) -> list[str]:
    """What tells each comparison from the others."""
    _, where = wording.places([(each.task, each.model, each.init) for each in comparisons])
    return [
        " · ".join(filter(None, (wording.printable(versus(each)), place)))
        for each, place in zip(comparisons, where, strict=True)
    ]
