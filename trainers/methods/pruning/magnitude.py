"""Gradual magnitude pruning (Zhu and Gupta 2017)."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

from torch import nn
from torch.nn.utils import parametrize

from trainers.methods.pruning.gradual import Gradual
from trainers.methods.pruning.masks import Masked, kept, matrices, zeros
from trainers.methods.step import Step


@dataclass(frozen=True)
class Magnitude(Gradual):
    """Cross-entropy, minimised over what is left; of each matrix the smallest weights go. Cost 1.

    After event j of n the share of zeros is s (1 − (1 − j/n)³), in each matrix, and what is gone
    stays away. The matrices are those of the layers; embeddings and head stay whole. `sparsity=0`
    is base, bit for bit.

    Attributes:
        sparsity: s, the share of each matrix that is zero at the end, in [0, 1).
        events: n, how often weights are given up.
        until: share of the training by which all are, in (0, 1).
    """

    name: ClassVar[str] = "magnitude"
    unfit_for_texts: ClassVar[str] = "it gives up weights of the layers of an encoder alone"

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Put a mask on every matrix."""
        state.event, state.masks = 0, []
        for part in matrices(model) if self.sparsity else ():
            mask = Masked(part.weight)
            parametrize.register_parametrization(part, "weight", mask)
            state.masks.append((part, mask))

    def before_step(self, step: Step) -> None:
        """Give up the smallest of the weights that are left, if it is time."""
        state, event = step.state, self.event(step)
        if event == state.event:
            return
        state.event = event
        for part, mask in state.masks:
            parametrizations: Any = part.parametrizations
            size = parametrizations.weight.original.detach().abs()
            count = zeros(self.share(event), size.numel())
            # What is gone is worth less than nothing, so that it goes first again.
            mask.mask.copy_(kept(size.masked_fill(~mask.mask, -1.0), count))
