"""One row of a published table, as printed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from stats.audit.sizes import test_set_size
from stats.printed.cells import sds_in
from stats.printed.scores import printed_number

#: The metric of a row that is the average of the other tasks of its arm.
AVERAGE = "mean_of_tasks"

#: Metrics that are a whole number of examples over the size of the test set.
COUNTED = ("accuracy", "acc")

#: Metrics with a known range that are no counts.
NOT_COUNTED = ("f1", "matthews_correlation")

#: Metrics of which the audit knows what they can be.
METRICS = (*COUNTED, *NOT_COUNTED, AVERAGE)

#: Of metrics that end at 1, or at 100 percent: the smallest value.
LOWEST = {"accuracy": 0, "acc": 0, "f1": 0, "matthews_correlation": -1, AVERAGE: 0}


@dataclass(frozen=True, kw_only=True)
class PrintedCell:
    """A printed mean ± sd, or a printed p-value, and what it is of.

    Attributes:
        mean: as printed; empty for a p-value.
        sd: as printed behind the ±; empty where none is.
        spread: what that is, one of `choices.SPREADS`.
        n: runs behind the mean.
        unit: what a perfect score counts, 100 in a table of percentages and else 1.
        examples: of the test set, as the table of results says; None where it does not.
        step: of one run's score, where it was rounded before the mean was taken.
        test: that a printed p-value is said to come from.
        p_value: as printed, perhaps with a "<"; empty for a mean.
    """

    table: str
    split: str
    model: str
    init: str
    teacher: str
    method: str
    task: str
    metric: str
    mean: str
    sd: str
    n: int
    unit: int
    examples: int | None
    step: Fraction | None
    test: str
    p_value: str
    spread: str = "sd"

    @property
    def row(self) -> str:
        """Who has the score, for people."""
        return " · ".join(part for part in (self.model, self.init, self.method) if part)

    @property
    def printed(self) -> str:
        """What the table shows."""
        return f"{self.mean} ± {self.sd}" if self.sd else self.mean or f"p {self.p_value}"

    @property
    def arm(self) -> tuple[str, ...]:
        """Cells of one arm are averaged over their tasks."""
        return (*self.group, self.teacher, self.method)

    @property
    def group(self) -> tuple[str, ...]:
        """Cells of one group are compared with its first method."""
        return (self.table, self.split, self.model, self.init)

    @property
    def column(self) -> tuple[str, ...]:
        """Cells of one column have a test set and its conventions in common."""
        return (self.table, self.split, self.task)

    @property
    def counts(self) -> int | None:
        """Whole numbers that a perfect run counts; None where scores are not counts."""
        if self.step is not None:
            return int(self.unit / self.step)
        if self.metric not in COUNTED:
            return None
        return self.examples or test_set_size(self.task, self.split)

    @property
    def mean_range(self) -> tuple[Fraction, Fraction]:
        """Means that print so."""
        return rounding(self.mean)

    @property
    def sd_range(self) -> tuple[Fraction, Fraction]:
        """Standard deviations that print so, whatever the ± is."""
        low, high = self.spread_range
        return self._as_sds(low, high)

    @property
    def spread_range(self) -> tuple[Fraction, Fraction]:
        """Spreads that print so, of the kind that is printed."""
        low, high = rounding(self.sd)
        return max(Fraction(0), low), high

    @property
    def cut_sd_range(self) -> tuple[Fraction, Fraction]:
        """Standard deviations that print so when further digits are cut off."""
        return self._as_sds(*cutting(self.sd))

    @property
    def sd_value(self) -> Fraction:
        """The standard deviation at the printed figure."""
        return printed_number(self.sd)[0] * Fraction(self._in_sds)

    @property
    def _in_sds(self) -> float:
        return sds_in(self.spread, self.n) if self.n > 1 else 1.0

    def _as_sds(self, low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
        """Both ends as sds; outward by what the root is rounded, so that nothing is ruled out."""
        if self.spread == "sd":
            return low, high
        slack = Fraction(1, 10**12)
        factor = Fraction(self._in_sds)
        return low * factor * (1 - slack), high * factor * (1 + slack)


def rounding(printed: str) -> tuple[Fraction, Fraction]:
    """Numbers that print so, rounded up or down at the half.

    >>> [float(end) for end in rounding("62.13")]
    [62.125, 62.135]
    """
    value, half = printed_number(printed)
    return value - half, value + half


def cutting(printed: str) -> tuple[Fraction, Fraction]:
    """Numbers that print so when further digits are cut off.

    >>> [float(end) for end in cutting("62.13")]
    [62.13, 62.14]
    """
    value, half = printed_number(printed)
    return value, value + 2 * half


def grouped(
    cells: Sequence[PrintedCell], by: Callable[[PrintedCell], tuple[str, ...]]
) -> dict[tuple[str, ...], list[PrintedCell]]:
    """Cells by what they have in common, in the order of the table."""
    found: dict[tuple[str, ...], list[PrintedCell]] = {}
    for cell in cells:
        found.setdefault(by(cell), []).append(cell)
    return found
