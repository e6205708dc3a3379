"""How large a finished model is: weights, those of them that are not zero, FLOPs of a pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from trainers.errors import MethodError
from trainers.methods.pruning.masks import matrices
from trainers.packed.models import left_to_transformers

#: Parts whose every weight is multiplied once for each of their outputs' places.
_PRODUCTS = (nn.Linear, nn.Conv2d)


@dataclass(frozen=True)
class Size:
    """The weights of a model, each counted once, also where two parts share it.

    Attributes:
        parameters: all of them.
        nonzero: those that are not zero.
        prunable: those of the linear parts of the body's layers, which pruning gives up; 0 where
            there are none.
        pruned: how many of these are zero.
    """

    parameters: int
    nonzero: int
    prunable: int
    pruned: int

    @classmethod
    def of(cls, model: nn.Module) -> Size:
        """That of a model without parametrisations, wherever it is."""
        weights = [*model.parameters()]
        inner = [part.weight for part in _matrices(model)]
        return cls(
            parameters=sum(each.numel() for each in weights),
            nonzero=_nonzero(weights),
            prunable=sum(each.numel() for each in inner),
            pruned=sum(each.numel() for each in inner) - _nonzero(inner),
        )

    @property
    def sparsity(self) -> float:
        """The share of zeros in the linear parts of the layers; 0 where there are none."""
        return self.pruned / self.prunable if self.prunable else 0.0

    def metrics(self) -> dict[str, float]:
        """What a run records of it."""
        return {"parameters": float(self.parameters), "nonzero_parameters": float(self.nonzero)}


@dataclass(frozen=True)
class PassFlops:
    """Floating-point operations of one forward pass, a multiplication and an addition being two.

    Attributes:
        dense: of products and convolutions as they are computed.
        nonzero: what would be left if products with weights that are zero were not computed, which
            dense kernels do all the same.
    """

    dense: int
    nonzero: int


def forward_flops(model: nn.Module, inputs: Mapping[str, Tensor]) -> PassFlops:
    """FLOPs of one pass in evaluation mode, counted by torch and not timed; the model stays as is.

    Args:
        model: on the CPU.
        inputs: its keyword arguments, which say of what shape the pass is.
    """
    was = model.training
    # The CPU's fused attention is unknown to the counter; its plain form is the same mathematics.
    with (
        torch.no_grad(),
        sdpa_kernel(SDPBackend.MATH),
        left_to_transformers(),
        _idle(model.eval()) as idle,
        FlopCounterMode(display=False) as counter,
    ):
        model(**inputs)
    model.train(was)
    dense = counter.get_total_flops()
    return PassFlops(dense, dense - sum(idle))


@contextmanager
def _idle(model: nn.Module) -> Iterator[list[int]]:
    """Collects the FLOPs of products with zero, part by part."""
    found: list[int] = []

    def count(part: Any, _: Any, output: Tensor) -> None:
        places = output.numel() // len(part.weight)
        found.append(2 * places * (part.weight.numel() - _nonzero([part.weight])))

    hooks = [m.register_forward_hook(count) for m in model.modules() if type(m) in _PRODUCTS]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()


def _matrices(model: nn.Module) -> list[nn.Linear]:
    try:
        return matrices(model)
    except MethodError:  # it has no layers, or does not say which part of it is the head
        return []


def _nonzero(weights: Iterable[Tensor]) -> int:
    return sum(int(each.detach().count_nonzero()) for each in weights)
