"""The primary tests, effect sizes and corrections that there are, by name.

Each is one record, which the file that computes it registers at its end. Judging, planning,
wording, the audit and the commands ask the register, so that what is registered can decide
comparisons, be planned for, be shown, be written about and be named in a command's help. What the
files of a room register is read in their text, so that it can be named before they are imported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
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
        files: by name, the module that registers it when it is imported.
        default: the name that is taken where none is given.
    """

    what: str
    known: dict[str, R] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    default: str = ""

    def names(self) -> tuple[str, ...]:
        names = {*self.known, *self.files}
        return tuple(sorted(names, key=lambda name: (name != self.default, name)))

    def __contains__(self, name: object) -> bool:
        return name in self.known or name in self.files

    def __getitem__(self, name: str) -> R:
        if name not in self.known and name in self.files:
            import_module(self.files[name])
        return self.known[name]

    def expect(self, name: str, file: str, default: bool) -> None:
        self.files[name] = file
        if default:
            self.default = name

    def add(self, record: R) -> None:
        if file := self.files.get(record.name):
            import_module(file)  # which is under way, unless the name is that of another
        if record.name in self.known:
            raise InvalidSetting(f'a {self.what} "{record.name}" is registered already')
        if record.default and record.name != self.default:
            raise InvalidSetting(f'the {self.what} that is the default is "{self.default}"')
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


def expect(room: str, path: Iterable[str]) -> None:
    """Know what the files of a room register; each is imported when something of it is needed."""
    by_kind = {kind.__name__: records for kind, records in _OF_KIND.items()}
    for file in (file for folder in path for file in Path(folder).glob("[!_]*.py")):
        for kind, name, default in _registered(file.read_text("utf-8")):
            by_kind[kind].expect(name, f"{room}.{file.stem}", default)


def _registered(text: str) -> Iterator[tuple[str, str, bool]]:
    """Kind and name of each record that a text registers, and whether it is the default.

    >>> [*_registered('register(PairedTest(name="t", words="paired t test", default=True))')]
    [('PairedTest', 't', True)]
    """
    for node in ast.parse(text).body:
        match node:
            case ast.Expr(ast.Call(ast.Name("register"), [ast.Call(ast.Name(kind)) as record])):
                told = {each.arg: each.value for each in record.keywords}
                default = "default" in told and bool(ast.literal_eval(told["default"]))
                yield kind, ast.literal_eval(told["name"]), default


def register(record: Record) -> None:
    """Make a test, an effect size or a correction one that may be asked for, everywhere.

    An effect size may be registered for either kind of scores under one name.

    Raises:
        InvalidSetting: its name is taken, or there is a default already.
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
        records.files.pop(name, None)


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
