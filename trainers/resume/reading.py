"""Values from their forms, put into what a method prepared wherever that is of the same kind.

What a hook of the method's holds is then the very object that its state has.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from random import Random
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from trainers.resume.known import Known, address
from trainers.resume.writing import DICTS, SEQUENCES


class Read:
    """Puts values together again.

    Args:
        known: of this attempt.
        tensors: that the forms refer to.
    """

    def __init__(self, known: Known, tensors: Mapping[str, Tensor]) -> None:
        self._known = known
        self._tensors = tensors
        self._made: list[Any] = []
        self._taken = known.memory()
        self._filled: dict[int, object] = {}

    def tensor(self, name: str) -> Tensor:
        """One of those that a form names, as it was kept."""
        return self._tensors[name]

    def value(self, form: Any, live: Any = None) -> Any:
        """The value of a form.

        Args:
            form: as :class:`~trainers.resume.writing.Written` made it.
            live: what is at its place in this attempt; it is filled, if it is of the same kind.
        """
        if not isinstance(form, dict):
            return form
        ((kind, content),) = form.items()
        if kind == "float":
            return float(content)
        if kind == "known":
            return self._known.named(content)
        if kind == "again":
            return self._made[content]
        if kind in ("tuple", "size", "frozenset"):
            return SEQUENCES[kind](self._items(content, live))
        number = len(self._made)
        self._made.append(None)
        if kind in DICTS or kind in ("namespace", "list", "set", "deque"):
            return self._container(kind, content, live, number)
        self._made[number] = made = self._leaf(kind, content, live)
        return made

    def _items(self, forms: list[Any], live: Any) -> list[Any]:
        there = list(live) if isinstance(live, list | tuple | deque) else []
        there += [None] * (len(forms) - len(there))
        return [self.value(form, old) for form, old in zip(forms, there, strict=False)]

    def _container(self, kind: str, content: Any, live: Any, number: int) -> Any:
        """What holds others, known by its number before they are read: one may be itself."""
        if kind == "namespace":
            return self._namespace(content, live, number)
        if kind in DICTS:
            return self._dict(DICTS[kind], content, live, number)
        length, items = (content[0], content[1:]) if kind == "deque" else (None, content)
        target = self._own(live, SEQUENCES[kind])
        if target is None or getattr(target, "maxlen", None) != length:
            target = deque(maxlen=length) if kind == "deque" else SEQUENCES[kind]()
        self._made[number] = target
        found = self._items(items, target)
        target.clear()
        (target.update if kind == "set" else target.extend)(found)
        return target

    def _namespace(self, content: Mapping[str, Any], live: Any, number: int) -> SimpleNamespace:
        target = self._made[number] = self._own(live, SimpleNamespace) or SimpleNamespace()
        found = {n: self.value(form, vars(target).get(n)) for n, form in content.items()}
        vars(target).clear()
        vars(target).update(found)
        return target

    def _dict(self, kind: type, content: list[Any], live: Any, number: int) -> dict[Any, Any]:
        own = self._own(live, kind)
        target: dict[Any, Any] = kind() if own is None else own
        self._made[number] = target
        found = {}
        for its_key, form in content:
            key = self.value(its_key)
            found[key] = self.value(form, target.get(key))
        target.clear()
        for key, value in found.items():  # a Counter's own update would add
            target[key] = value
        return target

    def _leaf(self, kind: str, content: Any, live: Any) -> Any:
        if kind == "tensor":
            return self._tensor(content[0], content[1], live)
        if kind == "array":
            name, order = content
            saved = np.array(self._tensors[name].numpy(), order=order)
            same = self._own(live, np.ndarray)
            if same is None or (same.shape, same.dtype) != (saved.shape, saved.dtype):
                return saved
            if same.base is not None or not same.flags.writeable:
                return saved
            same[...] = saved
            return same
        if kind == "scalar":
            return np.dtype(content[0]).type(self.value(content[1]))
        return self._generator(kind, content, live)

    def _tensor(self, name: str, about: Mapping[str, Any], live: Any) -> Tensor:
        saved = self._tensors[name]
        same = self._own(live, nn.Parameter if about["weight"] else Tensor)
        if same is not None and _alike(same, saved, about) and address(same) not in self._taken:
            self._taken.add(address(same))
            with torch.no_grad():
                same.copy_(saved)
            return same
        made = torch.empty_strided(saved.shape, about["strides"], dtype=saved.dtype)
        made = made.copy_(saved).to(about["on"])
        if about["weight"]:
            return nn.Parameter(made, about["learns"])
        return made.requires_grad_(about["learns"]) if about["learns"] else made

    def _generator(self, kind: str, content: Any, live: Any) -> Any:
        if kind == "torch generator":
            made = self._own(live, torch.Generator) or torch.Generator(content["device"])
            made.set_state(self._tensors[content["state"]])
            return made
        if kind == "python generator":
            made = self._own(live, Random) or Random()
            made.setstate(self.value(content))
            return made
        name, state = content
        made = self._own(live, np.random.Generator)
        if made is None or type(made.bit_generator).__name__ != name:
            made = np.random.Generator(getattr(np.random, name)())
        made.bit_generator.state = self.value(state)
        return made

    def _own(self, live: Any, kind: type) -> Any:
        """What is there, if it is of that kind and has not been filled with something else."""
        if type(live) is not kind or id(live) in self._filled:
            return None
        self._filled[id(live)] = live
        return live


def _alike(live: Tensor, saved: Tensor, about: Mapping[str, Any]) -> bool:
    return (
        (live.shape, live.dtype) == (saved.shape, saved.dtype)
        and (live.device.type, live.requires_grad) == (about["on"], about["learns"])
        and live.is_leaf
        and live.numel() * live.element_size() == live.untyped_storage().nbytes()
    )
