"""Which figures a study needs, drawn into files."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from matplotlib.figure import Figure

from benchmark.report.gather import Gathered
from benchmark.report.layout import Picture
from benchmark.report.names import plain_names
from stats import Comparison
from stats.report import wording
from stats.report.figures import (
    COLUMN,
    MOST_ROWS,
    PAGE,
    Look,
    estimation,
    forest,
    save,
    slopes,
    to_svg,
)
from stats.report.layout import versus

if TYPE_CHECKING:
    import pandas as pd

#: Arms that slopes in a column have room for.
MOST_IN_A_COLUMN = 4
#: A figure before it is saved: the kind of its section, its name, what it shows, the drawing.
Sketch = tuple[str, str, str, Figure]


def draw(gathered: Gathered, folder: Path, for_paper: bool) -> list[Picture]:
    """Draw every figure of a report as SVG, and for a paper as PDF and PNG too.

    Args:
        gathered: what it shows.
        folder: where the files go.
        for_paper: the other two take three quarters of the time.
    """
    sketches = list(_sketches(gathered))
    names = plain_names(name for _, name, _, _ in sketches)
    return [
        Picture(section, names[name], caption, _saved(figure, folder, names[name], for_paper))
        for section, name, caption, figure in sketches
    ]


def _saved(figure: Figure, folder: Path, name: str, for_paper: bool) -> tuple[Path, ...]:
    if for_paper:
        return tuple(save(figure, folder, name))
    path = folder / f"{name}.svg"
    path.write_text(to_svg(figure), encoding="utf-8")
    return (path,)


def _sketches(gathered: Gathered) -> Iterator[Sketch]:
    yield from _forests(gathered)
    yield from _estimations(gathered)
    yield from _slopes(gathered)


def _forests(gathered: Gathered) -> Iterator[Sketch]:
    """All comparisons in one figure, or in as many as their number takes."""
    over_all = gathered.pooled.comparisons if gathered.pooled else ()
    settings = gathered.analysis.settings
    rows = gathered.analysis.comparisons
    most = max(1, MOST_ROWS - len(over_all))
    parts = [rows[i : i + most] for i in range(0, len(rows), most)]
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        of = f" ({number} of {len(parts)})" if len(parts) > 1 else ""
        figure = forest(
            part,
            over_all if last and len(over_all) < MOST_ROWS else (),
            margin=settings.margin,
            metric=gathered.analysis.metric,
            lower_is_better=settings.lower_is_better,
        )
        yield "analysis", f"forest · {number}", f"Every comparison with its interval{of}.", figure


def _estimations(gathered: Gathered) -> Iterator[Sketch]:
    """Every comparison with its pairs."""
    analysis = gathered.analysis
    for each, name in zip(analysis.comparisons, _titles(analysis.comparisons), strict=True):
        if min(each.n_baseline, each.n_candidate) < 1:
            continue
        arms = _arms(gathered.scores, each.model, each.init, each.task)
        figure = estimation(
            each,
            arms[each.baseline],
            arms[each.candidate],
            margin=analysis.settings.margin,
            metric=analysis.metric,
            lower_is_better=analysis.settings.lower_is_better,
        )
        yield "analysis", f"estimation · {name}", f"{name}: each pair, and the difference.", figure


def _slopes(gathered: Gathered) -> Iterator[Sketch]:
    """Every seed over the arms of one model, init and task."""
    analysis = gathered.analysis
    compared = [gathered.record["baseline"], *gathered.record["candidates"]]
    places = list(dict.fromkeys((e.model, e.init, e.task) for e in analysis.comparisons))
    _, titles = wording.places([(task, model, init) for model, init, task in places])
    for place, title in zip(places, titles, strict=True):
        arms = _arms(gathered.scores, *place)
        shown = {name: arms[name] for name in compared if name in arms}
        if not any(scores.notna().any() for scores in shown.values()):
            continue
        figure = slopes(
            shown,
            metric=analysis.metric,
            lower_is_better=analysis.settings.lower_is_better,
            look=Look(PAGE if len(shown) > MOST_IN_A_COLUMN else COLUMN),
        )
        said = f"{title}: " if title else ""
        yield "analysis", f"slopes · {title}", f"{said}every seed over all arms.", figure


def _arms(
    scores: "pd.DataFrame", model: str, init: str, task: str
) -> "dict[str, pd.Series[float]]":
    """Scores by seed of each arm of a model and init on a task."""
    here = (scores["model"] == model) & (scores["init"] == init) & (scores["task"] == task)
    return {
        str(method): part.set_index("seed")["score"]
        for method, part in scores[here].groupby("method", sort=False)
    }


def _titles(comparisons: Sequence[Comparison]) -> list[str]:
    """What tells each comparison from the others."""
    _, where = wording.places([(each.task, each.model, each.init) for each in comparisons])
    return [
        " · ".join(filter(None, (wording.printable(versus(each)), place)))
        for each, place in zip(comparisons, where, strict=True)
    ]
