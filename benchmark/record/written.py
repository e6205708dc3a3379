"""What a run wrote of each example, read from the record."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmark.errors import StoreError
from benchmark.record.predictions import DAMAGE, FILE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmark.record.query import Query
    from benchmark.record.recorded import Recorded

#: Where a run keeps its texts; their scores lie beside, where others keep logits.
TEXTS = "texts.json"


@dataclass(frozen=True)
class WrittenTexts:
    """What a run wrote of the examples of a split.

    Attributes:
        ids: shape (n,), which example each is.
        sources: shape (n,), the beginnings of what was read.
        references: shape (n,).
        texts: a list of n for each draw.
        scores: of each example by metric, shape (draws, n); only metrics that are means over them.
        nll: shape (n,), −log p of each reference, the sum over its tokens.
        tokens: shape (n,), how many these are.
    """

    ids: NDArray[np.integer[Any]]
    sources: Sequence[str]
    references: Sequence[str]
    texts: Sequence[Sequence[str]]
    scores: Mapping[str, NDArray[np.floating[Any]]]
    nll: NDArray[np.floating[Any]]
    tokens: NDArray[np.integer[Any]]


def read_written(query: Query, run: Recorded, split: str) -> WrittenTexts | None:
    """Of a run on "dev" or "test"; None where it wrote none.

    Raises:
        StoreError: with the run's name, where what it kept is damaged.
    """
    texts, scores = query.artifact(run.run_id, TEXTS), query.artifact(run.run_id, FILE)
    if texts is None or scores is None:
        return None
    try:
        kept = json.loads(texts.read_text(encoding="utf-8"))[split]
        with np.load(scores, allow_pickle=False) as arrays:
            own = {
                name.removeprefix(f"{split}_"): arrays[name]
                for name in arrays.files
                if name.startswith(f"{split}_")
            }
        ids = own["ids"]
        found = {n: values for n, values in own.items() if values.ndim == 2}
        if any(v.shape != (len(kept["texts"]), len(ids)) for v in found.values()):
            raise ValueError("its arrays do not fit each other")
        told = kept["sources"], kept["references"]
        if any(len(each) != len(ids) for each in (*told, *kept["texts"])):
            raise ValueError("its texts do not fit its arrays")
        return WrittenTexts(ids, *told, kept["texts"], found, own["nll"], own["tokens"])
    except DAMAGE as error:
        raise StoreError(f"what {run.name} wrote is damaged") from error
