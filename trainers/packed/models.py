"""Which models are computed here, and how: embeddings, layers, head."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._C import _are_functorch_transforms_active

from trainers.packed.dropout import kept
from trainers.packed.hooks import are_plain, dropped, is_plain, is_watched
from trainers.packed.layers import Layer
from trainers.packed.linear import Linears
from trainers.packed.rows import TokenRows

_NEEDED = {"input_ids", "attention_mask"}
_READ = _NEEDED | {"token_type_ids"}


_left_alone: ContextVar[bool] = ContextVar("left_alone", default=False)


@contextmanager
def left_to_transformers() -> Iterator[None]:
    """Nothing is computed here within it, as on a GPU; for second derivatives, say."""
    token = _left_alone.set(True)
    try:
        yield
    finally:
        _left_alone.reset(token)


@dataclass(frozen=True)
class _Family:
    """Names of the parts of a model: of its body, its embeddings, its list of layers."""

    body: str
    embeddings: str
    layers: str


_FAMILIES = {
    "Bert": _Family("bert", "BertEmbeddings", "encoder"),
    "Roberta": _Family("roberta", "RobertaEmbeddings", "encoder"),
    "XLMRoberta": _Family("roberta", "XLMRobertaEmbeddings", "encoder"),
    "DistilBert": _Family("distilbert", "Embeddings", "transformer"),
}


@dataclass(frozen=True)
class Encoder:
    """A body whose layers are computed here.

    Attributes:
        embeddings: its module.
        layers: from the bottom to the top.
    """

    embeddings: Any
    layers: list[Layer]

    @classmethod
    def of(cls, body: Any) -> Encoder | None:
        """That of a model of transformers without a head; None where it is left to transformers."""
        family = _FAMILIES.get(type(body).__name__.removesuffix("Model"))
        if family is None or _left_alone.get() or not is_plain(body, type(body).__name__):
            return None
        if is_watched() or _are_functorch_transforms_active():
            return None
        if body.config._attn_implementation not in ("sdpa", "eager"):
            return None
        embeddings, stack = body.embeddings, getattr(body, family.layers)
        if not is_plain(embeddings, family.embeddings) or not is_plain(stack, type(stack).__name__):
            return None
        if not are_plain((embeddings.dropout,), (embeddings.LayerNorm,)):
            return None
        if embeddings.LayerNorm.weight.device.type != "cpu":
            return None
        if embeddings.LayerNorm.weight.dtype != torch.float32:
            return None
        layers = [Layer.of(module) for module in stack.layer]
        found = [layer for layer in layers if layer is not None]
        return cls(embeddings, found) if len(found) == len(layers) else None

    def embed(self, inputs: Mapping[str, Tensor], rows: TokenRows) -> Tensor:
        """The embeddings of a batch's tokens, shape (n, d).

        Those of the words are looked up for padding too: what changes them expects whole texts.
        """
        own, words = self.embeddings, inputs["input_ids"]
        x = rows.gather(own.word_embeddings(words))
        places = rows.places % rows.width
        if (padding := getattr(own, "padding_idx", None)) is not None:
            of_text = own.create_position_ids_from_input_ids(words, padding)
            places = of_text.flatten().index_select(0, rows.places)
        x = x + own.position_embeddings(places)
        if hasattr(own, "token_type_embeddings"):
            types = inputs.get("token_type_ids", torch.zeros_like(words))
            x = x + own.token_type_embeddings(types.flatten().index_select(0, rows.places))
        return _normalised(x, own.LayerNorm, dropped(own.dropout))

    def __call__(
        self, inputs: Mapping[str, Tensor], rows: TokenRows, wanted: TokenRows, chosen: Tensor
    ) -> Tensor:
        """What the last layer says at some of the rows.

        Args:
            inputs: of a batch, padded.
            rows: its tokens.
            wanted: those that are asked for.
            chosen: shape (m,), their numbers among the rows.

        Returns:
            Shape (m, d), float32.
        """
        linears = Linears(part for layer in self.layers for part in layer.linears)
        x = self.embed(inputs, rows)
        for layer in self.layers[:-1]:
            x = layer(linears, x, rows, rows, None)
        return self.layers[-1](linears, x, rows, wanted, chosen)


class Classifier(nn.Module):
    """A classifier of transformers in whose place it is called; the head is the model's own.

    Args:
        model: of transformers.
        encoder: its body.
    """

    def __init__(self, model: Any, encoder: Encoder) -> None:
        super().__init__()
        self.model = model
        self._encoder = encoder

    @classmethod
    def of(cls, model: Any, inputs: Mapping[str, Tensor]) -> Classifier | None:
        """That of a model on a CPU that is as transformers built it; None for any other.

        None also where a text does not begin at the first place of its line, which is what
        transformers' heads read.
        """
        kind = type(model).__name__
        family = _FAMILIES.get(kind.removesuffix("ForSequenceClassification"))
        if family is None or not _NEEDED <= inputs.keys() <= _READ or not is_plain(model, kind):
            return None
        encoder = Encoder.of(getattr(model, family.body))
        if encoder is None or not inputs["attention_mask"][:, 0].all():
            return None
        return cls(model, encoder)

    def forward(self, **inputs: Tensor) -> Tensor:
        """Logits, shape (b, K), of a padded batch."""
        model, mask = self.model, inputs["attention_mask"]
        lengths = mask.sum(1)
        starts = lengths.cumsum(0) - lengths
        top = self._encoder(inputs, TokenRows.of(mask), TokenRows.first(len(mask)), starts)
        if hasattr(model, "pre_classifier"):
            top = model.dropout(model.pre_classifier(top).relu())
        elif pooler := getattr(model.base_model, "pooler", None):
            top = model.dropout(pooler(top[:, None]))
        else:  # the head picks the first place itself
            top = top[:, None]
        logits: Tensor = model.classifier(top)
        return logits


def _normalised(x: Tensor, norm: Any, p: float) -> Tensor:
    """dropout(LayerNorm(x))."""
    x = norm(x)
    if not p:
        return x
    mask, scale = kept(x.shape, p)
    return (x * mask).mul_(scale)
