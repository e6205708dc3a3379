"""The figures of a report one by one, as matplotlib has them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING

from benchmark.errors import BenchmarkError
from benchmark.report.figures.of_arms import (
    sketch_costs,
    sketch_curves,
    sketch_profiles,
    sketch_ranks,
    sketch_reliability,
)
from benchmark.report.figures.of_comparisons import (
    sketch_estimations,
    sketch_forests,
    sketch_interactions,
    sketch_slopes,
    sketch_sweeps,
)
from benchmark.report.gather import Gathered
from benchmark.report.picture import Sketch

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Draws the figure of one model, init and task.
_OfPlace = Callable[[Gathered, tuple[str, ...], str], Iterator[Sketch]]


@dataclass(frozen=True)
class Plots:
    """Draws the figures of a study's report; each function returns one.

    Where a study has several of a kind, `task`, `init`, `model` and `candidate` say which; they may
    be left out where there is one alone. All raise BenchmarkError where there is none, or several.

    Attributes:
        gathered: what they show.
    """

    gathered: Gathered

    def forest(
        self,
        *,
        task: str | None = None,
        init: str | None = None,
        model: str | None = None,
        candidate: str | None = None,
    ) -> Figure:
        """Every comparison with its interval, its verdict and the margin."""
        return _one("forest", sketch_forests(self._at(task, init, model, candidate)))

    def estimation(
        self,
        *,
        task: str | None = None,
        init: str | None = None,
        model: str | None = None,
        candidate: str | None = None,
    ) -> Figure:
        """The pairs of one comparison, and its difference."""
        return _one("estimation", sketch_estimations(self._at(task, init, model, candidate)))

    def slopes(
        self, *, task: str | None = None, init: str | None = None, model: str | None = None
    ) -> Figure:
        """Every seed over all arms."""
        return _one("slopes", sketch_slopes(self._at(task, init, model)))

    def interaction(
        self, *, task: str | None = None, model: str | None = None, candidate: str | None = None
    ) -> Figure:
        """The effect of a candidate under two inits, seed by seed."""
        here = self._at(task, None, model, candidate)
        return _one("interaction", sketch_interactions(here))

    def sweep(
        self, *, task: str | None = None, init: str | None = None, model: str | None = None
    ) -> Figure:
        """Scores over a hyper-parameter that was swept, with the margin around the baseline."""
        asked = _asked(task=task, init=init, model=model)
        narrower = [  # judged as they are among all others
            replace(found, sweeps=tuple(each for each in found.sweeps if _is(each, asked)))
            for found in self.gathered.sweeps
        ]
        return _one("sweep", sketch_sweeps(narrower))

    def ranks(
        self, *, task: str | None = None, init: str | None = None, model: str | None = None
    ) -> Figure:
        """Mean ranks of all arms, and which cannot be told apart."""
        rankings = self.gathered.ranked.rankings if self.gathered.ranked else ()
        asked = _asked(task=task, init=init, model=model)
        return _one("ranks", (sketch_ranks(each) for each in rankings if _is(each, asked)))

    def profiles(self, *, init: str | None = None, model: str | None = None) -> Figure:
        """The share of runs of each arm that score better than each threshold, over all tasks."""
        return _one("profiles", sketch_profiles(self._at(None, init, model)))

    def learning_curves(
        self, *, task: str | None = None, init: str | None = None, model: str | None = None
    ) -> Figure:
        """Dev after each epoch, mean and sd over seeds."""
        return self._of_place("learning_curves", sketch_curves, task, init, model)

    def reliability(
        self, *, task: str | None = None, init: str | None = None, model: str | None = None
    ) -> Figure:
        """How often arms are right, over how sure they are."""
        return self._of_place("reliability", sketch_reliability, task, init, model)

    def cost(
        self, *, task: str | None = None, init: str | None = None, model: str | None = None
    ) -> Figure:
        """Effects beside what they cost, teachers included."""
        return self._of_place("cost", sketch_costs, task, init, model)

    def _of_place(
        self, kind: str, sketch: _OfPlace, task: str | None, init: str | None, model: str | None
    ) -> Figure:
        here = self._at(task, init, model)
        found = (each for place, title in here.places() for each in sketch(here, place, title))
        return _one(kind, found)

    def _at(
        self,
        task: str | None,
        init: str | None,
        model: str | None,
        candidate: str | None = None,
    ) -> Gathered:
        """What was gathered, as far as it is of these.

        Raises:
            BenchmarkError: there is nothing such.
        """
        whole, asked = self.gathered, _asked(task=task, init=init, model=model)
        cells, scores, analysis = whole.record.cells, whole.scores, whole.analysis
        for what, name in asked.items():
            _known(what, name, [getattr(cell, what) for cell in cells])
            scores = scores[scores[what] == name]
        if candidate is not None:
            _known("candidate", candidate, [each.candidate for each in analysis.comparisons])
        compared = asked | _asked(candidate=candidate)
        if not compared:
            return whole
        of_inits = _asked(task=task, model=model, candidate=candidate)
        return replace(
            whole,
            record=replace(whole.record, cells=tuple(c for c in cells if _is(c, asked))),
            scores=scores,
            analysis=replace(
                analysis,
                comparisons=tuple(e for e in analysis.comparisons if _is(e, compared)),
                interactions=tuple(e for e in analysis.interactions if _is(e, of_inits)),
            ),
            pooled=None,
        )


def _asked(**names: str | None) -> dict[str, str]:
    """What was said."""
    return {what: name for what, name in names.items() if name is not None}


def _is(found: object, asked: Mapping[str, str]) -> bool:
    """Whether something is of these names."""
    return all(getattr(found, what) == name for what, name in asked.items())


def _known(what: str, name: str, names: list[str]) -> None:
    """Refuse a name that nothing has.

    Raises:
        BenchmarkError: with those that there are.
    """
    if name not in names:
        there = ", ".join(dict.fromkeys(names))
        raise BenchmarkError(f'there is no {what} "{name}"; there are: {there}.')


def _one(kind: str, sketches: Iterator[Sketch]) -> Figure:
    """The only figure of a kind.

    Raises:
        BenchmarkError: there is none, or there are several.
    """
    first = next(sketches, None)
    if first is None:
        raise BenchmarkError(f"{kind}: the study has nothing to show there.")
    second = next(sketches, None)
    if second is not None:
        raise BenchmarkError(
            f'{kind}: there are several, as "{first[1]}" and "{second[1]}"; say which by task=, '
            "init=, model= or candidate=, as far as it takes them."
        )
    _have_notebooks_show(type(first[3]))
    return first[3]


def _have_notebooks_show(figure: type) -> None:
    """Have a notebook show figures as pictures, as importing matplotlib.pyplot does."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    if shell is None:
        return
    if figure not in shell.display_formatter.formatters["image/png"].type_printers:
        import_module("IPython.core.pylabtools").select_figure_formats(shell, {"png"})
