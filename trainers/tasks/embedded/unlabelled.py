"""The text to pre-train on: everything in which nothing of the dev and test sides shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from trainers.tasks.duplicates.cleaning import cleaned
from trainers.tasks.duplicates.near_duplicates import NEAR, HeldOut
from trainers.tasks.embedded.extraction import Document
from trainers.tasks.embedded.pool import SIDES, Pool, side


def corpus(found: Sequence[Document], pool: Pool, labelled: Sequence[str]) -> Iterator[str]:
    """The documents as lines of text, without the modules of the dev and test sides.

    A paragraph of the rest goes if it contains a dev or test summary or body, or nearly so, and
    the whole document if it still does. A repeated paragraph stays once.

    Args:
        found: the documents, those of packages that have no labels included.
        pool: the pool, whose dev and test sides are held out.
        labelled: import names of the packages whose modules have sides.
    """
    own = frozenset(labelled)
    documents = (
        each.paragraphs
        for each in found
        if each.module.split(".")[0] not in own or SIDES[side(each.module)] == "train"
    )
    return cleaned(documents, _held_out(pool))


def _held_out(pool: Pool) -> HeldOut:
    outside = np.flatnonzero(pool.rows[:, 2] != SIDES.index("train"))
    return HeldOut((text for i in outside for text in (pool.summaries[i], pool.bodies[i])), NEAR)
