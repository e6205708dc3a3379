"""Movement pruning (Sanh et al. 2020): weights that move towards zero go."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from trainers.errors import MethodError
from trainers.methods.method import refuse_negative
from trainers.methods.pruning.gradual import Gradual
from trainers.methods.pruning.masks import kept, matrices, zeros
from trainers.methods.step import Step
from trainers.models.stored.body import mark_drawn_anew
from trainers.settings import Training
from trainers.steps.optimiser import decay_groups


class _Scored(torch.autograd.Function):
    """W ⊙ M, whose gradient goes through the mask as if M were the scores: dL/dS = dL/dW′ ⊙ W."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, scores: Tensor, mask: Tensor) -> Tensor:
        ctx.save_for_backward(weight, mask)
        return torch.where(mask, weight, 0.0)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None]:
        weight, mask = ctx.saved_tensors
        (gradient,) = gradients
        return torch.where(mask, gradient, 0.0), gradient * weight, None


class Scored(nn.Module):
    """A parametrisation W ⊙ M with a learned score S for each weight, 0 at the start."""

    mask: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros_like(weight))
        self.register_buffer("mask", torch.ones_like(weight, dtype=torch.bool))

    def forward(self, weight: Tensor) -> Tensor:
        """What is left of the weights."""
        masked: Tensor = _Scored.apply(weight, self.scores, self.mask)
        return masked


@dataclass(frozen=True)
class Movement(Gradual):
    """Cross-entropy, minimised over weights and over scores S by which weights are kept. Cost 1.

    W′ = W ⊙ M, where M keeps the highest scores; the gradient goes straight through M, so that
    dL/dS = dL/dW′ ⊙ W: a weight's score grows as long as it moves away from zero. Scores learn at a
    rate of their own, without decay, under the schedule of the run. Masks follow the scores in
    every step, so that a weight may come back; how many are zero follows
    s (1 − (1 − j/n)³) over n events. `Movement() + KD(teacher=…)` is the variant with distillation
    (τ = 2, α = ½ in the paper). `sparsity=0` is base, bit for bit.

    With `soft=True` one threshold holds for all matrices together, so that some give up more than
    others, and λ times the mean of σ(S) is added to the loss. The paper's soft variant fixes the
    threshold and has λ decide how many stay; here the threshold is where exactly s are below it.

    Attributes:
        sparsity: s, the share of zeros at the end, in [0, 1): of each matrix, or of all together.
        events: n, how often more weights are given up.
        until: share of the training by which all are, in (0, 1).
        soft: whether one threshold holds for all matrices.
        score_lr: peak learning rate of the scores.
        weight: λ ≥ 0, of the soft variant.
    """

    name: ClassVar[str] = "movement"
    unfit_for_texts: ClassVar[str] = "it gives up weights of the layers of an encoder alone"

    soft: bool = False
    score_lr: float = 1e-2
    weight: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        refuse_negative(self, "score_lr", "weight")
        if not isinstance(self.soft, bool):
            raise MethodError(f"Movement(soft={self.soft!r}): True or False.")

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Give every weight of the matrices a score, and each matrix a mask."""
        state.event, state.scored = 0, []
        for part in matrices(model) if self.sparsity else ():
            scored = Scored(part.weight)
            mark_drawn_anew(scored, dict(scored.named_parameters()))
            parametrize.register_parametrization(part, "weight", scored)
            state.scored.append(scored)

    def parameter_groups(self, model: nn.Module, training: Training) -> list[dict[str, Any]]:
        """Those of base, and one of the scores."""
        scores = [part.scores for part in model.modules() if isinstance(part, Scored)]
        known = {id(each) for each in scores}
        groups = decay_groups(model, training.weight_decay)
        for group in groups:
            group["params"] = [each for each in group["params"] if id(each) not in known]
        if not scores:
            return groups
        return [*groups, {"params": scores, "lr": self.score_lr, "weight_decay": 0.0}]

    def before_step(self, step: Step) -> None:
        """Keep the weights with the highest scores."""
        state = step.state
        state.event = self.event(step)
        if not state.event or not state.scored:
            return
        share = self.share(state.event)
        parts = [each.scores.detach() for each in state.scored]
        if self.soft:
            together = torch.cat([each.flatten() for each in parts])
            masks = kept(together, zeros(share, together.numel())).split([p.numel() for p in parts])
        else:
            masks = tuple(kept(each, zeros(share, each.numel())) for each in parts)
        for each, mask in zip(state.scored, masks, strict=True):
            each.mask.copy_(mask.view_as(each.mask))

    def penalty(self, step: Step) -> Tensor | float:
        """λ times the mean of σ(S), of the soft variant."""
        if not (self.soft and self.weight and step.state.scored):
            return 0.0
        count = sum(each.scores.numel() for each in step.state.scored)
        sums = [each.scores.sigmoid().sum() for each in step.state.scored]
        return self.weight * torch.stack(sums).sum() / count
