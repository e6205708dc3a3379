"""A result on paper: what it says, laid out once for every format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any


class Words(str):
    """The head of a column of words, which stand at the left; figures stand at the right."""

    __slots__ = ()


@dataclass(frozen=True)
class TextTable:
    """A heading and rows of cells that are ready to be read.

    Attributes:
        heading: of each column, `Words` where it holds words.
        over: names that stand over several columns each, with the number of these; none where
            empty. The first column has nothing above it.
        compared: whether its rows are comparisons, which a terminal shows in one cell each.
    """

    title: str
    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    over: tuple[tuple[str, int], ...] = ()
    compared: bool = False

    def without_empty(self, name: str) -> TextTable:
        """The same table without the column of this name, if no row has anything in it."""
        column = self.heading.index(name)
        if any(row[column] for row in self.rows):
            return self
        heading, *rows = ((*row[:column], *row[column + 1 :]) for row in (self.heading, *self.rows))
        return replace(self, heading=heading, rows=tuple(rows))


@dataclass(frozen=True)
class Sheet:
    """One result on paper.

    Attributes:
        kind: what the result is, for JSON.
        header: lines that say what was done.
        tables: for people.
        records: one for each row of a CSV file, at full precision.
        whole: everything, for JSON.
        warnings: what makes the result doubtful.
        notes: what else is to be known beside it.
        title: a heading above it; empty where it stands alone.
        sentences: what was found, in words, below the header.
    """

    kind: str
    header: tuple[str, ...]
    tables: tuple[TextTable, ...]
    records: tuple[Mapping[str, Any], ...]
    whole: Mapping[str, Any]
    warnings: tuple[str, ...]
    notes: tuple[str, ...] = ()
    title: str = ""
    sentences: tuple[str, ...] = ()
