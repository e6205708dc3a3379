"""Masks of dropout, four numbers out of one draw."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import torch
from torch import Tensor

_LEVELS = 1 << 16


def kept(shape: Sequence[int], p: float) -> tuple[Tensor, float]:
    """1 where a number is kept and 0 where not, as bytes, and what makes up for the dropped ones.

    Drawn from torch's generator, in 16 bits a number, where torch's own dropout draws 32: p is
    rounded to a multiple of 2⁻¹⁶. The second value is one by the share that is kept then, so that
    means stay what they are.

    >>> mask, scale = kept((1000, 100), 0.1)
    >>> abs(float(mask.float().mean()) - 0.9) < 0.005, round(scale, 4)
    (True, 1.1111)
    """
    dropped = min(round(p * _LEVELS), _LEVELS - 1)
    draws = torch.empty(-(-prod(shape) // 4), dtype=torch.int64).random_(-(1 << 63), None)
    levels = draws.view(torch.int16)[: prod(shape)].view(*shape)
    mask = torch.ge(levels, dropped - _LEVELS // 2, out=torch.empty(*shape, dtype=torch.uint8))
    return mask, _LEVELS / (_LEVELS - dropped)
