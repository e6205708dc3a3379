"""What a run has before its first step, by names that are the same in every attempt at it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import FunctionType, SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

#: Types of plain attributes of a module, which a step may change.
_PLAIN = (bool, int, float, str, type(None))
_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


class Unwritable(Exception):  # noqa: N818 - a property of what was to be written
    """Something that a run goes on from cannot be written down; says what, and where it is."""


class Known:
    """The model of a run and what its method prepared: modules, weights, handles of hooks.

    Every attempt at a run makes them anew, alike, so that what is written down names them.

    Attributes:
        roots: the model, and modules of the method's own, by where they are.

    Args:
        model: prepared.
        state: what the method keeps, prepared.
    """

    def __init__(self, model: nn.Module, state: SimpleNamespace) -> None:
        self.roots: dict[str, nn.Module] = {}
        self._objects: dict[str, object] = {}
        self._names: dict[int, str] = {}
        self._add_root("model", model)
        self._look_at(state, "state", set())
        self._before = {root: _Shape.of(module) for root, module in self.roots.items()}

    def name(self, value: object) -> str | None:
        """What it is called, if it was there before the first step."""
        return self._names.get(id(value))

    def named(self, name: str) -> Any:
        """What is called so."""
        return self._objects[name]

    def memory(self) -> set[int]:
        """Addresses of the memory of all weights and buffers."""
        found = {address(each) for each in self._objects.values() if isinstance(each, Tensor)}
        return found - {0}

    def changes(self, root: str) -> dict[str, Any]:
        """What steps may have changed of a root, apart from the numbers in its tensors.

        Raises:
            Unwritable: its modules, weights or hooks are others than before the first step.
        """
        module, before = self.roots[root], self._before[root]
        now = _Shape.of(module)
        if any(self.name(each) is None for _, each in tensors(module)):
            raise Unwritable(f"a step exchanged weights of {root}")
        for each in module.modules():
            if type(each).get_extra_state is not nn.Module.get_extra_state:
                raise Unwritable(f"{type(each).__name__} of {root} has an extra state")
        for what in ("modules", "hooks"):
            if getattr(now, what) != getattr(before, what):
                raise Unwritable(f"a step changed the {what} of {root}; let prepare() do that")
        plain = {
            name: changed
            for name, values in now.plain.items()
            if (changed := _differences(values, before.plain[name]))
        }
        return {"learns": [n for n, p in module.named_parameters() if p.requires_grad]} | {
            "plain": plain
        }

    def _add(self, name: str, value: object) -> None:
        self._objects[name] = value
        self._names.setdefault(id(value), name)

    def _add_root(self, root: str, module: nn.Module) -> None:
        self.roots[root] = module
        for name, each in (*module.named_modules(), *tensors(module)):
            self._add(f"{root}.{name}" if name else root, each)

    def _look_at(self, value: object, place: str, seen: set[int]) -> None:
        """Find what a method prepared of what cannot be written, but is made again alike."""
        if id(value) in seen or id(value) in self._names:
            return
        seen.add(id(value))
        if isinstance(value, nn.Module):
            self._add_root(place, value)
        elif isinstance(value, RemovableHandle) or _is_constant(value):
            self._add(place, value)
        for name, inner in parts(value):
            self._look_at(inner, f"{place}{name}", seen)


class _Shape:
    """What of a module is no tensor.

    Attributes:
        modules: names of all modules within.
        hooks: how many each has.
        plain: by module, its attributes that are numbers, texts and the like.
    """

    def __init__(self, within: Mapping[str, nn.Module]) -> None:
        self.modules = set(within)
        self.hooks = {
            name: [len(getattr(module, hooks)) for hooks in _HOOKS]
            for name, module in within.items()
        }
        self.plain = {
            name: {n: v for n, v in vars(module).items() if type(v) in _PLAIN}
            for name, module in within.items()
        }

    @classmethod
    def of(cls, module: nn.Module) -> _Shape:
        return cls(dict(module.named_modules()))


def tensors(module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Every parameter and buffer once, also those that a state dictionary leaves out."""
    yield from module.named_parameters()
    yield from module.named_buffers()


def parts(value: object) -> Iterator[tuple[str, object]]:
    """What a container of a method's state holds, each with how one gets at it."""
    if isinstance(value, SimpleNamespace):
        yield from ((f".{name}", inner) for name, inner in vars(value).items())
    elif isinstance(value, dict):
        for i, (key, inner) in enumerate(value.items()):
            yield f"[{key!r}]" if isinstance(key, str | int) else f"[{i}]", inner
            yield f".keys[{i}]", key
    elif isinstance(value, list | tuple):
        yield from ((f"[{i}]", inner) for i, inner in enumerate(value))


def address(tensor: Tensor) -> int:
    """Of the memory that a tensor lies in, which others may share; 0 where it has none."""
    if tensor.layout != torch.strided:
        return 0
    return tensor.untyped_storage().data_ptr()


def _is_constant(value: object) -> bool:
    return isinstance(value, FunctionType) and value.__closure__ is None


def _differences(now: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
    missing = object()
    return {n: v for n, v in now.items() if not _same(v, before.get(n, missing))}


def _same(a: Any, b: Any) -> bool:
    return type(a) is type(b) and (a == b or a != a)
