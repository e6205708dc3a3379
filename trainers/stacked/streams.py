"""Dropout of several models at once, each from its own seed's stream."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from trainers.seeding import stream_seed


class Streams:
    """Draws masks for models that are computed together, as each would draw them alone.

    A mask depends on the shape of what is dropped, so that each is drawn in the shape that it has
    in its own batch, and what is drawn stands in the corner of the common one. Models of one
    stream have one seed and one order: they see the same batches, and drop the same.

    Attributes:
        of: shape (S,), the stream of each model.

    Args:
        seeds: of the streams.
        of: shape (S,), the stream of each model.
    """

    def __init__(self, seeds: Sequence[int], of: Tensor) -> None:
        self._seeds, self.of = seeds, of
        self._one_each = of.tolist() == [*range(len(seeds))]
        self._generator = _global_generator(of.device)
        self._states: list[Tensor] = []
        self._sizes: list[tuple[int, int]] = []
        self._ones: dict[tuple[tuple[int, ...], torch.dtype], Tensor] = {}

    def begin(self, step: int, sizes: Sequence[tuple[int, int]]) -> None:
        """Go to the start of a step.

        Args:
            step: its number, counted as in a run of its own.
            sizes: by stream, rows and width of its batch.
        """
        self._sizes = [*sizes]
        self._states = []
        for seed in self._seeds:
            self._generator.manual_seed(stream_seed(seed, "dropout", step))
            self._states.append(self._generator.get_state())

    def noise(self, like: Tensor, p: float) -> Tensor:
        """0 where a number is dropped, and elsewhere what makes up for it.

        Args:
            like: shape (S·B, ...): hidden states (S·B, L, d), weights of an attention
                (S·B, h, L, L), or a row of each text (S·B, d).
            p: share that is dropped, above 0.

        Returns:
            The shape of `like`.
        """
        common = (len(like) // len(self.of), *like.shape[1:])
        drawn = [self._draw(i, common, like, p) for i in range(len(self._seeds))]
        if all(each.shape == common for each in drawn):
            table = torch.stack(drawn)
        else:
            table = like.new_zeros(len(drawn), *common)
            for found, into in zip(drawn, table, strict=True):
                into[tuple(map(slice, found.shape))] = found
        return (table if self._one_each else table[self.of]).flatten(0, 1)

    def _draw(self, stream: int, common: tuple[int, ...], like: Tensor, p: float) -> Tensor:
        """What the model's own dropout would draw, by the very function that it would call."""
        rows, width = self._sizes[stream]
        shape = _own(common, rows, width)
        if (shape, like.dtype) not in self._ones:
            self._ones[shape, like.dtype] = like.new_ones(shape)
        self._generator.set_state(self._states[stream])
        found = F.dropout(self._ones[shape, like.dtype], p)
        self._states[stream] = self._generator.get_state()
        return found


def _own(common: tuple[int, ...], rows: int, width: int) -> tuple[int, ...]:
    """A shape with so many rows and tokens.

    >>> _own((32, 48, 128), 7, 24), _own((32, 2, 48, 48), 7, 24), _own((32, 128), 7, 24)
    ((7, 24, 128), (7, 2, 24, 24), (7, 128))
    """
    match common:
        case (_, depth):
            return rows, depth
        case (_, _, depth):
            return rows, width, depth
        case (_, heads, _, _):
            return rows, heads, width, width
    raise ValueError(f"no part of a stacked model drops numbers of shape {common}")


def _global_generator(device: torch.device) -> torch.Generator:
    """From which torch's dropout draws on a device."""
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        return torch.cuda.default_generators[index]
    return torch.default_generator
