"""How sweeps read: the last value that is still equivalent in a sentence, all values in a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from stats.changes.between_sweeps import SweepInteraction
from stats.changes.of_sweeps import PlacedSweep, SweepAnalysis
from stats.judging import Judging
from stats.report.sheet import Sheet, TextTable, Words
from stats.report.words import digits, wording


def sweeps_sheet(found: SweepAnalysis) -> Sheet:
    """The sheet of sweeps: for each a sentence and a table of its values."""
    return Sheet(
        kind="pooled_sweeps" if found.judging.tasks else "sweeps",
        header=(
            wording.measured(found.study, found.metric, found.split, found.lower_is_better),
            *([wording.averages(found.judging.tasks)] if found.judging.tasks else []),
            *_how(found),
            f"candidate - baseline [{_confidence(found)} interval of each by itself]",
        ),
        sentences=(
            *(
                (f"{place}: " if place else "") + sentence(each)
                for place, each in zip(_places(found.sweeps), found.sweeps, strict=True)
                if found.judging.margin is not None
            ),
            *_changes(found),
        ),
        tables=(*(_table(each, found) for each in found.sweeps), *_between(found)),
        records=tuple(record for each in found.sweeps for record in _records(found, each)),
        whole=asdict(found),
        warnings=found.warnings,
    )


def _how(found: SweepAnalysis) -> list[str]:
    """The procedure, and what it holds."""
    judging = found.judging
    if judging.margin is None:
        return ["no margin is declared, so that nothing is shown to be equivalent or worse than it"]
    by = "signed-rank" if judging.equivalence == "ranks" else "t"
    alpha, several = wording.probability(judging.alpha), len(found.sweeps) > 1
    over = f"; {len(found.sweeps)} sweeps, each by itself" if several else ""
    return [
        f"equivalent within ±{wording.points(judging.margin)}: two one-sided {by} tests at {alpha},"
        " value by value from the first, up to one that does not show it; worse: one-sided from "
        "the last value back",
        f"an order that is fixed in advance needs no correction: each end holds with "
        f"{wording.confidence(judging)}, both with {_confidence(found)}{over}",
    ]


def sentence(each: PlacedSweep) -> str:
    """The last value that is still equivalent, with its interval; where a margin is declared."""
    found, swept = each.found, each.swept
    assert found.margin is not None
    name, parameter = wording.printable(swept.name), wording.printable(swept.parameter)
    within = wording.points(found.margin)
    asked = (
        f"{'largest' if found.ascends else 'smallest'} {parameter} at which {name} is still "
        f"equivalent to {wording.printable(each.baseline)} within ±{within}"
    )
    return f"{asked}: {_answer(each)}"


def _answer(each: PlacedSweep) -> str:
    found = each.found
    last, worse = found.last_equivalent, found.first_worse
    sure = f"{100 * found.confidence:g} % interval"
    beyond = "below" if found.ascends else "above"
    if last is None:
        tried = f"none of {', '.join(map(value, found.values))} is shown to be"
        if worse is None:
            return f"{tried}, nor to be worse by more than that"
        if worse == found.values[0]:
            return f"none; all of {', '.join(map(value, found.values))} are worse by more than that"
        return f"{tried} ({sure}: {beyond} {value(worse)})"
    if last == found.values[-1]:
        return f"{value(last)}, the last that was tried"
    if worse is None:
        return f"{value(last)} ({sure}: from {value(last)} on, without another end)"
    return f"{value(last)} ({sure}: from {value(last)} to {beyond} {value(worse)})"


def value(number: float) -> str:
    """A value of a hyper-parameter.

    >>> value(0.95), value(3.0), value(1e-05)
    ('0.95', '3', '1e-05')
    """
    return f"{number:.12g}"


def _places(found: Sequence[PlacedSweep | SweepInteraction]) -> list[str]:
    """What tells each one's place from the others'."""
    if not found:
        return []
    return wording.places([(each.task, each.model, each.init) for each in found])[1]


def _changes(found: SweepAnalysis) -> Iterator[str]:
    """Pairs of series of which one is shown to lose more than the other."""
    for place, each in zip(_places(found.interactions), found.interactions, strict=True):
        own = each.trend
        if not own.p_adjusted < found.judging.alpha:
            continue
        per, low, high = own.slope, own.ci_low, own.ci_high
        grows = "grows" if per > 0 else "falls"
        yield (
            f"{f'{place}: ' if place else ''}{wording.printable(each.first)} minus "
            f"{wording.printable(each.second)} {grows} with {wording.printable(each.parameter)}, "
            f"by {wording.with_interval(per, low, high)} from one value to the next "
            f"({wording.p_name(found.judging)} = {wording.probability(own.p_adjusted)})"
        )


def _between(found: SweepAnalysis) -> Iterator[TextTable]:
    """A table for each place with several series: their differences at each value."""
    grouped: dict[tuple[str, ...], list[SweepInteraction]] = {}
    for each in found.interactions:
        where = (each.parameter, each.task, each.model, each.init, *map(str, each.trend.doses))
        grouped.setdefault(where, []).append(each)
    for (parameter, task, model, init, *_), rows in grouped.items():
        heading = (
            "series",
            "n",
            *(f"at {value(number)}" for number in rows[0].trend.doses),
            f"change per step [{100 * rows[0].trend.confidence:g} % CI]",
            wording.p_name(found.judging, len(rows)),
        )
        told = tuple(
            (
                f"{each.first} - {each.second}",
                str(each.n_seeds),
                *(
                    wording.score(effect, digits.decimals(effect, low, high))
                    for effect, low, high in zip(
                        each.trend.effects, each.trend.lows, each.trend.highs, strict=True
                    )
                ),
                wording.with_interval(each.trend.slope, each.trend.ci_low, each.trend.ci_high),
                wording.probability(each.trend.p_adjusted),
            )
            for each in rows
        )
        title = wording.table_title(f"{parameter} × method", task, model, init)
        yield TextTable(title, heading, told)


def _confidence(found: SweepAnalysis) -> str:
    return f"{100 * found.sweeps[0].found.confidence:g} %"


def _table(each: PlacedSweep, analysis: SweepAnalysis) -> TextTable:
    found, judging = each.found, analysis.judging
    task = f"all tasks ({judging.tasks})" if judging.tasks else each.task
    claimed = found.margin is not None
    rows = []
    for i, number in enumerate(found.values):
        estimate = (found.effects[i], found.lows[i], found.highs[i])
        places = digits.decimals(*estimate)
        rows.append(
            (
                value(number),
                str(found.n_pairs[i]),
                wording.score(each.baseline_mean, places),
                wording.score(each.candidate_means[i], places),
                wording.with_interval(*estimate),
                *([wording.probability(found.p_equivalence[i])] * claimed),
                *([wording.probability(found.p_worse[i])] * claimed),
                *([_shown(each, i)] * claimed),
            )
        )
    heading = (
        *(wording.printable(each.swept.parameter), "n", "baseline mean", "candidate mean"),
        f"{_effect(judging)} [{_confidence(analysis)} CI]",
        *(("p (equivalent)", "p (worse)", Words("shown")) if claimed else ()),
    )
    series = f"{each.baseline} vs {each.swept.name}"
    return TextTable(wording.table_title(series, task, each.model, each.init), heading, tuple(rows))


def _effect(judging: Judging) -> str:
    return "pseudo-median" if judging.equivalence == "ranks" else "difference"


def _shown(each: PlacedSweep, place: int) -> str:
    found = each.found
    if place < found.equivalent:
        return "equivalent"
    return "worse" if place >= len(found.values) - found.worse else "open"


def _records(found: SweepAnalysis, each: PlacedSweep) -> list[dict[str, Any]]:
    swept, own = each.swept, each.found
    named = {"baseline": each.baseline, "series": swept.name, "parameter": swept.parameter}
    named |= {"model": each.model, "init": each.init, "task": each.task}
    what = {"metric": found.metric, "lower_is_better": found.lower_is_better}
    return [
        {"study": found.study, **what, **named, "candidate": arm}
        | {"value": own.values[i], "n_pairs": own.n_pairs[i]}
        | {"baseline_mean": each.baseline_mean, "candidate_mean": each.candidate_means[i]}
        | {"effect": own.effects[i], "effect_low": own.lows[i], "effect_high": own.highs[i]}
        | {"p_equivalence": own.p_equivalence[i], "p_worse": own.p_worse[i]}
        | {"shown": _shown(each, i), "margin": own.margin}
        for i, arm in enumerate(swept.arms)
    ]
