"""Texts to pre-train on, without what is held out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from trainers.tasks.duplicates.near_duplicates import HeldOut


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
