"""Which divisor the standard deviations of a publication fit: n, or n − 1."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from stats.audit.cell import PrintedCell
from stats.audit.counts import Counted, spreads
from stats.audit.finding import Finding


@dataclass(frozen=True)
class Divisors:
    """Which divisor the sds of a publication fit.

    Attributes:
        only_0: sds that fit n alone; `only_1` those that fit n − 1 alone; `both` the others.
    """

    only_0: tuple[PrintedCell, ...]
    only_1: tuple[PrintedCell, ...]
    both: int

    @property
    def ddof(self) -> int:
        """What tests assume: 0 where some sd rules out 1 and none rules out 0."""
        return 0 if self.only_0 and not self.only_1 else 1


def divisors(columns: Sequence[Counted]) -> Divisors:
    """Which divisor the sds fit, of all cells that can tell."""
    fits = [(each.cell, spreads(each)) for each in columns]
    return Divisors(
        tuple(cell for cell, found in fits if found and found.ddof_0 and not found.ddof_1),
        tuple(cell for cell, found in fits if found and found.ddof_1 and not found.ddof_0),
        sum(bool(found and found.ddof_0 and found.ddof_1) for _, found in fits),
    )


def check_divisors(found: Divisors) -> Iterator[Finding]:
    """One finding on the whole publication, if any of its sds can tell."""
    if not (found.only_0 or found.only_1):
        return
    clash = bool(found.only_0 and found.only_1)
    named = [
        f"ddof {ddof} alone: " + ", ".join(f"{c.printed} ({c.task}, {c.row})" for c in cells[:3])
        for ddof, cells in ((0, found.only_0), (1, found.only_1))
        if cells
    ]
    yield Finding(
        table="",
        split="",
        row="all tables",
        column="",
        kind="ddof",
        severity="inconsistent" if clash else "fine",
        printed=f"{len(found.only_0) + len(found.only_1) + found.both} sds",
        recomputed="both divisors" if clash else f"ddof {found.ddof}",
        detail=f"{len(found.only_0)} fit ddof 0 (divisor n) alone, {len(found.only_1)} ddof 1 "
        f"(divisor n - 1) alone, {found.both} either; {'; '.join(named)}",
    )
