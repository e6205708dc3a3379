"""Means and standard deviations of scores that are whole counts: GRIM and GRIMMER.

A column whose means do not fit the counts, but do fit runs that were each rounded to one decimal
fewer before they were averaged, is read so: the table then leaves out a step, and is not wrong.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from stats.audit.cell import PrintedCell, cutting, grouped
from stats.audit.finding import Finding, decimals, of, shown
from stats.printed.scores import Grimmer, grim, possible_spreads

#: Behind a printed mean; of more, some has every sd that is ever printed.
MOST_SUMS = 100_000

#: Means of several runs, from which a column's step may be inferred.
FEWEST_CELLS = 3


@dataclass(frozen=True)
class Counted:
    """A cell whose scores are whole counts.

    Attributes:
        counts: of a perfect run.
        rounded: whether this is inferred from the column: runs rounded before averaging.
    """

    cell: PrintedCell
    counts: int
    rounded: bool = False

    @property
    def total(self) -> int:
        """Counts of perfect runs, all together."""
        return self.counts * self.cell.n

    @property
    def consistent(self) -> bool:
        """Whether some count prints as this mean."""
        return grim(self.cell.mean, self.total, unit=self.cell.unit).consistent


def counted(cells: Sequence[PrintedCell]) -> list[Counted]:
    """Cells whose scores are counts of a known size."""
    found = []
    for column in grouped([cell for cell in cells if cell.mean], lambda c: c.column).values():
        exact = [Counted(cell, cell.counts) for cell in column if cell.counts is not None]
        found += exact if all(each.consistent for each in exact) else _rounded(exact)
    return found


def _rounded(exact: list[Counted]) -> list[Counted]:
    """The column with means of rounded runs, if all fit that and are enough to tell."""
    several = [each.cell for each in exact if each.cell.n > 1 and each.cell.step is None]
    places = max((decimals(cell.mean) for cell in several), default=0)
    if len(several) < FEWEST_CELLS or not places:
        return exact
    read = [Counted(cell, cell.unit * 10 ** (places - 1), rounded=True) for cell in several]
    if not all(each.consistent for each in read):
        return exact
    return [*read, *(each for each in exact if each.cell not in several)]


def check_means(columns: Sequence[Counted]) -> Iterator[Finding]:
    """GRIM on every mean that it can tell something about."""
    for each in columns:
        cell = each.cell
        exact = cell.counts or each.counts
        found = grim(cell.mean, exact * cell.n, unit=cell.unit)
        if not found.caught and found.consistent:
            continue
        detail = _arithmetic(cell, exact)
        if found.consistent:
            detail += f"; {100 * found.caught:.0f} % of values with as many decimals fail"
            yield of(cell, "grim", "fine", _nearest(cell, exact), detail)
            continue
        explained = each.rounded or _cut_fits(cell, exact)
        if each.rounded:
            places = decimals(cell.mean) - 1
            detail += f"; every mean of the column is one of runs rounded to {places} decimal"
            detail += "s" * (places != 1)
        elif explained:
            detail += "; it would fit with further digits cut off instead of rounded"
        severity = "inconsistent" if explained else "impossible"
        yield of(cell, "grim", severity, _nearest(cell, exact), detail)


def _arithmetic(cell: PrintedCell, counts: int) -> str:
    """How many right answers the printed mean would be."""
    total = counts * cell.n
    low, high = (end * total / cell.unit for end in cell.mean_range)
    what = "examples" if cell.step is None else f"steps of {float(cell.step):g}"
    runs = f"{cell.n} x {counts:,}" if cell.n > 1 else f"{counts:,}"
    held = math.ceil(low) <= math.floor(high)
    between = "holds a whole number" if held else "holds no whole number"
    return f"{runs} {what}: {shown(low, 2)} to {shown(high, 2)} of {total:,} {between}"


def _nearest(cell: PrintedCell, counts: int) -> str:
    """Means next to the printed one that are possible, with one more digit."""
    step = Fraction(cell.unit, counts * cell.n)
    low, high = cell.mean_range
    value = (low + high) / 2
    ends = {math.floor(value / step), math.ceil(value / step)}
    held = {each for each in ends if low <= each * step <= high} or ends
    digits = decimals(cell.mean) + 1
    return " or ".join(shown(each * step, digits) for each in sorted(held))


def _cut_fits(cell: PrintedCell, counts: int) -> bool:
    low, high = (end * counts * cell.n / cell.unit for end in cutting(cell.mean))
    return math.ceil(low) < high


def check_sds(columns: Sequence[Counted]) -> Iterator[Finding]:
    """GRIMMER on every sd of a mean that passes GRIM."""
    for each in columns:
        cell = each.cell
        found = spreads(each)
        if found is None:
            continue
        fits = [name for name in ("ddof_0", "ddof_1") if getattr(found, name)]
        if fits:
            if len(fits) == 1:
                only = fits[0].replace("_", " ")
                yield of(cell, "grimmer", "fine", f"{only} only", _around(each))
            continue
        cut = _possible(each, cell.cut_sd_range)
        explained = cut.ddof_0 or cut.ddof_1
        detail = _around(each)
        if explained:
            divisor = 0 if cut.ddof_0 else 1
            detail += f"; with digits cut off instead of rounded it would fit ddof {divisor}"
        severity = "inconsistent" if explained else "impossible"
        yield of(cell, "grimmer", severity, "neither ddof", detail)


def spreads(each: Counted) -> Grimmer | None:
    """Which divisors a cell's sd fits; None without one, or where no count or any fits the mean.

    Nor of half a 95 % interval, which some make by Student's t and some by 1.96.
    """
    cell = each.cell
    if cell.spread == "ci95" or not cell.sd or cell.n < 2 or not each.consistent:
        return None
    low, high = cell.mean_range
    if (high - low) * each.total > MOST_SUMS * cell.unit:
        return None
    return _possible(each, cell.sd_range)


def _possible(each: Counted, sd: tuple[Fraction, Fraction]) -> Grimmer:
    count = Fraction(each.cell.unit, each.counts)
    return possible_spreads(each.cell.mean_range, sd, each.cell.n, count)


def _around(each: Counted) -> str:
    """The sds on both sides of the printed one that the sums behind the mean allow."""
    cell = each.cell
    count = Fraction(cell.unit, each.counts)
    low, high = (end * cell.n / count for end in cell.mean_range)
    sums = range(math.ceil(low), math.floor(high) + 1)
    said = []
    for ddof in (0, 1):
        near = _neighbours(cell.sd_value / count, sums, cell.n, cell.n - ddof)
        digits = decimals(cell.sd) + 2
        listed = " and ".join(shown(float(count) * sd, digits) for sd in near)
        said.append(f"ddof {ddof}: {listed}")
    which = f"{sums[0]:,}" if len(sums) == 1 else f"{sums[0]:,} to {sums[-1]:,}"
    how = " (runs rounded before averaging)" if each.rounded else ""
    return f"{cell.n} whole counts with the sum {which}{how}, next sds: {'; '.join(said)}"


def _neighbours(sd: Fraction, sums: range, n: int, divisor: int) -> list[float]:
    """The largest possible sd up to this one and the smallest from it on, in counts."""
    below: list[float] = []
    above: list[float] = []
    for total in sums:
        least = Fraction(total * total, n)
        square = math.floor(sd**2 * divisor + least)
        square -= (square - total) % 2
        for each, side in ((square, below), (square + 2, above)):
            if each >= least:
                side.append(math.sqrt((each - least) / divisor))
    return sorted([*([max(below)] if below else []), *([min(above)] if above else [])])
