"""Features: what an encoder says of each example at the place that the head reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainers.errors import ModelError
from trainers.inputs.batches import Encoded, evaluation_order
from trainers.models.anatomy import body
from trainers.settings import Training
from trainers.steps.passes import forward
from trainers.tasks import Split

#: Raised when the same encoder and examples would give other features.
REVISION = 1

_BATCH = 256


@dataclass(frozen=True)
class Features:
    """Features of the splits of a task, in memory that processes share.

    Attributes:
        values: by split, shape (n, d), float32, in the order of the split's examples.
        labels: by split, shape (n,), 0 … K−1.
    """

    values: dict[Split, NDArray[np.float32]]
    labels: dict[Split, NDArray[np.int64]]

    @classmethod
    def open(cls, folder: Path) -> Features:
        """What :func:`save_features` wrote; its arrays stay on disk."""

        def array(name: str) -> NDArray[Any]:
            read: NDArray[Any] = np.load(folder / name, mmap_mode="r", allow_pickle=False)
            return read

        splits: tuple[Split, ...] = get_args(Split)
        return cls(
            {split: array(f"{split}.npy") for split in splits},
            {split: array(f"{split}.labels.npy") for split in splits},
        )


def save_features(
    model: nn.Module,
    encode: Callable[[Split], Encoded],
    training: Training,
    folder: Path,
    between: Callable[[float], None] = lambda _: None,
) -> None:
    """Write the features of every split into an empty folder, batch by batch.

    They are computed in float32, whatever a run is trained in: probes and measures of shape would
    else see the rounding.

    Args:
        model: a classifier on its device; its head is not read.
        encode: gives a split as the model reads it.
        training: device of the pass.
        folder: takes two arrays for each split.
        between: told the share that is done, after each batch.
    """
    sets = {split: encode(split) for split in get_args(Split)}
    total, done = sum(map(len, sets.values())), 0
    in_float32 = replace(training, precision="float32")
    model.eval().to(training.device)
    for split, examples in sets.items():
        kept: NDArray[np.float32] | None = None
        for rows in evaluation_order(examples.lengths, _BATCH):
            inputs = examples.batch(rows, torch.device(training.device)).inputs
            found = _read(model, inputs, in_float32).cpu().numpy()
            if kept is None:
                shape = len(examples), found.shape[1]
                path = folder / f"{split}.npy"
                kept = np.lib.format.open_memmap(path, "w+", np.dtype(np.float32), shape)
            kept[rows] = found
            done += len(rows)
            between(done / total)
        if kept is None:
            raise ModelError(f"there is no example in {split}, so that it has no features.")
        kept.flush()  # type: ignore[attr-defined]
        np.save(folder / f"{split}.labels.npy", examples.labels, allow_pickle=False)


@torch.inference_mode()
def _read(model: nn.Module, inputs: Mapping[str, Tensor], training: Training) -> Tensor:
    """Shape (b, d), by a hook on the body, so that images pass through what stands before it."""
    said: list[Any] = []
    hook = body(model).register_forward_hook(lambda _, given, found: said.append(found))
    try:
        forward(model, inputs, training)
    finally:
        hook.remove()
    return _at_the_head(model, said[0], inputs).float()


def _at_the_head(model: nn.Module, said: Any, inputs: Mapping[str, Tensor]) -> Tensor:
    """What the last layer says where the head reads it.

    Of a text that is the first token, the last one of a model that predicts the next (its head is
    called `score`), or the mean where the configuration says so. A pooler counts as head: behind a
    pre-training by masked words it is drawn anew, and an untouched encoder would be looked at
    through weights of chance. Of an image it is what the body has pooled, or its first token.
    """
    hidden: Tensor = said.last_hidden_state
    if "attention_mask" not in inputs:
        pooled = getattr(said, "pooler_output", None)
        return hidden[:, 0] if pooled is None else pooled.flatten(1)
    mask = inputs["attention_mask"]
    if getattr(getattr(model, "config", None), "classifier_pooling", "cls") == "mean":
        return (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
    if hasattr(model, "score"):
        return hidden[torch.arange(len(hidden), device=hidden.device), mask.sum(1) - 1]
    return hidden[:, 0]


def width(model: nn.Module) -> int:
    """Features of an example, as far as the configuration says; 0 where it does not."""
    config = getattr(model, "config", None)
    stages = getattr(config, "hidden_sizes", None) or [0]
    return int(getattr(config, "hidden_size", None) or getattr(config, "dim", 0) or stages[-1])
