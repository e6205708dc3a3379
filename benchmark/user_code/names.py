"""What modules hold, by name: to tell what a study has changed in them."""

from __future__ import annotations

import functools
import sys
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
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
    instance "Fit.step", "SELECTS['nll']" or "predict.__defaults__[0]".
    """
    return {name: (module, dict(_names(name, module))) for name, module in _modules(_OURS)}


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


def _names(name: str, module: ModuleType) -> Iterator[tuple[str, object]]:
    seen: set[int] = set()
    for held, value in list(vars(module).items()):
        is_part = isinstance(value, ModuleType) and value.__name__ == f"{name}.{held}"
        if not is_part and not (held.startswith("__") and held.endswith("__")):
            yield from _value(name, held, value, seen)


def _value(module: str, name: str, value: Any, seen: set[int]) -> Iterator[tuple[str, object]]:
    if type(value) in _CONSTANTS or isinstance(value, ModuleType):
        yield name, value
        return
    if isinstance(value, np.ndarray | torch.Tensor):
        yield name, _Bytes((str(value.dtype), np.asarray(value.tolist()).tobytes()))
        return
    yield name, value
    if id(value) not in seen:
        seen.add(id(value))
        for inner, held in _parts(module, value):
            yield from _value(module, f"{name}{inner}", held, seen)


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
