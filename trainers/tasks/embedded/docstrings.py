"""Real English text that every machine has: the docstrings of the installed packages."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import metadata
from pathlib import Path
from typing import Any, ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from trainers.errors import TaskError
from trainers.inputs import wordpiece
from trainers.resolve.needs import Needed
from trainers.tasks.embedded import installed, pool
from trainers.tasks.embedded.extraction import documents
from trainers.tasks.embedded.labelling import PAIR_CLASSES, Label, Labelled, labelled
from trainers.tasks.embedded.packages import FURTHER, PACKAGES, SUBMODULES
from trainers.tasks.embedded.prose import Masking
from trainers.tasks.embedded.sampling import (
    SMALLER,
    balanced,
    check_sizes,
    check_supply,
    equal_counts,
)
from trainers.tasks.embedded.unlabelled import corpus
from trainers.tasks.faults import faults, gather
from trainers.tasks.lines import read_lines, write_lines
from trainers.tasks.task import Examples, Split, Task

KIND_CLASSES = ("function", "method", "class", "module")

#: Train, dev and test sizes: what the pool of the pinned versions supports with room to spare.
SIZES: Mapping[Label, tuple[int, int, int]] = {
    "package": (2400, 800, 1600),
    "kind": (2400, 800, 1200),
    "submodule": (2048, 512, 768),
    "pair": (2400, 800, 1600),
}


@dataclass(frozen=True)
class Docstrings(Task):
    """Docstring summaries of installed packages, to be classified; their prose, to pre-train on.

    A summary is the first paragraph of a docstring, with the names of all the packages masked.
    Near-duplicates are removed, every module is on one side of the split only, and the classes
    are balanced. The files are read with `ast`; nothing is imported or executed. All labels
    share one prepared folder, and with it the corpus and the tokenizer.

    Attributes:
        label: what to predict. "package" (8 classes), "kind" (function, method, class or
            module), "submodule" (64 classes), or "pair": whether the text in `text_pair` is the
            rest of the docstring that `text` begins (2 classes).
        train, dev, test: sizes, multiples of the number of classes; by default those of SIZES.
        splits: "fixed", or "per_seed": every seed draws its own examples, from the same sides.
        vocabulary: entries of the WordPiece vocabulary trained on the corpus.
        packages: import names of the packages to tell apart.
        further: import names of packages read for the corpus only.
        submodules: dotted names that are the classes of the label "submodule".

    Raises:
        TaskError: a field is out of range, or, when the data are read, a package is missing or
            has too few examples.
    """

    revision: ClassVar[int] = 2

    label: Label = "package"
    train: int | None = None
    dev: int | None = None
    test: int | None = None
    splits: Literal["fixed", "per_seed"] = "fixed"
    vocabulary: int = 8192
    packages: tuple[str, ...] = PACKAGES
    further: tuple[str, ...] = FURTHER
    submodules: tuple[str, ...] = SUBMODULES

    def __post_init__(self) -> None:
        for field in ("packages", "further", "submodules"):
            object.__setattr__(self, field, tuple(getattr(self, field)))
        for field, choices in (("label", get_args(Label)), ("splits", ("fixed", "per_seed"))):
            if getattr(self, field) not in choices:
                listed = ", ".join(f'"{choice}"' for choice in choices)
                value = getattr(self, field)
                raise TaskError(
                    f"Docstrings: {field}={value!r} is unknown. Choose one of {listed}."
                )
        if self.vocabulary < wordpiece.SMALLEST:
            raise TaskError(
                f"Docstrings: vocabulary={self.vocabulary} is too small for the alphabet. "
                f"Give at least {wordpiece.SMALLEST}."
            )
        self._check_packages()
        check_sizes(self._title, self.sizes, len(self.classes))

    def _check_packages(self) -> None:
        named = [*self.packages, *self.further]
        if twice := sorted({package for package in named if named.count(package) > 1}):
            raise TaskError(
                f"Docstrings: {', '.join(twice)} is named twice in packages or further."
            )
        if not self.packages:
            raise TaskError("Docstrings: packages is empty. Name at least one package to import.")
        if len(set(self.classes)) < max(2, len(self.classes)):
            raise TaskError(
                f"{self._title}: its {self.label}s are its classes; give at least two, once each."
            )

    @property
    def _title(self) -> str:
        return f'Docstrings(label="{self.label}")'

    @property
    def name(self) -> str:
        """For example `docstrings/package`."""
        return f"docstrings/{self.label}"

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their labels."""
        return {
            "package": self.packages,
            "kind": KIND_CLASSES,
            "submodule": self.submodules,
            "pair": PAIR_CLASSES,
        }[self.label]

    @property
    def keeps_test_apart(self) -> bool:
        """Always: a module is on the same side of the splits for every seed."""
        return True

    @property
    def per_seed(self) -> bool:
        """Whether every seed draws its own examples."""
        return self.splits == "per_seed"

    @property
    def sizes(self) -> Mapping[Split, int]:
        """Number of examples in each split, the defaults of the label filled in."""
        train, dev, test = SIZES[self.label]
        return {
            "train": train if self.train is None else self.train,
            "dev": dev if self.dev is None else self.dev,
            "test": test if self.test is None else self.test,
        }

    def class_counts(self) -> Mapping[Split, Sequence[int]]:
        """Equally many of every class."""
        return equal_counts(self.sizes, len(self.classes))

    def requirements(self) -> tuple[Needed, ...]:
        """Examples that the packages lack; only looked for where far more than usual are wanted.

        That look takes as long as preparing the task does.
        """
        usual = dict(zip(("train", "dev", "test"), SIZES[self.label], strict=True))
        if all(size <= 2 * usual[split] for split, size in self.sizes.items()):
            return ()
        wrong = faults(self._check_all_supplies)
        return tuple(Needed("data", self.name, each.rstrip("."), SMALLER) for each in wrong)

    def _check_all_supplies(self) -> None:
        source = _pool(self.packages, tuple(map(installed.digest, self.packages)))
        found = labelled(source, self.label, self.classes)
        gather(partial(self._supply, source, found, split) for split in pool.SIDES)

    def fingerprint(self) -> str:
        """Digest of what the prepared folder is made from: packages, their files, vocabulary.

        The same for every label, size and kind of split. Read from the installers' records.

        Raises:
            TaskError: packages are not installed; all of them are named.
        """
        installed.require([*self.packages, *self.further])
        source = [
            type(self).__name__,
            self.revision,
            self.vocabulary,
            metadata.version("tokenizers"),
            sys.version_info[:2],  # decides which files can be parsed
            [[package, installed.digest(package)] for package in self.packages],
            [[package, installed.digest(package)] for package in self.further],
        ]
        return hashlib.sha256(json.dumps(source).encode()).hexdigest()

    def specification(self) -> dict[str, Any]:
        """Everything that determines the examples of every split."""
        return {
            "task": type(self).__name__,
            "revision": self.revision,
            "fingerprint": self.fingerprint(),
            "label": self.label,
            "classes": list(self.classes),
            "sizes": dict(self.sizes),
            "splits": self.splits,
        }

    def prepare(self, folder: Path) -> None:
        """Extract everything, and write the pool, `corpus.txt` and `tokenizer.json`."""
        installed.require([*self.packages, *self.further])
        masking = Masking(self.packages)
        own = documents(self.packages, masking)
        examples = pool.build(own)
        pool.write(examples, folder)
        found = own + documents(self.further, masking)
        texts = list(corpus(found, examples, self.packages))
        write_lines(texts, folder / "corpus.txt")
        wordpiece.train(texts, self.vocabulary, folder / "tokenizer.json")

    def load(self, split: Split, folder: Path, seed: int) -> Examples:
        """Draw the balanced examples of a split from its side; ids are rows of the pool."""
        written = (folder / "rows.npy").stat().st_mtime_ns
        source, found = _read(folder.resolve(), written, self.label, self.classes)
        side, here = pool.SIDES.index(split), self._supply(source, found, split)
        stream = [1, seed, side] if self.per_seed else [0, side]
        rng = np.random.default_rng(stream)
        drawn = here[balanced(found.labels[here], self.sizes[split], len(self.classes), rng)]
        ids = found.ids[drawn]
        inputs = {"text": [source.summaries[i] for i in ids]}
        if found.bodies is not None:
            inputs["text_pair"] = [source.bodies[i] for i in found.bodies[drawn]]
        return Examples(ids=ids, labels=found.labels[drawn], inputs=inputs)

    def _supply(self, source: pool.Pool, found: Labelled, split: Split) -> NDArray[np.int64]:
        """What a split is drawn from, as places in `found`; TaskError if that is too few."""
        here = np.flatnonzero(source.rows[found.ids, 2] == pool.SIDES.index(split))
        labels = found.labels[here]
        check_supply(self._title, split, self.sizes[split], labels, self.classes)
        return here

    def corpus(self, folder: Path) -> Iterator[str]:
        """Train-side docstrings and those of the further packages, one document at a time."""
        yield from read_lines(folder / "corpus.txt")


@lru_cache(maxsize=4)
def _pool(packages: tuple[str, ...], digests: tuple[str, ...]) -> pool.Pool:
    """The pool of installed packages, as long as they stay as they are."""
    return pool.build(documents(packages, Masking(packages)))


@lru_cache(maxsize=1)
def _read(
    folder: Path, written: int, label: Label, classes: tuple[str, ...]
) -> tuple[pool.Pool, Labelled]:
    """A prepared pool with its labels, read once for the splits of a run.

    Args:
        folder: of the pool.
        written: when, so that one that was written anew is read again.
        label: what is predicted.
        classes: their names.
    """
    source = pool.read(folder)
    return source, labelled(source, label, classes)
