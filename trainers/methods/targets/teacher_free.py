"""Teacher-free regularisation (Yuan et al. 2020): a teacher made by hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from trainers.errors import MethodError
from trainers.methods.method import Method
from trainers.methods.step import Step


@dataclass(frozen=True)
class TFReg(Method):
    """Distillation from a virtual teacher that is right with probability a. Cost 1.

    The virtual teacher is p^d(c) = a for the label c, else (1 − a)/(K − 1).

    `variant="paper"` (default; equations 4 and 5 of arXiv 2205.12428) is cross-entropy with
    (1 − α) q + α p^d, which is label smoothing with ε = αK(1 − a)/(K − 1). In both variants
    `alpha=0` has the gradient of base, bit for bit.

    `variant="yuan"` is what the code of Yuan et al. computes: (1 − α) CE + α m D, where D is the
    KL divergence from softmax(p^d/T), a softmax of *probabilities*, to p, averaged over batch and
    classes alike; `multiplier=None` takes m = K, which restores the average over the batch.
    That target is nearly uniform: .0105 against .01 for 100 classes, a = .99, T = 20.

    Attributes:
        alpha: weight of the virtual teacher, 0 ≤ α ≤ 1.
        a: its probability of the right label.
        variant: "paper" or "yuan".
        temperature: T of the "yuan" variant.
        multiplier: m of the "yuan" variant; None is the number of classes.
    """

    name: ClassVar[str] = "tf_reg"
    alpha: float = 0.5
    a: float = 0.95
    variant: Literal["paper", "yuan"] = "paper"
    temperature: float = 20.0
    multiplier: float | None = None

    def __post_init__(self) -> None:
        for name in ("alpha", "a"):
            if not 0 <= getattr(self, name) <= 1:
                raise MethodError(
                    f"TFReg({name}={getattr(self, name)!r}): {name} must lie between 0 and 1."
                )
        if self.variant not in ("paper", "yuan"):
            raise MethodError(f'TFReg(variant={self.variant!r}): use "paper" or "yuan".')
        for name in ("temperature", "multiplier"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise MethodError(f"TFReg({name}={value!r}): it must be positive.")

    def loss(self, step: Step) -> Tensor:
        """Cross-entropy with the mixed target, or Yuan et al.'s sum."""
        z, y = step.logits, step.labels
        virtual_teacher = self.virtual_teacher(z, y)
        if self.variant == "paper":
            q = F.one_hot(y, z.shape[-1]).to(z.dtype)
            return F.cross_entropy(z, (1 - self.alpha) * q + self.alpha * virtual_teacher)
        m = z.shape[-1] if self.multiplier is None else self.multiplier
        target = (virtual_teacher / self.temperature).softmax(-1)
        # The bits of F.kl_div, which cannot be computed for several models at once.
        divergence = (torch.xlogy(target, target) - target * z.log_softmax(-1)).sum() / z.numel()
        return (1 - self.alpha) * F.cross_entropy(z, y) + self.alpha * m * divergence

    def virtual_teacher(self, z: Tensor, y: Tensor) -> Tensor:
        """p^d, shape (b, K)."""
        p = torch.full_like(z, (1 - self.a) / (z.shape[-1] - 1))
        return p.scatter(-1, y[:, None], self.a)
