"""Values as JSON and tensors: numbers, texts, containers, arrays, generators, and known modules.

A form is JSON: a scalar stands for itself, all else is {what it is: its content}.
"""

from __future__ import annotations

import math
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from safetensors.torch import _TYPES
from torch import Tensor, nn

from trainers.resume.known import Known, Unwritable, address

DICTS: dict[str, type[dict]] = {"dict": dict, "ordered": OrderedDict, "counter": Counter}
SEQUENCES: dict[str, type] = {
    "list": list,
    "tuple": tuple,
    "size": torch.Size,
    "set": set,
    "frozenset": frozenset,
    "deque": deque,
}
#: What is never another object with the same content.
_IMMUTABLE = ("tuple", "size", "frozenset")
_DTYPES = frozenset(_TYPES.values())


class Written:
    """Takes values apart.

    Attributes:
        tensors: what the forms refer to by name.

    Args:
        known: what is named and not written.
    """

    def __init__(self, known: Known) -> None:
        self.tensors: dict[str, Tensor] = {}
        self._known = known
        self._numbers: dict[int, int] = {}
        self._alive: list[object] = []  # an id is another object's as soon as one is gone
        self._memory = known.memory()
        self._kept: set[int] = set()

    def form(self, value: Any, place: str) -> Any:
        """The form of a value; what is met a second time is the same object when it is read.

        Args:
            value: what.
            place: where it is, for the message.

        Raises:
            Unwritable: it holds something that has no form.
        """
        if value is None or type(value) in (bool, int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"float": repr(value)}
        if (name := self._known.name(value)) is not None:
            return {"known": name}
        for kind, sort in SEQUENCES.items():
            if type(value) is sort and kind in _IMMUTABLE:
                return {kind: self._items(value, place)}
        if id(value) in self._numbers:
            return {"again": self._numbers[id(value)]}
        self._numbers[id(value)] = len(self._numbers)
        self._alive.append(value)
        return self._writer(value, place)(value, place)

    def keep(self, tensor: Tensor) -> str:
        """The name under which a tensor is kept."""
        name = str(len(self.tensors))
        tensor = tensor.detach().contiguous()
        if address(tensor) in self._kept:  # which the format refuses
            tensor = tensor.clone()
        self._kept.add(address(tensor))
        self.tensors[name] = tensor
        return name

    def _writer(self, value: Any, place: str) -> Callable[[Any, str], Any]:
        kind = type(value)
        if kind in (Tensor, nn.Parameter):
            return self._tensor
        if kind is np.ndarray:
            return self._array
        if isinstance(value, np.generic):
            return lambda v, p: {"scalar": [v.dtype.str, self.form(v.item(), p)]}
        if kind is SimpleNamespace:
            return self._namespace
        for name, sort in DICTS.items():
            if kind is sort:
                return lambda v, p: {name: self._pairs(v, p)}
        if kind is deque:
            return lambda v, p: {"deque": [v.maxlen, *self._items(v, p)]}
        for name, sort in SEQUENCES.items():
            if kind is sort:
                return lambda v, p: {name: self._items(v, p)}
        if kind in (torch.Generator, np.random.Generator, Random):
            return self._generator
        raise Unwritable(f"{place} is a {kind.__name__}, which cannot be written down")

    def _items(self, value: Any, place: str) -> list[Any]:
        return [self.form(inner, f"{place}[{i}]") for i, inner in enumerate(value)]

    def _pairs(self, value: dict, place: str) -> list[Any]:
        return [
            [self.form(key, f"a key of {place}"), self.form(inner, f"{place}[{key!r:.40}]")]
            for key, inner in value.items()
        ]

    def _namespace(self, value: SimpleNamespace, place: str) -> Any:
        found = {name: self.form(v, f"{place}.{name}") for name, v in vars(value).items()}
        return {"namespace": found}

    def _tensor(self, value: Tensor, place: str) -> Any:
        if value.grad_fn is not None:
            raise Unwritable(f"{place} hangs on the graph of a step; keep it detached")
        if value.layout != torch.strided or value.dtype not in _DTYPES:
            raise Unwritable(f"{place} is a tensor of {value.dtype}, {value.layout}")
        self._alone(address(value), place)
        about = {
            "on": value.device.type,
            "learns": value.requires_grad,
            "weight": type(value) is nn.Parameter,
            "strides": list(torch.empty_like(value, device="meta").stride()),
        }
        return {"tensor": [self.keep(value), about]}

    def _array(self, value: np.ndarray, place: str) -> Any:
        try:
            tensor = torch.from_numpy(value.copy("C"))
        except TypeError as error:
            raise Unwritable(f"{place} is an array of {value.dtype}") from error
        owner: Any = value
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        self._alone(owner.ctypes.data, place)
        return {"array": [self.keep(tensor), "F" if value.flags.fnc else "C"]}

    def _alone(self, memory: int, place: str) -> None:
        if memory in self._memory and memory:
            raise Unwritable(f"{place} shares its memory with something else; keep a clone()")
        if memory:
            self._memory.add(memory)

    def _generator(self, value: Any, place: str) -> Any:
        if isinstance(value, torch.Generator):
            kept = {"device": value.device.type, "state": self.keep(value.get_state())}
            return {"torch generator": kept}
        if isinstance(value, Random):
            return {"python generator": self.form(value.getstate(), place)}
        bits = value.bit_generator
        return {"numpy generator": [type(bits).__name__, self.form(bits.state, place)]}
