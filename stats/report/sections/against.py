"""How runs beside a printed score read: a table, and in words what it supports and what not."""

from __future__ import annotations

import math
from dataclasses import asdict, fields

from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import digits, wording
from stats.verdicts.against import AgainstAnalysis, AgainstPrinted

KINDS = {"sd": "an sd", "se": "a standard error", "ci95": "half of a 95 % interval"}


def against_sheet(found: AgainstAnalysis) -> Sheet:
    """The sheet of arms beside one printed score."""
    judging = found.judging
    lower = bool(judging.lower_is_better)
    named = {"study": found.study, "metric": found.metric, "split": found.split}
    declared = {field.name: getattr(judging, field.name) for field in fields(judging)}
    records = [asdict(each) for each in found.arms]
    measured = {"metric": found.metric, "lower_is_better": lower, "printed": str(found.printed)}
    return Sheet(
        kind="against",
        header=(
            wording.measured(found.study, found.metric, found.split, lower),
            *_how(found),
        ),
        tables=(_untested(found) if found.untested else _tested(found),),
        records=tuple({"study": found.study, **measured} | each for each in records),
        whole=declared
        | named
        | {"test": "" if found.untested else "welch", "printed": asdict(found.printed)}
        | {"untested": found.untested, "arms": records, "warnings": found.warnings},
        warnings=found.warnings,
        sentences=_sentences(found),
    )


def _how(found: AgainstAnalysis) -> list[str]:
    judging, printed = found.judging, found.printed
    lines = [f"against a printed {printed}"]
    if found.untested:
        return [*lines, f"no test: {found.untested}"]
    margin = "none declared" if judging.margin is None else wording.points(judging.margin)
    correction = "not corrected"
    if judging.correction != "none":
        correction = f"{wording.correction_words(judging.correction)} over the arms"
    lines.append(
        "Welch's t test from means and sds (unpaired); p at the rounding that makes it largest, "
        + correction
    )
    lines.append(f"alpha {wording.probability(judging.alpha)}; margin {margin}")
    if not printed.named:
        lines.append(
            f"the printed ± {printed.spread} is taken as {KINDS[printed.kind]}; if it is another, "
            'add ", se" or ", ci95" to it'
        )
    return lines


def _sentences(found: AgainstAnalysis) -> tuple[str, ...]:
    if found.untested:
        supports = (
            "Supported: whether further runs of an arm would score as the printed one does; that "
            "is no comparison of two methods, for the other's spread is not known."
        )
    else:
        supports = "Supported: whether such runs score, on average, as those that were printed do."
    return (
        supports,
        "Not supported: that the method makes the difference. No seed is shared, and hardware, "
        "library versions, tuning, the choice of the checkpoint and the test set behind the "
        "printed score may differ; runs of its method here, under the same seeds, would tell.",
    )


def _tested(found: AgainstAnalysis) -> TextTable:
    judging = found.judging
    title, where = _places(found)
    rows = tuple(
        (
            *(
                each.method,
                place,
                str(each.n),
                f"{_score(each, each.mean)} ± {_score(each, each.sd)}",
            ),
            _difference(each),
            wording.with_interval(each.hedges_g, each.g_low, each.g_high, 2),
            wording.probability(each.p_adjusted),
            each.verdict,
        )
        for place, each in zip(where, found.arms, strict=True)
    )
    level = wording.confidence(judging)
    heading = (
        *(Words("arm"), Words("where"), "n", "mean ± sd", f"own - printed [{level} CI]"),
        *(f"Hedges' g [{level} CI]", wording.p_name(judging), Words("verdict")),
    )
    return TextTable(title, heading, rows).without_empty("where")


def _untested(found: AgainstAnalysis) -> TextTable:
    title, where = _places(found)
    level, n = wording.confidence(found.judging), found.printed.n or 1
    rows = tuple(
        (
            *(
                each.method,
                place,
                str(each.n),
                f"{_score(each, each.mean)} ± {_score(each, each.sd)}",
            ),
            f"{each.above} of {each.n}",
            f"[{_score(each, each.predicted_low)}, {_score(each, each.predicted_high)}]",
            _inside(found, each),
        )
        for place, each in zip(where, found.arms, strict=True)
    )
    what = "one more run" if n == 1 else f"the mean of {n} more"
    heading = (
        *(Words("arm"), Words("where"), "n", "mean ± sd", f"runs above {found.printed.mean}"),
        *(f"{level} of {what}", Words(f"{found.printed.mean} lies")),
    )
    return TextTable(title, heading, rows).without_empty("where")


def _inside(found: AgainstAnalysis, each: AgainstPrinted) -> str:
    value = each.mean - each.difference
    if value < each.predicted_low:
        return "below"
    return "above" if value > each.predicted_high else "inside"


def _places(found: AgainstAnalysis) -> tuple[str, list[str]]:
    return wording.places([(each.task, each.model, each.init) for each in found.arms])


def _score(each: AgainstPrinted, value: float) -> str:
    ends = (each.ci_low, each.ci_high)
    if math.isnan(each.ci_low):
        ends = (each.predicted_low, each.predicted_high)
    return wording.score(value, digits.decimals(each.difference, *ends, means=(each.mean,)))


def _difference(each: AgainstPrinted) -> str:
    return wording.with_interval(each.difference, each.ci_low, each.ci_high)
