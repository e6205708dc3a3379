"""How collapses read: two questions, each with its answer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from stats.judging import Judging
from stats.register import effect_size, primary_test
from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import wording
from stats.verdicts.collapse import Share
from stats.verdicts.collapse_table import CandidateCollapse, CollapseAnalysis


def collapses_sheet(found: CollapseAnalysis) -> Sheet:
    """The sheet of how often arms collapse, and how they differ where neither does."""
    judging = found.judging
    title, where = wording.places([(e.task, e.model, e.init) for e in found.candidates])
    return Sheet(
        kind="collapses",
        header=(
            wording.measured(found.study, found.metric, found.split, found.lower_is_better),
            _rule(found),
            "how often: exact intervals (Clopper-Pearson), McNemar's exact test over shared seeds",
            f"the others: seeds on which neither collapsed, {primary_test(judging.test).words}",
            f"p of each question {_corrected(judging)}; alpha {wording.probability(judging.alpha)}",
        ),
        tables=(_how_often(found, title, where), _others(found, title, where)),
        records=tuple({"study": found.study} | _record(each) for each in found.candidates),
        whole=asdict(found),
        warnings=found.warnings,
    )


def _rule(found: CollapseAnalysis) -> str:
    if found.below is not None:
        edge = "no lower" if found.judging.lower_is_better else "no higher"
        return f"collapsed: a run whose score is {edge} than {found.below:g}"
    margin = found.judging.margin
    also = "" if margin is None else f", and by more than {wording.points(margin)}"
    return f"collapsed: a run worse than the median of its arm by more than 8 spreads{also}"


def _corrected(judging: Judging) -> str:
    if judging.correction == "none":
        return "not corrected"
    family = "on the same model, init and task" if judging.family != "study" else "of the study"
    name = wording.correction_words(judging.correction)
    return f"by itself: {name} over the candidates {family}"


def _how_often(found: CollapseAnalysis, title: str, where: list[str]) -> TextTable:
    interval = f"[{wording.confidence(found.judging)} CI]"
    heading = (
        *(Words("comparison"), Words("where"), f"baseline collapsed {interval}"),
        *(f"candidate collapsed {interval}", "seeds", wording.p_name(found.judging)),
    )
    rows = tuple(
        (
            f"{each.baseline} vs {each.candidate}",
            place,
            _share(each.found.baseline),
            _share(each.found.candidate),
            _seeds(each),
            wording.probability(each.p_adjusted),
        )
        for each, place in zip(found.candidates, where, strict=True)
    )
    named = ": ".join(filter(None, ("how often an arm collapses", title)))
    return TextTable(named, heading, rows).without_empty("where")


def _others(found: CollapseAnalysis, title: str, where: list[str]) -> TextTable:
    judging = found.judging
    effect = effect_size(judging.effect).words
    heading = (
        *(Words("comparison"), Words("where"), "n", "means"),
        *(f"difference [{wording.confidence(judging)} CI]", effect),
        *(wording.p_name(judging), Words("verdict")),
    )
    rows = tuple(
        (f"{each.baseline} vs {each.candidate}", place, *_cells(each))
        for each, place in zip(found.candidates, where, strict=True)
    )
    named = ": ".join(filter(None, ("seeds on which neither collapsed", title)))
    return TextTable(named, heading, rows).without_empty("where")


def _cells(each: CandidateCollapse) -> tuple[str, ...]:
    others = each.found.others
    if others is None:
        return ("fewer than 2", *[wording.ABSENT] * 4, "inconclusive")
    return (
        str(others.n_pairs),
        " -> ".join(wording.means(others)),
        wording.difference(others),
        wording.effect(others),
        wording.probability(others.p_adjusted),
        others.verdict,
    )


def _share(each: Share) -> str:
    return f"{each.count} of {each.total} [{100 * each.low:.0f} %, {100 * each.high:.0f} %]"


def _seeds(each: CandidateCollapse) -> str:
    found = each.found
    both = (each.baseline, found.baseline_seeds), (each.candidate, found.candidate_seeds)
    return "; ".join(f"{name} {', '.join(map(str, seeds))}" for name, seeds in both if seeds)


def _record(each: CandidateCollapse) -> dict[str, Any]:
    """One row for CSV: both answers, the comparison's fields called others_…."""
    found = each.found
    row: dict[str, Any] = {
        name: getattr(each, name)
        for name in ("baseline", "candidate", "model", "init", "task", "n_pairs")
    }
    for arm in ("baseline", "candidate"):
        share: Share = getattr(found, arm)
        row |= {
            f"{arm}_collapsed": share.count,
            f"{arm}_collapsed_seeds": getattr(found, f"{arm}_seeds"),
        }
        row |= {f"{arm}_collapsed_low": share.low, f"{arm}_collapsed_high": share.high}
    row |= {"p_value": found.p_value, "p_adjusted": each.p_adjusted}
    names = (
        *("n_pairs", "baseline_mean", "candidate_mean", "mean_difference", "ci_low", "ci_high"),
        *("p_value", "p_adjusted", "verdict"),
    )
    return row | {
        f"others_{name}": None if found.others is None else getattr(found.others, name)
        for name in names
    }
