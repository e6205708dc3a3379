"""Running a model on one batch, once or several times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm

from trainers.inputs.batches import WANTED
from trainers.packed.models import Classifier
from trainers.settings import Training
from trainers.steps.checkpointing import layers_run_again

#: Encoders of transformers that take a mask for each pair of tokens as it is.
_WITH_MASKS_FOR_PAIRS = ("bert", "roberta", "xlm-roberta", "distilbert")


@dataclass
class Passes:
    """The passes of one step.

    The first one is that of every method. Those after it leave the running statistics of batch
    normalisation alone, so that a method that looks at a batch again changes no evaluation by it.

    Attributes:
        model: in training mode.
        inputs: its keyword arguments.
        training: resolved settings.
        done: passes so far.
    """

    model: nn.Module
    inputs: Mapping[str, Tensor]
    training: Training
    done: int = 0

    @classmethod
    def in_float32(
        cls, model: nn.Module, inputs: Mapping[str, Tensor], training: Training
    ) -> Passes | None:
        """Further passes in float32 of a run that computes in less; None where it does not."""
        if training.precision == "float32":
            return None
        return cls(model, inputs, replace(training, precision="float32"), done=1)

    def __call__(self, weights: Mapping[str, Tensor] | None) -> Tensor:
        """Logits, shape (b, K), with the model's own weights or others."""
        self.done += 1
        with nullcontext() if self.done == 1 else fixed_statistics(self.model):
            return forward(self.model, self.inputs, self.training, weights)


def forward(
    model: nn.Module,
    inputs: Mapping[str, Tensor],
    training: Training,
    weights: Mapping[str, Tensor] | None = None,
) -> Tensor:
    """One pass: logits of shape (b, K), in float32 whatever the precision of the pass.

    Of a model that writes text, shape (m, K): those of the tokens that the targets have in place
    of padding, one example after the other.
    """
    wanted = inputs.get(WANTED)
    if wanted is not None:
        inputs = {name: values for name, values in inputs.items() if name != WANTED}
    with (
        torch.autocast(training.device, dtype=torch.bfloat16, enabled=training.precision == "bf16"),
        layers_run_again(model, own_weights=weights is None),
    ):
        if (packed := Classifier.of(model, inputs)) is None:
            seen = inputs if training.device == "cpu" else expanded(model, inputs)
            logits: Tensor = _called(model, seen, weights).logits
        else:
            within = weights and {f"model.{name}": value for name, value in weights.items()}
            logits = _called(packed, inputs, within)
    if wanted is not None:
        logits = logits[wanted]
    return logits.float()


def expanded(model: nn.Module, inputs: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The inputs with a mask for each pair of tokens, where the model would make one of its own.

    Making it, transformers looks whether there is any padding, and a GPU that has all steps before
    it still to do would be waited for in every pass.
    """
    config: Any = getattr(model, "config", None)
    mask = inputs.get("attention_mask")
    if mask is None or getattr(config, "model_type", "") not in _WITH_MASKS_FOR_PAIRS:
        return inputs
    if config._attn_implementation != "sdpa":
        return inputs
    length = mask.shape[1]
    pairs = mask.bool()[:, None, None, :].expand(-1, 1, length, length)
    return {**inputs, "attention_mask": pairs}


def _called(
    model: nn.Module, inputs: Mapping[str, Tensor], weights: Mapping[str, Tensor] | None
) -> Any:
    if weights is None:
        return model(**inputs)
    return functional_call(model, dict(weights), kwargs=dict(inputs))


@contextmanager
def fixed_statistics(model: nn.Module) -> Iterator[None]:
    """Let batch normalisation use a batch's statistics without keeping them."""
    tracking = [m for m in model.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    for module in tracking:
        module.track_running_stats = False
    try:
        yield
    finally:
        for module in tracking:
            module.track_running_stats = True
