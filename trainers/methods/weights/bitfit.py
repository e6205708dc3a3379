"""BitFit (Ben Zaken et al. 2022): only biases and the head learn."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, ClassVar

from torch import nn

from trainers.errors import MethodError
from trainers.methods.method import Method
from trainers.models.anatomy import body, body_weights, skeleton

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


_CONFLICTS = {
    "mixout": "bitfit freezes the matrices, and mixout would mix each with itself",
    "reinit": "bitfit freezes the matrices, and those that reinit draws would never learn",
}


@dataclass(frozen=True)
class BitFit(Method):
    """Cross-entropy, minimised over the biases of the body and all of the head.

    Head is what the run draws anew, a pooler that was not pre-trained with it. Every other weight
    stays what it was, bit for bit. The gradient of a frozen matrix is never
    computed, so that a step costs about ⅔ of base's; the authors learn with higher rates than full
    fine-tuning takes (from memory), which is for the arm's training settings to say.
    """

    name: ClassVar[str] = "bitfit"
    revision: ClassVar[int] = 2

    def check(self, model: Model, task: Task) -> None:
        """Refuse a body without biases.

        Raises:
            MethodError: it has none.
        """
        module = skeleton(model, task)
        if module is not None and not _biases(module):
            raise MethodError(f"BitFit() learns biases, and {model.name} has none.")

    def conflict(self, other: Method) -> str:
        """Nothing that asks matrices to learn."""
        return _CONFLICTS.get(other.name, "")

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Freeze the rest."""
        learned = _biases(model)
        for parameter in body_weights(model):
            parameter.requires_grad_(id(parameter) in learned)


def _biases(module: nn.Module) -> set[int]:
    named = body(module).named_parameters()
    return {id(parameter) for name, parameter in named if name.endswith("bias")}
