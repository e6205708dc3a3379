"""Values that are told as they are, and things that merely hold others."""

from __future__ import annotations

import enum
import functools
import sys
import types
import weakref
from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path, PurePath
from typing import Any

#: Methods that `@dataclass` writes, from the fields.
GENERATED = frozenset(
    (
        *("__init__", "__repr__", "__eq__", "__hash__", "__setattr__", "__delattr__", "__lt__"),
        *("__le__", "__gt__", "__ge__", "__replace__", "__getstate__", "__setstate__"),
    )
)
_SCALARS = (bool, int, float, complex, str, bytes, type(None), type(...), type(NotImplemented))
#: What holds others only as long as something else does.
WEAK = (weakref.ref, weakref.WeakKeyDictionary, weakref.WeakValueDictionary, weakref.WeakSet)
#: Functions written in C, and how they appear in classes and on objects.
BUILT_IN = (
    *(types.BuiltinFunctionType, types.WrapperDescriptorType, types.MethodWrapperType),
    *(types.MethodDescriptorType, types.ClassMethodDescriptorType),
)
_SLOT_LIKE = (types.MemberDescriptorType, types.GetSetDescriptorType)


@dataclass(frozen=True)
class Plain:
    """A value that refers to nothing else.

    Attributes:
        said: what it is.
        texts: what of it may be the name of a file.
    """

    said: tuple[object, ...]
    texts: tuple[str | Path, ...] = ()


def plain(value: Any, home: Path = Path("/")) -> Plain | None:
    """A value that refers to nothing else, told; None for any other.

    Args:
        value: any.
        home: a folder whose own place is not told by the paths below it.

    >>> plain(frozenset("ab")) == plain(frozenset("ba")), plain([1]) is None
    (True, True)
    """
    if isinstance(value, PurePath) or (isinstance(value, str) and value.startswith(f"{home}/")):
        within = PurePath(value).is_relative_to(home)
        told = PurePath(value).relative_to(home) if within else value
        return Plain(("path", str(told)), (Path(value),))
    if type(value) in _SCALARS:
        return Plain((type(value).__name__, value), (value,) if isinstance(value, str) else ())
    if value is MISSING or isinstance(value, WEAK):
        return Plain((type(value).__name__,))
    if isinstance(value, _SLOT_LIKE):
        return Plain(("slot", value.__name__))
    if isinstance(value, set | frozenset) and all(type(each) in _SCALARS for each in value):
        texts = tuple(sorted(each for each in value if isinstance(each, str)))
        return Plain(("set", sorted(map(repr, value))), texts)
    return _array(value)


def _array(value: Any) -> Plain | None:
    """Arrays and tensors: their kind, shape and bytes."""
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        kept = value.detach().cpu().contiguous().reshape(-1)
        raw = kept.view(torch.uint8).numpy().tobytes() if kept.numel() else b""
        return Plain(("tensor", str(value.dtype), tuple(value.shape), raw, value.requires_grad))
    if numpy is None or not isinstance(value, numpy.ndarray | numpy.generic):
        return None
    if value.dtype.hasobject:
        return Plain(("array", repr(value.tolist())))
    return Plain(("array", value.dtype.str, value.shape, value.tobytes()))


def unwrapped(value: Any) -> Sequence[object] | None:
    """What a container, a descriptor or a wrapper holds; None for any other object."""
    if type(value) in (list, tuple):
        return list(value)
    if type(value) in (dict, types.MappingProxyType):
        return [each for item in value.items() for each in item]
    if isinstance(value, set | frozenset):
        return sorted(value, key=repr)
    if isinstance(value, staticmethod | classmethod):
        return [value.__func__]
    if isinstance(value, property):
        return [value.fget, value.fset, value.fdel]
    if isinstance(value, functools.cached_property):
        return [value.func]
    if isinstance(value, types.MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, enum.Enum):
        return [type(value), value.name, value.value]
    if isinstance(value, functools.partialmethod):
        return [value.func, value.args, value.keywords]
    if hasattr(type(value), "cache_info") and hasattr(value, "__wrapped__"):  # functools.lru_cache
        return [value.__wrapped__, value.cache_parameters()]
    return None
