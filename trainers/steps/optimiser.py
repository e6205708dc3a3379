"""Which parameters decay, and the optimiser that the settings ask for."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from trainers.settings import Training


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Two groups: matrices, which decay, and biases and normalisation weights, which do not."""
    learned = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in learned if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in learned if p.ndim < 2], "weight_decay": 0.0},
    ]


def make_optimiser(groups: list[dict[str, Any]], training: Training) -> Optimizer:
    """AdamW, or stochastic gradient descent with momentum; its rate is the peak."""
    if training.optimiser == "sgd":
        descent = SGD(groups, lr=training.lr, momentum=training.momentum, fused=True)
        for weight in (p for group in descent.param_groups for p in group["params"]):
            # Weights that have no gradient at first would be without one, which torch fails at.
            descent.state[weight]["momentum_buffer"] = torch.zeros_like(weight)
        return descent
    return AdamW(groups, lr=training.lr, fused=True)
