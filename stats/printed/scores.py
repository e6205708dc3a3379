"""Can these printed means and standard deviations be what they are said to be?

Accuracies are whole counts over a whole number of test examples, which most printed decimals are
not. None of this holds for F1 or Matthews correlation.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from stats.errors import StatsError
from stats.inputs import LARGEST, check_count, check_positive

PRINTED = re.compile(
    r"(?P<sign>[-+]?)(?P<digits>[0-9]{0,40}(?:\.(?P<after>[0-9]{0,40}))?)"
    r"(?:[eE](?P<exponent>[-+]?[0-9]{1,2}))?"
)


@dataclass(frozen=True)
class Grim:
    """Whether a printed mean can be the mean of n whole numbers.

    Attributes:
        consistent: whether some total, over n, prints so.
        caught: share of all values with as many decimals, within one unit of the mean, that no
            total prints: the chance that a wrong value would have been found out.
    """

    consistent: bool
    caught: float


@dataclass(frozen=True)
class Grimmer:
    """Whether a printed standard deviation can belong to n whole numbers with a printed mean.

    Attributes:
        ddof_0: with the divisor n.
        ddof_1: with the divisor n − 1.
    """

    ddof_0: bool
    ddof_1: bool


def grim(mean: str, n: int, *, unit: float = 1.0) -> Grim:
    """GRIM test of a printed mean (Brown and Heathers 2017), rounded up or down at the half.

    Args:
        mean: as printed, with its trailing zeros.
        n: how many whole numbers it is the mean of: for an accuracy the test examples, times the
            runs that were averaged.
        unit: what one whole number counts: 100 for percentages.

    Raises:
        InvalidSetting: n below 1, or a unit that is not positive.
        StatsError: a mean that is no number.

    Of the 277 examples of RTE one run prints few values, and a mean of five some more:

    >>> grim("70.11", 277, unit=100).consistent, grim("70.04", 277, unit=100).consistent
    (False, True)
    >>> [round(grim("70.04", runs * 277, unit=100).caught, 2) for runs in (1, 5)]
    [0.97, 0.86]
    """
    check_count("n", n, 1)
    check_positive("unit", unit)
    size = int(n)
    value, half = printed_number(mean)
    step = Fraction(unit) / size
    low, high = (value - half) / step, (value + half) / step
    values_in_a_unit = Fraction(unit) / (2 * half)
    return Grim(
        consistent=math.floor(high) >= math.ceil(low),
        caught=max(0.0, float(1 - size / values_in_a_unit)),
    )


def grimmer(mean: str, sd: str, n: int, *, examples: int = 1, unit: float = 1.0) -> Grimmer:
    """GRIMMER test of a printed standard deviation (Anaya 2016), by the parity of the squares.

    The sum of squares of n whole numbers is whole, and odd exactly when their sum is. A printed
    mean leaves a few sums possible, a printed sd a range of sums of squares for each. What passes
    may still be impossible; what fails is.

    Args:
        mean: of n scores, as printed.
        sd: of the same scores, as printed.
        n: number of scores, at least 2.
        examples: of the test set, of which each score is a whole count.
        unit: what a score of all examples counts: 100 for percentages.

    Raises:
        InvalidSetting: n below 2, examples below 1, or a unit that is not positive.
        StatsError: a mean or sd that is no number.

    187, 182, 180, 175 and 176 right of 200 have a standard deviation of 2.42 or 2.17 points:

    >>> grimmer("90.00", "2.42", 5, examples=200, unit=100)
    Grimmer(ddof_0=False, ddof_1=True)
    >>> grimmer("90.00", "2.17", 5, examples=200, unit=100)
    Grimmer(ddof_0=True, ddof_1=False)
    """
    check_count("n", n, 2)
    check_count("examples", examples, 1)
    check_positive("unit", unit)
    count = Fraction(unit) / int(examples)
    (value, half), (spread, slack) = printed_number(mean), printed_number(sd)
    sds = max(Fraction(0), spread - slack), spread + slack
    return possible_spreads((value - half, value + half), sds, int(n), count)


def possible_spreads(
    mean: tuple[Fraction, Fraction], sd: tuple[Fraction, Fraction], n: int, count: Fraction
) -> Grimmer:
    """Whether n multiples of `count` have a mean and an sd within these ranges, ends included."""
    sums = _between(mean[0] * n / count, mean[1] * n / count)
    low, high = sd[0] / count, sd[1] / count

    def possible(divisor: int) -> bool:
        squares = ((total, Fraction(total * total, n)) for total in sums)
        return any(
            _has_parity(low**2 * divisor + least, high**2 * divisor + least, total)
            for total, least in squares
        )

    return Grimmer(ddof_0=possible(n), ddof_1=possible(n - 1))


def average_is_possible(average: str, columns: Sequence[str]) -> bool:
    """Whether a printed average can be that of these printed columns.

    It must lie within half a unit of its own last digit plus the mean of the half units of the
    columns.

    Raises:
        StatsError: no column, or something that is no number.

    >>> average_is_possible("80.1", ["75.2", "85.1"]), average_is_possible("80.4", ["75.2", "85.1"])
    (True, False)
    """
    printed = _columns(columns)
    value, half = printed_number(average)
    mean = sum((column for column, _ in printed), Fraction()) / len(printed)
    slack = sum((each for _, each in printed), Fraction()) / len(printed)
    return abs(value - mean) <= half + slack


def sd_of_average_is_possible(sd: str, columns: Sequence[str]) -> bool:
    """Whether a printed sd of an average can come from columns with these printed sds.

    By the triangle inequality it is at most their mean, whatever their correlations; the limit
    is as for `average_is_possible`.

    Raises:
        StatsError: no column, or something that is no number.

    >>> sd_of_average_is_possible("0.9", ["0.8", "1.1"])
    True
    >>> sd_of_average_is_possible("1.3", ["0.8", "1.1"])
    False
    """
    printed = _columns(columns)
    value, half = printed_number(sd)
    largest = sum((column + slack for column, slack in printed), Fraction()) / len(printed)
    return value - half <= largest


def _columns(columns: Sequence[str]) -> list[tuple[Fraction, Fraction]]:
    if isinstance(columns, str) or not isinstance(columns, Sequence):
        raise StatsError(f"columns are a list of printed numbers, not {columns}")
    if not columns:
        raise StatsError("an average needs at least one column")
    return [printed_number(column) for column in columns]


def printed_number(text: str) -> tuple[Fraction, Fraction]:
    """A printed number and half a unit of its last digit, both exact.

    Blanks around the number are no digits, and an exponent moves the last digit.

    Raises:
        StatsError: no text, or no number.

    >>> [str(each) for each in printed_number(" 62.10 ")]
    ['621/10', '1/200']
    >>> printed_number("6.210e1") == printed_number("62.10")
    True
    """
    if not isinstance(text, str):
        raise StatsError(f"give a printed number as text, with its zeros, not {text}")
    found = PRINTED.fullmatch(text.strip().replace("\N{MINUS SIGN}", "-"))
    if found is None or not any(map(str.isdigit, found["digits"])):
        raise StatsError(f'"{text}" is no printed number')
    scale = Fraction(10) ** int(found["exponent"] or 0)
    value = Fraction(found["sign"] + found["digits"]) * scale
    if abs(value) >= LARGEST:
        raise StatsError(f'"{text}" is too large for a score; it must be below {LARGEST:g}')
    return value, scale / 10 ** len(found["after"] or "") / 2


def _between(low: Fraction, high: Fraction) -> range:
    return range(math.ceil(low), math.floor(high) + 1)


def _has_parity(low: Fraction, high: Fraction, total: int) -> bool:
    """Whether a whole number as odd or even as the total lies between the two."""
    first = math.ceil(low)
    return first + (first - total) % 2 <= high
