"""FreeLB (Zhu et al. 2020): the gradient of every step of an adversary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from trainers.errors import MethodError
from trainers.methods.method import refuse_negative
from trainers.methods.smoothness.perturbation import Perturbing, perturbed, real_inputs, uniform
from trainers.methods.step import Step


@dataclass(frozen=True)
class FreeLB(Perturbing):
    """Σ_k ∇ CE(f(x + δ_k))/K over K passes, δ_{k+1} = Π(δ_k + η g_k/‖g_k‖_F) (arXiv 1909.11764).

    δ_0 = U(−1, 1)·mag/√(L d) for a text of L tokens; Π projects each example's δ on a ball of
    radius `max_norm`. All passes have the same dropout masks, and padding is left alone. In a
    composition CE is the whole objective of the other parts. The defaults are the paper's for RTE.
    Cost K, more on images, where base needs no gradient in the pixels; `passes=1, magnitude=0` is
    base, bit for bit.

    Attributes:
        passes: K ≥ 1.
        eta: η ≥ 0, the adversary's learning rate.
        magnitude: mag ≥ 0.
        max_norm: of each example's δ; 0 sets no bound.
    """

    name: ClassVar[str] = "freelb"
    revision: ClassVar[int] = 2

    passes: int = 3
    eta: float = 0.1
    magnitude: float = 0.0
    max_norm: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.passes, int) or self.passes < 1:
            raise MethodError(f"FreeLB(passes={self.passes!r}): a whole number of at least 1.")
        refuse_negative(self, "eta", "magnitude", "max_norm")

    def whole_batch(self) -> str:
        """It does without: every example has an adversary of its own."""
        return "" if type(self).backward is FreeLB.backward else super().whole_batch()

    def backward(self, step: Step) -> Tensor:
        """Accumulate the gradients of K passes while δ climbs."""
        delta, total = self.start(step), torch.zeros((), device=step.labels.device)
        for k in range(self.passes):
            delta = delta.detach().requires_grad_()
            again = step if k == 0 else step.repeated()
            with perturbed(step, delta):
                loss = again.objective() / self.passes
            loss.backward()
            total += loss.detach()
            assert delta.grad is not None
            delta = self.climb(delta.detach(), delta.grad)
        return total

    def climb(self, delta: Tensor, g: Tensor) -> Tensor:
        """δ after a step of length η along each example's g, however small that is."""
        largest = g.abs().flatten(1).amax(1).clamp(min=torch.finfo(g.dtype).tiny)
        g = g / largest.view(-1, *[1] * (g.ndim - 1))
        return self.project(delta + self.eta * g / _norm(g))

    def start(self, step: Step) -> Tensor:
        """δ_0, zero on padding."""
        delta = uniform(step) * real_inputs(step)
        size = (torch.ones_like(delta) * real_inputs(step)).flatten(1).sum(1)  # L d
        return delta * self.magnitude / size.sqrt().view(-1, *[1] * (delta.ndim - 1))

    def project(self, delta: Tensor) -> Tensor:
        """Each example's δ on the ball."""
        if not self.max_norm:
            return delta
        return delta * (self.max_norm / _norm(delta)).clamp(max=1)


def _norm(x: Tensor) -> Tensor:
    """‖x‖_F of each example, in a shape that divides it; never 0."""
    return x.flatten(1).norm(dim=1).clamp(min=1e-8).view(-1, *[1] * (x.ndim - 1))
