"""How a model that writes reads texts and writes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Marks:
    """Token numbers that stand for no part of a text.

    Attributes:
        start: what a decoder reads before the first token; of a decoder alone, what stands between
            source and target.
        end: what a text ends with.
        padding: what fills up rows.
    """

    start: int
    end: int
    padding: int


class TextCodec(Protocol):
    """How a model that writes reads texts and writes them."""

    @property
    def marks(self) -> Marks:
        """Its special tokens."""
        ...

    @property
    def has_encoder(self) -> bool:
        """Whether an encoder reads the source; else it stands before the target."""
        ...

    def sources(self, texts: Sequence[str], max_length: int) -> list[list[int]]:
        """Token numbers of what is read, cut after so many."""
        ...

    def targets(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of what is to be written, without start and end."""
        ...

    def texts(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """What was written, special tokens left out."""
        ...
