"""What mean ± sd lets be said of each method against the first of its model and init."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import stdtr

from stats.audit.cell import PrintedCell, grouped
from stats.audit.finding import Finding, decimals, of
from stats.equivalence.tost import tost_from_summary
from stats.power.sample_size import seeds_for_test
from stats.printed.scores import printed_number
from stats.printed.tests import (
    CORRELATIONS,
    PrintedComparison,
    compare_printed,
    paired_error,
    paired_p_range,
)
from stats.verdicts.claims import adjust_claims_in_families

ALPHA = 0.05

UNDECIDED = "not decided"


@dataclass(frozen=True)
class Question:
    """How differences are judged.

    Attributes:
        ddof: divisor of the printed sds.
        margin: smallest difference that matters; None where none is stated.
        correlation: of the pairs; None for Welch's test.
    """

    ddof: int
    margin: float | None = None
    correlation: float | None = None


@dataclass(frozen=True)
class TestedCandidate:
    """A candidate with its test; p-values of the test that decides, before correction."""

    baseline: PrintedCell
    candidate: PrintedCell
    found: PrintedComparison
    p_value: float
    p_low: float
    p_high: float
    p_equivalence: float


def families(cells: Sequence[PrintedCell]) -> Iterator[tuple[PrintedCell, list[PrintedCell]]]:
    """The baseline of each task, model and init, and its candidates; all have an sd and runs."""
    scored = [cell for cell in cells if cell.mean]
    for group in grouped(scored, lambda cell: cell.group).values():
        first = group[0].method
        for column in grouped(group, lambda cell: (cell.task,)).values():
            tested = [cell for cell in column if cell.sd and cell.n > 1]
            for baseline in [cell for cell in tested if cell.method == first][:1]:
                if candidates := [cell for cell in tested if cell is not baseline]:
                    yield baseline, candidates


def check_differences(cells: Sequence[PrintedCell], question: Question) -> Iterator[Finding]:
    """One finding for each candidate; Holm over the candidates of a baseline."""
    tested: list[list[TestedCandidate]] = []
    sizes: list[int] = []
    for baseline, candidates in families(cells):
        sizes.append(len(candidates))
        tested.append([])
        for candidate in candidates:
            if printed_number(baseline.sd)[0] or printed_number(candidate.sd)[0]:
                tested[-1].append(_tested(baseline, candidate, question))
            else:
                yield _untested(baseline, candidate)
    needed = _needed(tested, sizes, question)
    for family, size in zip(tested, sizes, strict=True):
        yield from _findings(family, size, needed, question)


def _untested(baseline: PrintedCell, candidate: PrintedCell) -> Finding:
    difference = printed_number(candidate.mean)[0] - printed_number(baseline.mean)[0]
    digits = max(decimals(baseline.mean), decimals(candidate.mean))
    detail = "both sds print as 0, and no test can be made of them"
    return _finding(baseline, candidate, "unsupported", f"{float(difference):+.{digits}f}", detail)


def _finding(
    baseline: PrintedCell, candidate: PrintedCell, severity: str, recomputed: str, detail: str
) -> Finding:
    found = of(candidate, "difference", severity, recomputed, detail)
    against = f"{candidate.printed} against {baseline.printed} ({baseline.method})"
    return replace(found, printed=against)


def _tested(baseline: PrintedCell, candidate: PrintedCell, question: Question) -> TestedCandidate:
    arms = (baseline.mean, baseline.sd), (candidate.mean, candidate.sd)
    found = compare_printed(
        *arms,
        (baseline.n, candidate.n),
        margin=question.margin,
        ddof=question.ddof,
        spreads=(baseline.spread, candidate.spread),
    )
    rho = question.correlation
    if rho is None or baseline.n != candidate.n:
        p_values = found.p_value, found.p_low, found.p_high
        return TestedCandidate(baseline, candidate, found, *p_values, found.p_equivalence)
    low, high = paired_p_range(*arms, baseline.n, rho, ddof=question.ddof, spread=baseline.spread)
    error = _paired_error(baseline, candidate, rho, question.ddof)
    n = baseline.n
    if not error:
        return TestedCandidate(baseline, candidate, found, high, low, high, math.nan)
    p_value = 2 * float(stdtr(n - 1, -abs(found.difference) / error))
    equivalence = math.nan
    if question.margin is not None:
        spread = error * math.sqrt(n)
        equivalence = tost_from_summary(found.difference, spread, n, question.margin).p_value
    return TestedCandidate(baseline, candidate, found, p_value, low, high, equivalence)


def _sds(baseline: PrintedCell, candidate: PrintedCell, ddof: int) -> tuple[float, float]:
    """With the divisor n − 1."""
    first, second = (
        float(cell.sd_value) * (math.sqrt(cell.n / (cell.n - 1)) if not ddof else 1)
        for cell in (baseline, candidate)
    )
    return first, second


def _paired_error(baseline: PrintedCell, candidate: PrintedCell, rho: float, ddof: int) -> float:
    return paired_error(_sds(baseline, candidate, ddof), baseline.n, rho)


def _findings(
    family: Sequence[TestedCandidate], size: int, needed: dict[int, int], question: Question
) -> Iterator[Finding]:
    """Findings of one family; its members that cannot be tested still count in it."""
    untested = [math.nan] * (size - len(family))

    equivalence = [each.p_equivalence for each in family]

    def corrected(p_values: Sequence[float], of: int = 0) -> list[float]:
        both = adjust_claims_in_families(
            [*p_values, *untested], [*equivalence, *untested], [""] * size
        )
        return [float(p) for p in both[of][: len(family)]]

    p_values, lows, highs = (
        corrected([getattr(each, name) for each in family])
        for name in ("p_value", "p_low", "p_high")
    )
    inside = corrected([each.p_value for each in family], of=1)
    at_correlations = [
        corrected([each.found.p_paired[i] for each in family]) for i in range(len(CORRELATIONS))
    ]
    for i, each in enumerate(family):
        runs = needed.get(id(each))
        severity, decision = _decision(each, highs[i], inside[i])
        paired = [column[i] for column in at_correlations]
        said = [
            _test(each, question),
            _corrected(size, p_values[i], lows[i], highs[i]),
            *_margin(inside[i], size, question),
            *_pairs(paired),
            *_undecided(severity, lows[i], highs[i], paired),
            *(_power(runs, each, question) if severity == "unsupported" else ()),
        ]
        recomputed = f"{_signed(each)}, p {_p(p_values[i])}"
        finding = _finding(each.baseline, each.candidate, severity, recomputed, "; ".join(said))
        lacking = runs if decision == UNDECIDED and _lacks(each, runs) else None
        yield replace(finding, decision=decision, runs=lacking)


def _lacks(each: TestedCandidate, needed: int | None) -> bool:
    """Whether it has fewer runs than it needs."""
    return needed is not None and needed > min(each.baseline.n, each.candidate.n)


def _decision(each: TestedCandidate, highest: float, p_equivalence: float) -> tuple[str, str]:
    equivalent = p_equivalence < ALPHA
    if highest < ALPHA:
        inside = ", inside the margin" if equivalent else ""
        return "fine", ("higher" if each.found.difference > 0 else "lower") + inside
    if equivalent:
        return "fine", "equivalent within the margin"
    return "unsupported", UNDECIDED


def _test(each: TestedCandidate, question: Question) -> str:
    found, rho = each.found, question.correlation
    n = each.baseline.n, each.candidate.n
    runs = f"n = {n[0]}" if n[0] == n[1] else f"n = {n[0]} and {n[1]}"
    shared = f"ddof {question.ddof}, {runs}"
    if rho is None or n[0] != n[1]:
        return f"Welch t({found.df:.1f}) = {found.t:.2f}, {shared}: p {_p(each.p_value)}"
    return f"paired t({n[0] - 1}) at a pair correlation of {rho:g}, {shared}: p {_p(each.p_value)}"


def _corrected(size: int, p_value: float, low: float, high: float) -> str:
    within = "" if low == high else f", {_p(low)} to {_p(high)} within rounding"
    return f"Holm over {size}: {_p(p_value)}{within}"


def _margin(p_equivalence: float, size: int, question: Question) -> list[str]:
    if question.margin is None:
        return []
    over = f", Holm over {size}" if size > 1 else ""
    return [f"two one-sided tests against {question.margin:g}{over}: p {_p(p_equivalence)}"]


def _pairs(paired: Sequence[float]) -> list[str]:
    if any(math.isnan(p) for p in paired):
        return []
    if min(paired) == max(paired):
        return [f"{_p(paired[0])} at any pair correlation up to {CORRELATIONS[-1]:g}"]
    listed = ", ".join(f"{_p(p)} at {rho:g}" for p, rho in zip(paired, CORRELATIONS, strict=True))
    return [f"if seeds were shared, by pair correlation: {listed}"]


def _undecided(severity: str, low: float, high: float, paired: Sequence[float]) -> list[str]:
    """What the printed table leaves out that would decide."""
    if severity != "unsupported":
        return []
    if low < ALPHA <= high:
        return ["rounding alone decides"]
    if min(paired) < ALPHA <= max(paired):
        return ["the pair correlation, which is not printed, would decide"]
    return []


def _needed(
    tested: Sequence[Sequence[TestedCandidate]], sizes: Sequence[int], question: Question
) -> dict[int, int]:
    """Runs that 80 % power takes at the margin and the strictest step of Holm, by the test's id.

    None without a margin: power at the difference that was observed says no more than its p-value
    (Hoenig and Heisey 2001). Families of one size are looked up together.
    """
    needed: dict[int, int] = {}
    if question.margin is None:
        return needed
    test = "welch" if question.correlation is None else "t"
    for size in set(sizes):
        effects = {
            id(each): _effect(each, question.margin, question)
            for family, own in zip(tested, sizes, strict=True)
            for each in family
            if own == size
        }
        known = {name: effect for name, effect in effects.items() if 0 < effect < math.inf}
        runs = seeds_for_test(np.array([*known.values()]), size, alpha=ALPHA, test=test)
        needed |= dict(zip(known, runs.tolist(), strict=True))
    return needed


def _effect(each: TestedCandidate, margin: float, question: Question) -> float:
    """The margin over the sd of the difference of two scores."""
    spread = math.hypot(*_sds(each.baseline, each.candidate, question.ddof))
    if question.correlation is not None:
        error = _paired_error(each.baseline, each.candidate, question.correlation, question.ddof)
        spread = error * math.sqrt(each.baseline.n)
    return margin / spread if spread else math.inf


def _power(needed: int | None, each: TestedCandidate, question: Question) -> Iterator[str]:
    if needed is None:
        return
    runs = "runs an arm" if question.correlation is None else "pairs"
    there = min(each.baseline.n, each.candidate.n)
    takes = f"takes {needed:,} {runs}" if needed > there else f"is there with {there} {runs}"
    yield f"80 % power for a true difference of {question.margin:.3g} {takes}"


def _signed(each: TestedCandidate) -> str:
    digits = max(decimals(each.baseline.mean), decimals(each.candidate.mean))
    return f"{each.found.difference:+.{digits}f}"


def _p(value: float) -> str:
    """Three digits, as in the tables of verdicts.

    >>> _p(0.03125), _p(0.00001)
    ('.0312', '<.0001')
    """
    if math.isnan(value):
        return "n/a"
    if value < 0.0001:
        return "<.0001"
    return (f"{value:.3g}" if value >= 0.001 else f"{value:.4f}").removeprefix("0")
