"""What modules hold, by name: to tell what a study has changed in them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, is_dataclass, replace
from itertools import chain
from operator import attrgetter, is_
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, TypeGuard

import numpy as np
import torch

#: Entries of a class that say nothing about what it does.
NOT_CODE = frozenset(
    (
        *("__dict__", "__weakref__", "__doc__", "__module__", "__qualname__", "__annotations__"),
        *("__abstractmethods__", "_abc_impl", "__parameters__", "__orig_bases__", "__slots__"),
        *("__dataclass_fields__", "__dataclass_params__", "__match_args__", "__annotate__"),
        *("__firstlineno__", "__static_attributes__", "__annotate_func__", "__annotations_cache__"),
    )
)
#: Packages of armbench that decide on what a run comes to.
_OURS = frozenset(("benchmark", "trainers"))
#: The one whose containers are looked into; in the other they are caches.
_DEEP = "trainers"
#: Packages and modules of others that it computes with.
_OTHERS = frozenset(
    (
        *("torch", "transformers", "tokenizers", "safetensors", "numpy", "scipy", "PIL", "pyarrow"),
        *("builtins", "copy", "functools", "io", "itertools", "json", "math", "os", "random", "re"),
    )
)
#: Attributes of a function that decide on what it does.
OF_FUNCTIONS = ("__code__", "__defaults__", "__kwdefaults__")
_of_functions = attrgetter(*OF_FUNCTIONS)
_CONSTANTS = frozenset((bool, int, float, complex, str, bytes, type(None)))
#: What entries of a dictionary are called by, where they are something to look up.
_KEYS = frozenset((str, int, type))
#: What of others may be replaced by something else.
_CODE = frozenset((FunctionType, BuiltinFunctionType, type, staticmethod, classmethod, property))

#: By module, or class in one: itself, and what its names stand for.
Names = Mapping[str, tuple[Any, Mapping[str, object]]]


def names_of_ours() -> Names:
    """What each name in the modules of armbench that are loaded stands for.

    Names lead into classes and functions, and where training goes by them into containers too, for
    instance "Fit.step", "SELECTS['nll']" or "predict.__defaults__[0]". They are gathered anew of
    those modules alone in which something is not what it was when they were gathered last.
    """
    found: dict[str, tuple[Any, Mapping[str, object]]] = {}
    for name, module in _modules(_OURS):
        known = _gathered.get(name)
        if known is None or known.module is not module or not known.holds():
            known = _gathered[name] = _Gathered.of(name, module)
        found[name] = module, known.names
    return found


@dataclass(frozen=True)
class Held:
    """What a module, a class or a dictionary held at one moment.

    Many thousands are kept and compared each time a study is read, so that both are left to
    dictionaries; only of those that have changed are the names of code gathered.

    Attributes:
        holder: the module, the class or the dictionary.
        entries: a copy of what it held.
        functions: of each function among them, in order, what OF_FUNCTIONS names.
    """

    holder: Any
    entries: Mapping[Any, object]
    functions: tuple[tuple[object, ...], ...]

    @classmethod
    def of(cls, holder: Any) -> Held:
        """What it holds now."""
        # An ordered dictionary's own copy asks it for every entry, and some make these then.
        raw = dict.items(holder) if isinstance(holder, dict) else vars(holder)
        entries = dict(raw)
        functions = (each for each in entries.values() if type(each) is FunctionType)
        return cls(holder, entries, tuple(map(_of_functions, functions)))

    def is_as(self, other: Held) -> bool:
        """Whether another moment had the same entries in the same order."""
        return (
            len(self.entries) == len(other.entries)
            and len(self.functions) == len(other.functions)
            and all(map(is_, self.entries, other.entries))
            and all(map(is_, self.entries.values(), other.entries.values()))
            and all(map(is_, chain(*self.functions), chain(*other.functions)))
        )

    def code(self, known: Container[str] = ()) -> dict[str, object]:
        """The names of it, or the entries of a dictionary, that stand for code, or are known to
        have; and what functions are given where nothing is said.
        """
        if isinstance(self.holder, dict):
            held = self.entries.items()
            return {f"[{k!r}]": v for k, v in held if type(k) in _KEYS and callable(v)}
        found: dict[str, object] = {}
        functions = iter(self.functions)
        for name, value in self.entries.items():
            if is_code(value) or name in known:
                found[name] = value
            if type(value) is FunctionType:
                parts = zip(OF_FUNCTIONS, next(functions), strict=True)
                found |= {f"{name}.{part}": each for part, each in parts}
        return found


def held_by_others() -> dict[str, Held]:
    """By full name, the modules that training computes with, their classes and dictionaries.

    Among the dictionaries are the activations that transformers knows and the hooks of torch.
    """
    found: dict[str, Held] = {}
    for name, module in _modules(_OTHERS):
        found |= held_by(name, module)
    return found


def is_of_others(module: str) -> bool:
    """Whether a module is of those that training computes with."""
    return module.partition(".")[0] in _OTHERS


def held_by(name: str, module: ModuleType) -> dict[str, Held]:
    """The same of one module."""
    found = {name: Held.of(module)}
    for held, value in found[name].entries.items():
        if is_class(value):
            if value.__module__ == name:
                found[f"{name}.{value.__qualname__}"] = Held.of(value)
        elif issubclass(type(value), dict) and not held.startswith("__"):
            found[f"{name}.{held}"] = Held.of(value)
    return found


def is_code(value: object) -> bool:
    """Whether something is a function, a class, or a descriptor of a class."""
    return type(value) in _CODE or issubclass(type(value), type)


def is_class(value: object) -> TypeGuard[type]:
    """Whether something is a class; an object that poses as one is not asked."""
    return issubclass(type(value), type)


def is_same(one: object, other: object) -> bool:
    """Whether two things that a name stood for are one, or constants of one value."""
    if one is other:
        return True
    return type(one) is type(other) and type(one) in (*_CONSTANTS, _Bytes) and one == other


class _Bytes(tuple[object, ...]):
    """What an array held, which changes in place."""

    __slots__ = ()


def _modules(tops: frozenset[str]) -> Iterator[tuple[str, ModuleType]]:
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in tops and isinstance(module, ModuleType):
            yield name, module


@dataclass(frozen=True)
class _Gathered:
    """The names of a module, and all that was looked into for them.

    Attributes:
        name: of the module.
        module: itself.
        names: what they stand for.
        functions: of the module, in order.
        of_functions: what OF_FUNCTIONS names of each of them.
        holders: the module, its classes and containers, each with what it held.
        others: what is looked into once more, each with its parts.
        arrays: each with its content.
    """

    name: str
    module: ModuleType
    names: Mapping[str, object]
    functions: list[FunctionType]
    of_functions: list[tuple[object, ...]]
    holders: list[tuple[Any, tuple[Any, ...], tuple[object, ...]]]
    others: list[tuple[Any, tuple[object, ...]]]
    arrays: list[tuple[Any, _Bytes]]

    @classmethod
    def of(cls, name: str, module: ModuleType) -> _Gathered:
        """Those of a module as it is now."""
        made = cls(name, module, {}, [], [], [(module, *_entries(module))], [], [])
        seen: set[int] = set()
        names: dict[str, object] = {}
        for held, value in list(vars(module).items()):
            is_part = isinstance(value, ModuleType) and value.__name__ == f"{name}.{held}"
            if not is_part and not (held.startswith("__") and held.endswith("__")):
                names.update(made._gather(name, held, value, seen))
        return replace(made, names=names)

    def holds(self) -> bool:
        """Whether nothing in the module is something else by now."""
        now = map(_of_functions, self.functions)
        if not all(map(is_, chain(*now), chain(*self.of_functions))):
            return False
        for holder, keys, values in self.holders:
            names, held = _entries(holder)
            if len(values) != len(held) or names != keys or not all(map(is_, held, values)):
                return False
        for value, parts in self.others:
            own = tuple(part for _, part in _parts(self.name, value))
            if len(own) != len(parts) or not all(map(is_, own, parts)):
                return False
        return all(_content(array) == content for array, content in self.arrays)

    def _gather(
        self, module: str, name: str, value: Any, seen: set[int]
    ) -> Iterator[tuple[str, object]]:
        if type(value) in _CONSTANTS or isinstance(value, ModuleType):
            yield name, value
            return
        if isinstance(value, np.ndarray | torch.Tensor):
            content = _content(value)
            self.arrays.append((value, content))
            yield name, content
            return
        yield name, value
        if id(value) in seen:
            return
        seen.add(id(value))
        parts = list(_parts(module, value))
        is_container = isinstance(value, dict | list) or is_dataclass(value)
        if parts or (is_container and module.partition(".")[0] == _DEEP):
            self._note(value, parts)
        for inner, held in parts:
            yield from self._gather(module, f"{name}{inner}", held, seen)

    def _note(self, value: Any, parts: list[tuple[str, object]]) -> None:
        """Keep what a value holds, to see whether it still does."""
        if type(value) is FunctionType:
            self.functions.append(value)
            self.of_functions.append(_of_functions(value))
        elif is_class(value) or isinstance(value, dict | list):
            self.holders.append((value, *_entries(value)))
        else:
            self.others.append((value, tuple(part for _, part in parts)))


#: By module.
_gathered: dict[str, _Gathered] = {}


def _entries(holder: Any) -> tuple[tuple[Any, ...], tuple[object, ...]]:
    """What leads to the entries of a module, a class, a dictionary or a list, and these."""
    if isinstance(holder, list):
        return (), tuple(holder)
    entries = dict.items(holder) if isinstance(holder, dict) else vars(holder).items()
    held = dict(entries)
    return tuple(held), tuple(held.values())


def _content(array: Any) -> _Bytes:
    return _Bytes((str(array.dtype), np.asarray(array.tolist()).tobytes()))


def _parts(module: str, value: Any) -> Iterator[tuple[str, object]]:
    """What something of this module's own consists of, each with what leads to it."""
    deep = module.partition(".")[0] == _DEEP
    if isinstance(value, staticmethod | classmethod):
        yield ".__func__", value.__func__
    elif isinstance(value, property):
        yield from ((f".{name}", getattr(value, name)) for name in ("fget", "fset", "fdel"))
    elif isinstance(value, functools.cached_property):
        yield ".func", value.func
    elif hasattr(type(value), "cache_info"):
        yield ".__wrapped__", value.__wrapped__
    elif isinstance(value, FunctionType):
        if value.__module__ == module:
            yield from ((f".{name}", getattr(value, name)) for name in OF_FUNCTIONS)
    elif is_class(value):
        if value.__module__ == module:
            yield from ((f".{k}", each) for k, each in vars(value).items() if k not in NOT_CODE)
    elif deep and isinstance(value, dict):
        yield from ((f"[{k!r}]", each) for k, each in value.items())
    elif deep and isinstance(value, list | tuple):
        yield from ((f"[{i}]", each) for i, each in enumerate(value))
    elif deep and is_dataclass(value):
        yield from ((f".{k}", each) for k, each in getattr(value, "__dict__", {}).items())
