"""L²-SP (Li et al. 2018): decay towards the starting point."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.methods.method import Method
from trainers.methods.step import Step
from trainers.models.anatomy import body, body_weights, skeleton

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class L2SP(Method):
    """CE + (α/2) ‖w − w⁰‖² over the body's weights w. Cost 1.

    w⁰ are the weights that the run starts from, pre-trained or not. The head, what the run draws
    anew, has no start worth keeping and is left out. The optimiser's own weight decay towards zero
    stays what the training settings say, that of the head, the paper's β, with it;
    `Training(weight_decay=0)` leaves the penalty alone. `alpha=0` is base, bit for bit; the
    penalty's gradient is α(w − w⁰), zero at the first step. It costs no FLOPs but a second copy of
    the weights.

    Attributes:
        alpha: α; the paper takes .1 or .01 with SGD (from memory).
    """

    name: ClassVar[str] = "l2_sp"
    revision: ClassVar[int] = 2

    alpha: float = 0.01

    def __post_init__(self) -> None:
        if not 0 <= self.alpha < float("inf"):
            raise MethodError(f"L2SP(alpha={self.alpha!r}): alpha must be a number from 0.")

    def check(self, model: Model, task: Task) -> None:
        """Refuse a model that does not tell its head from its body."""
        if module := skeleton(model, task):
            body(module)

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Remember w⁰."""
        state.starts = [(w, w.detach().clone()) for w in body_weights(model)]

    def penalty(self, step: Step) -> Tensor | float:
        """(α/2) ‖w − w⁰‖²."""
        if not self.alpha:
            return 0.0
        parts = [_SquaredDistance.apply(w, start) for w, start in step.state.starts]
        return self.alpha / 2 * torch.stack(parts).sum()


class _SquaredDistance(torch.autograd.Function):
    """‖w − w⁰‖², which keeps no differences for its gradient 2 (w − w⁰): they take w's memory."""

    @staticmethod
    def forward(ctx: Any, w: Tensor, start: Tensor) -> Tensor:
        ctx.save_for_backward(w, start)
        return (w - start).square().sum()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        w, start = ctx.saved_tensors
        return gradients[0] * (2 * (w - start)), None
