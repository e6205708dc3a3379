"""Annealing knowledge distillation (Jafari et al. 2021): the teacher's logits, then the labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor
from torch.nn import functional as F

from trainers.errors import MethodError
from trainers.methods.method import Phase
from trainers.methods.step import Step
from trainers.methods.targets.distillation import Taught
from trainers.settings import Training


@dataclass(frozen=True)
class AnnealingKD(Taught):
    """Phase I: MSE(z, Φ(T) z_t), Φ(T) = 1 − (T − 1)/T_max. Phase II: CE on the labels. Cost 1.

    T falls from T_max to 1 in phase I, by 1 every ⌊E₁/T_max⌋ of its E₁ epochs, so that the target
    grows to z_t. Where T_max does not divide E₁ the authors' code lets Φ exceed 1; here it ends
    there. T_max is at most E₁. Phase II starts from phase I's best checkpoint on dev, with a fresh
    optimiser and schedule (arXiv 2104.07163). Both phases together have the epochs of the
    Training, so that the arm is trained as long as the others; the paper's SST-5 is epochs = 30,
    phase_one = 2/3, t_max = 10, and its README epochs = 18, phase_one = 14/18, t_max = 7.

    Attributes:
        t_max: T_max ≥ 1.
        phase_one: share of the epochs in phase I, above 0 and below 1; each phase has at least one.
        teacher: a model, or a :class:`Teacher` that says how it is trained.
    """

    name: ClassVar[str] = "annealing_kd"
    unfit_for_texts: ClassVar[str] = (
        "its first phase learns all logits of a teacher, and those of a whole vocabulary are not "
        "kept; take kd"
    )
    t_max: int = 10
    phase_one: float = 2 / 3

    def __post_init__(self) -> None:
        if not isinstance(self.t_max, int) or self.t_max < 1:
            raise MethodError(f"AnnealingKD(t_max={self.t_max!r}): a whole number of at least 1.")
        if not 0 < self.phase_one < 1:
            raise MethodError(f"AnnealingKD(phase_one={self.phase_one!r}): between 0 and 1.")

    def phases(self, training: Training) -> tuple[Phase, ...]:
        """Logits, then labels.

        Raises:
            MethodError: one epoch cannot be divided.
        """
        if training.epochs < 2:
            raise MethodError("AnnealingKD has two phases: train for 2 epochs or more.")
        first = round(self.phase_one * training.epochs)
        first = min(max(first, 1), training.epochs - 1)
        return Phase(first, "logits"), Phase(training.epochs - first, "labels")

    def factor(self, epoch: int, epochs: int) -> float:
        """Φ in an epoch of phase I, counted from 0, of so many.

        >>> [AnnealingKD(t_max=3).factor(epoch, epochs=7) for epoch in range(7)] == [
        ...     1 / 3, 1 / 3, 2 / 3, 2 / 3, 1, 1, 1]
        True
        """
        t_max = min(self.t_max, epochs)
        return min(epoch // (epochs // t_max) + 1, t_max) / t_max

    def loss(self, step: Step) -> Tensor:
        """MSE(z, Φ z_t), averaged over batch and classes; in phase II −log p(y)."""
        if step.phase == 1:
            return F.cross_entropy(step.logits, step.labels)
        factor = self.factor(step.epoch, step.epochs)
        return F.mse_loss(step.logits, factor * step.teacher_logits)
