"""Whether a module does what its class says, and nothing else looks on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from torch import nn
from torch.nn.modules.module import _has_any_global_hook

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_Hook = TypeVar("_Hook", bound=Callable[..., Any])


def for_rows(hook: _Hook) -> _Hook:
    """Mark a hook that does the same whether a linear part is given texts or the rows of a batch.

    A model that is hooked on to otherwise is left to transformers.
    """
    hook.for_rows = True  # type: ignore[attr-defined]
    return hook


def takes_rows(part: Any) -> bool:
    """Whether a linear part is torch's own, and what hooks on to it may be given rows."""
    if not isinstance(part, nn.Linear) or type(part).forward is not nn.Linear.forward:
        return False
    own = vars(part)
    hooks = [hook for name in _HOOKS for hook in own[name].values()]
    return "forward" not in own and all(getattr(hook, "for_rows", False) for hook in hooks)


def is_hooked(module: nn.Module) -> bool:
    """Whether something is called when it is."""
    own = vars(module)
    return any(own[hooks] for hooks in _HOOKS) or "forward" in own


def is_plain(module: Any, kind: str) -> bool:
    """Whether a module is of a class of transformers of that name, and nothing hooks on to it."""
    own, forward = type(module), type(module).forward
    as_built = own.__name__ == kind and _of_transformers(own) and _of_transformers(forward)
    return as_built and not is_hooked(module)


def are_plain(drops: tuple[nn.Module, ...], norms: tuple[Any, ...]) -> bool:
    """Whether dropout and normalisation are torch's own, and nothing hooks on to them."""
    of_torch = all(type(each) is nn.Dropout for each in drops) and all(
        type(each) is nn.LayerNorm and each.weight is not None and each.bias is not None
        for each in norms
    )
    return of_torch and not any(map(is_hooked, (*drops, *norms)))


def is_watched() -> bool:
    """Whether something is called whenever any module is."""
    return bool(_has_any_global_hook())


def dropped(module: Any) -> float:
    """The share that a module of dropout drops now."""
    return module.p if module.training else 0.0


def _of_transformers(what: Any) -> bool:
    return str(what.__module__).startswith("transformers.")
