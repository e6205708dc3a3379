"""What can be said of published results when all that is printed is mean ± sd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from stats.audit.attainable import check_p_values
from stats.audit.averages import check_averages
from stats.audit.counts import check_means, check_sds, counted
from stats.audit.differences import ALPHA, Question, check_differences
from stats.audit.divisors import check_divisors, divisors
from stats.audit.finding import SEVERITIES, Finding
from stats.audit.limits import check_limits
from stats.audit.reading import cells_of, read_printed_tables
from stats.audit.unchecked import unchecked
from stats.choices import SPREADS
from stats.errors import InvalidSetting
from stats.inputs import check_choice, check_number, check_positive

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Audit", "Finding", "audit_tables", "read_printed_tables"]


@dataclass(frozen=True, kw_only=True)
class Audit:
    """What an audit found.

    Attributes:
        figures: rows of the tables, means and p-values.
        counted: of them, means that are checked to be whole counts.
        ddof: divisor of the sds that tests assume.
        spread: what the ± is read as.
        findings: the most severe first, then in the order of the tables.
        unchecked: what some figures were not put to, and which column would let it.
    """

    figures: int
    counted: int
    ddof: int
    spread: str
    alpha: float
    margin: float | None
    paired_correlation: float | None
    findings: tuple[Finding, ...]
    unchecked: tuple[str, ...]


def audit_tables(
    tables: pd.DataFrame,
    *,
    margin: float | None = None,
    paired_correlation: float | None = None,
    spread: str = "sd",
) -> Audit:
    """Check published results against each other, and say what they support.

    Impossible and inconsistent figures are found by exact arithmetic, which is never wrong about
    figures that are printed as they were measured. A difference is found supported in at most 5 %
    of families of methods that do not differ. A difference is found higher or lower, and never
    better: no direction of the metric is asked.

    Args:
        tables: text as printed, with the columns of `read_printed_tables`.
        margin: smallest difference that matters, in points.
        paired_correlation: of scores that share a seed; without it, tests are Welch's.
        spread: what is printed behind the ±, one of `choices.SPREADS`: a standard deviation, the
            standard error of the mean, or half of its 95 % interval by Student's t.

    Raises:
        ScoresError: a row that cannot be read.
        InvalidSetting: a margin that is not positive, a correlation outside [−1, 1), an unknown
            kind of spread.
    """
    if margin is not None:
        check_positive("margin", margin)
    if paired_correlation is not None:
        check_number("paired correlation", paired_correlation)
        if not -1 <= paired_correlation < 1:
            raise InvalidSetting(
                f"a pair correlation lies from −1 to below 1, not at {paired_correlation}"
            )
    check_choice("spread", spread, SPREADS)
    cells = cells_of(tables, "tables", spread)
    columns = counted(cells)
    found = divisors(columns)
    findings = [
        *check_limits(cells),
        *check_means(columns),
        *check_sds(columns),
        *check_divisors(found),
        *check_averages(cells),
        *check_p_values(cells),
        *check_differences(cells, Question(found.ddof, margin, paired_correlation)),
    ]
    return Audit(
        figures=len(cells),
        counted=len(columns),
        ddof=found.ddof,
        spread=spread,
        alpha=ALPHA,
        margin=margin,
        paired_correlation=paired_correlation,
        findings=tuple(sorted(findings, key=lambda each: SEVERITIES.index(each.severity))),
        unchecked=unchecked(cells),
    )
