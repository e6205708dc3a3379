"""Masked matrices of an encoder: which there are, how many weights go when, and which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.models.anatomy import layers, skeleton

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


def matrices(model: nn.Module) -> list[nn.Linear]:
    """The linear parts of the body's layers, from the bottom to the top.

    Of an encoder such as BERT's these are the projections of queries, keys and values, that of the
    attention's output, and both of the feed-forward part; embeddings and head are left whole.

    Raises:
        MethodError: the model has no layers.
    """
    return [part for layer in layers(model) for part in layer.modules() if type(part) is nn.Linear]


def check_matrices(name: str, model: Model, task: Task) -> None:
    """Refuse a model in whose layers there is nothing to prune.

    Args:
        name: of the method, for the message.
        model: to be pruned.
        task: that it is trained on.

    Raises:
        MethodError: with the model's name.
    """
    module = skeleton(model, task)
    if module is not None and not matrices(module):
        raise MethodError(f"{name} prunes linear layers of an encoder, and {model.name} has none.")


def sparsity_at(event: int, events: int, sparsity: float) -> float:
    """The share of weights that are zero after an event: s (1 − (1 − j/n)³) (Zhu and Gupta 2017).

    Most go early, while there are many that matter little.

    >>> [round(sparsity_at(j, 4, 0.8), 3) for j in range(5)]
    [0.0, 0.463, 0.7, 0.788, 0.8]
    """
    return float(sparsity * (1 - (1 - event / events) ** 3))


def zeros(share: float, size: int) -> int:
    """How many of so many weights are zero at a sparsity."""
    return round(share * size)


def kept(worth: Tensor, count: int) -> Tensor:
    """True but for the weights that are worth least; of equal ones the first go.

    >>> kept(torch.tensor([3.0, 1.0, 2.0, 1.0]), 1).tolist()
    [True, False, True, True]

    Args:
        worth: of each weight, any shape.
        count: how many go.
    """
    mask = torch.ones(worth.numel(), dtype=torch.bool, device=worth.device)
    mask[worth.flatten().argsort(stable=True)[:count]] = False
    return mask.view_as(worth)


class Masked(nn.Module):
    """A parametrisation W ⊙ M, through which no gradient reaches what is masked."""

    mask: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("mask", torch.ones_like(weight, dtype=torch.bool))

    def forward(self, weight: Tensor) -> Tensor:
        """What is left of the weights."""
        return torch.where(self.mask, weight, 0.0)
