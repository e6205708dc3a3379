"""Attention of the tokens of each text to each other, in a batch without padding."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from trainers.packed.dropout import kept
from trainers.packed.rows import ByHead, TokenRows

#: Weights of a batch from which on they are not all kept at once where nothing drops them: 32 MB.
_MANY = 1 << 23


class _Attention(Function):
    @staticmethod
    def forward(
        ctx: Any,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        over: ByHead,
        under: ByHead,
        p: float,
    ) -> Tensor:
        q, k, v = over.spread(query), under.spread(key), under.spread(value)
        ctx.rows, ctx.factor = (over, under), q.shape[2] ** -0.5
        scores = torch.bmm(q, k.transpose(1, 2)).float().mul_(ctx.factor)
        if (hidden := under.rows.hidden) is not None:
            scores.view(len(hidden), -1, hidden.shape[2]).add_(hidden)
        weights = torch.softmax(scores, -1)
        mask, ctx.scale = kept(weights.shape, p) if p else (None, 1.0)
        ctx.save_for_backward(q, k, v, weights, mask)
        seen = torch.bmm(_thinned(weights, mask, ctx.scale).to(v.dtype), v)
        return over.gather(seen)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        q, k, v, weights, mask = ctx.saved_tensors
        over, under = ctx.rows
        g = over.spread(gradient, empty=0.0)
        used = _thinned(weights, mask, ctx.scale).to(v.dtype)
        of_value = torch.bmm(used.transpose(1, 2), g)
        of_weights = _thinned(torch.bmm(g, v.transpose(1, 2)).float(), mask, ctx.scale)
        of_scores = torch._softmax_backward_data(of_weights, weights, -1, torch.float32)
        of_scores = of_scores.mul_(ctx.factor).to(q.dtype)
        of_query = over.gather(torch.bmm(of_scores, k))
        of_key = under.gather(torch.bmm(of_scores.transpose(1, 2), q))
        return of_query, of_key, under.gather(of_value), None, None, None


def attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    asking: TokenRows,
    asked: TokenRows,
    heads: int,
    p: float,
) -> Tensor:
    """softmax(q kᵀ / √d) v within each text and head, the softmax in float32.

    Args:
        query: shape (m, heads × d).
        key: shape (n, heads × d).
        value: shape (n, heads × d).
        asking: where the m queries stand.
        asked: where the n keys and values stand.
        heads: number of heads.
        p: share of the weights that dropout drops; 0 in evaluation.

    Returns:
        Shape (m, heads × d).
    """
    key, value = key.to(query.dtype), value.to(query.dtype)
    over, under = asking.by_head(heads), asked.by_head(heads)
    if p or asked.texts * heads * asking.width * asked.width < _MANY:
        result: Tensor = _Attention.apply(query, key, value, over, under, p)
        return result
    q, k, v = over.spread(query), under.spread(key), under.spread(value)
    shape = asked.texts, heads, -1, q.shape[2]
    shut = None if asked.hidden is None else asked.hidden[:, None].to(q.dtype)
    seen = F.scaled_dot_product_attention(q.view(shape), k.view(shape), v.view(shape), shut)
    return over.gather(seen)


def _thinned(weights: Tensor, mask: Tensor | None, scale: float) -> Tensor:
    return weights if mask is None else (weights * mask).mul_(scale)
