"""Means outside the range of their metric, and sds that so many scores cannot have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from stats.audit.cell import LOWEST, PrintedCell
from stats.audit.finding import Finding, decimals, of, shown
from stats.printed.scores import printed_number


def check_limits(cells: Sequence[PrintedCell]) -> Iterator[Finding]:
    """Findings on every mean, and every sd, that breaks a limit, whatever the scores were."""
    for cell in cells:
        if cell.mean and cell.metric in LOWEST:
            floor = LOWEST[cell.metric] * cell.unit
            low, high = cell.mean_range
            if high < floor or low > cell.unit:
                limits = f"{floor} to {cell.unit}"
                detail = f"{cell.metric} lies from {limits}, and {cell.mean} does not"
                yield of(cell, "range", "impossible", limits, detail)
            elif cell.sd:
                yield from _sd(cell, floor)
        elif cell.sd:
            yield from _one_run(cell)


def _one_run(cell: PrintedCell) -> Iterator[Finding]:
    if cell.n == 1 and printed_number(cell.sd)[0]:
        detail = f"one run has no spread, and {cell.sd} is printed with n = 1"
        yield of(cell, "sd", "impossible", "none", detail)


def _sd(cell: PrintedCell, floor: int) -> Iterator[Finding]:
    """By Bhatia and Davis 2000: the variance is at most (max − mean)(mean − min)."""
    if cell.n == 1:
        yield from _one_run(cell)
        return
    low, high = cell.mean_range
    middle = min(max((floor + cell.unit) / 2, float(low)), float(high))
    product = max(0.0, (cell.unit - middle) * (middle - floor))
    largest = math.sqrt(product * cell.n / (cell.n - 1))
    if float(cell.sd_range[0]) > largest:
        bound = shown(largest, decimals(cell.sd))
        detail = (
            f"{cell.n} scores from {floor} to {cell.unit} with the mean {cell.mean} have an sd of "
            f"at most sqrt(({cell.unit} - {middle:g}) ({middle:g} - {floor}) {cell.n}/{cell.n - 1})"
            f" = {bound}"
        )
        yield of(cell, "sd", "impossible", f"at most {bound}", detail)
