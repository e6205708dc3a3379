"""What a report consists of, whatever it is written as."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmark.report.gather import Gathered
from benchmark.report.sections import sheets
from benchmark.report.sections.calibration_table import calibration_sheet
from benchmark.report.sections.overfitting_table import overfitting_sheet
from benchmark.report.sections.probes import probe_sheets
from benchmark.report.sections.ranking_table import ranked_sheet
from benchmark.report.sections.written_tables import written_sheets
from stats.changes.of_sweeps import SweepAnalysis
from stats.many_tasks.pooled import Pooled
from stats.report.sections.collapse import collapses_sheet
from stats.report.sections.sweep import sweeps_sheet
from stats.report.sections.verdicts import analysis_sheet, comparison_rows, pooled_sheet
from stats.report.sheet import Sheet, TextTable
from stats.report.words import sentences, wording
from stats.verdicts.analyse import Analysis
from stats.verdicts.collapse_table import CollapseAnalysis


@dataclass(frozen=True)
class Section:
    """A part of a report under a heading.

    Attributes:
        sheet: what it says.
        tables: in place of the sheet's on a page, where they can be sorted.
    """

    sheet: Sheet
    tables: tuple[TextTable, ...]


@dataclass(frozen=True)
class Report:
    """A report, ready to be written.

    Attributes:
        study: its name.
        question: in a sentence.
        tallies: how many comparisons came to which verdict, a line for each result.
        caution: what intervals and tests do not take into account.
        findings: verdicts in words.
        interactions: whether an effect differs between inits, in words.
        words: all of these, for formats that show no page.
        sections: what follows, in order.
    """

    study: str
    question: str
    tallies: tuple[str, ...]
    caution: str
    findings: tuple[sentences.Statement, ...]
    interactions: tuple[sentences.Statement, ...]
    words: Sheet
    sections: tuple[Section, ...]

    @property
    def sheets(self) -> list[Sheet]:
        """All that it says, for formats that show no figures."""
        return [self.words, *(section.sheet for section in self.sections)]


def lay_out(gathered: Gathered) -> Report:
    """Turn what was gathered into a report."""
    results = gathered.verdicts
    others = [
        *(_sweeps(each, gathered.analysis.warnings) for each in gathered.sweeps),
        _collapses(gathered.collapses) if gathered.collapses else None,
        ranked_sheet(gathered.ranked) if gathered.ranked else None,
        sheets.curves_sheet(gathered),
        *written_sheets(gathered),
        calibration_sheet(gathered),
        overfitting_sheet(gathered),
        sheets.cost_sheet(gathered),
        sheets.tuning_sheet(gathered),
        sheets.failures_sheet(gathered),
        sheets.repeat_sheet(gathered),
    ]
    return Report(
        study=wording.printable(gathered.record.study),
        question=sentences.question(results[0]),
        tallies=tuple(sentences.tally(result) for result in results),
        caution=sentences.caution(gathered.analysis),
        findings=tuple(each for result in results for each in sentences.findings(result)),
        interactions=tuple(sentences.interaction_findings(gathered.analysis)),
        words=sheets.findings_sheet(results),
        sections=(
            *(_compared(result) for result in results),
            *(Section(*each) for each in probe_sheets(gathered)),
            *(Section(sheet, sheet.tables) for sheet in others if sheet),
        ),
    )


def _compared(result: Analysis | Pooled) -> Section:
    """The verdicts of a result as a table: side by side on paper, row by row on a page."""
    if isinstance(result, Pooled):
        return Section(_titled(pooled_sheet(result), "Over all tasks"), (comparison_rows(result),))
    sheet = _titled(analysis_sheet(result), "Comparisons")
    changes = [table for table in sheet.tables if not table.compared]
    return Section(sheet, (comparison_rows(result), *changes))


def _sweeps(found: SweepAnalysis, said: tuple[str, ...]) -> Sheet:
    """How far hyper-parameters may go; what the comparisons above warn of is not said again."""
    title = "Sweeps over all tasks" if found.judging.tasks else "Sweeps"
    fresh = tuple(each for each in found.warnings if each not in said)
    return replace(_titled(sweeps_sheet(found), title), warnings=fresh)


def _collapses(found: CollapseAnalysis) -> Sheet:
    """How often arms collapse; what the comparisons above warn of is not said again."""
    return replace(_titled(collapses_sheet(found), "Collapsed runs"), warnings=())


def _titled(sheet: Sheet, title: str) -> Sheet:
    return replace(sheet, title=title)
