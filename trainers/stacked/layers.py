"""Parts of S models as one: each has the weights of all, and is given the rows of S batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainers.stacked.streams import Streams


@dataclass
class Pass:
    """What the parts of a stacked model share.

    Attributes:
        models: S.
        streams: from which they drop.
        rows: B of the pass under way.
    """

    models: int
    streams: Streams
    rows: int = 0


class StackedLinear(nn.Module):
    """x Wᵀ + b, each model's rows by its own.

    Args:
        weight: shape (S, out, in).
        bias: shape (S, out), or None.
    """

    def __init__(self, weight: nn.Parameter, bias: nn.Parameter | None) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: Tensor) -> Tensor:
        """From (S·B, ..., in) to (S·B, ..., out)."""
        rows = x.reshape(len(self.weight), -1, x.shape[-1])
        turned = self.weight.transpose(1, 2)
        if self.bias is None:
            found = torch.bmm(rows, turned)
        else:
            found = torch.baddbmm(self.bias[:, None], rows, turned)
        return found.view(*x.shape[:-1], -1)


class StackedEmbedding(nn.Module):
    """Rows of a table, each model's from its own.

    Args:
        weight: shape (S, V, d), contiguous.
        shared: of the stacked model.
    """

    def __init__(self, weight: nn.Parameter, shared: Pass) -> None:
        super().__init__()
        self.weight, self._shared = weight, shared
        starts = torch.arange(len(weight), device=weight.device) * weight.shape[1]
        self.starts = nn.Buffer(starts[:, None, None], persistent=False)

    def forward(self, ids: Tensor) -> Tensor:
        """From (S·B, L), or (1, L) where all texts are asked for the same, to (S·B, L, d)."""
        models, rows = self._shared.models, self._shared.rows
        same = len(ids) != models * rows
        places = (ids if same else ids.view(models, rows, -1)) + self.starts
        found = F.embedding(places, self.weight.flatten(0, 1))
        return (found.expand(-1, rows, -1, -1) if same else found).flatten(0, 1)


class StackedLayerNorm(nn.Module):
    """Layer normalisation with each model's own weight and bias.

    Args:
        weight: shape (S, d).
        bias: shape (S, d).
        eps: added to the variance.
    """

    def __init__(self, weight: nn.Parameter, bias: nn.Parameter, eps: float) -> None:
        super().__init__()
        self.weight, self.bias, self.eps = weight, bias, eps

    def forward(self, x: Tensor) -> Tensor:
        """Shape (S·B, ..., d), as it comes."""
        normed = F.layer_norm(x, x.shape[-1:], eps=self.eps)
        rows = normed.view(len(self.weight), -1, x.shape[-1])
        return torch.addcmul(self.bias[:, None], rows, self.weight[:, None]).view(x.shape)


class StackedDropout(nn.Module):
    """Dropout from each model's own stream.

    Args:
        p: share that is dropped.
        shared: of the stacked model.
    """

    def __init__(self, p: float, shared: Pass) -> None:
        super().__init__()
        self.p, self._shared = p, shared

    def forward(self, x: Tensor) -> Tensor:
        """Shape (S·B, ...), as it comes."""
        if not self.training or not self.p:
            return x
        return x * self._shared.streams.noise(x, self.p)


def attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Tensor,
    scaling: float,
    dropout: float = 0.0,
    **_: Any,
) -> tuple[Tensor, None]:
    """softmax(q kᵀ · scaling) v in float32, as torch's attention is without a fused kernel.

    Args:
        module: with the dropout of the weights as its `dropout`.
        query: shape (S·B, h, L, d).
        key: the same.
        value: the same.
        mask: shape (S·B, 1, L, L), whether a token is seen.
        scaling: of the products.
        dropout: as the module's own; transformers says it once more.

    Returns:
        Shape (S·B, L, h, d), in the precision of the values.
    """
    with torch.autocast(query.device.type, enabled=False):
        scores = torch.matmul(query.float() * scaling, key.float().transpose(2, 3))
        weights = scores.masked_fill(~mask, -torch.inf).softmax(-1)
        seen = torch.matmul(module.dropout(weights), value.float())
    return seen.to(value.dtype).transpose(1, 2).contiguous(), None
