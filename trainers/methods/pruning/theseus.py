"""BERT-of-Theseus (Xu et al. 2020), for layers that lose weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from trainers.errors import MethodError
from trainers.methods.method import refuse_negative
from trainers.methods.pruning.grafting import Grafting, differentiable
from trainers.methods.step import Step
from trainers.settings import is_number


@dataclass(frozen=True)
class Theseus(Grafting):
    """Cross-entropy, minimised by pruned layers that replace those of a teacher ever more often.

    A layer is the student's with a probability that rises from p to 1, which it reaches with the
    last event and keeps, and else the teacher's, which is frozen; see :class:`Grafting` for what
    learns. With `growth` it is min(p + growth · t, 1) in step t, counted from 0, as published
    (6e-4, for trainings of thousands of steps: in shorter ones p stays small, while evaluation
    uses the student's layers alone). Weights go by
    magnitude, as in :class:`Magnitude`. The paper replaces two layers by one; here each layer is
    replaced by its own copy, which is pruned, as in the comparison of Huang et al. 2022. Nothing is
    distilled. Cost 1 or a little less, since what is frozen has no gradient, once the teacher is
    there.

    Attributes:
        sparsity: s, the share of each matrix that is zero at the end, in [0, 1).
        events: n, how often weights are given up.
        until: share of the training by which all are, in (0, 1).
        p: probability of the student's layer in the first step, in [0, 1].
        growth: what is added to it in each step, from 0; None has it reach 1 with the last event.
        teacher: a :class:`Teacher` of the same architecture; None is the student's own base run.
    """

    name: ClassVar[str] = "theseus"
    unfit_for_texts: ClassVar[str] = "it gives up weights of the layers of an encoder alone"

    p: float = 0.3
    growth: float | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.growth is not None:
            refuse_negative(self, "growth")
        if not is_number(self.p) or not 0 <= self.p <= 1:
            raise MethodError(f"Theseus(p={self.p!r}): a probability lies between 0 and 1.")

    def p_at(self, step: Step) -> float:
        """From p to 1, as `growth` says."""
        if self.growth is not None:
            return min(self.p + self.growth * step.number, 1.0)
        risen = 1.0 if step.phase else min(step.progress / self.until, 1.0)
        return self.p + (1 - self.p) * risen

    def loss(self, step: Step) -> Tensor:
        """Cross-entropy of the grafted model."""
        return differentiable(F.cross_entropy(step.logits, step.labels))
