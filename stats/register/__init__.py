"""The primary tests, effect sizes and corrections that there are, by name.

Each is one record, which the file that computes it registers at its end. Judging, planning,
wording, the audit and the commands ask the register, so that what is registered can decide
comparisons, be planned for, be shown, be written about and be named in a command's help.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import TypeVar, overload

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
    "load",
    "paired_effect",
    "paired_test",
    "primary_test",
    "register",
    "unpaired_effect",
    "unpaired_test",
    "withdraw",
]


R = TypeVar("R", PairedTest, UnpairedTest, PairedEffect, UnpairedEffect, Correction)


class Names(Sequence[str]):
    """The names in a register, the default first; those that are added later are among them."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        self._records = records

    def _in_order(self) -> tuple[str, ...]:
        return tuple(
            sorted(self._records, key=lambda name: (not self._records[name].default, name))
        )

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        return self._in_order()[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._in_order())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._records

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return repr(self._in_order())


_PAIRED: dict[str, PairedTest] = {}
_UNPAIRED: dict[str, UnpairedTest] = {}
_PAIRED_EFFECTS: dict[str, PairedEffect] = {}
_UNPAIRED_EFFECTS: dict[str, UnpairedEffect] = {}
_CORRECTIONS: dict[str, Correction] = {}

PAIRED_TESTS, UNPAIRED_TESTS = Names(_PAIRED), Names(_UNPAIRED)
PAIRED_EFFECTS, UNPAIRED_EFFECTS = Names(_PAIRED_EFFECTS), Names(_UNPAIRED_EFFECTS)
CORRECTIONS = Names(_CORRECTIONS)


def load(room: str, path: Iterable[str]) -> None:
    """Import every file of a room, each of which registers what it holds."""
    for file in iter_modules(path):
        import_module(f"{room}.{file.name}")


def register(record: Record) -> None:
    """Make a test, an effect size or a correction one that may be asked for, everywhere.

    An effect size may be registered for either kind of scores under one name.

    Raises:
        InvalidSetting: its name is taken, or there is a default already.
    """
    match record:
        case PairedTest():
            _add(record, "primary test", _PAIRED, _UNPAIRED)
        case UnpairedTest():
            _add(record, "primary test", _UNPAIRED, _PAIRED)
        case PairedEffect():
            _add(record, "paired effect size", _PAIRED_EFFECTS)
        case UnpairedEffect():
            _add(record, "unpaired effect size", _UNPAIRED_EFFECTS)
        case Correction():
            _add(record, "correction", _CORRECTIONS)


def _add(record: R, what: str, own: dict[str, R], *others: Mapping[str, Record]) -> None:
    if any(record.name in records for records in (own, *others)):
        raise InvalidSetting(f'a {what} "{record.name}" is registered already')
    if record.default and (first := [each.name for each in own.values() if each.default]):
        raise InvalidSetting(f'the {what} that is the default is "{first[0]}"')
    own[record.name] = record


def withdraw(name: str) -> None:
    """Take what has this name out of the register."""
    for records in (_PAIRED, _UNPAIRED, _PAIRED_EFFECTS, _UNPAIRED_EFFECTS, _CORRECTIONS):
        records.pop(name, None)


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
