"""Label smoothing (Szegedy et al. 2016)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from torch import Tensor
from torch.nn import functional as F

from trainers.errors import MethodError
from trainers.methods.method import Method
from trainers.methods.step import Step

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class LS(Method):
    """(1 − ε) CE + ε H(u, p) with the uniform distribution u; equation 3 of arXiv 2205.12428.

    `epsilon=0` is base, bit for bit. Cost 1.

    Attributes:
        epsilon: weight of the uniform distribution, 0 ≤ ε ≤ 1.
        convention: "torch" spreads ε over all K classes; "yuan" (Yuan et al. 2020, fairseq) puts
            1 − ε on the label and ε/(K − 1) on each other class, which is "torch" with
            εK/(K − 1).
    """

    name: ClassVar[str] = "ls"
    epsilon: float = 0.1
    convention: Literal["torch", "yuan"] = "torch"

    def __post_init__(self) -> None:
        if not 0 <= self.epsilon <= 1:
            raise MethodError(f"LS(epsilon={self.epsilon!r}): epsilon must lie between 0 and 1.")
        if self.convention not in ("torch", "yuan"):
            raise MethodError(f'LS(convention={self.convention!r}): use "torch" or "yuan".')

    def check(self, model: Model, task: Task) -> None:
        """Refuse a smoothing that leaves the label less than nothing.

        Raises:
            MethodError: with the largest ε that this number of classes allows.
        """
        if self.convention == "torch" or task.requirements():
            return  # what is missing is said by the check of the whole study
        classes = len(task.classes)
        if self.smoothing(classes) > 1:
            raise MethodError(
                f'LS(epsilon={self.epsilon}, convention="yuan") is too much for {classes} classes; '
                f"take epsilon ≤ {(classes - 1) / classes:.4g}."
            )

    def smoothing(self, classes: int) -> float:
        """The ε of torch's convention."""
        return self.epsilon * classes / (classes - 1) if self.convention == "yuan" else self.epsilon

    def loss(self, step: Step) -> Tensor:
        """(1 − ε) CE + ε H(u, p)."""
        z = step.logits
        return F.cross_entropy(z, step.labels, label_smoothing=self.smoothing(z.shape[-1]))
