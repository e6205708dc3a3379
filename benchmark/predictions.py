"""What a run said about single examples, read from the record."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.tracking import Tracker


@dataclass(frozen=True)
class Predictions:
    """What a run said about the examples of a split.

    Attributes:
        logits: shape (examples, classes).
        labels: shape (examples,), the index of the right class.
    """

    logits: "NDArray[np.floating[Any]]"
    labels: "NDArray[np.integer[Any]]"


def read_predictions(tracker: "Tracker", run_id: str, split: str) -> Predictions | None:
    """Of a run on "dev" or "test"; None where it kept none, or they are no classes."""
    path = tracker.artifact(run_id, "predictions.npz")
    if path is None:
        return None
    with np.load(path, allow_pickle=False) as kept:
        logits, labels = kept[f"{split}_logits"], kept[f"{split}_labels"]
    classes = logits.ndim == 2 and logits.shape[1] > 1 and labels.dtype.kind in "iu"
    return Predictions(logits, labels) if classes else None
