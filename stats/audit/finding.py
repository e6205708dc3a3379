"""What an audit says of one cell, or of a few together."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from stats.audit.cell import PrintedCell

SEVERITIES = ("impossible", "inconsistent", "unsupported", "fine")

MEANINGS = {
    "impossible": "no scores print so",
    "inconsistent": "printed figures contradict each other, or need a convention that is not given",
    "unsupported": "the figures show neither a difference nor that there is none",
    "fine": "nothing speaks against it",
}

KINDS = {
    "range": "inside the range of the metric",
    "grim": "mean of whole counts (GRIM)",
    "grimmer": "sd of whole counts (GRIMMER)",
    "sd": "sd that so many scores can have",
    "ddof": "divisor of the sds",
    "average": "average of the columns",
    "average_sd": "sd of the average",
    "p_value": "p-value that the test can give",
    "difference": "difference from the first method",
}


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that was checked.

    Attributes:
        row: model, init and method.
        column: the task.
        kind: one of `KINDS`.
        severity: one of `SEVERITIES`.
        printed: what the table shows.
        recomputed: what it would have to be, or what follows from it.
        decision: what the test of a difference says, "" of all else.
        runs: an arm, that 80 % power at the margin takes where a difference is not decided and so
            many are not there.
        detail: the arithmetic.
    """

    table: str
    split: str
    row: str
    column: str
    kind: str
    severity: str
    printed: str
    recomputed: str
    detail: str
    decision: str = ""
    runs: int | None = None

    @property
    def told(self) -> str:
        """What was recomputed, with the decision."""
        return (
            f"{self.recomputed}: {self.decision}{self.lacking}"
            if self.decision
            else self.recomputed
        )

    @property
    def lacking(self) -> str:
        """How many runs it takes, in brackets, where they are not there."""
        return f" ({self.runs:,} runs)" if self.runs else ""


def of(cell: PrintedCell, kind: str, severity: str, recomputed: str, detail: str) -> Finding:
    """A finding on a single cell."""
    return Finding(
        table=cell.table,
        split=cell.split,
        row=cell.row,
        column=cell.task,
        kind=kind,
        severity=severity,
        printed=cell.printed,
        recomputed=recomputed,
        detail=detail,
    )


def shown(value: Fraction | float, digits: int) -> str:
    """A number with so many decimals, thousands apart.

    >>> shown(Fraction(2939667, 1000), 2)
    '2,939.67'
    """
    return f"{float(value):,.{digits}f}"


def decimals(printed: str) -> int:
    """Digits after the point.

    >>> decimals("62.10")
    2
    """
    return len(printed.partition(".")[2])
