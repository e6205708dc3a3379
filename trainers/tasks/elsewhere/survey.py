"""What a look at a data set shows, and which of its rows each part of a task gets."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.tasks.elsewhere.reading.class_labels import require_classes
from trainers.tasks.parts import Part, carve
from trainers.tasks.task import Split

#: In place of classes, in messages.
_TEXTS = ("text",)


@dataclass(frozen=True)
class Survey:
    """What a look at a source shows, without its texts and images.

    Attributes:
        labels: shape (n,), 0 … K−1, over all splits that the task uses.
        digests: shape (n,), of the content of each example.
        groups: shape (n,), the same number for examples that no two parts share between them.
        origins: shape (n,), which of `splits` each row is from.
        splits: names of the splits, in the order of the rows.
        classes: names of the K classes; none where texts are to be written.
        size: of what is prepared, in bytes.
    """

    labels: NDArray[np.int64]
    digests: NDArray[np.uint64]
    groups: NDArray[np.int64]
    origins: NDArray[np.int64]
    splits: Sequence[str]
    classes: tuple[str, ...]
    size: int = 0

    def save(self, file: Path) -> None:
        """Write everything but the size."""
        arrays = {
            "labels": self.labels,
            "digests": self.digests,
            "groups": self.groups,
            "origins": self.origins,
            "splits": np.array(self.splits),
            "classes": np.array(self.classes),
        }
        np.savez(file, allow_pickle=False, **arrays)  # type: ignore[arg-type]

    @classmethod
    def open(cls, file: Path) -> Survey:
        """Read what :meth:`save` wrote."""
        with np.load(file, allow_pickle=False) as kept:
            return cls(
                labels=kept["labels"],
                digests=kept["digests"],
                groups=kept["groups"],
                origins=kept["origins"],
                splits=[str(name) for name in kept["splits"]],
                classes=tuple(map(str, kept["classes"])),
            )


def assign(
    survey: Survey, parts: Mapping[Split, Part], seed: int, name: str, read_from: str = ""
) -> dict[Split, NDArray[np.int64]]:
    """The rows of each part, ascending.

    Args:
        survey: of the data.
        parts: where the examples of each come from.
        seed: of what is drawn.
        name: of the task, for messages.
        read_from: the files of train, for messages.

    Raises:
        TaskError: a part cannot be drawn or is empty, or a class is missing in train.
    """
    found: dict[Split, NDArray[np.int64]] = {}
    for i, source in enumerate(survey.splits):
        here = np.flatnonzero(survey.origins == i)
        asked = {split: part for split, part in parts.items() if part.split == source}
        try:
            of_rows = (survey.digests[here], survey.labels[here], survey.groups[here])
            drawn = carve(*of_rows, asked, survey.classes or _TEXTS, seed)
        except TaskError as error:
            raise TaskError(f"{name}: {error}") from error
        found |= {split: here[rows] for split, rows in drawn.items()}
    for split, rows in found.items():
        if not len(rows):
            raise TaskError(
                f"{name}: {split}={parts[split]} is empty; other parts took everything."
            )
    where = f"{name} ({read_from})" if read_from else name
    if survey.classes:
        require_classes(survey.labels[found["train"]], survey.classes, where)
    return found


def content_digests(*texts: Sequence[str | bytes]) -> NDArray[np.uint64]:
    """64 bits of each row of some columns, the same on every machine."""
    return np.fromiter(
        (
            int.from_bytes(hashlib.blake2b(_joined(row), digest_size=8).digest(), "big")
            for row in zip(*texts, strict=True)
        ),
        np.uint64,
    )


def _joined(row: Sequence[str | bytes]) -> bytes:
    plain = [each.encode() if isinstance(each, str) else each for each in row]
    return b"".join(len(each).to_bytes(8, "big") + each for each in plain)
