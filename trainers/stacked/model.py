"""S classifiers of transformers as one, which transformers' own code runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor, nn

from trainers.packed.hooks import is_hooked
from trainers.settings import Training
from trainers.stacked.layers import (
    Pass,
    StackedDropout,
    StackedEmbedding,
    StackedLayerNorm,
    StackedLinear,
    attention,
)
from trainers.stacked.streams import Streams
from trainers.stacked.weights import lay_out

#: Under which transformers knows the attention of stacked models.
_ATTENTION = "armbench_stacked"
#: Classifiers whose rows never mix, and whose parts are those that can be stacked.
_KNOWN = frozenset(
    f"{family}ForSequenceClassification"
    for family in ("Bert", "Roberta", "XLMRoberta", "DistilBert")
)
_PARTS = (nn.Linear, nn.Embedding, nn.LayerNorm, nn.Dropout)


class StackedModel:
    """S classifiers of one architecture.

    transformers' module of the first is run on S·B rows: what it does to a row depends on no other
    one. In it every part that has weights, and every dropout, is one of all models.

    Args:
        models: on whatever device; only read. `apart` says nothing against them.
        streams: from which they drop.
        training: device and precision.
    """

    def __init__(self, models: Sequence[nn.Module], streams: Streams, training: Training) -> None:
        first: Any = models[0]
        device = torch.device(training.device)
        self._training = training
        self._shared = Pass(len(models), streams)
        shapes = {name: weight.shape for name, weight in first.named_parameters()}
        embeddings = {
            f"{name}.weight": part.padding_idx
            for name, part in _parts(first)
            if isinstance(part, nn.Embedding)
        }
        self._paddings = {name: row for name, row in embeddings.items() if row is not None}
        self.tables, self._weights = lay_out(shapes, [*embeddings], len(models), device)
        for i, each in enumerate(models):
            self._write(i, dict(each.named_parameters()))
        self._module = deepcopy(first).to(device)
        self._module.config._attn_implementation = _registered()
        for name, part in _parts(self._module):
            self._module.set_submodule(name, self._stacked(name, part))

    def logits(self, inputs: Mapping[str, Tensor], learns: bool) -> Tensor:
        """Shape (S, B, K), float32.

        Args:
            inputs: keyword arguments of the model, (S·B, L) each.
            learns: whether it is in training mode, in a step that its streams have begun.
        """
        self._module.train(learns)
        self._shared.rows = len(inputs["input_ids"]) // self._shared.models
        length = inputs["input_ids"].shape[1]
        mask = inputs["attention_mask"][:, None, None, :].expand(-1, 1, length, length)
        seen, bf16 = {**inputs, "attention_mask": mask}, self._training.precision == "bf16"
        with torch.autocast(self._training.device, dtype=torch.bfloat16, enabled=bf16):
            logits: Tensor = self._module(**seen).logits
        return logits.float().view(self._shared.models, self._shared.rows, -1)

    def backward(self, losses: Tensor) -> None:
        """Leave each model's gradient of its own loss, shape (S,), in the tables."""
        learned = [weight.values for weight in self._weights.values()]
        gradients = torch.autograd.grad(losses.sum(), learned)
        for weight, gradient in zip(self._weights.values(), gradients, strict=True):
            weight.gradient.copy_(gradient)
        for name, padding in self._paddings.items():
            self._weights[name].gradient[:, padding].zero_()

    def put_into(self, model: nn.Module, i: int) -> None:
        """Give a model of the same architecture the weights of the i-th."""
        with torch.no_grad():
            for name, weight in model.named_parameters():
                weight.copy_(self._weights[name].values[i])

    @torch.no_grad()
    def _write(self, i: int, weights: Mapping[str, Tensor]) -> None:
        for name, weight in weights.items():
            self._weights[name].values[i].copy_(weight)

    def _stacked(self, name: str, part: nn.Module) -> nn.Module:
        """What stands in the place of a part."""
        own = {each: self._weights[f"{name}.{each}"].values for each, _ in part.named_parameters()}
        match part:
            case nn.Linear():
                return StackedLinear(own["weight"], own.get("bias"))
            case nn.Embedding():
                return StackedEmbedding(own["weight"], self._shared)
            case nn.LayerNorm():
                return StackedLayerNorm(own["weight"], own["bias"], part.eps)
            case nn.Dropout():
                return StackedDropout(part.p, self._shared)
        raise TypeError(f"{type(part).__name__} cannot be stacked")


def apart(models: Sequence[nn.Module]) -> str:
    """Why these models cannot be one; empty where they can."""
    first: Any = models[0]
    kind = type(first).__name__
    if kind not in _KNOWN or not type(first).__module__.startswith("transformers."):
        return f"a {kind} is not one of the encoders of text that can be stacked"
    if first.config._attn_implementation != "sdpa":
        return f"its attention is {first.config._attn_implementation!r}, not 'sdpa'"
    for each in models:
        if type(each) is not type(first) or _shapes(each) != _shapes(first):
            return "its models are of several architectures"
        if not all(weight.requires_grad for weight in each.parameters()):
            return "some of its weights are frozen"
        if any(weight.dtype != torch.float32 for weight in each.parameters()):
            return "its weights are not in float32"
        if not _is_as_built(each):
            return "its modules are not those that transformers builds"
    return ""


def _is_as_built(model: nn.Module) -> bool:
    """Whether all weights are those of parts that can be stacked, and nothing hooks on to any."""
    parts = dict(_parts(model))
    if any(is_hooked(module) for module in model.modules()):
        return False
    if any(type(part) not in _PARTS for part in parts.values()):
        return False
    owned = [f"{name}.{own}" for name, part in parts.items() for own, _ in part.named_parameters()]
    if not sorted(owned) == sorted(model.state_dict()) == sorted(n for n, _ in _shapes(model)):
        return False
    norms = (part for part in parts.values() if isinstance(part, nn.LayerNorm))
    return all(norm.bias is not None for norm in norms)


def _shapes(model: nn.Module) -> list[tuple[str, torch.Size]]:
    return [(name, weight.shape) for name, weight in model.named_parameters()]


def _parts(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Parts that are replaced, by name."""
    return ((name, part) for name, part in [*model.named_modules()] if isinstance(part, _PARTS))


def _registered() -> str:
    """Have transformers know the attention of stacked models; returns its name there."""
    from transformers import AttentionInterface

    AttentionInterface.register(_ATTENTION, attention)
    return _ATTENTION
