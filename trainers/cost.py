"""What a step of a method costs, in multiples of a step of base."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from trainers.loop import Fit
from trainers.methods import Base
from trainers.packed.models import left_to_transformers
from trainers.teacher import LiveTeacher

#: Examples that a counted step has; batch normalisation needs two.
_ROWS = 2


def relative_flops(fit: Fit) -> float:
    """FLOPs of a step of a run, divided by those of a step of base that keeps all it computes.

    Counted, not timed: a counter watches a step on copies of the model, with the shortest
    examples of its training set. It sees products of matrices and convolutions, forward and
    backward; elementwise work (masks, norms, moving averages, the optimiser) is not in it. Where a
    method has phases, each counts as often as it has epochs. A teacher whose logits are read from
    disk costs nothing here: its training is a run of its own; one that is asked in every step costs
    its passes. Layers that gradient checkpointing
    computes again count again; micro-batches are as many products as the batch that they make up.

    Args:
        fit: a run that has not started; it is left as it is, random streams included.
    """
    if type(fit.method) is Base and not fit.training.gradient_checkpointing:
        return 1.0
    phases = fit.method.phases(fit.training)
    epochs = sum(phase.epochs for phase in phases)
    flops = sum(step_flops(fit, i) * phase.epochs for i, phase in enumerate(phases)) / epochs
    in_full = replace(fit.training, accumulate=1, gradient_checkpointing=False)
    return flops / step_flops(replace(fit, method=Base(), training=in_full), 0)


def step_flops(fit: Fit, phase: int) -> int:
    """FLOPs of a step in a phase, on a copy of the model on the CPU, computed as on a GPU.

    They are averaged over as many steps, spread over the phase, as the method asks for.
    """
    training = replace(fit.training, device="cpu")
    copy = replace(fit, model=deepcopy(fit.model), training=training, state=SimpleNamespace())
    if isinstance(fit.teacher, LiveTeacher):
        copy.teacher = LiveTeacher(deepcopy(fit.teacher.model))
    rows = np.argsort(fit.train_set.lengths, kind="stable")[:_ROWS]
    # The CPU's fused attention is unknown to the counter; its plain form is the same mathematics.
    with torch.random.fork_rng(devices=[]), sdpa_kernel(SDPBackend.MATH), left_to_transformers():
        copy.model.cpu().train()
        copy.prepare()
        number, found = copy.method.counted_steps(), 0
        epochs = copy.method.phases(training)[phase].epochs
        steps = epochs * -(-len(fit.train_set) // training.batch_size)
        for i in range(number):
            copy.at.steps = i * steps // number
            step = copy.step(rows, phase, epoch=0, progress=i / number)
            copy.method.before_step(step)
            with Products() as products:
                copy.gradient(step)
            found += products.flops
            copy.method.after_step(step)
            copy.model.zero_grad()
    return round(found / number)


class Products(TorchDispatchMode):
    """Counts the FLOPs of what is computed within it, by torch's own formulas.

    It is torch's `FlopCounterMode` without a sum for each module, which takes most of its time: on
    a BERT of 12 layers a step takes 4 times as long within this one and 9 times within that.

    Attributes:
        flops: of products and convolutions so far.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = 0
        self._whole: set[Any] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Compute it, and count it or, where it is made of others, those."""
        given, formula = kwargs or {}, flop_registry.get(func._overloadpacket)
        if formula is None and func not in self._whole:
            with self:
                parts = func.decompose(*args, **given)
            if parts is not NotImplemented:
                return parts
            self._whole.add(func)
        out = func(*args, **given)
        if formula is not None:
            self.flops += formula(*args, **given, out_val=out)
        return out
