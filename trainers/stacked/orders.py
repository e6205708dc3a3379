"""Which rows S models see at each step of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainers.inputs.batches import Encoded, evaluation_order, training_order
from trainers.seeding import numpy_stream


@dataclass(frozen=True)
class Order:
    """Batches of several streams, step by step; a short one is filled up with its first row.

    Attributes:
        rows: shape (T, S, B), of each model's own set, on the device.
        sizes: by step and stream, rows and width of the stream's own batch.
    """

    rows: Tensor
    sizes: Sequence[Sequence[tuple[int, int]]]

    @classmethod
    def of(
        cls, batches: Sequence[Sequence[NDArray[np.int64]]], sets: Sequence[Encoded], of: Tensor
    ) -> Order:
        """Of each stream's batches.

        Args:
            batches: by stream; one that has fewer than others ends with its last again.
            sets: by stream, what the rows are of.
            of: shape (S,), the stream of each model.
        """
        steps = max(map(len, batches))
        most = max(len(rows) for each in batches for rows in each)
        table = np.empty((steps, len(batches), most), np.int64)
        sizes: list[list[tuple[int, int]]] = [[] for _ in range(steps)]
        for stream, (each, texts) in enumerate(zip(batches, sets, strict=True)):
            for step in range(steps):
                rows = each[min(step, len(each) - 1)]
                table[step, stream] = rows[0]
                table[step, stream, : len(rows)] = rows
                sizes[step].append((len(rows), texts.width(rows)))
        return cls(torch.from_numpy(table).to(of.device)[:, of], sizes)

    @classmethod
    def of_training(
        cls, seeds: Sequence[int], sets: Sequence[Encoded], batch_size: int, epoch: int, of: Tensor
    ) -> Order:
        """Of an epoch, counted from 0 over all phases, as each seed's own run has it.

        Args:
            seeds: by stream.
            sets: by stream.
            batch_size: of all.
            epoch: which.
            of: shape (S,), the stream of each model.
        """
        batches = [
            [*training_order(texts.lengths, batch_size, numpy_stream(seed, "order", epoch))]
            for seed, texts in zip(seeds, sets, strict=True)
        ]
        return cls.of(batches, sets, of)

    @classmethod
    def of_evaluation(
        cls,
        sets: Sequence[Encoded],
        asked: Sequence[NDArray[np.int64]],
        batch_size: int,
        of: Tensor,
    ) -> Order:
        """Of rows that are seen once, sorted by length.

        Args:
            sets: by stream.
            asked: by stream, rows of its set.
            batch_size: of all.
            of: shape (S,), the stream of each model.
        """
        batches = [
            [rows[places] for places in evaluation_order(texts.lengths[rows], batch_size)]
            for texts, rows in zip(sets, asked, strict=True)
        ]
        return cls.of(batches, sets, of)

    def widths(self) -> list[int]:
        """By step, tokens that the common batch is filled up to."""
        return [max(width for _, width in sizes) for sizes in self.sizes]
