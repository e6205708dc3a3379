"""SMART (Jiang et al. 2020): smooth where an adversary pushes, and close to where one was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from trainers.errors import MethodError
from trainers.methods.method import refuse_negative
from trainers.methods.smoothness.divergence import kl, symmetric_kl
from trainers.methods.smoothness.perturbation import Perturbing, comparing, normal, perturbed
from trainers.methods.step import Step


@dataclass(frozen=True)
class SMART(Perturbing):
    """CE + α SKL(f(x), f(x + δ)) + μ SKL(f(x), f̃(x)): adversarial smoothness, proximal point.

    δ starts as N(0, σ²) and climbs the gradient g of the divergence, summed over the batch, so
    that a text's δ does not depend on how many others there are. The divergence in the loss is
    averaged, and detaches the target of each of its directions. f̃ has the moving average of the
    weights, β = .99 for the first tenth of a phase's steps and .999 then (from memory of arXiv
    1911.03437), and the dropout masks of f, so that only weights differ. Cost 2.7 with one step,
    with the proximal term 3; each further step costs another ⅔. `alpha=0, mu=0` is base, bit
    for bit.

    `ascent="mt-dnn"`, the default, is what the authors' code does: δ ← (δ + ηg)/max|δ + ηg|,
    the largest entry of each token, so that δ ends at size 1 whatever σ and η are. Beside δ₀ the
    step ηg is small: at a batch of 32 on a BERT of two layers the cosine of δ is .97 with plain
    noise and .20 with g (averaged over the batch, g would leave 1.000 and .01). **The published
    adversary is noise of size 1 for the most part**, and `steps=0`, which leaves g out, is its
    control. `ascent="paper"` is algorithm 1: in each step δ moves by η along g, divided by the
    largest entry of its example, and is kept at |δ| ≤ ε. It follows the gradient (cosine .8 with
    that of each step) where σ is far below ε and ε/η not below the number of steps, as in
    `SMART(ascent="paper", epsilon=1, eta=0.5, steps=3)`, as far as the published δ goes. At the
    paper's ε = σ = 1e-5 and η = 1e-3 it is again half noise (cosines .48 and .31), and moves
    outputs by nothing to speak of.

    As in that code, passes draw dropout of their own, so that the divergence measures dropout as
    well, with a small ε that alone, as R3F does. The authors' code has no proximal term
    (`mu=0`) and climbs one direction of the divergence; here it is both. Their first version
    ended at ηg/max|g|.

    Attributes:
        alpha: weight of the adversarial term, ≥ 0.
        mu: weight of the proximal term, ≥ 0.
        sigma: standard deviation of the first δ, ≥ 0.
        eta: size of a step, ≥ 0.
        epsilon: bound of δ with `ascent="paper"`, ≥ 0, in units of the embeddings, or of pixels.
        steps: how often δ climbs; 0 leaves it noise.
        ascent: "mt-dnn" or "paper".
    """

    name: ClassVar[str] = "smart"
    revision: ClassVar[int] = 2

    alpha: float = 1.0
    mu: float = 1.0
    sigma: float = 1e-5
    eta: float = 1e-3
    epsilon: float = 1e-5
    steps: int = 1
    ascent: Literal["mt-dnn", "paper"] = "mt-dnn"

    def __post_init__(self) -> None:
        refuse_negative(self, "alpha", "mu", "sigma", "eta", "epsilon")
        if not isinstance(self.steps, int) or isinstance(self.steps, bool) or self.steps < 0:
            raise MethodError(f"SMART(steps={self.steps!r}): a whole number of at least 0.")
        if self.ascent not in ("mt-dnn", "paper"):
            raise MethodError(f'SMART(ascent={self.ascent!r}): use "mt-dnn" or "paper".')

    def before_step(self, step: Step) -> None:
        """Start the moving average at the weights, once other parts have prepared the model."""
        if self.mu and not hasattr(step.state, "average"):
            named = step.model.named_parameters()
            step.state.average = {name: p.detach().clone() for name, p in named}

    def penalty(self, step: Step) -> Tensor | float:
        """α SKL(f(x), f(x + δ)) + μ SKL(f(x), f̃(x))."""
        adversarial = self.alpha * self.adversarial(comparing(step)) if self.alpha else 0.0
        return adversarial + (self.mu * self.proximal(step) if self.mu else 0.0)

    def adversarial(self, step: Step) -> Tensor:
        """SKL(f(x), f(x + δ)), each direction's target detached."""
        z = step.logits
        with perturbed(step, self.adversary(step)):
            worst = step.forward()
        return kl(z.detach(), worst) + kl(worst.detach(), z)

    def adversary(self, step: Step) -> Tensor:
        """δ, in the shape of what is perturbed."""
        delta = self.sigma * normal(step)
        for _ in range(self.steps):
            delta = self.climb(delta, self.slope(step, delta))
        return delta if self.steps else self.bounded(delta)

    def slope(self, step: Step, delta: Tensor) -> Tensor:
        """g, the gradient in δ of the divergence, summed over the batch."""
        delta = delta.detach().requires_grad_()
        with perturbed(step, delta):
            distance = symmetric_kl(step.forward(), step.logits.detach())
        (g,) = torch.autograd.grad(distance * len(step.labels), delta)
        return g

    def climb(self, delta: Tensor, g: Tensor) -> Tensor:
        """δ after one step along g."""
        if self.ascent == "paper":
            largest = g.abs().flatten(1).amax(1).view(-1, *[1] * (g.ndim - 1))
            g = g / largest.clamp(min=torch.finfo(g.dtype).tiny)
        return self.bounded(delta + self.eta * g)

    def bounded(self, delta: Tensor) -> Tensor:
        """δ of the size that the ascent allows."""
        if self.ascent == "paper":
            return delta.clamp(-self.epsilon, self.epsilon)
        return delta / (delta.abs().amax(-1, keepdim=True) + 1e-6)

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
