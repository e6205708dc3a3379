"""Verdicts in sentences: what the data show, how sure that is, and what they leave open.

"Inconclusive" is never worded as if nothing were there, and "negligible" never as if it mattered.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

from stats.changes.interaction import Interaction
from stats.judging import Judging
from stats.many_tasks.pooled import Pooled
from stats.register import effect_size
from stats.report.words import wording
from stats.verdicts.analyse import Analysis
from stats.verdicts.compare import ComparisonResult
from stats.verdicts.verdict import Verdict


@dataclass(frozen=True)
class Statement:
    """A verdict in words.

    Attributes:
        place: model, init and task as far as they have names.
        verdict: one of the five, or "" for an interaction.
        text: one to three sentences of plain text.
    """

    place: str
    verdict: str
    text: str


def question(result: Analysis | Pooled) -> str:
    """What was asked, in one sentence."""
    first = result.comparisons[0]
    candidates = list(dict.fromkeys(each.candidate for each in result.comparisons))
    metric = wording.printable(result.metric) or "the score"
    metric += f" ({wording.direction(result.lower_is_better)})"
    on = f" on {wording.printable(result.split)}" if result.split else ""
    margin = result.judging.margin
    matters = ""
    if margin is not None:
        matters = f", and by more than {wording.points(margin)}, the smallest that matters"
    return (
        f"Does {_any_of(candidates)} change {metric}{on}, compared with "
        f"{wording.printable(first.baseline)}{matters}?"
    )


def caution(result: Analysis | Pooled) -> str:
    """What the intervals and tests beside the corrected p-values do not take into account."""
    corrected = result.judging.correction != "none" and len(result.comparisons) > 1
    inside = "" if result.judging.margin is None else ", those of equivalence too"
    return (
        f"Intervals are of each comparison alone; p-values are corrected{inside}."
        if corrected
        else "Nothing is corrected for the number of comparisons."
    )


def tally(result: Analysis | Pooled) -> str:
    """How many comparisons came to which verdict."""
    found = Counter(each.verdict for each in result.comparisons)
    parts = [f"{found[word]} {word}" for word in get_args(Verdict) if found[word]]
    count = len(result.comparisons)
    return f"{count} comparison{'s' * (count > 1)}: {', '.join(parts)}."


def findings(result: Analysis | Pooled) -> list[Statement]:
    """Every comparison of a result in words, in the order in which they were made."""
    return [
        Statement(place, each.verdict, _sentences(each, result.judging))
        for place, each in zip(_places(result), result.comparisons, strict=True)
    ]


def _places(result: Analysis | Pooled) -> list[str]:
    over_all = f"all tasks ({result.tasks})" if isinstance(result, Pooled) else ""
    return [
        wording.table_title(over_all or each.task, each.model, each.init)
        for each in result.comparisons
    ]


def interaction_findings(analysis: Analysis) -> list[Statement]:
    """Every interaction of an analysis in words."""
    return [
        Statement(
            wording.table_title(each.task, each.model),
            "",
            _interaction(each, analysis.judging),
        )
        for each in analysis.interactions
    ]


def _sentences(each: ComparisonResult, judging: Judging) -> str:
    if min(each.n_baseline, each.n_candidate) < 2:
        return (
            f"{_pair(each)}: too few scored seeds ({wording.sizes(each)}); "
            "nothing can be concluded."
        )
    said = {
        "better": _real,
        "worse": _real,
        "negligible": _negligible,
        "equivalent": _equivalent,
        "inconclusive": _open,
    }[each.verdict](each, judging)
    return " ".join(filter(None, said))


def _real(each: ComparisonResult, judging: Judging) -> tuple[str, ...]:
    candidate, baseline = _names(each)
    against = each.mean_difference != 0 and (
        (each.mean_difference > 0) == judging.lower_is_better
    ) == (each.verdict == "better")
    doubt = ""
    if against:
        pseudo_median = wording.signed(each.hodges_lehmann, wording.decimals(each))
        doubt = (
            "The test goes by ranks, and the mean has the other sign (Hodges–Lehmann estimate "
            f"{pseudo_median}): look for an outlying seed."
        )
    return (
        f"{candidate} is {each.verdict} than {baseline}: {_numbers(each, judging)}.",
        doubt or _beyond(each, judging),
    )


def _beyond(each: ComparisonResult, judging: Judging) -> str:
    """How the interval of a real difference lies to the margin."""
    margin = judging.margin
    if margin is None or math.isnan(each.ci_low):
        return ""
    nearest = min(abs(each.ci_low), abs(each.ci_high))
    if each.ci_low * each.ci_high <= 0:
        return "The interval of the mean includes 0; the test, which is another one, rejects."
    if nearest >= margin:
        return f"The whole interval lies beyond the margin of {wording.points(margin)}."
    what = "a gain" if each.verdict == "better" else "a loss"
    return (
        f"The interval leaves open whether it is {what} of more than the margin of "
        f"{wording.points(margin)}."
    )


def _negligible(each: ComparisonResult, judging: Judging) -> tuple[str, ...]:
    candidate, baseline = _names(each)
    return (
        f"{candidate} differs from {baseline}, but by less than matters: "
        f"{_numbers(each, judging)}.",
        _shown_inside(each, judging),
    )


def _equivalent(each: ComparisonResult, judging: Judging) -> tuple[str, ...]:
    candidate, baseline = _names(each)
    assert judging.margin is not None
    return (
        f"{candidate} and {baseline} are equivalent within ±{wording.points(judging.margin)}: "
        f"{_numbers(each, judging)}.",
        _shown_inside(each, judging),
    )


def _shown_inside(each: ComparisonResult, judging: Judging) -> str:
    of = "pseudo-median" if judging.equivalence == "ranks" else "mean"
    return (
        f"That the {of} difference lies inside the margin is shown by two one-sided tests, "
        f"{_p(each.p_equivalence_adjusted, judging)}."
    )


def _open(each: ComparisonResult, judging: Judging) -> tuple[str, ...]:
    candidate, baseline = _names(each)
    seeds = ""
    if each.seeds_needed is not None:
        assert judging.margin is not None
        more = each.seeds_needed > min(each.n_baseline, each.n_candidate)
        seeds = (
            f"With the spread seen here, {each.seeds_needed:,} {each.unit}s "
            f"{'would have' if more else 'have'} 80 % power to "
            f"find a difference of {wording.points(judging.margin)}."
        )
    return (
        f"Whether {candidate} is better or worse than {baseline} stays open: "
        f"{_numbers(each, judging)}.",
        _compatible(each, judging),
        seeds,
    )


def _compatible(each: ComparisonResult, judging: Judging) -> str:
    """What an interval leaves possible; silence where it says nothing more than its ends."""
    if math.isnan(each.ci_low):
        return ""
    if each.ci_low * each.ci_high > 0:
        return (
            "The interval excludes 0, the corrected test does not reject: that is too little to "
            "conclude a difference, and no sign that there is none."
        )
    margin = judging.margin
    if margin is None:
        return "The interval says which differences the data are compatible with."
    lower, upper = each.ci_low <= -margin, each.ci_high >= margin
    if lower and upper:
        which = "losses and gains" if not judging.lower_is_better else "differences either way"
    elif upper:
        which = "gains" if not judging.lower_is_better else "losses"
    elif lower:
        which = "losses" if not judging.lower_is_better else "gains"
    else:
        return ""
    return f"The data are compatible with {which} of more than the margin."


def _numbers(each: ComparisonResult, judging: Judging) -> str:
    effect = effect_size(judging.effect).words
    before, after = wording.means(each)
    digits = wording.decimals(each)
    return (
        f"mean {before} to {after}, difference {wording.signed(each.mean_difference, digits)} "
        f"({wording.confidence(judging)} CI {wording.signed(each.ci_low, digits)} to "
        f"{wording.signed(each.ci_high, digits)}), {effect} {wording.effect(each)}, "
        f"{_p(each.p_adjusted, judging)}, n = {wording.sizes(each)}"
    )


def _interaction(each: Interaction, judging: Judging) -> str:
    first, second = (wording.printable(init) for init in each.inits)
    baseline, candidate = wording.printable(each.baseline), wording.printable(each.candidate)
    numbers = (
        f"effect under {first} minus effect under {second} "
        f"{wording.double_difference(each)}, {_p(each.p_adjusted, judging)}, "
        f"n = {wording.interaction_sizes(each)}"
    )
    effect = f"the effect of {candidate} over {baseline}"
    if math.isnan(each.p_adjusted) or each.p_adjusted >= judging.alpha:
        return f"Whether {effect} differs between {first} and {second} stays open: {numbers}."
    change = "more" if each.difference_of_differences > 0 else "less"
    return (
        f"{effect[0].upper()}{effect[1:]}, candidate minus baseline, is {change} under {first} "
        f"than under {second}: {numbers}."
    )


def _names(each: ComparisonResult) -> tuple[str, str]:
    return wording.printable(each.candidate), wording.printable(each.baseline)


def _pair(each: ComparisonResult) -> str:
    return " against ".join(_names(each))


def _p(value: float, judging: Judging | None = None) -> str:
    """A p-value with its sign of equality, and how it was corrected."""
    text = wording.probability(value)
    sign = "" if text.startswith("<") else "= "
    name = "p" if judging is None else wording.p_name(judging)
    return f"{name} {text.replace('<', '< ') if not sign else sign + text}"


def _any_of(names: Sequence[str]) -> str:
    shown = [wording.printable(name) for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} or {shown[-1]}"
