"""Handwritten digits that scikit-learn brings along: 1,797 images of 8 × 8 pixels."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.resolve.needs import Needed
from trainers.tasks.embedded.sampling import (
    SMALLER,
    balanced,
    check_sizes,
    check_supply,
    equal_counts,
)
from trainers.tasks.faults import faults
from trainers.tasks.task import Examples, Split, Task

#: Where scikit-learn keeps them: one image a line, 64 pixels in 0 … 16 and the digit.
FILE = "sklearn/datasets/data/digits.csv.gz"
SPLITS: tuple[Split, ...] = ("test", "dev", "train")


@dataclass(frozen=True)
class Digits(Task):
    """Handwritten digits to be told apart, balanced exactly, from a small training set.

    The digits that are left out make the source task to pre-train on:
    `Digits(digits=(0, 1, 2, 3, 4))`. There are 174 to 183 images of every digit.

    Attributes:
        digits: the classes, in the order of their labels.
        train, dev, test: sizes, multiples of the number of digits.
        splits: "fixed", or "per_seed": every seed draws its own three splits from all images.

    Raises:
        TaskError: a field is out of range, or, when the data are read, scikit-learn is missing or
            a digit has too few images.
    """

    reads: ClassVar[Literal["text", "images"]] = "images"
    revision: ClassVar[int] = 1

    digits: tuple[int, ...] = (5, 6, 7, 8, 9)
    train: int = 100
    dev: int = 150
    test: int = 400
    splits: Literal["fixed", "per_seed"] = "fixed"

    def __post_init__(self) -> None:
        object.__setattr__(self, "digits", tuple(self.digits))
        if len(set(self.digits)) < max(2, len(self.digits)) or not set(self.digits) <= {*range(10)}:
            raise TaskError(
                f"Digits: digits={self.digits} must be at least two different digits from 0 to 9."
            )
        if self.splits not in ("fixed", "per_seed"):
            raise TaskError(
                f'Digits: splits={self.splits!r} is unknown. Choose one of "fixed", "per_seed".'
            )
        check_sizes("Digits", self.sizes, len(self.digits))

    @property
    def name(self) -> str:
        """For example `digits/56789`."""
        return f"digits/{''.join(map(str, self.digits))}"

    @property
    def classes(self) -> tuple[str, ...]:
        """The digits, in the order of their labels."""
        return tuple(map(str, self.digits))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """One channel of 8 × 8 pixels."""
        return (1, 8, 8)

    @property
    def per_seed(self) -> bool:
        """Whether every seed draws its own splits."""
        return self.splits == "per_seed"

    @property
    def sizes(self) -> Mapping[Split, int]:
        """Number of images in each split."""
        return {"train": self.train, "dev": self.dev, "test": self.test}

    def class_counts(self) -> Mapping[Split, Sequence[int]]:
        """Equally many of every class."""
        return equal_counts(self.sizes, len(self.digits))

    def requirements(self) -> tuple[Needed, ...]:
        """What of it is not here: scikit-learn's file, or as many images as it asks for."""
        wrong = faults(self._check_supply)
        return tuple(Needed("data", self.name, each.rstrip("."), SMALLER) for each in wrong)

    def _check_supply(self) -> None:
        there = np.bincount(_read(_file())[1], minlength=10)[list(self.digits)]
        title = "Digits"
        for split in SPLITS:
            size = self.sizes[split]
            labels = np.repeat(np.arange(len(there)), there)
            check_supply(title, split, size, labels, self.classes)
            there = there - size // len(self.digits)
            title = f"{title}, after {split}={size}"

    def fingerprint(self) -> str:
        """Digest of scikit-learn's data file; the same whatever the digits and sizes."""
        source = f"{type(self).__name__} {self.revision} ".encode() + _file().read_bytes()
        return hashlib.sha256(source).hexdigest()

    def specification(self) -> dict[str, Any]:
        """Everything that determines the examples of every split."""
        return {
            "task": type(self).__name__,
            "revision": self.revision,
            "fingerprint": self.fingerprint(),
            "digits": list(self.digits),
            "sizes": dict(self.sizes),
            "splits": self.splits,
        }

    def prepare(self, folder: Path) -> None:
        """Write all images as `pixels.npy`, shape (1797, 1, 8, 8), and `digits.npy`."""
        pixels, digits = _read(_file())
        np.save(folder / "pixels.npy", pixels, allow_pickle=False)
        np.save(folder / "digits.npy", digits, allow_pickle=False)

    def load(self, split: Split, folder: Path, seed: int) -> Examples:
        """Pixels in [0, 1]; ids count scikit-learn's images. A split does not depend on later ones.

        The splits are taken in the order test, dev, train, so that the size of the training set
        can be changed without changing what is judged on.
        """
        pixels = np.load(folder / "pixels.npy", allow_pickle=False)
        digit = np.load(folder / "digits.npy", allow_pickle=False)
        free = np.flatnonzero(np.isin(digit, self.digits))
        rng = np.random.default_rng([1, seed] if self.per_seed else [0])
        drawn, title = free, "Digits"
        for current in SPLITS:
            labels = np.array([self.digits.index(int(d)) for d in digit[free]], dtype=np.int64)
            size = self.sizes[current]
            check_supply(title, current, size, labels, self.classes)
            drawn = free[balanced(labels, size, len(self.digits), rng)]
            if current == split:
                break
            free, title = np.setdiff1d(free, drawn), f"{title}, after {current}={size}"
        labels = np.array([self.digits.index(int(d)) for d in digit[drawn]], dtype=np.int64)
        return Examples(ids=drawn, labels=labels, inputs={"pixels": pixels[drawn]})

    def corpus(self, folder: Path) -> Iterator[str]:
        """Images are no text.

        Raises:
            TaskError: always.
        """
        raise TaskError(
            "Digits has no text to pre-train on. Pre-train on the other digits instead: "
            "Digits(digits=(0, 1, 2, 3, 4))."
        )


@cache
def _read(file: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Pixels in [0, 1], shape (n, 1, 8, 8), and the digit of each image."""
    with gzip.open(file, "rt", encoding="ascii") as lines:
        table = np.loadtxt(lines, delimiter=",", dtype=np.float32)
    pixels = (table[:, :64] / 16).reshape(-1, 1, 8, 8)
    return pixels.astype(np.float32, copy=False), table[:, 64].astype(np.int64)


def _file() -> Path:
    try:
        path = Path(str(metadata.distribution("scikit-learn").locate_file(FILE)))
    except metadata.PackageNotFoundError:
        path = Path()
    if not path.is_file():
        raise TaskError(
            "Digits reads its images from scikit-learn, which is not installed completely: "
            "pip install --force-reinstall scikit-learn"
        )
    return path
