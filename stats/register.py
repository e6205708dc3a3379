"""The primary tests, effect sizes and corrections that there are, by name.

Each is one record here. Judging, planning, wording, the audit and the commands ask the register, so
that what is registered can decide comparisons, be planned for, be shown and be written about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar, overload

from stats.errors import InvalidSetting
from stats.inputs import FloatArray, IntArray


class RowsTested(NamedTuple):
    """What a test says of m comparisons at once; each of shape (m,).

    Attributes:
        statistic: of the test.
        greater: grows with the evidence against "the candidate is no better", such as a one-sided
            p-value or the difference turned around: the smaller, the more the candidate is ahead.
        less: the same of the other side.
        p_value: two-sided.
    """

    statistic: FloatArray
    greater: FloatArray
    less: FloatArray
    p_value: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimaryTest:
    """What every primary test says of itself.

    Attributes:
        name: as it is asked for.
        words: as outputs call it.
        smallest_p: smallest two-sided p of so many scores of baseline and candidate, without ties;
            of a paired test both numbers are that of the pairs.
        efficiency: Pitman efficiency against t under normal differences, by which sample sizes are
            planned.
        simulated_up_to: pairs, or scores an arm, up to which power is simulated; beyond them it is
            that of t at n times the efficiency.
        of_means: whether it is about the mean, beside which a mean difference is shown.
    """

    name: str
    words: str
    smallest_p: Callable[[int, int], float]
    efficiency: float = 1.0
    simulated_up_to: int = 40
    of_means: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedTest(PrimaryTest):
    """A test of differences.

    Attributes:
        rows: from settled differences of shape (m, n), and the rule for zeros.
        by_signs: whether its null distribution is that of the signs, of which a difference of zero
            has none, so that each zero doubles the smallest p.
        power: exact power for normal differences: of mean over sd, pairs and level.
        tells_zeros: whether outputs say what it does with zero differences.
    """

    rows: Callable[[FloatArray, str], RowsTested]
    by_signs: bool = False
    power: Callable[[float, int, float], float] | None = None
    tells_zeros: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpairedTest(PrimaryTest):
    """A test of two arms that share no seeds.

    Attributes:
        rows: from baselines of shape (m, n) and candidates of shape (m, k).
        by_deals: whether its null distribution is that of all ways to deal the scores to the arms,
            of which ties make some alike, so that they raise the smallest p.
    """

    rows: Callable[[FloatArray, FloatArray], RowsTested]
    by_deals: bool = False


Bounds = tuple[FloatArray, FloatArray, FloatArray]
"""An effect size and the ends of its interval, each of shape (m,)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What every effect size says of itself.

    Attributes:
        name: as it is asked for.
        symbol: the head of its column.
        words: as outputs call it.
    """

    name: str
    symbol: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PairedEffect(Effect):
    """An effect size of paired scores.

    Attributes:
        rows: from both arms, of shape (2, m, n), their settled differences, of shape (m, n), and
            the confidence of the interval.
    """

    rows: Callable[[FloatArray, FloatArray, float], Bounds]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpairedEffect(Effect):
    """An effect size of arms that share no seeds.

    Attributes:
        rows: from baselines of shape (m, n), candidates of shape (m, k), and the confidence.
    """

    rows: Callable[[FloatArray, FloatArray, float], Bounds]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """How the p-values of one family are corrected.

    What `rows` and `claims` return may exceed 1, and is cut there.

    Attributes:
        name: as it is asked for.
        words: as outputs call it.
        rows: from p-values that ascend along the last axis, of shape (…, k).
        smallest: the corrected p of k comparisons that all have this p.
        level: the p below which the smallest of k lies where its corrected p lies below α.
        claims: of k differences and k equivalences together: from their p-values in ascending
            order, shape (m, 2k), and that order, in which numbers below k are differences. Without
            it they are corrected by `rows` as one family of 2k.
    """

    name: str
    words: str
    rows: Callable[[FloatArray], FloatArray]
    smallest: Callable[[float, int], float]
    level: Callable[[float, int], float]
    claims: Callable[[FloatArray, IntArray], FloatArray] | None = None


Record = PairedTest | UnpairedTest | PairedEffect | UnpairedEffect | Correction
R = TypeVar("R", PairedTest, UnpairedTest, PairedEffect, UnpairedEffect, Correction)


class Names(Sequence[str]):
    """The names in a register, those that are added later with them."""

    def __init__(self, records: Mapping[str, Record]) -> None:
        self._records = records

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        return tuple(self._records)[place]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._records))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._records

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        return repr(tuple(self._records))


_PAIRED: dict[str, PairedTest] = {}
_UNPAIRED: dict[str, UnpairedTest] = {}
_PAIRED_EFFECTS: dict[str, PairedEffect] = {}
_UNPAIRED_EFFECTS: dict[str, UnpairedEffect] = {}
_CORRECTIONS: dict[str, Correction] = {}

PAIRED_TESTS, UNPAIRED_TESTS = Names(_PAIRED), Names(_UNPAIRED)
PAIRED_EFFECTS, UNPAIRED_EFFECTS = Names(_PAIRED_EFFECTS), Names(_UNPAIRED_EFFECTS)
CORRECTIONS = Names(_CORRECTIONS)


def register(record: Record) -> None:
    """Make a test, an effect size or a correction one that may be asked for, everywhere.

    An effect size may be registered for either kind of scores under one name.

    Raises:
        InvalidSetting: its name is taken.
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
