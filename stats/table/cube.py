"""Scores of several methods as one block, so that many comparisons are made at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stats.errors import InvalidSetting, UnknownName
from stats.inputs import FloatArray, IntArray
from stats.listing import first_few
from stats.table.collapsed_runs import collapsed
from stats.table.pairing import Seed

if TYPE_CHECKING:
    import pandas as pd


NO_SEEDS: IntArray = np.array([], dtype=np.int64)


class Cell(NamedTuple):
    """Where methods are compared: one model from one init on one task."""

    model: str
    init: str
    task: str

    def __str__(self) -> str:
        return " · ".join(part for part in self if part)


@dataclass(frozen=True)
class Cube:
    """Scores by cell, method and seed.

    Attributes:
        scores: shape (cells, methods, seeds), NaN where there is none.
        present: the same shape: whether there was a run, scored or failed.
        reasons: why a run has no score, by its place in the block.
    """

    cells: tuple[Cell, ...]
    methods: tuple[str, ...]
    seeds: tuple[Seed, ...]
    scores: FloatArray
    present: NDArray[np.bool_]
    reasons: dict[tuple[int, int, int], str]

    @cached_property
    def has_runs(self) -> NDArray[np.bool_]:
        """Whether a method has a run in a cell, scored or failed: shape (cells, methods)."""
        return np.asarray(self.present.any(axis=2))

    def places(self) -> list[tuple[int, int]]:
        """Cells and methods that can be compared with method 0 there."""
        comparable = self.has_runs[:, 1:] & self.has_runs[:, :1]
        return [(cell, method + 1) for cell, method in np.argwhere(comparable).tolist()]

    def nowhere(self) -> str:
        """That no method can be compared with method 0, with the places of each."""
        told = []
        for name, has_runs in zip(self.methods, self.has_runs.T, strict=True):
            cells = [str(self.cells[c]) or "one without a name" for c in np.flatnonzero(has_runs)]
            told.append(f"{name} has {first_few(cells)}")
        names = " and ".join(self.methods)
        return f"no model, init and task has runs of {names}: {'; '.join(told)}"

    def dropped(self, cell: IntArray, method: IntArray, paired: bool = True) -> list[IntArray]:
        """For each comparison with method 0 the seeds of either arm that make no pair.

        Of unpaired arms only those whose run has no score.
        """
        present = self.present[cell, 0], self.present[cell, method]
        scored = np.isfinite(self.scores[cell, 0]), np.isfinite(self.scores[cell, method])
        if paired:
            lost = (present[0] | present[1]) & ~(scored[0] & scored[1])
        else:
            lost = (present[0] & ~scored[0]) | (present[1] & ~scored[1])
        seeds = [NO_SEEDS] * len(lost)
        for row in np.flatnonzero(lost.any(axis=1)):
            seeds[row] = np.flatnonzero(lost[row])
        return seeds

    def collapsed(self, margin: float | None, lower_is_better: bool) -> NDArray[np.bool_]:
        """Which runs look collapsed beside all of their cell, in the shape of the scores."""
        return np.array(
            [
                collapsed(arms, margin=margin, lower_is_better=lower_is_better)
                for arms in self.scores
            ]
        )

    def named_seeds(self, which: NDArray[np.bool_] | np.bool_) -> tuple[Seed, ...]:
        """The seeds at which this array of shape (seeds,) is true."""
        return tuple(self.seeds[place] for place in np.flatnonzero(which).tolist())

    def failure(self, cell: int, method: int, seed: int) -> str:
        """Why this run has no score, in words; "" if it has one."""
        if not self.present[cell, method, seed]:
            return f"no run of {self.methods[method]}"
        if np.isfinite(self.scores[cell, method, seed]):
            return ""
        return f"{self.methods[method]} {self.reasons[cell, method, seed]}"


def select(table: pd.DataFrame, metric: str | None, split: str) -> tuple[pd.DataFrame, str, str]:
    """The rows of one split and metric, with the names of both.

    Args:
        table: validated scores.
        metric: which metric; None where each cell has only one.
        split: which split; scores that name no split at all are taken as they are.

    Raises:
        UnknownName: the scores do not hold this split or metric.
        InvalidSetting: no metric is named, and a cell holds several.
    """
    if not (table["split"] == "").all():
        _check_known("split", split, table["split"])
        table = table[table["split"] == split]
    else:
        split = ""
    if metric is not None:
        _check_known("metric", metric, table["metric"])
        return table[table["metric"] == metric], metric, split
    metrics = table["metric"].drop_duplicates().tolist()
    if len(metrics) > 1 and table.groupby(list(Cell._fields))["metric"].nunique().max() > 1:
        raise InvalidSetting(f"the scores hold several metrics ({', '.join(metrics)}): name one")
    return table, ", ".join(name for name in metrics if name), split


def build(table: pd.DataFrame, methods: Sequence[str]) -> Cube:
    """The block of these methods.

    Args:
        table: validated scores of one split and metric.
        methods: which, each once.

    Raises:
        UnknownName: the scores do not hold one of the methods.
    """
    import pandas as pd

    present_methods = table["method"].drop_duplicates().tolist()
    known = set(present_methods)
    for name in methods:
        if name not in known:
            raise UnknownName("method", name, present_methods)
    rows = table[table["method"].isin(methods)]
    cells = rows[list(Cell._fields)].drop_duplicates()
    cell = rows.groupby(list(Cell._fields), sort=False).ngroup().to_numpy()
    method = pd.Index(methods).get_indexer(pd.Index(rows["method"]))
    seed, seeds = pd.factorize(rows["seed"], sort=True)
    place = (cell, method, seed)
    shape = (len(cells), len(methods), len(seeds))
    scores, present = np.full(shape, np.nan), np.zeros(shape, dtype=np.bool_)
    scores[place], present[place] = rows["score"].to_numpy(), True
    failed = rows["score"].isna().to_numpy()
    failed_places = zip(*(axis[failed].tolist() for axis in place), strict=True)
    reasons = [status or "has no score" for status in rows["status"][failed]]
    return Cube(
        cells=tuple(Cell(*names) for names in cells.itertuples(index=False, name=None)),
        methods=tuple(methods),
        seeds=tuple(seeds.tolist()),
        scores=scores,
        present=present,
        reasons=dict(zip(failed_places, reasons, strict=True)),
    )


def _check_known(what: str, name: str, column: pd.Series[str]) -> None:
    present = column.drop_duplicates().tolist()
    if name not in present:
        raise UnknownName(what, name, present)


def which(baseline: str, candidate: str, cell: Cell) -> str:
    """A comparison in words.

    >>> which("base", "kd", Cell("tiny", "scratch", ""))
    'base vs kd (tiny · scratch)'
    """
    place = str(cell)
    return f"{baseline} vs {candidate}" + (f" ({place})" if place else "")
