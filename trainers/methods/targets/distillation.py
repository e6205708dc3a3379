"""Knowledge distillation (Hinton et al. 2015) and distillation from oneself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from trainers.errors import MethodError
from trainers.methods.base import Base
from trainers.methods.method import Method, Teacher
from trainers.methods.step import Step
from trainers.settings import Training

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


def distillation_loss(
    logits: Tensor,
    labels: Tensor,
    teacher_logits: Tensor,
    alpha: float,
    tau: float,
    scale: Literal["hinton", "paper"],
    among: Tensor | None = None,
) -> Tensor:
    """(1 − α) CE + α s KL(p_t^τ ‖ p^τ), averaged over the batch.

    Its gradient in the logits is [(1 − α)(p − q) + α(s/τ)(p^τ − p_t^τ)]/B.

    Args:
        logits: shape (b, K), the student's.
        labels: shape (b,).
        teacher_logits: shape (b, K).
        alpha: weight of the teacher.
        tau: temperature of both distributions.
        scale: s = τ² ("hinton") or s = 1 ("paper").
        among: shape (b, k), where the teacher's k + 1 logits are of these classes and of all others
            together: p and p_t are then distributions over these k + 1 outcomes.
    """
    s = tau**2 if scale == "hinton" else 1.0
    compared = logits if among is None else and_the_rest(logits, among)
    log_p, log_t = ((each / tau).log_softmax(-1) for each in (compared, teacher_logits))
    # The bits of F.kl_div, which cannot be computed for several models at once.
    divergence = (log_t.exp() * (log_t - log_p)).sum() / len(logits)
    return (1 - alpha) * F.cross_entropy(logits, labels) + alpha * s * divergence


def and_the_rest(logits: Tensor, classes: Tensor) -> Tensor:
    """log p of some classes, and as the last that of all others together: shape (b, k + 1).

    >>> import torch
    >>> said = and_the_rest(torch.log(torch.tensor([[0.1, 0.2, 0.3, 0.4]])), torch.tensor([[3, 1]]))
    >>> said.exp()
    tensor([[0.4000, 0.2000, 0.4000]])

    Args:
        logits: shape (b, K).
        classes: shape (b, k) with k < K, different ones in each row.
    """
    log_p = logits.log_softmax(-1)
    others = log_p.scatter(-1, classes, float("-inf")).logsumexp(-1, keepdim=True)
    return torch.cat([log_p.gather(-1, classes), others], -1)


@dataclass(frozen=True)
class _Distillation(Method):
    """What both kinds share: the loss and its hyper-parameters."""

    alpha: float = 0.5
    tau: float = 1.0
    scale: Literal["hinton", "paper"] = "hinton"

    def __post_init__(self) -> None:
        called = type(self).__name__
        if not 0 <= self.alpha <= 1:
            raise MethodError(f"{called}(alpha={self.alpha!r}): alpha must lie between 0 and 1.")
        if not self.tau > 0:
            raise MethodError(f"{called}(tau={self.tau!r}): the temperature must be positive.")
        if self.scale not in ("hinton", "paper"):
            raise MethodError(f'{called}(scale={self.scale!r}): use "hinton" or "paper".')

    def loss(self, step: Step) -> Tensor:
        """(1 − α) CE + α s KL(p_t^τ ‖ p^τ)."""
        asked = self.alpha, self.tau, self.scale, step.teacher_tokens
        return distillation_loss(step.logits, step.labels, step.teacher_logits, *asked)


@dataclass(frozen=True)
class Taught(Method):
    """What learns from a teacher that the arm declares."""

    teacher: Model | Teacher | None = field(default=None, kw_only=True)

    def teacher_for(self, training: Training) -> Teacher:
        """The teacher declared; it is trained by base unless it says otherwise.

        Raises:
            MethodError: none was declared.
        """
        if self.teacher is None:
            called = type(self).__name__
            raise MethodError(f"{called} needs a teacher: give {called}(teacher=...) a model.")
        if isinstance(self.teacher, Teacher):
            return self.teacher
        return Teacher(model=self.teacher)

    def specification(self) -> dict[str, Any]:
        """Without the teacher: the key of its run stands in for it."""
        return {k: v for k, v in super().specification().items() if k != "teacher"}


@dataclass(frozen=True)
class KD(_Distillation, Taught):
    """Distillation from a larger model, trained once: (1 − α) CE + α s KL(p_t^τ ‖ p^τ).

    The teacher's logits on the training set are computed once and read from disk, so a step costs
    what a step of base costs (a live teacher of the student's size would make it 1.33).
    `alpha=0` is base, bit for bit; at τ = 1 both scales agree.

    Attributes:
        alpha: weight of the teacher, 0 ≤ α ≤ 1.
        tau: temperature, above 0.
        scale: s = τ² ("hinton", default) or s = 1 ("paper": arXiv 2205.12428 prints it so).
        teacher: a model, or a :class:`Teacher` that says how it is trained.
    """

    name: ClassVar[str] = "kd"

    def check(self, model: Model, task: Task) -> None:
        """Refuse a teacher of texts that knows other tokens than its student.

        Raises:
            MethodError: with the way out.
        """
        teacher = self.teacher.model if isinstance(self.teacher, Teacher) else self.teacher
        if task.writes != "text" or teacher is None or isinstance(teacher, str):
            return
        if model.tokens() != teacher.tokens():
            raise MethodError(
                f"KD compares probabilities of tokens, and {teacher.name} writes other tokens than "
                f"{model.name}: take a teacher of the same vocabulary, or SequenceKD."
            )


@dataclass(frozen=True)
class SelfKD(_Distillation):
    """Distillation from a fine-tuned copy of the student itself; the student starts afresh.

    (1 − α) CE + α s KL(p_t^τ ‖ p^τ) as in :class:`KD`, and with `alpha=0` base, bit for bit.
    The teacher is the base run of the same model, init and seed. `generations=n` makes
    born-again networks (Furlanello et al. 2018): each generation learns from the one before.
    Cost 1 once the teacher is there. In a composition teachers are trained without its other
    parts.

    Attributes:
        alpha: weight of the teacher, 0 ≤ α ≤ 1.
        tau: temperature, above 0.
        scale: s = τ² ("hinton") or s = 1 ("paper").
        generations: how many times distillation is repeated.
    """

    name: ClassVar[str] = "self_kd"
    generations: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if not isinstance(self.generations, int) or self.generations < 1:
            raise MethodError(
                f"SelfKD(generations={self.generations!r}): a whole number of at least 1."
            )

    def teacher_for(self, training: Training) -> Teacher:
        """The student's own base run of the same seed, or the generation before."""
        before: Method = Base()
        if self.generations > 1:
            before = SelfKD(self.alpha, self.tau, self.scale, self.generations - 1)
        return Teacher("student", "student", before, training, seed=None)
