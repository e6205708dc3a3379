"""What stands behind each half of a layer: dropout, the way around it, and a normalisation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from trainers.packed.dropout import kept


class _AddAndNormalise(Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, around: Tensor, weight: Tensor, bias: Tensor, eps: float, p: float
    ) -> Tensor:
        mask, ctx.scale = kept(x.shape, p) if p else (None, 1.0)
        if mask is None:
            total = around + x
        else:
            total = torch.addcmul(
                around, x.to(around.dtype), mask.to(around.dtype), value=ctx.scale
            )
        result, mean, deviation = torch.native_layer_norm(total, weight.shape, weight, bias, eps)
        ctx.dtype = x.dtype
        ctx.save_for_backward(total, weight, bias, mean, deviation, mask)
        return result

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        total, weight, bias, mean, deviation, mask = ctx.saved_tensors
        needed = [any(ctx.needs_input_grad[:2]), *ctx.needs_input_grad[2:4]]
        around, of_weight, of_bias = torch.ops.aten.native_layer_norm_backward(
            gradient.contiguous(), total, weight.shape, mean, deviation, weight, bias, needed
        )
        x = None
        if ctx.needs_input_grad[0]:
            x = (around if mask is None else (around * mask).mul_(ctx.scale)).to(ctx.dtype)
        return x, around, of_weight, of_bias, None, None


def add_and_normalise(x: Tensor, around: Tensor, norm: Any, p: float) -> Tensor:
    """LayerNorm(dropout(x) + around), in float32.

    Args:
        x: shape (n, d), what a half of a layer computes, in the precision of the pass.
        around: shape (n, d), float32: what it computed that from.
        norm: the LayerNorm.
        p: share that dropout drops of x; 0 in evaluation.
    """
    result: Tensor = _AddAndNormalise.apply(x, around, norm.weight, norm.bias, norm.eps, p)
    return result
