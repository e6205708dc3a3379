"""The text to pre-train on: everything in which nothing of the dev and test sides shows."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from trainers.tasks.extraction import Document
from trainers.tasks.near_duplicates import HeldOut
from trainers.tasks.pool import NEAR, SIDES, Pool, side


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


def cleaned(documents: Iterable[Sequence[str]], held_out: HeldOut) -> Iterator[str]:
    """Each document as one line, without what contains a held-out text, or nearly so.

    A document that contains none stays whole; of another the paragraphs that contain none stay,
    unless together they still do. A repeated paragraph stays once.

    >>> held_out = HeldOut(["the cat sat on the mat"], 0.8)
    >>> list(cleaned([["One day.", "The cat sat on the mat!"], ["One day."]], held_out))
    ['One day.']
    """
    seen: set[str] = set()
    for paragraphs in documents:
        new = [paragraph for paragraph in paragraphs if paragraph not in seen]
        seen.update(new)
        if text := _clean(new, held_out):
            yield text


def _clean(paragraphs: Sequence[str], held_out: HeldOut) -> str:
    """The paragraphs as one text in which no held-out one shows; empty if that cannot be had."""
    whole = " ".join(paragraphs)
    if not held_out.contained_in(whole):
        return whole
    rest = " ".join(p for p in paragraphs if not held_out.contained_in(p))
    return "" if held_out.contained_in(rest) else rest


def _held_out(pool: Pool) -> HeldOut:
    outside = np.flatnonzero(pool.rows[:, 2] != SIDES.index("train"))
    return HeldOut((text for i in outside for text in (pool.summaries[i], pool.bodies[i])), NEAR)
