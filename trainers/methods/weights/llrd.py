"""Layer-wise decay of the learning rate (Howard and Ruder 2018)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from torch import nn

from trainers.errors import MethodError
from trainers.methods.method import Method
from trainers.models.anatomy import layers, levels, skeleton
from trainers.settings import Training
from trainers.steps.optimiser import decay_groups

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class LLRD(Method):
    """Layer k from the top learns at η·d^k, the head at η, the embeddings last. Cost 1.

    The top layer has k = 1, the bottom one of L has k = L and the embeddings k = L + 1; a pooler
    and a normalisation above the layers learn with the head, to which belongs whatever the run
    draws anew. In a convolutional network the stages
    are the layers and the stem is the embeddings. `decay=1` is base, bit for bit. After the
    discriminative fine-tuning of ULMFiT (Howard and Ruder 2018), geometric as in Zhang et al.
    (2021), whose d = .95 is the default.

    Attributes:
        decay: d, above 0 and at most 1.
    """

    name: ClassVar[str] = "llrd"
    revision: ClassVar[int] = 2

    decay: float = 0.95

    def __post_init__(self) -> None:
        if not 0 < self.decay <= 1:
            raise MethodError(f"LLRD(decay={self.decay!r}): decay must lie in (0, 1].")

    def check(self, model: Model, task: Task) -> None:
        """Refuse a model without layers.

        Raises:
            MethodError: it has none.
        """
        if module := skeleton(model, task):
            layers(module)

    def parameter_groups(self, model: nn.Module, training: Training) -> list[dict[str, Any]]:
        """Those of base, level by level, each with a learning rate of its own."""
        return [
            {**group, "lr": training.lr * self.decay**k}
            for k, level in enumerate(levels(model))
            for group in decay_groups(nn.ParameterList(level), training.weight_decay)
            if group["params"]
        ]
