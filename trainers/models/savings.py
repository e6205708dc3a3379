"""Whether a model can be trained with less memory and end with the same weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch.nn.modules.batchnorm import _BatchNorm

from trainers.errors import ModelError
from trainers.models.anatomy import skeleton
from trainers.settings import Training
from trainers.steps.checkpointing import offers_checkpointing

if TYPE_CHECKING:
    from trainers.models.model import Model
    from trainers.tasks import Task


def check_savings(model: Model, task: Task, training: Training) -> None:
    """Refuse micro-batches and checkpointed layers where they would change what is computed.

    Raises:
        ModelError: the model has batch normalisation, or no layers that can be computed again.
    """
    module = skeleton(model, task) if training.savings() else None
    if module is None:
        return
    if training.gradient_checkpointing and not offers_checkpointing(module):
        raise ModelError(
            f"gradient_checkpointing=True needs layers that transformers can compute again, and "
            f"{model.name} has none: leave it out."
        )
    if not any(isinstance(part, _BatchNorm) for part in module.modules()):
        return
    if training.accumulate > 1:
        raise ModelError(
            f"{model.name} has batch normalisation, which needs the whole batch at once: train it "
            "with accumulate=1."
        )
    raise ModelError(
        f"{model.name} has batch normalisation, whose running statistics gradient_checkpointing="
        "True would count twice: leave it out."
    )
