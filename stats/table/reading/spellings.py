"""Names that differ in capitals alone: one arm, task or metric that would count as two."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from stats.errors import ScoresError
from stats.table.reading.place import PlaceOf

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("model", "init", "method", "task", "split", "metric")


def check_spellings(table: pd.DataFrame, place: PlaceOf) -> None:
    """Refuse two spellings of one name, which would drop seeds or whole arms.

    Args:
        table: validated scores.
        place: where a row stands.

    Raises:
        ScoresError: with both spellings, and where each is first.
    """
    for column in NAMES:
        first: dict[str, tuple[str, object]] = {}
        for row, name in table[column].drop_duplicates().items():
            alike = unicodedata.normalize("NFC", name).casefold()
            spelling, before = first.setdefault(alike, (name, row))
            if spelling != name:
                raise ScoresError(
                    f'{place(row)}, column {column}: "{name}", and "{spelling}" in '
                    f"{place(before).row}; spell one name alike, or give two things names that "
                    "differ in more than capitals"
                )
