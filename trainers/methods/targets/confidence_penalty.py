"""Confidence penalty (Pereyra et al. 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from trainers.methods.method import Method, refuse_negative
from trainers.methods.step import Step


@dataclass(frozen=True)
class ConfidencePenalty(Method):
    """CE − β H(p): outputs that are too sure cost more (arXiv 1701.06548). Cost 1.

    Up to a constant that is CE + β KL(p ‖ u), label smoothing's divergence turned round.
    `beta=0` is base, bit for bit.

    Attributes:
        beta: weight of the entropy, ≥ 0.
    """

    name: ClassVar[str] = "confidence_penalty"
    beta: float = 0.1

    def __post_init__(self) -> None:
        refuse_negative(self, "beta")

    def loss(self, step: Step) -> Tensor:
        """CE − β H(p)."""
        log_p = step.logits.log_softmax(-1)
        entropy = -(log_p.exp() * log_p).sum(-1).mean()
        return F.cross_entropy(step.logits, step.labels) - self.beta * entropy
