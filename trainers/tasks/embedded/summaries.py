"""Texts to summarise that every machine has: docstrings, whose first sentence is their summary."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.inputs import wordpiece
from trainers.tasks.decoding import Decoding
from trainers.tasks.embedded import installed, pool
from trainers.tasks.embedded.extraction import documents
from trainers.tasks.embedded.packages import FURTHER, PACKAGES
from trainers.tasks.embedded.prose import Masking
from trainers.tasks.embedded.unlabelled import corpus
from trainers.tasks.lines import read_lines, write_lines
from trainers.tasks.task import Examples, Split, Task

#: Where a sentence ends: not behind "e.g." or "i.e.", nor within a number.
_END = re.compile(r"(?<![ei]\.[ge])(?<!\bvs)(?<!\betc)[.!?](?=\s+[A-Z])")
#: Words of a summary: shorter ones say too little, longer ones are lists.
_WORDS = (3, 24)


@dataclass(frozen=True)
class DocstringSummary(Task):
    """The body of a docstring, from which its first sentence is to be written.

    The bodies and the sentences are those of :class:`~trainers.tasks.Docstrings`: names of the
    packages masked, near-duplicates removed, every module on one side of the split only. A body
    has 8 to 40 words, a summary 3 to 24. The text to pre-train on holds nothing of dev and test.

    Attributes:
        train, dev, test: how many examples each split has.
        vocabulary: entries of the WordPiece vocabulary trained on the corpus.
        decoding: how summaries are written.

    Raises:
        TaskError: a field is out of range, or, when the data are read, there are too few.
    """

    writes: ClassVar[Literal["classes", "text"]] = "text"

    train: int = 2400
    dev: int = 400
    test: int = 800
    vocabulary: int = 4096
    decoding: Decoding = Decoding(longest=32)  # type: ignore[assignment]  # noqa: RUF009 - frozen

    def __post_init__(self) -> None:
        for split, size in self.sizes.items():
            if not isinstance(size, int) or isinstance(size, bool) or size < 1:
                raise TaskError(
                    f"DocstringSummary: {split}={size!r} must be a whole number from 1."
                )
        if self.vocabulary < wordpiece.SMALLEST:
            raise TaskError(
                f"DocstringSummary: vocabulary={self.vocabulary} is too small for the alphabet. "
                f"Give at least {wordpiece.SMALLEST}."
            )
        if not isinstance(self.decoding, Decoding):
            raise TaskError(f"DocstringSummary: decoding={self.decoding!r} must be a Decoding.")

    @property
    def name(self) -> str:
        """For tables."""
        return "docstrings/summary"

    @property
    def classes(self) -> tuple[str, ...]:
        """None: texts are not classified."""
        return ()

    @property
    def metric(self) -> str:
        """ROUGE of the longest common subsequence."""
        return "rougeL"

    @property
    def sizes(self) -> Mapping[Split, int]:
        """Number of examples in each split."""
        return {"train": self.train, "dev": self.dev, "test": self.test}

    def fingerprint(self) -> str:
        """Digest of what the prepared folder is made from: packages, their files, vocabulary."""
        named = [*PACKAGES, *FURTHER]
        installed.require(named)
        source = [
            type(self).__name__,
            self.revision,
            self.vocabulary,
            metadata.version("tokenizers"),
            sys.version_info[:2],  # decides which files can be parsed
            [[package, installed.digest(package)] for package in named],
        ]
        return hashlib.sha256(json.dumps(source).encode()).hexdigest()

    def specification(self) -> dict[str, Any]:
        """Everything that determines the examples, and how texts are written."""
        return {
            "task": type(self).__name__,
            "revision": self.revision,
            "fingerprint": self.fingerprint(),
            "sizes": dict(self.sizes),
            "decoding": self.decoding,
        }

    def prepare(self, folder: Path) -> None:
        """Extract everything, and write the pool, `corpus.txt` and `tokenizer.json`."""
        installed.require([*PACKAGES, *FURTHER])
        masking = Masking(PACKAGES)
        own = documents(PACKAGES, masking)
        examples = pool.build(own)
        pool.write(examples, folder)
        found = own + documents(FURTHER, masking)
        texts = list(corpus(found, examples, PACKAGES))
        write_lines(texts, folder / "corpus.txt")
        wordpiece.train(texts, self.vocabulary, folder / "tokenizer.json")

    def load(self, split: Split, folder: Path, seed: int) -> Examples:
        """Draw the examples of a split from its side; ids are rows of the pool.

        Raises:
            TaskError: there are not so many.
        """
        side = pool.SIDES.index(split)
        written = (folder / "rows.npy").stat().st_mtime_ns
        source, summaries, usable = _read(folder.resolve(), written)
        fit = usable[source.rows[usable, 2] == side]
        size = self.sizes[split]
        if len(fit) < size:
            raise TaskError(
                f"DocstringSummary: {split}={size}, and the installed packages have {len(fit)} "
                f"docstrings for it. Ask for at most {len(fit)}."
            )
        drawn = np.sort(np.random.default_rng([2, side]).permutation(fit)[:size]).astype(np.int64)
        inputs = {
            "text": [source.bodies[i] for i in drawn],
            "target": [summaries[i] for i in drawn],
        }
        return Examples(drawn, np.zeros_like(drawn), inputs)

    def corpus(self, folder: Path) -> Iterator[str]:
        """Train-side docstrings and those of further packages, one document at a time."""
        yield from read_lines(folder / "corpus.txt")


@lru_cache(maxsize=1)
def _read(folder: Path, written: int) -> tuple[pool.Pool, list[str], NDArray[np.int64]]:
    """A prepared pool, its first sentences, and the rows that are examples; read once for a run.

    Args:
        folder: of the pool.
        written: when, so that one that was written anew is read again.
    """
    source = pool.read(folder)
    summaries = [first_sentence(text) for text in source.summaries]
    short, long = _WORDS
    usable = [
        i
        for i, text in enumerate(summaries)
        if source.bodies[i] and short <= len(text.split()) <= long
    ]
    return source, summaries, np.array(usable, np.int64)


def first_sentence(text: str) -> str:
    """What stands before the first end of a sentence, with it.

    >>> first_sentence("Sorts a list, e.g. of names. It is stable.")
    'Sorts a list, e.g. of names.'
    """
    end = _END.search(text)
    return text[: end.end()] if end else text
