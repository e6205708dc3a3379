"""NEFTune (Jain et al. 2023): noise on every embedding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.methods.method import Method, refuse_negative
from trainers.methods.smoothness.perturbation import check_embeddings, embedding_layer
from trainers.methods.step import Step

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class NEFTune(Method):
    """CE(f(x + δ)), δ ~ U(−1, 1)·α/√(L d), anew in every pass of training. Cost 1.

    x are the embeddings, of width d, of a text of L tokens (arXiv 2310.05914). The authors' code
    and transformers take for L the length that the batch is padded to: `length="padded"`. By
    default L is the text's own, so that an example's noise does not depend on its neighbours.
    `alpha=0` is base, bit for bit.

    Attributes:
        alpha: size of the noise, ≥ 0; the paper tries 5, 10 and 15.
        length: "own" or "padded".
    """

    name: ClassVar[str] = "neftune"
    alpha: float = 5.0
    length: Literal["own", "padded"] = "own"

    def __post_init__(self) -> None:
        refuse_negative(self, "alpha")
        if self.length not in ("own", "padded"):
            raise MethodError(f'NEFTune(length={self.length!r}): use "own" or "padded".')

    def check(self, model: Model, task: Task) -> None:
        """Refuse a model without an embedding layer."""
        check_embeddings("NEFTune", model, task)

    def before_step(self, step: Step) -> None:
        """Let the embedding layer add noise in every pass of the step."""
        state = step.state

        def add_noise(_: nn.Module, __: Any, x: Tensor) -> Tensor:
            return x + self.noise(x, state.seen).to(x.dtype)

        layer = embedding_layer(step.model)
        assert layer is not None  # checked when the study was loaded
        state.hook = layer.register_forward_hook(add_noise)

    def before_micro_batch(self, step: Step) -> None:
        """Whose texts are noised next."""
        step.state.seen = step

    def after_step(self, step: Step) -> None:
        """Evaluation reads embeddings as they are."""
        step.state.hook.remove()
        del step.state.hook, step.state.seen

    def noise(self, x: Tensor, step: Step) -> Tensor:
        """δ, in the shape of the embeddings (b, L, d)."""
        draws = 2 * step.draw(torch.rand, x.shape) - 1
        tokens = step.inputs["attention_mask"].sum(1) if self.length == "own" else x.shape[1]
        size = torch.as_tensor(tokens * x.shape[2], device=x.device)
        return self.alpha * draws / size.sqrt().view(-1, 1, 1)
