"""How an audit of published tables reads."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict

from stats.audit import Audit, Finding
from stats.audit.differences import UNDECIDED
from stats.audit.finding import KINDS, MEANINGS, SEVERITIES
from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import wording

DIFFERENCE = "difference"

ELSEWHERE = (
    "what is fine, and rounding, pair correlations and the arithmetic of every difference, are in "
    "the formats html and json"
)

NO_MARGIN = "no margin, and without one neither equivalence nor a number of runs"

#: What is said of a ± that is no sd.
SPREADS = {
    "se": "; the ± is read as a standard error",
    "ci95": "; the ± is read as half of a 95 % interval by Student's t",
}

HEADING = (Words("where"), "printed", "recomputed", Words("arithmetic"))


def audit_sheet(found: Audit) -> Sheet:
    """The sheet of an audit: what is not fine, each finding with its arithmetic, and a tally."""
    listed = [
        findings_table(found, severity, kind)
        for severity in SEVERITIES[:-1]
        for kind in KINDS
        if kind != DIFFERENCE
    ]
    listed.append(_differences(found))
    return Sheet(
        kind="audit",
        header=(*header(found), *(f"{s}: {MEANINGS[s]}" for s in SEVERITIES[:-1]), ELSEWHERE),
        tables=(tally(found), *(table for table in listed if table.rows)),
        records=tuple(asdict(each) for each in found.findings),
        whole=asdict(found),
        warnings=found.unchecked,
    )


def header(found: Audit) -> tuple[str, ...]:
    """What was read, and how it was tested."""
    if found.paired_correlation is None:
        test = "Welch's t test"
    else:
        test = f"paired t test at a pair correlation of {found.paired_correlation:g}"
    margin = NO_MARGIN if found.margin is None else f"margin {found.margin:g}"
    return (
        f"{found.figures} printed figures; {found.counted} means are checked as whole counts; sds "
        f"are read with ddof {found.ddof}{SPREADS.get(found.spread, '')}",
        f"{test} against the first method of the same table, split, model and init, Holm over the "
        f"others on a task; alpha {wording.probability(found.alpha)}; {margin}",
    )


def tally(found: Audit) -> TextTable:
    """How many findings of each kind have which severity."""
    counts = Counter((each.kind, each.severity) for each in found.findings)
    rows = [(text, *(counts[kind, s] for s in SEVERITIES)) for kind, text in KINDS.items()]
    rows = [row for row in rows if any(row[1:])]
    rows.append(("in all", *(sum(counts[kind, s] for kind in KINDS) for s in SEVERITIES)))
    cells = tuple((str(row[0]), *(str(each or "") for each in row[1:])) for row in rows)
    return TextTable("", (Words("checked"), *SEVERITIES), cells)


def findings_table(found: Audit, severity: str, kind: str) -> TextTable:
    """Findings of one severity and kind."""
    rows = tuple(
        (where_found(each), each.printed, each.told, each.detail)
        for each in found.findings
        if (each.severity, each.kind) == (severity, kind)
    )
    return TextTable(f"{severity}: {KINDS[kind]}", HEADING, rows)


def _differences(found: Audit) -> TextTable:
    """Differences of an arm from its first method in one row, over the columns."""
    rows: dict[str, dict[str, list[str]]] = {}
    for each in found.findings:
        if each.kind == DIFFERENCE:
            sides = rows.setdefault(_arm(each), {"fine": [], "unsupported": []})
            undecided = each.decision == UNDECIDED
            said = f"{each.recomputed}{each.lacking}" if undecided else each.told
            sides[each.severity].append(f"{each.column} {said}".strip())
    cells = tuple(
        (arm, "; ".join(sides["fine"]), "; ".join(sides["unsupported"]))
        for arm, sides in rows.items()
    )
    power = "" if found.margin is None else " (runs for 80 % power at the margin)"
    heading = (Words("where"), "shown, p after Holm", f"unsupported{power}")
    return TextTable("difference from the first method", heading, cells)


def where_found(each: Finding) -> str:
    """Table, split, row and column, as far as they have names."""
    return " · ".join(part for part in (_arm(each), each.column) if part)


def _arm(each: Finding) -> str:
    table = f"table {each.table}" if each.table else ""
    where = " ".join(part for part in (table, each.split) if part)
    return " · ".join(part for part in (where, each.row) if part)
