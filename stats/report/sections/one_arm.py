"""How the scores of one arm alone read."""

from __future__ import annotations

from dataclasses import asdict

from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import digits, wording
from stats.verdicts.one_arm import ArmAnalysis, ArmInterval

#: What each interval is about.
OVER = {
    "seeds": "over seeds: other runs on this test set",
    "items": "over items: other test sets like this one, of this one model",
    "examples": "over the examples of the test set, of which the score is taken for the share of "
    "right answers: other test sets of that size, of this one model",
}


def arm_sheet(found: ArmAnalysis) -> Sheet:
    """The sheet of intervals, and what each kind of them is about."""
    records = [asdict(each) for each in found.intervals]
    named = {"study": found.study, "metric": found.metric, "split": found.split}
    study = f"study {wording.printable(found.study)}; " if found.study else ""
    on = f" on {wording.printable(found.split)}" if found.split else ""
    units = dict.fromkeys(each.unit for each in found.intervals)
    return Sheet(
        kind="arm",
        header=(
            f"{study}{wording.printable(found.metric) or 'score'}{on}; one arm, nothing to compare",
            *(OVER[unit] for unit in units),
        ),
        tables=(_table(found),),
        records=tuple(named | each for each in records),
        whole=named | {"intervals": records, "warnings": found.warnings},
        warnings=found.warnings,
    )


def _table(found: ArmAnalysis) -> TextTable:
    title, where = wording.places([(e.task, e.model, e.init) for e in found.intervals])
    level = f"{100 * found.intervals[0].confidence:g} %"
    rows = tuple(
        (each.method, place, f"{each.n:,} {each.unit}", _score(each), each.how)
        for place, each in zip(where, found.intervals, strict=True)
    )
    heading = Words("arm"), Words("where"), "over", f"score [{level} CI]", Words("interval")
    return TextTable(title, heading, rows).without_empty("where")


def _score(each: ArmInterval) -> str:
    places = digits.decimals(each.score, each.low, each.high)
    low, high = (wording.score(end, places) for end in (each.low, each.high))
    return f"{wording.score(each.score, places)} [{low}, {high}]"
