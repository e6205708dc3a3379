"""What a study changes, while it is loaded, in code that is not its own.

A study that sets a constant of armbench, or puts a function of its own in the place of another's,
trains otherwise than one that does not.
"""

import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

import trainers
from benchmark.declare.names import Names, code_in, code_of_others, is_same, names_of_ours

#: What stands for a name that is no more.
_GONE = ("gone",)
_MISSING = object()


@dataclass(frozen=True, eq=False)
class Changes:
    """What a study has changed.

    Attributes:
        ours: by full name, for instance "trainers.loop.predict": what it stands for by now.
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
    ours, others = names_of_ours(), code_of_others()
    try:
        yield
    finally:
        now = names_of_ours()
        own = _changed(ours, lambda module: now.get(module, (None, {}))[1])
        foreign = _changed(others, lambda place: code_in(*others[place]))
        put = {name: value for name, value in foreign.items() if value is not _GONE}
        _Last.changes = Changes(own, put)


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
                changed[f"{place}.{name}"] = _GONE if value is _MISSING else value
    return changed
