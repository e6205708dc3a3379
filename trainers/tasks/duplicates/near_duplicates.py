"""Texts that say nearly the same: exact set joins on shingles, no hashing, no sampling.

Texts are compared as sets of shingles, runs of three words. Two sets that share at least a part
t of their shingles must share one of their rarest: of n shingles, one of the first
n − ⌈t·n⌉ + 1 in an order that puts the rarest first (prefix filtering: Chaudhuri, Ganti and
Kaushik 2006). An index over those finds every candidate, and each candidate is then compared.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

Shingle = tuple[str, ...]

#: Scripts without spaces, of which every character counts as a word.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\W_])+")
WORDS_IN_A_SHINGLE = 3

#: Texts are near-duplicates when they share this part of their shingles.
NEAR = 0.8


def words(text: str) -> list[str]:
    """Lower-cased words and numbers of any script, punctuation left out.

    >>> words("Größe 3: 你好, мир!")
    ['größe', '3', '你', '好', 'мир']
    """
    return WORD.findall(text.lower())


def shingles(text: str) -> frozenset[Shingle]:
    """Every run of three words; the whole text where it has fewer. Empty without words.

    >>> sorted(shingles("Fit the model. Fit it."))
    [('fit', 'the', 'model'), ('model', 'fit', 'it'), ('the', 'model', 'fit')]
    """
    found = words(text)
    if len(found) < WORDS_IN_A_SHINGLE:
        return frozenset([tuple(found)] if found else [])
    return frozenset(zip(found, found[1:], found[2:], strict=False))


def keep_first(texts: Sequence[str], threshold: float) -> list[int]:
    """Indices of the texts that resemble no text kept before them.

    Two texts resemble each other when the Jaccard index of their shingles is at least the
    threshold, in (0, 1]. Of similar texts the first stays, so put the ones to keep first.
    """
    sets = [shingles(text) for text in texts]
    rarest_first = _rarity(sets)
    index: dict[Shingle, list[int]] = defaultdict(list)
    kept = []
    for i, own in enumerate(sets):
        prefix = _prefix(own, rarest_first, threshold)
        candidates = {j for shingle in prefix for j in index.get(shingle, ())}
        if any(_jaccard(own, sets[j]) >= threshold for j in candidates):
            continue
        kept.append(i)
        for shingle in prefix:
            index[shingle].append(i)
    return kept


def resemblance(one: str, other: str, threshold: float) -> float:
    """1 for the same words, else the Jaccard index of the shingles, or 0 below the threshold.

    >>> resemblance("Fit the model.", "fit the model", 0.8)
    1.0
    """
    if words(one) == words(other) and (words(one) or one.split() == other.split()):
        return 1.0
    found = _jaccard(shingles(one), shingles(other)) if words(one) and words(other) else 0.0
    return min(found, 0.999) if found >= threshold else 0.0


class HeldOut:
    """Texts that must not show through: tells whether another text contains one of them.

    A text contains a held-out one when at least `threshold` of the latter's shingles are among
    its own; verbatim copies and near-duplicates (Jaccard ≥ threshold) are thereby contained. A
    held-out text of fewer than three words is only contained in the same words and nothing else:
    "great film" is part of many a review that quotes nobody.
    """

    def __init__(self, texts: Iterable[str], threshold: float) -> None:
        self.threshold = threshold
        self._sets = sorted({tuple(sorted(shingles(text))) for text in texts} - {()})
        self._index: dict[Shingle, list[int]] = defaultdict(list)
        rarest_first = _rarity(self._sets)
        for i, held in enumerate(self._sets):
            for shingle in _prefix(held, rarest_first, threshold):
                self._index[shingle].append(i)

    def contained_in(self, text: str) -> bool:
        """Whether the text contains any of the held-out texts."""
        own = shingles(text)
        candidates = {i for shingle in own for i in self._index.get(shingle, ())}
        return any(
            sum(shingle in own for shingle in self._sets[i])
            >= _at_least(self.threshold, len(self._sets[i]))
            for i in candidates
        )


def _jaccard(one: frozenset[Shingle], other: frozenset[Shingle]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def _rarity(sets: Iterable[Iterable[Shingle]]) -> Counter[Shingle]:
    return Counter(shingle for own in sets for shingle in own)


def _prefix(own: Iterable[Shingle], rarity: Counter[Shingle], threshold: float) -> list[Shingle]:
    ordered = sorted(own, key=lambda shingle: (rarity[shingle], shingle))
    return ordered[: len(ordered) - _at_least(threshold, len(ordered)) + 1]


def _at_least(threshold: float, size: int) -> int:
    """Smallest count that makes up `threshold` of `size`, safe from rounding of .8 · 5."""
    return max(1, math.ceil(threshold * size - 1e-9))
