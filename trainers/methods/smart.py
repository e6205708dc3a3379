"""SMART (Jiang et al. 2020): smooth where an adversary pushes, and close to where one was."""

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from trainers.errors import MethodError
from trainers.methods.divergence import kl, symmetric_kl
from trainers.methods.method import refuse_negative
from trainers.methods.perturbation import Perturbing, normal, perturbed
from trainers.methods.step import Step


@dataclass(frozen=True)
class SMART(Perturbing):
    """CE + α SKL(f(x), f(x + δ)) + μ SKL(f(x), f̃(x)): adversarial smoothness, proximal point.

    δ starts as N(0, ε²) and takes one step of size η up the gradient g of the divergence. The
    first divergence detaches the target of each of its directions. f̃ has the moving average of
    the weights, β = .99 for the first tenth of a phase's steps and .999 then (from memory of
    arXiv 1911.03437), and the dropout masks of f, so that only weights differ. Cost 2.7, with the
    proximal term 3; ``alpha=0, mu=0`` is base, bit for bit.

    The authors' code (mt-dnn) has no proximal term, which ``mu=0`` leaves out too; the default is
    the paper's method. That code divides δ + ηg by its largest entry in each token, so that δ ends
    near 1 whatever ε and η are: ``ball="mt-dnn"``, the default, since it is what the authors
    published to be run (their first version ended at ηg/max|g|). They climb one direction of the
    divergence, summed over the batch; here it is both directions, averaged, as everywhere.
    ``ball="paper"`` keeps |δ| ≤ ε after a step along g/max|g|.

    Attributes:
        alpha: weight of the adversarial term, ≥ 0.
        mu: weight of the proximal term, ≥ 0.
        epsilon: standard deviation of the first δ; with ``ball="paper"`` also its bound.
        eta: size of the step.
        ball: how far δ may go, "mt-dnn" or "paper".
    """

    name: ClassVar[str] = "smart"
    alpha: float = 1.0
    mu: float = 1.0
    epsilon: float = 1e-5
    eta: float = 1e-3
    ball: Literal["mt-dnn", "paper"] = "mt-dnn"

    def __post_init__(self) -> None:
        refuse_negative(self, "alpha", "mu", "epsilon", "eta")
        if self.ball not in ("mt-dnn", "paper"):
            raise MethodError(f'SMART(ball={self.ball!r}): use "mt-dnn" or "paper".')

    def before_step(self, step: Step) -> None:
        """Start the moving average at the weights, once other parts have prepared the model."""
        if self.mu and not hasattr(step.state, "average"):
            named = step.model.named_parameters()
            step.state.average = {name: p.detach().clone() for name, p in named}

    def penalty(self, step: Step) -> Tensor | float:
        """α SKL(f(x), f(x + δ)) + μ SKL(f(x), f̃(x))."""
        adversarial = self.alpha * self.adversarial(step) if self.alpha else 0.0
        return adversarial + (self.mu * self.proximal(step) if self.mu else 0.0)

    def adversarial(self, step: Step) -> Tensor:
        """SKL(f(x), f(x + δ)), each direction's target detached."""
        z, delta = step.logits, (self.epsilon * normal(step)).requires_grad_()
        with perturbed(step, delta):
            distance = symmetric_kl(step.forward(), z.detach())
        (g,) = torch.autograd.grad(distance, delta)
        with perturbed(step, self.ascend(delta.detach(), g)):
            worst = step.forward()
        return kl(z.detach(), worst) + kl(worst.detach(), z)

    def ascend(self, delta: Tensor, g: Tensor) -> Tensor:
        """One step up the gradient."""
        if self.ball == "mt-dnn":
            delta = delta + self.eta * g
            return delta / (delta.abs().amax(-1, keepdim=True) + 1e-6)
        largest = g.abs().flatten(1).amax(1).view(-1, *[1] * (g.ndim - 1))
        return (delta + self.eta * g / (largest + 1e-12)).clamp(-self.epsilon, self.epsilon)

    def proximal(self, step: Step) -> Tensor:
        """SKL(f(x), f̃(x))."""
        z = step.logits
        with torch.no_grad():
            before = step.forward(same_dropout=True, weights=step.state.average)
        return symmetric_kl(z, before)

    def after_step(self, step: Step) -> None:
        """Move the average."""
        if self.mu:
            beta = 0.99 if step.progress < 0.1 else 0.999
            for name, parameter in step.model.named_parameters():
                step.state.average[name].lerp_(parameter.detach(), 1 - beta)
