"""How numbers and judging read, the same in every format for people."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from stats.changes.interaction import Interaction
from stats.judging import Judging
from stats.many_tasks.pooled import Pooled
from stats.register import PAIRED_TESTS, PairedTest, correction_named, primary_test
from stats.report.words import digits
from stats.verdicts.analyse import Analysis
from stats.verdicts.compare import ComparisonResult

ABSENT = "n/a"

ZERO_NAMES = {
    "wilcox": "zero differences dropped",
    "pratt": "zero differences ranked and dropped",
    "zsplit": "ranks of zero differences split",
}


def printable(name: str) -> str:
    """A name on one line, with control characters made visible as a replacement sign.

    >>> printable("a\\x1b[31mb")
    'a�[31mb'
    """
    return "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in name)


def table_title(*place: str) -> str:
    """Title of a table that holds what one place has; empty where no part of it has a name.

    >>> table_title("rte", "bert"), table_title("rte · dev", "bert"), table_title("rte", "")
    ('rte · bert', '(rte · dev) · bert', 'rte')
    """
    parts = [part for part in place if part]
    held = [f"({part})" if " · " in part and len(parts) > 1 else part for part in parts]
    return printable(" · ".join(held))


def places(where: Sequence[tuple[str, ...]]) -> tuple[str, list[str]]:
    """What all of these places share, and what tells each of them from the others.

    >>> places([("rte", "bert", "scratch"), ("rte", "bert", "pretrained")])
    ('rte · bert', ['scratch', 'pretrained'])
    """
    shared = [len(set(parts)) == 1 for parts in zip(*where, strict=True)]

    def joined(parts: tuple[str, ...], which: bool) -> str:
        chosen = [p for p, same in zip(parts, shared, strict=True) if same == which and p]
        return printable(" · ".join(chosen))

    return joined(where[0], True), [joined(parts, False) for parts in where]


def decimals(each: ComparisonResult) -> int:
    """Decimals of a comparison's means, difference and interval.

    Where the verdict says that there is a difference, the means show it.
    """
    means = each.baseline_mean, each.candidate_mean
    wanted = digits.decimals(each.mean_difference, each.ci_low, each.ci_high, means=means)
    if each.verdict not in ("better", "worse", "negligible"):
        return wanted
    return digits.that_tell_apart(0, each.mean_difference, digits.that_tell_apart(*means, wanted))


def signed(value: float, places: int) -> str:
    """A difference with its sign.

    >>> signed(1.234, 2), signed(-0.001, 2), signed(float("nan"), 2)
    ('+1.23', '0.00', 'n/a')
    """
    if not math.isfinite(value):
        return ABSENT
    text = digits.number(value, places)
    return f"+{text}" if float(text) > 0 else text


def interval(low: float, high: float, places: int) -> str:
    """Both ends of an interval in brackets, or that there is none."""
    if not (math.isfinite(low) or math.isfinite(high)):
        return f"[{ABSENT}]"
    return f"[{signed(low, places)}, {signed(high, places)}]"


def with_interval(estimate: float, low: float, high: float, least: int = 0) -> str:
    """An estimate with its interval, with as many digits as that needs, and `least` at least.

    >>> with_interval(0.0123, 0.0101, 0.0145)
    '+0.0123 [+0.0101, +0.0145]'
    """
    if not math.isfinite(estimate):
        return ABSENT
    places = max(least, digits.decimals(estimate, low, high))
    return f"{signed(estimate, places)} {interval(low, high, places)}"


def probability(value: float) -> str:
    """Three digits without the leading zero.

    >>> [probability(p) for p in (0.03125, 0.0498, 0.00001, 1.0, float("nan"))]
    ['.0312', '.0498', '<.0001', '1', 'n/a']
    """
    if math.isnan(value):
        return ABSENT
    if value < 0.0001:
        return "<.0001"
    text = f"{value:.3g}" if value >= 0.001 else f"{value:.4f}"
    return text.removeprefix("0")


def difference(each: ComparisonResult) -> str:
    """Mean difference with its t interval."""
    if not math.isfinite(each.mean_difference):
        return ABSENT
    places = decimals(each)
    ends = interval(each.ci_low, each.ci_high, places)
    return f"{signed(each.mean_difference, places)} {ends}"


def double_difference(each: Interaction) -> str:
    """Difference of differences with its t interval."""
    raw = each.scale == "raw"
    ends = each.ci_low, each.ci_high
    shown = with_interval(each.difference_of_differences, *ends, least=0 if raw else 3)
    return shown if raw else f"{shown} log odds"


def interaction_sizes(each: Interaction) -> str:
    """How many seeds the four arms share, or how many scores each of them has."""
    paired = each.test in PAIRED_TESTS
    return str(each.n_pairs) if paired else " + ".join(map(str, each.sizes))


def correction_words(name: str) -> str:
    """What a correction is called."""
    return "Shaffer" if name == "shaffer" else correction_named(name).words


def p_name(judging: Judging, size: int = 0) -> str:
    """What p-values are called, with how they were corrected, over how many where that is given.

    >>> p_name(Judging()), p_name(Judging(), 12)
    ('p (Holm)', 'p (Holm over 12)')
    """
    over = f" over {size}" if size > 1 and judging.correction != "none" else ""
    return f"p ({correction_words(judging.correction)}{over})"


def confidence(judging: Judging) -> str:
    """Confidence of the intervals in percent."""
    return f"{100 * judging.confidence:g} %"


def needed(each: ComparisonResult) -> str:
    """Where a difference of the margin would be found; empty where that is not known."""
    if each.seeds_needed is None:
        return ""
    if each.seeds_needed <= min(each.n_baseline, each.n_candidate):
        return f"80 % power at the margin: these {each.unit}s have it"
    return f"80 % power at the margin: {each.seeds_needed:,} {each.unit}s"


def header(result: Analysis | Pooled) -> list[str]:
    """Lines that say what was compared and how."""
    judging = result.judging
    margin = "none declared" if judging.margin is None else points(judging.margin)
    count = _range([sizes(each) for each in _by_pairs(result)])
    reach = _range([probability(each.smallest_attainable_p_adjusted) for each in _by_reach(result)])
    what = measured(result.study, result.metric, result.split, result.lower_is_better)
    return [
        f"{what}; n = {count} {_unit(result)}",
        *([averages(result.tasks)] if isinstance(result, Pooled) else []),
        f"{_test(judging)}, {_correction(result)}",
        *_rounding(judging),
        f"alpha {probability(judging.alpha)}; margin {margin}; "
        f"smallest attainable corrected p {reach}{_correlation(result)}",
    ]


def measured(study: str, metric: str, split: str, lower_is_better: bool) -> str:
    """What was measured, in which study, and in which direction it is better."""
    named = [f"study {printable(study)}"] if study else []
    on = f" on {printable(split)}" if split else ""
    way = direction(lower_is_better)
    return "; ".join([*named, f"{printable(metric) or 'score'}{on} ({way})"])


def direction(lower_is_better: bool) -> str:
    """Which way is better."""
    return f"{'lower' if lower_is_better else 'higher'} is better"


def averages(tasks: str) -> str:
    """How fixed or sampled tasks were averaged."""
    within = "tasks within a seed, tested over seeds"
    if tasks == "sampled":
        within = "seeds within a task, tested over tasks"
    return f"{tasks} tasks: averaged over {within}"


def points(value: float) -> str:
    """A size in points of the metric.

    >>> points(1.0), points(0.5)
    ('1 point', '0.5 points')
    """
    return f"{value:g} point{'s' * (value != 1)}"


def sizes(each: ComparisonResult) -> str:
    """How many scores: pairs, or those of either arm."""
    return str(each.n_pairs) if each.paired else f"{each.n_baseline} + {each.n_candidate}"


def effect(each: ComparisonResult) -> str:
    """The effect size that is shown."""
    size = abs(each.effect_size)
    return signed(each.effect_size, digits.decimals(size) if size >= digits.WIDE else 2)


def means(each: ComparisonResult) -> tuple[str, str]:
    """Mean scores of baseline and candidate."""
    places = decimals(each)
    return score(each.baseline_mean, places), score(each.candidate_mean, places)


def score(value: float, places: int) -> str:
    """A score, without a sign in front."""
    return digits.number(value, places) if math.isfinite(value) else ABSENT


def _unit(result: Analysis | Pooled) -> str:
    if isinstance(result, Pooled):
        return f"{result.unit}s"
    return "pairs" if result.judging.paired else "unpaired scores"


def _rounding(judging: Judging) -> list[str]:
    steps = judging.resolution
    if not steps:
        return []
    known = sorted(set(steps.values())) if isinstance(steps, Mapping) else [steps]
    size = _range([f"{step:.4g}" for step in known])
    return [f"differences rounded to the step of the metric, {size} points"]


def _test(judging: Judging) -> str:
    test = primary_test(judging.test)
    told = isinstance(test, PairedTest) and test.tells_zeros
    return test.words + (f" ({ZERO_NAMES[judging.zeros]})" if told else "")


def _correlation(result: Analysis | Pooled) -> str:
    known = [each.pair_correlation for each in result.comparisons]
    known = sorted(each for each in known if math.isfinite(each))
    if not known or not result.judging.paired:
        return ""
    return f"; pair correlation {_range([f'{known[0]:.2f}', f'{known[-1]:.2f}'])}"


def _correction(result: Analysis | Pooled) -> str:
    if result.judging.correction == "none":
        return "p not corrected"
    alike = "model and init" if isinstance(result, Pooled) else "model, init and task"
    family = {
        "model-init-task": f"the candidates on the same {alike}",
        "study": f"all {len(result.comparisons)} comparisons of the study",
    }[result.judging.family]
    both = "" if result.judging.margin is None else ", differences and equivalence together"
    return f"{correction_words(result.judging.correction)} over {family}{both}"


def _by_pairs(result: Analysis | Pooled) -> list[ComparisonResult]:
    return sorted(result.comparisons, key=lambda each: (each.n_baseline, each.n_candidate))


def _by_reach(result: Analysis | Pooled) -> list[ComparisonResult]:
    return sorted(result.comparisons, key=lambda each: each.smallest_attainable_p_adjusted)


def _range(ascending: list[str]) -> str:
    first, last = ascending[0], ascending[-1]
    return first if first == last else f"{first} to {last}"
