"""Whether a module does what its class says, and nothing else looks on."""

from __future__ import annotations

from typing import Any

from torch import nn

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def is_hooked(module: nn.Module) -> bool:
    """Whether something is called when it is."""
    own = vars(module)
    return any(own[hooks] for hooks in _HOOKS) or "forward" in own


def is_plain(module: Any, kind: str) -> bool:
    """Whether a module is of a class of transformers of that name, and nothing hooks on to it."""
    own = type(module).__name__ == kind and type(module).__module__.startswith("transformers.")
    return own and not is_hooked(module)


def are_plain(drops: tuple[nn.Module, ...], norms: tuple[nn.Module, ...]) -> bool:
    """Whether dropout and normalisation are torch's own, and nothing hooks on to them."""
    of_torch = all(type(each) is nn.Dropout for each in drops) and all(
        type(each) is nn.LayerNorm for each in norms
    )
    return of_torch and not any(map(is_hooked, (*drops, *norms)))


def dropped(module: Any) -> float:
    """The share that a module of dropout drops now."""
    return module.p if module.training else 0.0
