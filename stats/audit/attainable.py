"""Can the stated test give the printed p-value at all, with so many scores?"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

import numpy as np
from scipy.special import bdtr, ndtr

from stats.attainable import seeds_needed_for_alpha
from stats.audit.cell import PrintedCell, cutting, rounding
from stats.audit.finding import Finding, decimals, of
from stats.inputs import FloatArray
from stats.printed.tests import attainable_p_values

ALPHA = 0.05


def check_p_values(cells: Sequence[PrintedCell]) -> Iterator[Finding]:
    """Findings on every printed p-value of a test on n pairs whose p-values are a few."""
    for cell in cells:
        if cell.p_value and cell.test in TESTS:
            yield _check(cell)


def _check(cell: PrintedCell) -> Finding:
    low, high = printed_range(cell.p_value)
    possible = _attainable(cell.test, cell.n, low, high)
    fitting = [p for p in possible if low <= Fraction(p) <= high]
    smallest = possible[0]
    digits = max(4, decimals(cell.p_value) + 2)
    said = f"{cell.n} pairs: smallest two-sided p 2/2^{cell.n} = {smallest:.{digits}f}"
    if smallest >= ALPHA:
        said += f", never below {ALPHA}; {seeds_needed_for_alpha(ALPHA)} pairs would reach it"
    if fitting:
        named = ", ".join(f"{p:.{digits}f}" for p in (fitting[0], fitting[-1])[: len(fitting)])
        joined = named.replace(", ", " to ") if len(fitting) > 2 else named
        return of(cell, "p_value", "fine", joined, f"{said}; {cell.p_value} is {joined}")
    nearest = _nearest(low, high, possible)
    named = " or ".join(f"{p:.{digits}f}" for p in nearest)
    if high < Fraction(smallest):
        return of(cell, "p_value", _too_small(cell), named, f"{said}{_normal(cell)}")
    ties = f"; without ties or zeros the next ones are {named}"
    others = f"{_cut(cell, possible, digits)}{_one_zero(cell, digits)}{_normal(cell)}"
    return of(cell, "p_value", "inconsistent", named, f"{said}{ties}{others}")


def _cut(cell: PrintedCell, possible: Sequence[float], digits: int) -> str:
    """A remark where a possible p prints so with its further digits cut off."""
    if cell.p_value.startswith("<"):
        return ""
    low, high = cutting(cell.p_value)
    fitting = [p for p in possible if low <= Fraction(p) < high]
    return f"; {fitting[0]:.{digits}f} prints so with digits cut off" if fitting else ""


def _one_zero(cell: PrintedCell, digits: int) -> str:
    """A remark where one pair fewer, for a difference of zero that was dropped, prints so."""
    if cell.test == "permutation" or cell.n < 2:
        return ""
    low, high = printed_range(cell.p_value)
    fitting = [
        p for p in _attainable(cell.test, cell.n - 1, low, high) if low <= Fraction(p) <= high
    ]
    if not fitting:
        return ""
    return f"; {cell.n - 1} pairs, one difference of zero dropped, give {fitting[0]:.{digits}f}"


def _too_small(cell: PrintedCell) -> str:
    """Below the smallest exact p, ties or not; the normal approximation goes there."""
    return "inconsistent" if _normal(cell) else "impossible"


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


def _normal(cell: PrintedCell) -> str:
    """A remark where the normal approximation of the signed-rank test prints so."""
    if cell.test != "wilcoxon":
        return ""
    low, high = map(float, printed_range(cell.p_value))
    n = cell.n
    w = np.arange(n * (n + 1) // 4 + 1)
    distance = n * (n + 1) / 4 - w
    sd = np.sqrt(n * (n + 1) * (2 * n + 1) / 24)
    for name, correction in (("", 0.0), (" with continuity correction", 0.5)):
        p_values = np.minimum(1.0, 2 * ndtr(-np.maximum(0.0, distance - correction) / sd))
        found = np.flatnonzero((low <= p_values) & (p_values <= high))
        if found.size:
            p_value = float(p_values[found[0]])
            return f"; the normal approximation{name} gives {p_value:.4f} at W = {w[found[0]]}"
    return ""


def _sign(n_pairs: int) -> tuple[float, ...]:
    tails: FloatArray = 2 * bdtr(np.arange(n_pairs // 2 + 1, dtype=np.float64), n_pairs, 0.5)
    return tuple(np.unique(np.minimum(tails, 1.0)).tolist())


def _permutation(n_pairs: int, low: Fraction, high: Fraction) -> tuple[float, ...]:
    """Sign patterns come in pairs that are as extreme: multiples of 2/2ⁿ, of which there are many.

    The smallest, those at both ends of a range and beside it, and one in its middle.

    >>> _permutation(5, Fraction(1, 8), Fraction(1, 2))
    (0.0625, 0.125, 0.3125, 0.5, 0.5625)
    """
    patterns = 2 ** (n_pairs - 1)
    first, last = math.ceil(low * patterns), math.floor(high * patterns)
    near = {1, first - 1, first, (first + last) // 2, last, last + 1}
    return tuple(each / patterns for each in sorted(near) if 1 <= each <= patterns)


EXACT: dict[str, Callable[[int], tuple[float, ...]]] = {
    "wilcoxon": attainable_p_values,
    "sign": _sign,
}
"""All two-sided p-values of an exact paired test, ascending."""


def _attainable(test: str, n_pairs: int, low: Fraction, high: Fraction) -> tuple[float, ...]:
    """Two-sided p-values of a test, ascending: at least those in and beside a range."""
    return EXACT[test](n_pairs) if test in EXACT else _permutation(n_pairs, low, high)


TESTS = (*EXACT, "permutation")
"""Paired tests whose p-values are a few."""
