"""Can the stated test give the printed p-value at all, with so many scores?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from stats.attainable import seeds_needed_for_alpha
from stats.audit.cell import PrintedCell, cutting, rounding
from stats.audit.finding import Finding, decimals, of
from stats.register import PAIRED_TESTS, paired_test

ALPHA = 0.05


def check_p_values(cells: Sequence[PrintedCell]) -> Iterator[Finding]:
    """Findings on every printed p-value of a test on n pairs whose p-values are a few."""
    for cell in cells:
        if cell.p_value and cell.test in exact_tests():
            yield _check(cell)


def _check(cell: PrintedCell) -> Finding:
    low, high = printed_range(cell.p_value)
    possible = _possible(cell, cell.n)
    digits = max(4, decimals(cell.p_value) + 2)
    said = _smallest(cell, possible[0], digits)
    nearest = " or ".join(f"{p:.{digits}f}" for p in _nearest(low, high, possible))
    if high < Fraction(possible[0]):
        return of(cell, "p_value", _too_small(cell), nearest, f"{said}{_approximated(cell)}")
    if paired_test(cell.test).possible_p is None:
        return of(cell, "p_value", "fine", f"at least {possible[0]:.{digits}f}", said)
    fitting = [p for p in possible if low <= Fraction(p) <= high]
    if fitting:
        ends = [f"{p:.{digits}f}" for p in (fitting[0], fitting[-1])[: len(fitting)]]
        joined = (" to " if len(fitting) > 2 else ", ").join(ends)
        return of(cell, "p_value", "fine", joined, f"{said}; {cell.p_value} is {joined}")
    ties = f"; without ties or zeros the next ones are {nearest}"
    others = f"{_cut(cell, possible, digits)}{_one_zero(cell, digits)}{_approximated(cell)}"
    return of(cell, "p_value", "inconsistent", nearest, f"{said}{ties}{others}")


def _possible(cell: PrintedCell, n_pairs: int) -> tuple[float, ...]:
    """p-values of the test in and beside what is printed, the smallest of all before them.

    Of a test of which no more is known, the smallest alone.
    """
    test = paired_test(cell.test)
    if test.possible_p is None:
        return (test.smallest_p(n_pairs, n_pairs),)
    return test.possible_p(n_pairs, *printed_range(cell.p_value))


def _smallest(cell: PrintedCell, smallest: float, digits: int) -> str:
    """What the test can reach with so many pairs, and how many it would take."""
    formula = f"2/2^{cell.n} = " if paired_test(cell.test).by_signs else ""
    said = f"{cell.n} pairs: smallest two-sided p {formula}{smallest:.{digits}f}"
    if smallest < ALPHA:
        return said
    needed = seeds_needed_for_alpha(ALPHA, test=cell.test)
    return f"{said}, never below {ALPHA}; {needed} pairs would reach it"


def _cut(cell: PrintedCell, possible: Sequence[float], digits: int) -> str:
    """A remark where a possible p prints so with its further digits cut off."""
    if cell.p_value.startswith("<"):
        return ""
    low, high = cutting(cell.p_value)
    fitting = [p for p in possible if low <= Fraction(p) < high]
    return f"; {fitting[0]:.{digits}f} prints so with digits cut off" if fitting else ""


def _one_zero(cell: PrintedCell, digits: int) -> str:
    """A remark where one pair fewer, for a difference of zero that was dropped, prints so."""
    if cell.n < 2:
        return ""
    low, high = printed_range(cell.p_value)
    fitting = [p for p in _possible(cell, cell.n - 1) if low <= Fraction(p) <= high]
    if not fitting:
        return ""
    return f"; {cell.n - 1} pairs, one difference of zero dropped, give {fitting[0]:.{digits}f}"


def _too_small(cell: PrintedCell) -> str:
    """Below the smallest exact p, ties or not; an approximation may go there."""
    return "inconsistent" if _approximated(cell) else "impossible"


def printed_range(printed: str) -> tuple[Fraction, Fraction]:
    """p-values that print so; from 0 for one that is said to be below a bound.

    >>> [[float(end) for end in printed_range(p)] for p in ("0.46", "<0.05")]
    [[0.455, 0.465], [0.0, 0.05]]
    """
    if printed.startswith("<"):
        return Fraction(0), Fraction(printed[1:].strip())
    low, high = rounding(printed)
    return max(Fraction(0), low), high


def _nearest(low: Fraction, high: Fraction, possible: Sequence[float]) -> list[float]:
    below = [p for p in possible if Fraction(p) < low]
    above = [p for p in possible if Fraction(p) > high]
    return [*below[-1:], *above[:1]]


def _approximated(cell: PrintedCell) -> str:
    """A remark where an approximation of the test prints so."""
    approximated = paired_test(cell.test).approximated
    said = approximated and approximated(cell.n, *map(float, printed_range(cell.p_value)))
    return f"; {said}" if said else ""


def exact_tests() -> tuple[str, ...]:
    """Paired tests whose p-values are a few, so that not every printed one can be theirs."""
    return tuple(name for name in PAIRED_TESTS if paired_test(name).is_exact)
