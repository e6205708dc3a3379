"""Gradient checkpointing: a layer keeps its input alone, and is computed again on the way back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn
from torch.utils.checkpoint import set_checkpoint_early_stop


def offers_checkpointing(module: nn.Module) -> bool:
    """Whether a module has layers that transformers can compute again."""
    offered = getattr(module, "supports_gradient_checkpointing", False)
    return bool(offered and any(hasattr(m, "gradient_checkpointing") for m in module.modules()))


def checkpoint_layers(model: Any) -> None:
    """Let every layer be computed again in the backward pass, with the same dropout masks."""
    newer = getattr(model, "activation_checkpointing_enable", None)
    (newer or model.gradient_checkpointing_enable)({"use_reentrant": False})
    if hasattr(model, "_require_grads_hook"):  # which only what is re-entrant needs
        model.disable_input_require_grads()


@contextmanager
def layers_run_again(model: nn.Module, own_weights: bool) -> Iterator[None]:
    """A pass of a model whose layers may be checkpointed.

    A layer is computed again to its end, so that hooks within it come to theirs. It has the model's
    own weights then: in a pass with others in their place it keeps what it computes.

    Args:
        model: whose pass it is.
        own_weights: whether the pass takes the model's own weights.
    """
    kept: list[Any] = []
    if not own_weights:
        kept = [m for m in model.modules() if getattr(m, "gradient_checkpointing", False)]
    for module in kept:
        module.gradient_checkpointing = False
    try:
        with set_checkpoint_early_stop(False):
            yield
    finally:
        for module in kept:
            module.gradient_checkpointing = True
