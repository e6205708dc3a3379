"""How verdicts about documents read."""

from __future__ import annotations

from dataclasses import asdict, fields

from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import digits, wording
from stats.verdicts.on_documents import DocumentAnalysis, DocumentComparison

ONCE = (
    "each model was trained once: verdicts are about these models on documents like these, not "
    "about training seeds, which give other models"
)
NEEDED = "n for 80 % power"
WITH_SEEDS = "where n has seeds, verdicts are about training seeds and documents like these at once"


def documents_sheet(found: DocumentAnalysis) -> Sheet:
    """The sheet of models that are compared on the documents of tasks."""
    judging = found.judging
    margin = "none declared" if judging.margin is None else f"{judging.margin:g}"
    measured = dict.fromkeys(
        f"{each.metric} ({wording.direction(each.lower_is_better)})" for each in found.comparisons
    )
    named = [f"study {found.study}"] if found.study else []
    seeds = [each.n_seeds > 0 for each in found.comparisons]
    return Sheet(
        kind="documents",
        header=(
            wording.printable("; ".join([*named, ", ".join(measured)])),
            *([] if all(seeds) else [ONCE]),
            *([WITH_SEEDS] if any(seeds) else []),
            f"{_corrected(found)}; alpha {wording.probability(judging.alpha)}; "
            f"margin {margin} in units of the metric",
        ),
        tables=(_table(found),),
        records=tuple(
            {"study": found.study} | {f.name: getattr(each, f.name) for f in fields(each)}
            for each in found.comparisons
        ),
        whole=asdict(found),
        warnings=found.warnings,
    )


def _corrected(found: DocumentAnalysis) -> str:
    judging = found.judging
    if judging.correction == "none":
        return "p not corrected"
    alike = "all comparisons" if judging.family == "study" else "the candidates on the same task"
    return f"{wording.correction_words(judging.correction)} over {alike}"


def _table(found: DocumentAnalysis) -> TextTable:
    heading = (
        *(Words("comparison"), Words("task"), "n", "scores"),
        f"difference [{wording.confidence(found.judging)} CI]",
        *(Words("by"), wording.p_name(found.judging), Words("verdict"), NEEDED),
    )
    rows = tuple(
        (
            f"{each.baseline} vs {each.candidate}",
            each.task,
            _sizes(each),
            _scores(each),
            wording.with_interval(each.difference, each.ci_low, each.ci_high),
            each.by,
            wording.probability(each.p_adjusted),
            each.verdict,
            "" if each.documents_needed is None else f"{each.documents_needed:,}",
        )
        for each in found.comparisons
    )
    return TextTable("", heading, rows).without_empty(NEEDED)


def _sizes(each: DocumentComparison) -> str:
    parts = [f"{each.n_documents:,}"] if each.n_documents else [wording.ABSENT]
    parts += [f"in {each.n_clusters:,} clusters"] if each.n_clusters else []
    parts += [f"x {each.n_seeds} seeds"] if each.n_seeds else []
    return " ".join(parts)


def _scores(each: DocumentComparison) -> str:
    means = each.baseline_score, each.candidate_score
    places = digits.decimals(each.difference, each.ci_low, each.ci_high, means=means)
    return " -> ".join(wording.score(value, places) for value in means)
