"""Is a printed average that of its columns, and can it have the sd that it is given?"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from stats.audit.cell import AVERAGE, PrintedCell, cutting, grouped
from stats.audit.finding import Finding, decimals, of, shown
from stats.printed.scores import average_is_possible, printed_number


def check_averages(cells: Sequence[PrintedCell]) -> Iterator[Finding]:
    """Findings on every row of the metric `mean_of_tasks`."""
    for arm in grouped([cell for cell in cells if cell.mean], lambda cell: cell.arm).values():
        columns = [cell for cell in arm if cell.metric != AVERAGE]
        for average in (cell for cell in arm if cell.metric == AVERAGE):
            if columns:
                yield _mean(average, columns)
            alike = average.spread == "sd" or len({cell.n for cell in arm}) == 1
            if average.sd and columns and alike and all(cell.sd for cell in columns):
                yield _sd(average, columns)


def _mean(average: PrintedCell, columns: Sequence[PrintedCell]) -> Finding:
    size = len(columns)
    mean = sum((printed_number(cell.mean)[0] for cell in columns), Fraction()) / size
    low, high = (sum(ends) / size for ends in zip(*(c.mean_range for c in columns), strict=True))
    digits = max(decimals(cell.mean) for cell in [average, *columns]) + 2
    possible = average_is_possible(average.mean, [cell.mean for cell in columns])
    own = printed_number(average.mean)[1]
    detail = (
        f"({' + '.join(cell.mean for cell in columns)}) / {size} = {shown(mean, digits)}; rounding "
        f"allows {shown(low - own, digits)} to {shown(high + own, digits)}"
    )
    if not possible:
        value, _ = printed_number(average.mean)
        side = "above" if value > mean else "below"
        detail += f"; printed is {shown(abs(value - mean), digits)} {side} it"
        if _cut_possible(average, columns):
            detail += "; digits cut off instead of rounded would allow it"
    severity = "fine" if possible else "inconsistent"
    return of(average, "average", severity, shown(mean, decimals(average.mean)), detail)


def _cut_possible(average: PrintedCell, columns: Sequence[PrintedCell]) -> bool:
    low, high = (
        sum(ends) / len(columns) for ends in zip(*(cutting(c.mean) for c in columns), strict=True)
    )
    least, most = cutting(average.mean)
    return bool(low < most and least < high)


def _sd(average: PrintedCell, columns: Sequence[PrintedCell]) -> Finding:
    """By the triangle inequality, whatever the correlations between the columns.

    What holds for sds holds for standard errors and intervals of as many runs.
    """
    size = len(columns)
    lows, highs = zip(*(cell.spread_range for cell in columns), strict=True)
    most = sum(highs, Fraction()) / size
    total = sum(highs, Fraction())
    least = max(Fraction(0), *(low - (total - high) for low, high in zip(lows, highs, strict=True)))
    least /= size
    low, high = average.spread_range
    digits = decimals(average.sd) + 2
    sds = [float(printed_number(cell.sd)[0]) for cell in columns]
    alone = math.sqrt(sum(sd**2 for sd in sds)) / size
    detail = (
        f"sds {', '.join(cell.sd for cell in columns)} of {size} columns leave an average "
        f"{shown(least, digits)} to {shown(most, digits)}, rounding included; independent columns "
        f"would have {shown(alone, digits)}"
    )
    severity = "fine"
    if low > most or high < least:
        other = math.sqrt(average.n / (average.n - 1)) if average.n > 1 else 1.0
        explained = float(low) <= float(most) * other and float(high) * other >= float(least)
        severity = "inconsistent" if explained else "impossible"
        if explained:
            detail += "; it would fit if one were divided by n and the other by n - 1"
    return of(average, "average_sd", severity, f"{shown(least, 2)} to {shown(most, 2)}", detail)
