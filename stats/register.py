"""The primary tests that there are, by name.

A test is one record here. Judging, planning, wording, the audit and the commands ask the register,
so that what is registered can decide comparisons, be planned for and be written about.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

from stats.errors import InvalidSetting
from stats.inputs import FloatArray


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


class Names(Sequence[str]):
    """The names in a register, those that are added later with them."""

    def __init__(self, tests: Mapping[str, PrimaryTest]) -> None:
        self._tests = tests

    @overload
    def __getitem__(self, place: int) -> str: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[str, ...]: ...
    def __getitem__(self, place: int | slice) -> str | tuple[str, ...]:
        return tuple(self._tests)[place]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._tests))

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._tests

    def __len__(self) -> int:
        return len(self._tests)

    def __repr__(self) -> str:
        return repr(tuple(self._tests))


_PAIRED: dict[str, PairedTest] = {}
_UNPAIRED: dict[str, UnpairedTest] = {}

PAIRED_TESTS = Names(_PAIRED)
UNPAIRED_TESTS = Names(_UNPAIRED)


def register(test: PairedTest | UnpairedTest) -> None:
    """Make a test one that may be asked for, everywhere.

    Raises:
        InvalidSetting: its name is taken.
    """
    if test.name in _PAIRED or test.name in _UNPAIRED:
        raise InvalidSetting(f'a primary test "{test.name}" is registered already')
    if isinstance(test, PairedTest):
        _PAIRED[test.name] = test
    else:
        _UNPAIRED[test.name] = test


def withdraw(name: str) -> None:
    """Take a test out of the register."""
    _PAIRED.pop(name, None)
    _UNPAIRED.pop(name, None)


def paired_test(name: str) -> PairedTest:
    """The paired test of this name."""
    return _PAIRED[name]


def unpaired_test(name: str) -> UnpairedTest:
    """The unpaired test of this name."""
    return _UNPAIRED[name]


def primary_test(name: str) -> PrimaryTest:
    """The test of this name, paired or not."""
    return _PAIRED[name] if name in _PAIRED else _UNPAIRED[name]
