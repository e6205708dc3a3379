"""A batch in micro-batches, whose gradients add up to its own."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


def micro_batches(rows: int, number: int) -> list[slice]:
    """So many stretches of a batch, of sizes that differ by one at most; none is empty.

    >>> [(part.start, part.stop) for part in micro_batches(10, 4)]
    [(0, 3), (3, 6), (6, 8), (8, 10)]
    >>> len(micro_batches(3, 4))
    3
    """
    parts = np.array_split(np.arange(rows), min(number, rows))
    return [slice(int(part[0]), int(part[-1]) + 1) for part in parts]


class GradientOfMean:
    """Gradients of means over micro-batches, made that of the mean over all of them.

    What lies in the parameters is kept in units of the micro-batch that comes next, so that its
    backward pass adds to it with the right weight, and no second copy of the gradient is needed.
    What lies there before the first one counts as of all of them.

    Attributes:
        model: whose parameters hold it.
        total: what all micro-batches weigh, for instance their examples.
    """

    def __init__(self, model: nn.Module, total: int) -> None:
        self.model = model
        self.total = total
        self._last = total

    def before(self, weight: int) -> None:
        """Call it before the backward pass of a micro-batch of such a weight."""
        self._scale(self._last, weight)
        self._last = weight

    def done(self) -> None:
        """Call it behind the last one."""
        self._scale(self._last, self.total)

    def _scale(self, numerator: int, denominator: int) -> None:
        if numerator == denominator:
            return
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        if gradients:
            torch._foreach_mul_(gradients, numerator / denominator)
