"""What a task is: examples in three splits, their classes, and the metric that judges them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from trainers import metrics, text_metrics
from trainers.resolve.needs import Needed
from trainers.tasks.decoding import Decoding

Split = Literal["train", "dev", "test"]


@dataclass(frozen=True)
class Examples:
    """The labelled examples of one split, in a fixed order.

    Attributes:
        ids: shape (n,), int64. Identifies an example within its task whatever the split or seed;
            teacher logits are looked up by it.
        labels: shape (n,), int64, in 0 … K−1.
        inputs: what the model reads, column by column, each of length n: `{"text": [...]}`,
            `{"text": [...], "text_pair": [...]}`, or `{"pixels": array}` with float32 images
            of shape (n, channels, height, width). Where a text is asked for, `{"text": [...],
            "target": [...]}`, and the labels are all 0.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    inputs: Mapping[str, Sequence[str] | NDArray[np.float32]]

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class SomeTexts:
    """Some of a task's texts, the longest among them, to see what a model would cut.

    Attributes:
        inputs: the texts, by column.
        places: file and row of each.
        total: how many texts the task has.
    """

    inputs: Mapping[str, Sequence[str]]
    places: Sequence[str]
    total: int


@dataclass(frozen=True)
class Task:
    """A data set with its splits and its metric; every task is a frozen dataclass like this.

    A task is prepared once into a folder (extraction, download, cleaning) and read from there
    afterwards. Nothing is read when a task is declared.
    """

    #: What its examples are.
    reads: ClassVar[Literal["text", "images"]] = "text"
    #: What is asked for: one of its classes, or a text, which examples have as `target`.
    writes: ClassVar[Literal["classes", "text"]] = "classes"
    #: Raised when the same fields and the same source data would give other examples.
    revision: ClassVar[int] = 1

    @property
    def name(self) -> str:
        """Short name for tables and tags."""
        raise NotImplementedError

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the K classes, in the order of their labels."""
        raise NotImplementedError

    @property
    def metric(self) -> str:
        """The metric that selects checkpoints and that comparisons judge by default."""
        return "accuracy"

    @property
    def metrics(self) -> Mapping[str, bool]:
        """Metrics that may judge it, and whether more of them is better."""
        return text_metrics.SELECTS if self.writes == "text" else metrics.SELECTS

    @property
    def decoding(self) -> Decoding:
        """How a model writes, where texts are asked for."""
        raise NotImplementedError

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """Channels, height and width, where the examples are images."""
        raise NotImplementedError

    @property
    def per_seed(self) -> bool:
        """Whether every seed draws its own splits instead of sharing fixed ones."""
        return False

    @property
    def keeps_test_apart(self) -> bool:
        """Whether no seed trains or selects on what another seed is tested on."""
        return not self.per_seed

    @property
    def sizes(self) -> Mapping[Split, int]:
        """Number of examples in each split."""
        raise NotImplementedError

    def class_counts(self) -> Mapping[Split, Sequence[int]]:
        """Number of examples of each class in each split; empty where nobody counted them."""
        return {}

    def requirements(self) -> tuple[Needed, ...]:
        """What it needs from elsewhere and has not got on this machine."""
        return ()

    def inspect(self) -> tuple[Needed, ...]:
        """What a look at every single input shows to be unfit; called before it is prepared.

        Beside what `requirements` says, so that both are told at once.
        """
        return ()

    def remarks(self) -> tuple[str, ...]:
        """What is worth knowing of the data that does not stand in the way, a clause each."""
        return ()

    def unlabelled(self, split: str) -> Examples:
        """All texts of a split of its source; for those whose labels only a server has."""
        raise NotImplementedError

    def missing_split(self, split: str) -> Needed | None:
        """What stands in the way of reading a split of its source."""
        raise NotImplementedError

    def unfit_split(self, split: str) -> tuple[Needed, ...]:
        """What is wrong with the texts of a split of its source that is here."""
        raise NotImplementedError

    def some_texts(self, count: int) -> SomeTexts | None:
        """Texts spread over all of its data, and the longest by characters.

        Args:
            count: texts to return at most.

        Returns:
            None where the task makes its texts itself, or has none.
        """
        return None

    def targets(self) -> SomeTexts | None:
        """All texts that are to be written, by the column "target", with their places.

        None where no text is asked for, or the task makes them itself.
        """
        return None

    def disk_need(self) -> int:
        """Bytes that the prepared folder takes, nearly; 0 where that is little."""
        return 0

    def fingerprint(self) -> str:
        """Hex digest of the source data and of every field that shapes the prepared folder.

        Cheap: computed from package versions and file digests, without reading the data.
        """
        raise NotImplementedError

    def specification(self) -> dict[str, Any]:
        """Everything that determines the examples of every split, for the key of a run."""
        raise NotImplementedError

    def prepare(self, folder: Path) -> None:
        """Write into the empty `folder` everything that `load` and `corpus` read."""
        raise NotImplementedError

    def load(self, split: Split, folder: Path, seed: int) -> Examples:
        """Read one split; `seed` matters only where `per_seed` is true."""
        raise NotImplementedError

    def corpus(self, folder: Path) -> Iterator[str]:
        """Unlabelled text to pre-train on, none of it in dev or test."""
        raise NotImplementedError
