"""Encoded examples and the batches made of them, of similar length, in an order set by the seed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

#: Raised when the same examples and seed would give other batches.
REVISION = 2

#: Lengths are sorted within pools of this many batches, so that order stays nearly random.
_POOL = 16
#: Padded lengths are multiples of this.
_ROUND = 8
#: The input that says, shape (b, L), behind which tokens one of the targets stands.
WANTED = "wanted"
#: What the targets' files are called.
_TARGETS = "targets"
#: The file that names the columns of what is saved.
_COLUMNS = "columns.json"


@dataclass(frozen=True)
class Ragged:
    """Rows of unequal length, end to end.

    Attributes:
        values: shape (total,), int32.
        offsets: shape (n + 1,), int64; row i is `values[offsets[i]:offsets[i + 1]]`.
    """

    values: NDArray[np.int32]
    offsets: NDArray[np.int64]

    @classmethod
    def of(cls, rows: list[list[int]]) -> Ragged:
        """Join rows of whole numbers."""
        lengths = np.fromiter((len(row) for row in rows), dtype=np.int64, count=len(rows))
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(lengths)])
        values = np.fromiter((x for row in rows for x in row), np.int32, count=int(offsets[-1]))
        return cls(values, offsets)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Shape (n,): the length of each row."""
        return np.diff(self.offsets)

    def width(self, rows: NDArray[np.int64]) -> int:
        """To how many the rows asked for are filled up: the length of the longest rounded up.

        The rounding never exceeds the longest row of all: kernels are made anew for every shape,
        and fewer shapes save a second a run.
        """
        rounded = -(-int(self.lengths[rows].max()) // _ROUND) * _ROUND
        return min(rounded, int(self.lengths.max()))

    def padded(self, rows: NDArray[np.int64], fill: int) -> NDArray[np.int64]:
        """The rows asked for, filled up on the right; shape (len(rows), their `width`)."""
        lengths, width = self.lengths[rows], self.width(rows)
        places = self.offsets[rows][:, None] + np.arange(width)
        # Beyond the end of a row lies the next one, and beyond the last nothing.
        read = self.values.take(places, mode="clip").astype(np.int64)
        return np.where(np.arange(width) < lengths[:, None], read, fill)

    def joined(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The values of the rows asked for, end to end."""
        parts = [self.values[self.offsets[i] : self.offsets[i + 1]] for i in rows.tolist()]
        return np.concatenate(parts).astype(np.int64)


@dataclass(frozen=True)
class Encoded:
    """One split as a model reads it.

    Attributes:
        ids: shape (n,), which example each row is, for looking up teacher logits.
        labels: shape (n,), 0 … K−1.
        ragged: token columns by the model's argument name, for instance `input_ids`.
        padding: the fill value of each ragged column, and of pixels: black, if that is not 0.
        dense: columns with rows of one shape, for instance `pixel_values`.
        targets: where a model writes text, the tokens to be written of each example, its end the
            last; the model reads what stands before each of them in the last positions of its last
            ragged column. `labels` mean nothing then.
    """

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    ragged: Mapping[str, Ragged] = field(default_factory=dict)
    padding: Mapping[str, int] = field(default_factory=dict)
    dense: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    targets: Ragged | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Shape (n,): tokens a row; zeros where every row has one shape.

        Where a model writes, those that it reads first, so that arms which learn to write other
        texts see the same batches.
        """
        for column in self.ragged.values():
            if self.targets is not None and len(self.ragged) == 1:
                return column.lengths - (self.targets.lengths - 1)
            return column.lengths
        return np.zeros(len(self), np.int64)

    def width(self, rows: NDArray[np.int64]) -> int:
        """Tokens that some rows are filled up to in a batch; 0 where every row has one shape."""
        for column in self.ragged.values():
            return column.width(rows)
        return 0

    def save(self, folder: Path) -> None:
        """Write it into an empty folder."""
        arrays: dict[str, NDArray[Any]] = {"ids": self.ids, "labels": self.labels}
        for name, column in self.ragged.items():
            arrays |= {f"{name}.values": column.values, f"{name}.offsets": column.offsets}
        arrays |= {f"{name}.dense": values for name, values in self.dense.items()}
        if self.targets is not None:
            arrays |= {f"{_TARGETS}.values": self.targets.values}
            arrays |= {f"{_TARGETS}.offsets": self.targets.offsets}
        for name, values in arrays.items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)
        filled = {*self.padding, *self.ragged}
        padding = {name: np.asarray(self.padding[name]).item() for name in filled}
        columns: dict[str, Any] = {"ragged": [*self.ragged], "dense": [*self.dense]}
        columns |= {"padding": padding} | ({_TARGETS: True} if self.targets else {})
        (folder / _COLUMNS).write_text(json.dumps(columns), encoding="utf-8")

    @classmethod
    def open(cls, folder: Path) -> Encoded:
        """What was saved; its arrays stay on disk, in memory that processes share."""
        columns = json.loads((folder / _COLUMNS).read_text(encoding="utf-8"))

        def array(name: str) -> NDArray[Any]:
            # As a plain array, whose rows are had at a third of the time.
            return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))

        ragged = {n: Ragged(array(f"{n}.values"), array(f"{n}.offsets")) for n in columns["ragged"]}
        dense = {name: array(f"{name}.dense") for name in columns["dense"]}
        targets = None
        if _TARGETS in columns:
            targets = Ragged(array(f"{_TARGETS}.values"), array(f"{_TARGETS}.offsets"))
        return cls(array("ids"), array("labels"), ragged, columns["padding"], dense, targets)

    def batch(self, rows: NDArray[np.int64], device: torch.device) -> Batch:
        """Collate some rows and move them to the device."""
        inputs: dict[str, Tensor] = {}
        for name, column in self.ragged.items():
            inputs[name] = placed(column.padded(rows, self.padding[name]), device)
            if "attention_mask" not in inputs:
                positions = np.arange(inputs[name].shape[1])
                mask = positions < column.lengths[rows][:, None]
                inputs["attention_mask"] = placed(mask.astype(np.int64), device)
        for name, values in self.dense.items():
            inputs[name] = placed(values[rows], device)
        if self.targets is None:
            return Batch(self.ids[rows], inputs, placed(self.labels[rows], device))
        counts = self.targets.lengths[rows]
        last = [*self.ragged][-1]
        ends = self.ragged[last].lengths[rows][:, None]
        positions = np.arange(inputs[last].shape[1])
        wanted = (positions < ends) & (positions >= ends - counts[:, None])
        labels = placed(self.targets.joined(rows), device)
        inputs[WANTED] = placed(wanted, device)
        return Batch(self.ids[rows], inputs, labels, counts)


def placed(values: NDArray[Any], device: torch.device) -> Tensor:
    """An array on a device; a GPU copies it while this process goes on."""
    tensor = torch.from_numpy(values)
    if device.type != "cuda":
        return tensor.to(device)
    return tensor.pin_memory().to(device, non_blocking=True)


@dataclass(frozen=True)
class Batch:
    """What a step is computed on.

    Attributes:
        ids: shape (b,).
        inputs: keyword arguments of the model, each with b rows.
        labels: shape (b,); where a model writes text, shape (m,), the tokens of all targets.
        counts: shape (b,), how many of the labels are of each example; None is one.
    """

    ids: NDArray[np.int64]
    inputs: Mapping[str, Tensor]
    labels: Tensor
    counts: NDArray[np.int64] | None = None


def training_order(
    lengths: NDArray[np.int64], batch_size: int, generator: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Rows of each batch of one epoch: shuffled, then grouped by length within pools of batches.

    Grouping saves padding (the embedded text task trains 2.6 times as fast) while every example
    still occurs once an epoch and batches come in random order. Where the batch size does not
    divide n, one batch is short, and in the mean of its loss an example weighs more. Its rows are
    drawn before any are grouped, so that over the epochs every example weighs the same, however
    long it is.

    Args:
        lengths: shape (n,), tokens a row.
        batch_size: rows a batch; the rest of n makes one smaller batch.
        generator: the order stream of this seed and epoch.
    """
    order = generator.permutation(len(lengths))
    full = len(order) - len(order) % batch_size
    batches = [order[full:]] if full < len(order) else []
    for start in range(0, full, _POOL * batch_size):
        pool = order[start : min(start + _POOL * batch_size, full)]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    for i in generator.permutation(len(batches)):
        yield batches[i]


def evaluation_order(lengths: NDArray[np.int64], batch_size: int) -> Iterator[NDArray[np.int64]]:
    """Rows of each batch when nothing is learned: sorted by length, every row once."""
    order = np.argsort(lengths, kind="stable")
    for start in range(0, len(order), batch_size):
        yield order[start : start + batch_size]
