"""The text to pre-train on: everything in which nothing of the dev and test sides shows."""

from collections.abc import Iterator, Sequence

import numpy as np

from trainers.tasks.extraction import Document
from trainers.tasks.near_duplicates import HeldOut
from trainers.tasks.pool import NEAR, SIDES, Pool, side


def corpus(found: Sequence[Document], pool: Pool, labelled: Sequence[str]) -> Iterator[str]:
    """The documents as lines of text, without the modules of the dev and test sides.

    A paragraph of the rest goes if it contains a dev or test summary or body, or nearly so.
    A repeated paragraph stays once.

    Args:
        found: the documents, those of packages that have no labels included.
        pool: the pool, whose dev and test sides are held out.
        labelled: import names of the packages whose modules have sides.
    """
    held_out = _held_out(pool)
    own = frozenset(labelled)
    seen: set[str] = set()
    for document in found:
        if document.module.split(".")[0] in own and SIDES[side(document.module)] != "train":
            continue
        kept = []
        for paragraph in document.paragraphs:
            if paragraph not in seen and not held_out.contained_in(paragraph):
                kept.append(paragraph)
            seen.add(paragraph)
        if kept:
            yield " ".join(kept)


def _held_out(pool: Pool) -> HeldOut:
    outside = np.flatnonzero(pool.rows[:, 2] != SIDES.index("train"))
    return HeldOut((text for i in outside for text in (pool.summaries[i], pool.bodies[i])), NEAR)
