"""R3F and R4F (Aghajanyan et al. 2020): outputs that noise does not change."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from trainers.errors import MethodError
from trainers.methods.method import refuse_negative
from trainers.methods.smoothness.divergence import symmetric_kl
from trainers.methods.smoothness.perturbation import (
    Perturbing,
    comparing,
    normal,
    perturbed,
    uniform,
)
from trainers.methods.step import Step
from trainers.models.anatomy import head_layers, skeleton

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class R3F(Perturbing):
    """CE(f(x)) + λ SKL(f(x), f(x + δ)), where SKL is the KL divergence in both directions.

    δ ~ U(−ε, ε) or N(0, ε²) is added to embeddings, or to the pixels of an image; gradients flow
    through both passes, the embeddings of both among them (arXiv 2008.03156; the criterion of
    classification in fairseq's `examples/rxf` detaches those of the noised pass, so that their
    matrix learns from the clean one alone). Cost 2.

    As in fairseq, both passes draw dropout of their own by default, so that the penalty measures
    dropout far more than δ: with `epsilon=0` it is R-Drop's symmetric divergence.
    `share_dropout=True` repeats the masks, and what is left is the effect of δ, as in the
    paper's formula. With ε = 1e-5 that is a divergence of some 1e-10, which bfloat16 would bury
    under its rounding of 1e-5: there, and in a model without dropout, both passes are computed in
    float32, which under `precision="bf16"` makes them two more, cost 3. `weight=0` is base,
    bit for bit.

    Attributes:
        weight: λ ≥ 0.
        epsilon: ε ≥ 0, in units of the embeddings, or of pixels.
        noise: "uniform" (default: the paper's for classification) or "normal" (for generation).
        share_dropout: whether both passes have the same dropout masks.
    """

    name: ClassVar[str] = "r3f"
    revision: ClassVar[int] = 2

    weight: float = 1.0
    epsilon: float = 1e-5
    noise: Literal["uniform", "normal"] = "uniform"
    share_dropout: bool = False

    def __post_init__(self) -> None:
        refuse_negative(self, "weight", "epsilon")
        if self.noise not in ("uniform", "normal"):
            raise MethodError(
                f'{type(self).__name__}(noise={self.noise!r}): use "uniform" or "normal".'
            )

    def penalty(self, step: Step) -> Tensor | float:
        """λ SKL(f(x), f(x + δ))."""
        if self.weight == 0:
            return 0.0
        delta = self.epsilon * (uniform(step) if self.noise == "uniform" else normal(step))
        step = comparing(step, self.share_dropout)
        z = step.logits
        with perturbed(step, delta):
            noisy = step.forward(same_dropout=self.share_dropout)
        return self.weight * symmetric_kl(z, noisy)


@dataclass(frozen=True)
class R4F(R3F):
    """R3F with the matrices of the classification head divided by their largest singular value.

    A pooler that the run draws anew is one of them; fairseq normalises the last matrix alone.
    torch's parametrisation keeps σ_max(W) = 1, computed in float32 whatever the run's precision;
    fairseq's older form gave 1.26 after one pass. Even with `weight=0` it is not base, since the
    head is normalised. Cost 2.
    """

    name: ClassVar[str] = "r4f"
    unfit_for_texts: ClassVar[str] = (
        "the matrix that it would normalise is that of the vocabulary, which embeds tokens as well"
    )
    revision: ClassVar[int] = 3

    def check(self, model: Model, task: Task) -> None:
        """Refuse a model whose head has no matrix, besides what R3F refuses.

        Raises:
            MethodError: with the model's name.
        """
        super().check(model, task)
        module = skeleton(model, task)
        if module is not None and not head_layers(module):
            raise MethodError(f"R4F needs a linear layer in the head, and {model.name} has none.")

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Normalise every linear layer of the head."""
        state.normalised = [spectral_norm(layer) for layer in head_layers(model)]
        for layer in state.normalised:
            parts: Any = layer.parametrizations.weight
            parts[0] = _InFloat32(parts[0])

    def before_step(self, step: Step) -> None:
        """Remember where the power iteration stands, which every pass takes a step further."""
        parts: list[Any] = [layer.parametrizations for layer in step.state.normalised]
        step.state.vectors = [(v, v.clone()) for part in parts for v in part.buffers()]

    def before_micro_batch(self, step: Step) -> None:
        """Let it start there in every micro-batch, so that all have the same matrices."""
        for vector, start in step.state.vectors:
            vector.copy_(start)


class _InFloat32(nn.Module):
    """A parametrisation in float32: bfloat16 has σ off by a hundredth."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, weight: Tensor) -> Tensor:
        with torch.autocast(weight.device.type, enabled=False):
            normalised: Tensor = self.inner(weight)
            return normalised
