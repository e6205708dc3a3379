"""The primary tests, effect sizes and corrections that there are, by name.

Each is one record, which the file that computes it registers at its end. Judging, planning,
wording, the audit and the commands ask the register, so that what is registered can decide
comparisons, be planned for, be shown, be written about and be named in a command's help. The rooms
say what their files register, so that it can be named before these are imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Generic, TypeVar, overload

from stats.errors import InvalidSetting
from stats.register.records import (
    Bounds,
    Correction,
    Effect,
    PairedEffect,
    PairedTest,
    PrimaryTest,
    Record,
    RowsTested,
    Shifts,
    UnpairedEffect,
    UnpairedTest,
)

__all__ = [
    "CORRECTIONS",
    "PAIRED_EFFECTS",
    "PAIRED_TESTS",
    "UNPAIRED_EFFECTS",
    "UNPAIRED_TESTS",
    "Bounds",
    "Correction",
    "Effect",
    "Names",
    "PairedEffect",
    "PairedTest",
    "PrimaryTest",
    "Record",
    "RowsTested",
    "Shifts",
    "UnpairedEffect",
    "UnpairedTest",
    "correction_named",
    "effect_size",
    "expect",
    "paired_effect",
    "paired_test",
    "primary_test",
    "register",
    "unpaired_effect",
    "unpaired_test",
    "withdraw",
]


R = TypeVar("R", bound=Record)


@dataclass
class _Records(Generic[R]):
    """What there is of one kind.

    Attributes:
        what: it is.
        known: by name, what is registered.
        rooms: by name, the default first, where a file lies that registers it when it is imported.
    """

    what: str
    known: dict[str, R] = field(default_factory=dict)
    rooms: dict[str, str] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        default = next(iter(self.rooms), "")
        return tuple(sorted({*self.known, *self.rooms}, key=lambda name: (name != default, name)))

    def __contains__(self, name: object) -> bool:
        return name in self.known or name in self.rooms

    def __getitem__(self, name: str) -> R:
        if name not in self.known and name in self.rooms:
            _load(self.rooms[name])
        return self.known[name]

    def add(self, record: R) -> None:
        room = self.rooms.get(record.name)
        if room and not record.rows.__module__.startswith(f"{room}."):
            _load(room)  # the name is that of another
        if record.name in self.known:
            raise InvalidSetting(f'a {self.what} "{record.name}" is registered already')
        self.known[record.name] = record


class Names(Sequence[str]):
    """The names in a register, the default first; those that are added later are among them."""

    def __init__(self, records: _Records[Any]) -> None:
        self._records = records

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        return self._records.names()[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records.names())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._records

    def __len__(self) -> int:
        return len(self._records.names())

    def __repr__(self) -> str:
        return repr(self._records.names())


_PAIRED = _Records[PairedTest]("primary test")
_UNPAIRED = _Records[UnpairedTest]("primary test")
_PAIRED_EFFECTS = _Records[PairedEffect]("paired effect size")
_UNPAIRED_EFFECTS = _Records[UnpairedEffect]("unpaired effect size")
_CORRECTIONS = _Records[Correction]("correction")
_OF_KIND: dict[type[Any], _Records[Any]] = {
    PairedTest: _PAIRED,
    UnpairedTest: _UNPAIRED,
    PairedEffect: _PAIRED_EFFECTS,
    UnpairedEffect: _UNPAIRED_EFFECTS,
    Correction: _CORRECTIONS,
}

PAIRED_TESTS, UNPAIRED_TESTS = Names(_PAIRED), Names(_UNPAIRED)
PAIRED_EFFECTS, UNPAIRED_EFFECTS = Names(_PAIRED_EFFECTS), Names(_UNPAIRED_EFFECTS)
CORRECTIONS = Names(_CORRECTIONS)


def expect(room: str, kind: type[Record], *names: str) -> None:
    """Name what the files of a room register, the default first; they are imported when needed."""
    _OF_KIND[kind].rooms.update(dict.fromkeys(names, room))


def _load(room: str) -> None:
    for file in iter_modules(import_module(room).__path__):
        import_module(f"{room}.{file.name}")


def register(record: Record) -> None:
    """Make a test, an effect size or a correction one that may be asked for, everywhere.

    An effect size may be registered for either kind of scores under one name.

    Raises:
        InvalidSetting: its name is taken.
    """
    own = _OF_KIND[type(record)]
    tests: tuple[_Records[Any], ...] = (_PAIRED, _UNPAIRED)
    if own in tests and any(record.name in each for each in tests if each is not own):
        raise InvalidSetting(f'a {own.what} "{record.name}" is registered already')
    own.add(record)


def withdraw(name: str) -> None:
    """Take what has this name out of the register."""
    for records in _OF_KIND.values():
        records.known.pop(name, None)
        records.rooms.pop(name, None)


def paired_test(name: str) -> PairedTest:
    """The paired test of this name."""
    return _PAIRED[name]


def unpaired_test(name: str) -> UnpairedTest:
    """The unpaired test of this name."""
    return _UNPAIRED[name]


def primary_test(name: str) -> PrimaryTest:
    """The test of this name, paired or not."""
    return _PAIRED[name] if name in _PAIRED else _UNPAIRED[name]


def paired_effect(name: str) -> PairedEffect:
    """The effect size of this name for paired scores."""
    return _PAIRED_EFFECTS[name]


def unpaired_effect(name: str) -> UnpairedEffect:
    """The effect size of this name for arms that share no seeds."""
    return _UNPAIRED_EFFECTS[name]


def effect_size(name: str) -> Effect:
    """The effect size of this name, paired or not."""
    return _PAIRED_EFFECTS[name] if name in _PAIRED_EFFECTS else _UNPAIRED_EFFECTS[name]


def correction_named(name: str) -> Correction:
    """The correction of this name."""
    return _CORRECTIONS[name]
