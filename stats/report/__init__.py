"""How results look: in a terminal, in Markdown, in LaTeX, and for other programs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from stats.audit import Audit
from stats.bayes.posteriors import PosteriorAnalysis
from stats.changes.of_doses import TrendAnalysis
from stats.changes.of_links import LinkAnalysis
from stats.changes.of_sweeps import SweepAnalysis
from stats.inputs import check_choice
from stats.many_arms.ranked_arms import Ranking
from stats.many_tasks.aggregate import Aggregation
from stats.many_tasks.pooled import Pooled
from stats.power.of_studies import PowerAnalysis
from stats.power.planning import PowerPlan
from stats.power.unpaired_plan import UnpairedPlan
from stats.report.sections.against import against_sheet
from stats.report.sections.audit import audit_sheet
from stats.report.sections.collapse import collapses_sheet
from stats.report.sections.documents import documents_sheet
from stats.report.sections.folds import folds_sheet
from stats.report.sections.links import links_sheet
from stats.report.sections.one_arm import arm_sheet
from stats.report.sections.power import plan_sheet, plans_sheet, unpaired_sheet
from stats.report.sections.several_arms import aggregates_sheet, posteriors_sheet, ranking_sheet
from stats.report.sections.sweep import sweeps_sheet
from stats.report.sections.trend import trends_sheet
from stats.report.sections.verdicts import analysis_sheet, pooled_sheet
from stats.report.sheet import Sheet
from stats.verdicts.against import AgainstAnalysis
from stats.verdicts.analyse import Analysis
from stats.verdicts.collapse_table import CollapseAnalysis
from stats.verdicts.folds import FoldAnalysis
from stats.verdicts.on_documents import DocumentAnalysis
from stats.verdicts.one_arm import ArmAnalysis

FORMATS = ("table", "markdown", "latex", "html", "csv", "json")

Result = (
    Analysis
    | Pooled
    | Ranking
    | PosteriorAnalysis
    | Aggregation
    | PowerPlan
    | PowerAnalysis
    | TrendAnalysis
    | LinkAnalysis
    | SweepAnalysis
    | Audit
    | CollapseAnalysis
    | DocumentAnalysis
    | FoldAnalysis
    | AgainstAnalysis
    | ArmAnalysis
    | UnpairedPlan
)

SHEETS: dict[type, Callable[[Any], Sheet]] = {
    Analysis: analysis_sheet,
    Pooled: pooled_sheet,
    Ranking: ranking_sheet,
    PosteriorAnalysis: posteriors_sheet,
    Aggregation: aggregates_sheet,
    PowerPlan: plan_sheet,
    PowerAnalysis: plans_sheet,
    TrendAnalysis: trends_sheet,
    LinkAnalysis: links_sheet,
    SweepAnalysis: sweeps_sheet,
    Audit: audit_sheet,
    CollapseAnalysis: collapses_sheet,
    DocumentAnalysis: documents_sheet,
    FoldAnalysis: folds_sheet,
    AgainstAnalysis: against_sheet,
    ArmAnalysis: arm_sheet,
    UnpairedPlan: unpaired_sheet,
}


def render(
    result: Result | Sequence[Result],
    format: str = "table",
    *,
    width: int = 100,
    colour: bool = False,
    notes: Sequence[str] = (),
) -> str:
    """A result, or several beside each other, as text.

    Args:
        result: what `stats.analyse`, `pooled`, `rank`, `posteriors`, `aggregate`, `plan_power`,
            `plan_unpaired`, `plan_comparisons`, `analyse_trends`, `analyse_links`,
            `analyse_sweeps`, `analyse_documents`, `analyse_folds`, `analyse_against`,
            `analyse_arm` or `audit_tables` returns, or a sequence of such.
        format: one of `FORMATS`. "latex" is a complete document, "html" a part of one. "csv" has
            one row for each comparison, method or number of pairs; "json" is one object, with
            several results under "results"; both have numbers at full precision.
        width: columns of the terminal, for "table".
        colour: whether "table" may use ANSI colours.
        notes: what else is to be said beside the results, for instance how arms were tuned.

    Raises:
        InvalidSetting: an unknown format.
    """
    check_choice("format", format, FORMATS)
    results = list(result) if isinstance(result, Sequence) else [result]
    sheets = [SHEETS[type(each)](each) for each in results]
    if notes and sheets:
        sheets[-1] = replace(sheets[-1], notes=tuple(notes))
    if format == "csv":
        from stats.report.formats.records import to_csv

        return to_csv(sheets)
    if format == "json":
        from stats.report.formats.records import to_json

        return to_json(sheets)
    shown = _each_warning_once(sheets)
    if format == "markdown":
        from stats.report.formats.markdown import to_markdown

        return to_markdown(shown)
    if format == "html":
        from stats.report.formats.html import to_html

        return to_html(shown)
    if format == "latex":
        from stats.report.formats.latex import to_latex

        return to_latex(shown)
    from stats.report.formats.terminal import to_table

    return to_table(results, shown, width, colour)


def _each_warning_once(sheets: Sequence[Sheet]) -> list[Sheet]:
    """What is said beside one result is not said again beside the next."""
    said: set[str] = set()
    shown = []
    for sheet in sheets:
        fresh = tuple(each for each in sheet.warnings if each not in said)
        shown.append(replace(sheet, warnings=fresh))
        said.update(fresh)
    return shown
