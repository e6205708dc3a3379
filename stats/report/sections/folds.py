"""How comparisons on the folds of a cross-validation read."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from typing import Any

from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import digits, wording
from stats.verdicts.folds import FoldAnalysis, FoldComparison


def folds_sheet(found: FoldAnalysis) -> Sheet:
    """The sheet of comparisons on folds: one row each, with the p that independence would give."""
    judging = found.judging
    margin = "none declared" if judging.margin is None else wording.points(judging.margin)
    correction = "p not corrected"
    if judging.correction != "none":
        correction = f"{wording.correction_words(judging.correction)} over the candidates"
    shapes = sorted({_shape(each) for each in found.comparisons})
    lower = bool(judging.lower_is_better)
    declared = {field.name: getattr(judging, field.name) for field in fields(judging)}
    measured = {"metric": found.metric, "lower_is_better": lower}
    records = [asdict(each) for each in found.comparisons]
    return Sheet(
        kind="folds",
        header=(
            f"{wording.measured(found.study, found.metric, found.split, lower)}; "
            f"{'; '.join(shapes)}",
            "corrected resampled t test (Nadeau and Bengio 2003), " + correction,
            "plain p: of the paired t test, uncorrected, which takes folds for independent",
            f"alpha {wording.probability(judging.alpha)}; margin {margin}",
            "folds share training examples: the verdict is about these methods trained on samples "
            "of this size from one source, not about other data sets",
        ),
        tables=(_table(found),),
        records=tuple({"study": found.study, **measured} | each for each in records),
        whole={"study": found.study, "metric": found.metric, "split": found.split}
        | {name: value for name, value in declared.items() if name not in ("test", "effect")}
        | {"metric": found.metric, "split": found.split}
        | {"test": "corrected-t", "comparisons": records, "warnings": found.warnings},
        warnings=found.warnings,
    )


def _shape(each: FoldComparison) -> str:
    several = f" of {each.repetitions} repetitions" if each.repetitions > 1 else ""
    ratio = f"1/{1 / each.ratio:.4g}" if each.ratio <= 1 else f"{each.ratio:.4g}"
    return f"{each.n_folds} folds{several}, tested to trained examples {ratio}"


def _table(found: FoldAnalysis) -> TextTable:
    title, where = wording.places([(e.task, e.model, e.init) for e in found.comparisons])
    rows = tuple(_row(place, each) for place, each in zip(where, found.comparisons, strict=True))
    heading = (
        *(Words("where"), Words("comparison"), "folds", "baseline -> candidate"),
        f"difference [{wording.confidence(found.judging)} CI]",
        *(wording.p_name(found.judging), "plain p", Words("verdict")),
    )
    return TextTable(title, heading, rows).without_empty("where")


def _row(place: str, each: FoldComparison) -> tuple[str, ...]:
    if not math.isfinite(each.mean_difference):
        return (place, _versus(each), "0", *[wording.ABSENT] * 4, each.verdict)
    means = each.baseline_mean, each.candidate_mean
    places = digits.decimals(each.mean_difference, each.ci_low, each.ci_high, means=means)
    ends = wording.interval(each.ci_low, each.ci_high, places)
    return (
        place,
        _versus(each),
        str(each.n_folds),
        " -> ".join(wording.score(mean, places) for mean in means),
        f"{wording.signed(each.mean_difference, places)} {ends}",
        wording.probability(each.p_adjusted),
        wording.probability(each.p_independent),
        each.verdict,
    )


def _versus(each: Any) -> str:
    return f"{each.baseline} vs {each.candidate}"
