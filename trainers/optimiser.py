"""What every optimiser here shares: which parameters decay, and the schedule of its rate."""

from collections.abc import Callable
from typing import Any

from torch import nn


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups: matrices, which decay, and biases and normalisation weights, which do not."""
    learned = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in learned if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in learned if p.ndim < 2], "weight_decay": 0.0},
    ]


def warm_up_then_fall(steps: int, warmup: float) -> Callable[[int], float]:
    """The factor of the peak learning rate at each step: linear up, then linear down to zero.

    >>> factor = warm_up_then_fall(steps=10, warmup=0.2)
    >>> [factor(step) for step in (0, 1, 2, 6)]
    [0.5, 1.0, 1.0, 0.5]
    """
    rising = max(1, round(warmup * steps)) if warmup else 0

    def factor(step: int) -> float:
        if step < rising:
            return (step + 1) / rising
        return (steps - step) / max(1, steps - rising)

    return factor
