"""The weights of S models in a few tables, a line for each model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class StackedWeight:
    """A weight of all models.

    Attributes:
        values: shape (S, ...).
        gradient: the same shape.
    """

    values: nn.Parameter
    gradient: Tensor


@dataclass(frozen=True)
class Table:
    """Some weights of all models, and what is learned about them.

    Attributes:
        values: shape (S, n).
        gradient: shape (S, n).
        decaying: how many columns, from the first on, are matrices', which decay.
    """

    values: Tensor
    gradient: Tensor
    decaying: int

    @classmethod
    def of(cls, models: int, columns: int, decaying: int, device: torch.device) -> Table:
        """Empty."""
        values, gradient = (torch.zeros(models, columns, device=device) for _ in range(2))
        return cls(values, gradient, decaying)

    def weight(self, start: int, shape: torch.Size) -> StackedWeight:
        """A weight of shape (S, *shape), whose numbers and gradient are those of the table."""
        columns = slice(start, start + shape.numel())
        size = (len(self.values), *shape)
        values, gradient = (each[:, columns].view(size) for each in (self.values, self.gradient))
        return StackedWeight(nn.Parameter(values), gradient)


def lay_out(
    shapes: dict[str, torch.Size], own: Sequence[str], models: int, device: torch.device
) -> tuple[list[Table], dict[str, StackedWeight]]:
    """Tables for weights, and the weights in them, by name.

    What is elementwise is done for a whole table at once. Embeddings have tables of their own, as
    they are looked up in what is in one piece for all models.

    Args:
        shapes: of one model's weights, by name.
        own: names of those that have a table each.
        models: S.
        device: where they lie.
    """
    together = [name for name in shapes if name not in own]
    matrices = [name for name in together if len(shapes[name]) > 1]
    vectors = [name for name in together if len(shapes[name]) < 2]
    tables: list[Table] = []
    weights: dict[str, StackedWeight] = {}
    for names in ([*matrices, *vectors], *([name] for name in own)):
        columns = sum(shapes[name].numel() for name in names)
        decaying = sum(shapes[name].numel() for name in names if len(shapes[name]) > 1)
        table, start = Table.of(models, columns, decaying, device), 0
        for name in names:
            weights[name] = table.weight(start, shapes[name])
            start += shapes[name].numel()
        tables.append(table)
    return tables, {name: weights[name] for name in shapes}
