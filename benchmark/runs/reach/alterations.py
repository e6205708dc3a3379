"""What a study has changed in code that is not its own, as something that all of its runs reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from uuid import uuid4

from benchmark.runs.reach.walk import Reached, reach, reach_of
from benchmark.user_code.changes import Changes, changes
from benchmark.user_code.names import is_code


@dataclass(frozen=True)
class _Alterations:
    found: Reached
    names: tuple[str, ...]
    anew: str


def altered() -> Reached:
    """What the changes of the study that was loaded last reach."""
    return _alterations(changes()).found


def altered_names() -> tuple[str, ...]:
    """What the study that was loaded last has changed, for instance "trainers.loop.predict"."""
    names = _alterations(changes()).names
    return tuple(name for name in names if not set(names) & set(_around(name)))


def specification() -> dict[str, str]:
    """What stands for the changes in the key of every run; nothing where there are none."""
    found = _alterations(changes())
    if found.found.unfollowed:
        return {"altered": found.anew}
    return {"altered": found.found.digest} if found.found.digest else {}


@lru_cache(maxsize=1)
def _alterations(changed: Changes) -> _Alterations:
    others = {name: value for name, value in changed.others.items() if _is_the_users(name, value)}
    every = dict(sorted({**changed.ours, **others}.items()))
    return _Alterations(reach_of(every), tuple(every), uuid4().hex)


def _around(name: str) -> Iterator[str]:
    """The names of what something is a part of."""
    ends = (i for i, sign in enumerate(name) if sign in ".[")
    return (name[:end] for end in ends)


def _is_the_users(name: str, value: object) -> bool:
    """Whether it is code of a study, or something put together of whatever code.

    Packages replace functions of others by their own when they are imported, and fill their
    dictionaries.
    """
    is_entry = name.endswith("]") and not isinstance(value, partial)
    return not (is_code(value) or is_entry) or reach(value).digest is not None
