"""Mixout (Lee et al. 2020): dropout towards the starting weights."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.methods.method import Method
from trainers.methods.step import Step
from trainers.models.anatomy import body, body_parts, skeleton
from trainers.packed.hooks import for_rows

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class Mixout(Method):
    """[(1 − m) w⁰ + m w − p w⁰] / (1 − p) in place of every matrix w of the body. Cost 1.

    w⁰ are the weights that the run starts from, pre-trained or not; m keeps each input column with
    probability 1 − p, drawn anew every step from the method's own stream and shared by the passes
    of a step. Biases, normalisation, embeddings and the head, what the run draws anew, are left
    alone, as in the authors' code. The gradient in w is that in the mixed matrix times m/(1 − p),
    as the formula says; the authors' code omits 1/(1 − p) there, so that its kept columns learn
    at 1 − p of the rate. Evaluation uses w, which is the mean: E over m is w. `p=0` is base, bit
    for bit; at `p=1` the matrices are w⁰. It costs no FLOPs but a second copy of the weights.

    Attributes:
        p: probability that a column is the starting one; .7 to .9 in the paper (from memory).
        keep_dropout: the authors' code switches dropout off, which mixout replaces there (from
            memory); the default keeps it, so that mixout alone tells this arm from base.
    """

    name: ClassVar[str] = "mixout"
    revision: ClassVar[int] = 2

    p: float = 0.7
    keep_dropout: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.p <= 1:
            raise MethodError(f"Mixout(p={self.p!r}): p must lie between 0 and 1.")

    def check(self, model: Model, task: Task) -> None:
        """Refuse a model that does not tell its head from its body."""
        if module := skeleton(model, task):
            body(module)

    def conflict(self, other: Method) -> str:
        """Nothing that needs the dropout which `keep_dropout=False` takes away."""
        if other.name == "r_drop" and not self.keep_dropout:
            return "mixout switches dropout off, and r_drop's two passes would agree"
        return ""

    def prepare(self, model: nn.Module, state: SimpleNamespace) -> None:
        """Remember w⁰, and mix it in whenever a matrix is used in training."""
        mixed: list[Any] = [m for m in body_parts(model) if _columns(m)]
        state.starts = {m: m.weight.detach().clone() for m in mixed}
        state.kept, state.masks = {}, {}
        for module in state.starts:
            module.register_forward_pre_hook(for_rows(lambda m, _: self.mix(m, state)))
            module.register_forward_hook(for_rows(lambda m, *_: _restore(m, state)))
        for module in () if self.keep_dropout else model.modules():
            if isinstance(module, nn.Dropout):
                module.p = 0.0

    def before_step(self, step: Step) -> None:
        """Draw a mask for every matrix."""
        for module, start in step.state.starts.items():
            shape = [n if i == _columns(module) - 1 else 1 for i, n in enumerate(start.shape)]
            kept = step.draw(torch.rand, shape) >= self.p
            step.state.masks[module] = kept.to(start.dtype)

    def mix(self, module: nn.Module, state: SimpleNamespace) -> None:
        """Put the mixed matrix in the place of w for one pass."""
        if module.training:
            w: Any = module._parameters["weight"]
            state.kept[module] = w
            m, start = state.masks[module], state.starts[module]
            module._parameters["weight"] = self.mixed(w, start, m)  # type: ignore[assignment]

    def mixed(self, w: Tensor, start: Tensor, m: Tensor) -> Tensor:
        """[(1 − m) w⁰ + m w − p w⁰] / (1 − p)."""
        if self.p == 1:
            return start
        return ((1 - m) * start + m * w - self.p * start) / (1 - self.p)


def _restore(module: nn.Module, state: SimpleNamespace) -> None:
    if module in state.kept:
        module._parameters["weight"] = state.kept.pop(module)


def _columns(module: nn.Module) -> int:
    """Which dimension of a module's matrix its inputs are, counted from 1; 0 if it has none."""
    from transformers.pytorch_utils import Conv1D

    if isinstance(module, nn.Linear | nn.Conv2d):
        return 2
    return int(isinstance(module, Conv1D))
