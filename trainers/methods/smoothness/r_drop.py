"""R-Drop (Liang et al. 2021): two dropout masks that agree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from torch import Tensor

from trainers.errors import MethodError
from trainers.methods.method import Method, refuse_negative
from trainers.methods.smoothness.divergence import symmetric_kl
from trainers.methods.step import Step
from trainers.models.anatomy import drops_out, skeleton

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class RDrop(Method):
    """½(CE₁ + CE₂) + α ½(KL₁₂ + KL₂₁) of two passes with dropout (arXiv 2106.14448). Cost 2.

    In a composition CE is the loss of the other part. Without dropout both passes are one and the
    loss is base's.

    Attributes:
        alpha: weight of the divergence, α ≥ 0. With 0 each example is still seen under two masks.
    """

    name: ClassVar[str] = "r_drop"
    revision: ClassVar[int] = 2

    alpha: float = 1.0

    def __post_init__(self) -> None:
        refuse_negative(self, "alpha")

    def check(self, model: Model, task: Task) -> None:
        """Refuse a model without dropout, whose two passes would be the same.

        Raises:
            MethodError: with the model's name.
        """
        module = skeleton(model, task)
        if module is not None and not drops_out(module):
            raise MethodError(
                f"RDrop needs dropout, and {model.name} has none: its two passes would agree."
            )

    def penalty(self, step: Step) -> Tensor:
        """What makes of CE₁ the loss of both passes: ½(CE₂ − CE₁) + α ½(KL₁₂ + KL₂₁)."""
        z, other = step.logits, step.forward()
        second = step.label_loss(other) - step.label_loss(z)
        return (second + self.alpha * symmetric_kl(z, other)) / 2
