"""StackedTexts of several runs on the device where they are trained, each set once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainers.inputs.batches import Encoded


def distinct(things: Sequence[object]) -> list[int]:
    """For each thing the place of the first that is the same object.

    >>> a, b = [], []
    >>> distinct([a, b, a])
    [0, 1, 0]
    """
    first: dict[int, int] = {}
    return [first.setdefault(id(each), i) for i, each in enumerate(things)]


@dataclass(frozen=True)
class StackedTexts:
    """Sets of encoded texts, one behind the other.

    Attributes:
        columns: shape (n, W) each, int32, filled up, by the model's argument name.
        lengths: shape (n,), tokens a text.
        labels: shape (n,).
        starts: shape (S, 1), where each model's set begins.
    """

    columns: Mapping[str, Tensor]
    lengths: Tensor
    labels: Tensor
    starts: Tensor

    @classmethod
    def of(cls, sets: Sequence[Encoded], device: torch.device) -> StackedTexts:
        """Move the sets of models there; `apart` says nothing against them."""
        firsts = distinct(sets)
        each_once = [sets[i] for i in dict.fromkeys(firsts)]
        ends = np.cumsum([0, *map(len, each_once)])
        begins = dict(zip(dict.fromkeys(firsts), ends.tolist(), strict=False))
        columns = {
            name: torch.from_numpy(_table(name, each_once)).to(device)
            for name in each_once[0].ragged
        }
        lengths, labels = (
            torch.from_numpy(np.concatenate([getattr(each, name) for each in each_once])).to(device)
            for name in ("lengths", "labels")
        )
        starts = torch.tensor([[begins[i]] for i in firsts], device=device)
        return cls(columns, lengths, labels, starts)

    def batch(self, rows: Tensor, width: int) -> tuple[dict[str, Tensor], Tensor]:
        """What S models are given, and the labels of that.

        Args:
            rows: shape (S, B), of each model's own set.
            width: tokens that the longest is filled up to.

        Returns:
            Inputs of shape (S·B, width), where the mask is of truth values; labels (S, B).
        """
        places = rows + self.starts
        flat = places.flatten()
        inputs = {name: table[flat, :width].long() for name, table in self.columns.items()}
        positions = torch.arange(width, device=flat.device)
        inputs["attention_mask"] = positions < self.lengths[flat][:, None]
        return inputs, self.labels[places]


def apart(sets: Sequence[Encoded]) -> str:
    """Why texts of these sets cannot stand in one batch; empty where they can."""
    if any(each.dense or not each.ragged for each in sets):
        return "it reads images"
    if len({tuple(each.ragged) for each in sets}) > 1:
        return "its texts are encoded in several ways"
    return ""


def _table(name: str, sets: Sequence[Encoded]) -> NDArray[np.int32]:
    """A column of some sets as one table."""
    width = max(int(each.lengths.max()) for each in sets)
    tables = []
    for each in sets:
        rows = each.ragged[name].padded(np.arange(len(each)), each.padding[name])
        spare = ((0, 0), (0, width - rows.shape[1]))
        tables.append(np.pad(rows, spare, constant_values=each.padding[name]).astype(np.int32))
    return np.concatenate(tables)
