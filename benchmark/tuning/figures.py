"""What a search looks like: history, importances, parallel coordinates, the expected best."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from benchmark.search import Range, Value
from benchmark.tuning.results import Tuned
from stats import expected_best

#: Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_PAPER: Any = {"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1}
_STYLE: Any = {
    "figure.figsize": (5.5, 3.4),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10,
    "svg.fonttype": "path",
}


def draw_search(tuned: Tuned, folder: Path) -> list[Path]:
    """Figures of one search, as PNG and SVG; those that need more complete trials are left out.

    Args:
        tuned: what came of it.
        folder: where the files go.
    """
    drawn = [_save(_history(tuned), folder / "history")]
    if len(tuned.importances) > 1:
        drawn.append(_save(_importances(tuned), folder / "importances"))
    if len(tuned.searching.space.names) > 1 and tuned.best:
        drawn.append(_save(_parallel_coordinates(tuned), folder / "parallel_coordinates"))
    return [path for paths in drawn for path in paths]


def draw_expected_best(results: Sequence[Tuned], folder: Path) -> list[Path]:
    """The expected best of n settings, one line a search, with a band of one sd."""
    with mpl.rc_context(_STYLE):
        axes = plt.figure(layout="constrained").add_subplot()
        for tuned, colour in zip(results, COLOURS * len(results), strict=False):
            scores = tuned.scores()
            if not scores:
                continue
            curve = expected_best(scores, lower_is_better=not tuned.higher_is_better)
            low = [m - s for m, s in zip(curve.mean, curve.sd, strict=True)]
            high = [m + s for m, s in zip(curve.mean, curve.sd, strict=True)]
            axes.plot(curve.budget, curve.mean, color=colour, label=tuned.searching.name)
            axes.fill_between(curve.budget, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.set_xlabel("settings tried")
        axes.set_ylabel(f"expected best {results[0].metric} on dev (± sd)")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=8)
        return _save(axes, folder / "expected_best")


def _history(tuned: Tuned) -> Axes:
    """Every setting in the order of its number, and the best so far."""
    with mpl.rc_context(_STYLE):
        axes = plt.figure(layout="constrained").add_subplot()
        marks = {"complete": ("o", COLOURS[0]), "pruned": ("x", "#777777")}
        for end, (mark, colour) in marks.items():
            points = [(t.number, _score(t.value, t.curve)) for t in tuned.trials if t.end == end]
            if points:
                numbers, scores = zip(*points, strict=True)
                axes.scatter(numbers, scores, marker=mark, color=colour, label=end, s=22)
        for trial in tuned.trials:
            if trial.end == "failed":
                axes.axvline(trial.number, color=COLOURS[1], linestyle=":", label="_failed")
        best, line = None, []
        for trial in tuned.trials:
            if trial.value is not None:
                better = max if tuned.higher_is_better else min
                best = trial.value if best is None else better(best, trial.value)
            if best is not None:
                line.append((trial.number, best))
        if line:
            axes.step(*zip(*line, strict=True), where="post", color=COLOURS[0], label="best so far")
        axes.set_title(tuned.searching.name)
        axes.set_xlabel("setting")
        axes.set_ylabel(f"{tuned.metric} on dev")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(frameon=False, fontsize=8)
        return axes


def _score(value: float | None, curve: object) -> float | None:
    if value is not None:
        return value
    assert isinstance(curve, dict)
    last: float | None = curve[max(curve)] if curve else None
    return last


def _importances(tuned: Tuned) -> Axes:
    with mpl.rc_context(_STYLE):
        axes = plt.figure(layout="constrained").add_subplot()
        ordered = sorted(tuned.importances.items(), key=lambda item: item[1])
        bars = axes.barh([n for n, _ in ordered], [s for _, s in ordered], color=COLOURS[0])
        axes.bar_label(bars, fmt="{:.2f}", padding=3, fontsize=8)
        axes.set_title(tuned.searching.name)
        axes.set_xlabel("share of the objective's variance (functional ANOVA)")
        return axes


def _parallel_coordinates(tuned: Tuned) -> Axes:
    """A line for each setting through its hyper-parameters to its score, coloured by the score."""
    names = [*tuned.searching.space.names, f"{tuned.metric} on dev"]
    columns = [_positions(n, a) for n, a in tuned.searching.space.space]
    scores = tuned.scores()
    low, high = min(scores), max(scores)
    norm = mpl.colors.Normalize(low, high if high > low else low + 1)
    with mpl.rc_context(_STYLE):
        axes = plt.figure(layout="constrained").add_subplot()
        for trial, score in sorted(zip(tuned.trials, scores, strict=True), key=lambda p: p[1]):
            if trial.params is None:
                continue
            line = [place(trial.params[n]) for n, (place, _) in zip(names, columns, strict=False)]
            pruned = trial.end != "complete"
            axes.plot(
                [*range(len(names))],
                [*line, float(norm(score))],
                color=mpl.colormaps["viridis"](norm(score)),
                linestyle=":" if pruned else "-",
                linewidth=1.0 if pruned else 1.8,
            )
        ticks = [*(t for _, t in columns), [(0.0, f"{low:.1f}"), (1.0, f"{high:.1f}")]]
        for x, marks in enumerate(ticks):
            axes.axvline(x, color="#999999", linewidth=0.8)
            for y, text in marks:
                axes.annotate(
                    text, (x, y), (4, 0), "data", "offset points", fontsize=8, va="center"
                )
        axes.set_xticks(range(len(names)), names)
        axes.set_xlim(-0.1, len(names) - 0.7)
        axes.set_yticks([])
        axes.spines[["left", "bottom"]].set_visible(False)
        axes.set_title(f"{tuned.searching.name} (dotted: pruned)")
        return axes


def _positions(
    name: str, among: tuple[Value, ...] | Range
) -> tuple[Callable[[Value], float], list[tuple[float, str]]]:
    """Where a value stands on an axis from 0 to 1, and the marks of the axis."""
    if isinstance(among, Range):
        scale = math.log10 if among.log else float
        low, high = scale(among.low), scale(among.high)
        ends = [(0.0, f"{among.low:g}"), (1.0, f"{among.high:g}")]
        return lambda value: (scale(float(value)) - low) / (high - low), ends
    ordered = sorted(among, key=lambda v: (isinstance(v, str), v))
    last = max(1, len(ordered) - 1)
    places = {value: place / last for place, value in enumerate(ordered)}
    return lambda value: places[value], [(places[v], str(v)) for v in ordered]


def _save(axes: Axes, stem: Path) -> list[Path]:
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    paths = [stem.with_suffix(suffix) for suffix in (".png", ".svg")]
    for path in paths:
        figure.savefig(path, dpi=150)
    plt.close("all")
    return paths
