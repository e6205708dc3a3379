"""What a run said about single examples, read from the record."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import StoreError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.record.query import Query
    from benchmark.record.recorded import Recorded

#: Where a run keeps them.
FILE = "predictions.npz"
#: What reading a damaged archive of arrays can end in.
DAMAGE = (
    *(OSError, EOFError, ValueError, KeyError, TypeError, AttributeError, MemoryError),
    *(zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError),
)


@dataclass(frozen=True)
class Predictions:
    """What a run said about the examples of a split.

    Attributes:
        logits: shape (examples, classes).
        labels: shape (examples,), the index of the right class.
    """

    logits: NDArray[np.floating[Any]]
    labels: NDArray[np.integer[Any]]


def read_predictions(query: Query, run: Recorded, split: str) -> Predictions | None:
    """Of a run on "dev" or "test"; None where it kept none, or they are no classes.

    Raises:
        StoreError: with the run's name, where what it kept is gone or damaged.
    """
    path = query.artifact(run.run_id, FILE)
    if path is None:
        if run.is_tested and run.tags.get("role") == "arm":  # workers leave them with every arm
            raise StoreError(f"{FILE} of {run.name} is missing")
        return None
    try:
        with np.load(path, allow_pickle=False) as kept:
            if f"{split}_nll" in kept:  # of each text, by a model that writes
                return None
            logits, labels = kept[f"{split}_logits"], kept[f"{split}_labels"]
        classes = logits.ndim == 2 and logits.shape[1] > 1 and labels.dtype.kind in "iu"
        if classes and not _fit(logits, labels):
            raise ValueError("its arrays do not fit each other")
    except DAMAGE as error:
        raise StoreError(f"{FILE} of {run.name} is damaged") from error
    return Predictions(logits, labels) if classes else None


def _fit(logits: NDArray[Any], labels: NDArray[Any]) -> bool:
    known = labels.shape == logits.shape[:1] and logits.dtype.kind == "f" and len(labels) > 0
    return known and int(labels.min()) >= 0 and int(labels.max()) < logits.shape[1]
