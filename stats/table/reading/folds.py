"""Folds of a cross-validation: a column that says which, beside that of the repetition."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stats.errors import ScoresError
from stats.table.reading.place import PlaceOf
from stats.table.reading.seeds import seed_of

if TYPE_CHECKING:
    import pandas as pd

#: What a column of folds is called, in lower case, without what separates its words.
CALLED = ("fold", "folds", "cvfold", "foldid", "foldindex", "foldnumber", "kfold")


def in_folds(frame: pd.DataFrame, column: str, place: PlaceOf, source: str) -> pd.DataFrame:
    """Scores whose seeds name the repetition and the fold in it, as "1/7".

    Args:
        frame: scores under known names; its seeds, where it has some, are repetitions.
        column: of the folds; "" is the one that is called so, and where none is, or where it is
            the seeds themselves, each seed stays as it is and is a fold.
        place: where a row stands.
        source: the file, as messages call it.

    Raises:
        ScoresError: no such column, or a row without a fold or a repetition.
    """
    names = [str(name) for name in frame.columns]
    if not column:
        column = next((name for name in names if _plain(name) in CALLED), "seed")
    if column == "seed":
        return frame
    if column not in names:
        raise ScoresError(f'{source}: no column "{column}" of folds; it has {", ".join(names)}')
    seeds = frame["seed"] if "seed" in names else frame[column].map(lambda _: "1")
    for what, held in (("seed", seeds), (column, frame[column])):
        empty = held.index[held.isna() | (held.astype(str).str.strip() == "")]
        if len(empty):
            raise ScoresError(f"{place(empty[0])}, column {what}: empty")
    pairs = zip(seeds, frame[column], strict=True)
    joined = [f"{seed_of(seed)}/{seed_of(fold)}" for seed, fold in pairs]
    return frame.drop(columns=column).assign(seed=joined)


def fold_in(seed: int | str) -> tuple[str, str]:
    """The repetition and the fold that a seed names; of a plain seed the repetition is "".

    >>> fold_in("1/7"), fold_in(3)
    (('1', '7'), ('', '3'))
    """
    repetition, _, fold = str(seed).rpartition("/")
    return repetition, fold


def _plain(name: str) -> str:
    return re.sub(r"[\W_]", "", re.split(r"[./:]", name.strip().lower())[-1])
