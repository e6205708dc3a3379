"""What a study changes, while it is loaded, in code that is not its own.

A study that sets a constant of armbench, or puts a function of its own in the place of another's,
trains otherwise than one that does not.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import ModuleType

import trainers
from benchmark.user_code.arrivals import arrivals
from benchmark.user_code.names import (
    OF_FUNCTIONS,
    Held,
    Names,
    held_by,
    held_by_others,
    is_of_others,
    is_same,
    names_of_ours,
)
from benchmark.user_code.torch_settings import torch_settings

#: What stands for a name that is no more.
_GONE = ("gone",)
_MISSING = object()


@dataclass(frozen=True, eq=False)
class Changes:
    """What a study has changed.

    Attributes:
        ours: by full name, for instance "trainers.loop.predict": what it stands for by now;
            settings of torch too.
        others: the same of packages and of Python; some are no code of the study's, since packages
            replace functions of others by their own when they are imported.
    """

    ours: Mapping[str, object] = field(default_factory=dict)
    others: Mapping[str, object] = field(default_factory=dict)


class _Last:
    changes = Changes()


#: By module and name: what it stood for before the first study of this process that changed it.
_before: dict[tuple[str, str], object] = {}


def changes() -> Changes:
    """What the study that was loaded last has changed."""
    return _Last.changes


@contextmanager
def watched() -> Iterator[None]:
    """Find out what is changed within this block, in which a study is loaded."""
    _import_all()
    ours, others, settings = names_of_ours(), held_by_others(), torch_settings()

    def arrived(module: ModuleType) -> None:
        for place, held in held_by(module.__name__, module).items():
            others.setdefault(place, held)

    try:
        with arrivals(is_of_others, arrived):
            yield
    finally:
        now = names_of_ours()
        own = _changed(ours, lambda module: now.get(module, (None, {}))[1])
        set_ = _changed({"settings of torch": (None, settings)}, lambda _: torch_settings())
        foreign = _changed_of_others(others)
        put = {
            name: value
            for name, value in foreign.items()
            if value is not _GONE and not foreign.keys() & {_holder(name)}
        }
        _Last.changes = Changes({**own, **set_}, put)


def _changed_of_others(before: Mapping[str, Held]) -> dict[str, object]:
    """By full name: what stands for code of others by now, where that is something else."""
    suspects, earlier = {}, {place for place, _ in _before}
    for place, held in _once(before).items():
        now = Held.of(held.holder)
        if place in earlier or not held.is_as(now):
            suspects[place] = held, now
    code = {place: held.code() for place, (held, _) in suspects.items()}
    return _changed(
        {place: (held.holder, code[place]) for place, (held, _) in suspects.items()},
        lambda place: suspects[place][1].code(known=code[place]),
    )


def _once(found: Mapping[str, Held]) -> dict[str, Held]:
    """Without the dictionaries that modules have taken from others, which go by other names."""
    called: dict[int, str] = {}
    for place, held in found.items():
        other = called.setdefault(id(held.holder), place)
        if (len(place), place) < (len(other), other):
            called[id(held.holder)] = place
    return {place: held for place, held in found.items() if called[id(held.holder)] == place}


def _holder(name: str) -> str:
    """The function, if it is one, whose code or defaults a name stands for."""
    function, _, part = name.rpartition(".")
    return function if part in OF_FUNCTIONS else ""


def _import_all() -> None:
    """Have all that trains there before it can be changed; most of it is."""
    for found in pkgutil.walk_packages(trainers.__path__, "trainers."):
        importlib.import_module(found.name)


def _changed(before: Names, now: Callable[[str], Mapping[str, object]]) -> dict[str, object]:
    """By full name: what stands for it by now, where that is something else than at first."""
    changed = {}
    for place, (_, held) in before.items():
        found = now(place)
        earlier = [name for where, name in _before if where == place]
        for name in dict.fromkeys((*held, *found, *earlier)):
            was, value = held.get(name, _MISSING), found.get(name, _MISSING)
            first = _before.pop((place, name), was)
            if not is_same(first, value):
                _before[place, name] = first
                full = f"{place}{name}" if name.startswith("[") else f"{place}.{name}"
                changed[full] = _GONE if value is _MISSING else value
    return changed
