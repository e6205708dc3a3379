"""Where a row of a table stands, as messages call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple


class Place(NamedTuple):
    """A row of a file or of a data frame.

    Attributes:
        source: the file, or what the frame is called.
        row: where in it, as "line 3".

    >>> str(Place("scores.csv", "line 3"))
    'scores.csv, line 3'
    """

    source: str
    row: str

    def __str__(self) -> str:
        return f"{self.source}, {self.row}"


#: From a label of the index to the place of its row.
PlaceOf = Callable[[Any], Place]
