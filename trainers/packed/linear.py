"""Linear parts in the precision of a pass: all weights of a model are rounded at once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd import Function
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from trainers.packed.hooks import is_hooked


class _Rounded(Function):
    @staticmethod
    def forward(ctx: Any, *weights: Tensor) -> tuple[Tensor, ...]:
        found = [torch.empty_like(each, dtype=torch.bfloat16) for each in weights]
        torch._foreach_copy_(found, weights)
        return tuple(found)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, ...]:
        found = [torch.empty_like(each, dtype=torch.float32) for each in gradients]
        torch._foreach_copy_(found, gradients)
        return tuple(found)


class Linears:
    """How linear parts are called in one pass.

    Under autocast torch rounds each weight where it is used. Here those of plain layers are rounded
    in one call; any other part is called as the module that it is.

    Args:
        parts: of a model.
    """

    def __init__(self, parts: Iterable[nn.Module]) -> None:
        self._rounded: dict[nn.Module, tuple[Tensor, Tensor]] = {}
        if not torch.is_autocast_enabled("cpu"):
            return
        # Looked up once: a weight that is reparametrised is made anew at every look.
        plain: list[Any] = [(part, part.weight, part.bias) for part in parts if _is_plain(part)]
        weights = [weight for _, *both in plain for weight in both]
        found: dict[int, Tensor] = {}
        for learned in (False, True):  # no gradient is computed of those that are frozen
            some = [weight for weight in weights if weight.requires_grad is learned]
            found |= zip(map(id, some), _Rounded.apply(*some) if some else (), strict=True)
        self._rounded = {p: (found[id(w)], found[id(b)]) for p, w, b in plain}

    def __call__(self, part: nn.Module, x: Tensor) -> Tensor:
        """What a part makes of rows."""
        if (rounded := self._rounded.get(part)) is None:
            result: Tensor = part(x)
            return result
        return F.linear(x, *rounded)


def _is_plain(part: Any) -> bool:
    own = part.bias is not None and not is_hooked(part)
    return own and part.weight.dtype == part.bias.dtype == torch.float32
