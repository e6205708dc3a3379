"""How many digits of a number are shown: as many as its interval needs, in every output."""

from __future__ import annotations

import math
from collections.abc import Iterable

from stats.ties import RELATIVE_NOISE, SCORE_NOISE

#: Decimals of ordinary scores, such as percentages.
LEAST = 2

#: Half widths from here on need no decimals.
WIDE = 100

#: Powers of ten are written from LARGE on, and below SMALL where 7 decimals do not show enough.
LARGE, SMALL = 1e7, 1e-3


def decimals(
    estimate: float, low: float = math.nan, high: float = math.nan, *, means: Iterable[float] = ()
) -> int:
    """Decimals that show two significant digits of half the interval's width, mostly at least 2.

    Without an interval, or where no spread was seen, two digits of the estimate. Nothing is shown
    beyond what a float holds, and rounding errors of the means are no size.

    Args:
        estimate: what the interval is of.
        low: its end; NaN where there is none.
        high: its other end.
        means: numbers that are shown beside it with as many decimals.

    Returns:
        Digits after the point; negative where the last digits before it say nothing.

    >>> decimals(0.63, 0.41, 0.85), decimals(-0.0002, -0.0003, -0.0001), decimals(1e9, 0, 2e9)
    (2, 5, -8)
    """
    largest = max((abs(x) for x in (estimate, low, high, *means) if math.isfinite(x)), default=0.0)
    noise = SCORE_NOISE * largest
    half = (high - low) / 2
    seen = noise < half < math.inf
    size = half if seen else abs(estimate)
    if not noise < size < math.inf:
        return LEAST
    wanted = 1 - math.floor(math.log10(size * (1 + RELATIVE_NOISE)))
    if largest < LARGE and not (seen and half >= WIDE):
        wanted = max(LEAST, wanted)
    return min(wanted, most(largest))


def most(largest: float) -> int:
    """The last decimal that a float of this size holds."""
    return 15 - math.floor(math.log10(largest)) if largest > 0 else LEAST


def that_tell_apart(first: float, second: float, digits: int) -> int:
    """So many decimals, or as many more as it takes to show two different numbers as different.

    >>> that_tell_apart(0.8812, 0.8814, 2), that_tell_apart(0.88, 0.88, 2)
    (4, 2)
    """
    if not (math.isfinite(first) and math.isfinite(second)) or first == second:
        return digits
    last = most(max(abs(first), abs(second)))
    enough = digits
    while enough < last and number(first, enough) == number(second, enough):
        enough += 1
    return enough


def number(value: float, digits: int) -> str:
    """A number with so many decimals; as a power of ten where that would be long.

    >>> number(87.526, 2), number(1.234e-9, 11), number(-2.5e9, -8)
    ('87.53', '1.23e-09', '-2.5e+09')
    """
    size = abs(value)
    if size < LARGE and (digits <= 7 or size >= SMALL):
        text = f"{value:.{max(0, digits)}f}"
        return text if float(text) else text.removeprefix("-")
    if size < 0.5 * 10.0**-digits:
        return "0"
    return f"{value:.{min(15, max(0, digits + math.floor(math.log10(size))))}e}"
