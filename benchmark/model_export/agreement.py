"""Whether a model says what its run is recorded to have said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmark.record.environment import Environment, differ, in_words
from trainers.tasks import Split

Logits = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Agreement:
    """Logits of two models on the same examples, held against each other.

    Attributes:
        examples: how many.
        classes_differ: of how many the predicted class is another one.
        largest: the largest difference of two logits.
    """

    examples: int
    classes_differ: int
    largest: float

    @classmethod
    def of(cls, now: Mapping[Split, Logits], recorded: Mapping[Split, Logits]) -> Agreement:
        """Of what a model says and what is recorded, by split, each of shape (n, K)."""
        pairs = [(now[split], recorded[split]) for split in recorded]
        return cls(
            examples=sum(len(before) for _, before in pairs),
            classes_differ=sum(int((a.argmax(-1) != b.argmax(-1)).sum()) for a, b in pairs),
            largest=max(float(np.abs(a - b).max()) for a, b in pairs),
        )

    def told(self, recorded: Environment, here: Environment) -> str:
        """In a sentence, with what of the environment is another one.

        Args:
            recorded: where the run was trained.
            here: that of this process.
        """
        if not self.largest:
            return "Its predictions on dev and test are those of the record, bit for bit."
        classes = "no predicted class"
        if self.classes_differ:
            classes = f"{self.classes_differ} of {self.examples} predicted classes"
        why = ""
        if differ(recorded, here):
            both = [recorded, here]
            why = (
                f": it was recorded with {in_words(recorded, both)}, this is {in_words(here, both)}"
            )
        return (
            "Its predictions on dev and test are not those of the record: logits differ by up to "
            f"{self.largest:.2g}, and {classes}{why}."
        )
