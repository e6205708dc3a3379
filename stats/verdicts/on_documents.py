"""Models that were evaluated once: verdicts about documents like those of the test set."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from stats.errors import NotPaired, UnknownName
from stats.judging import Judging
from stats.table.direction import by_name
from stats.table.evaluations import Evaluation, of_one_metric
from stats.verdicts.claims import adjust_claims_in_families
from stats.verdicts.measured_on_documents import Measured, measured
from stats.verdicts.verdict import Verdict, judge, seeds_to_decide


@dataclass(frozen=True, kw_only=True)
class DocumentComparison:
    """A candidate against a baseline on the documents of one task.

    Differences are candidate minus baseline in units of the metric.

    Attributes:
        by: what was tested, one of the words of `measured_on_documents`.
        n_documents: that both have; 0 where only scores and standard errors are known.
        n_clusters: of these documents; 0 where they are not clustered.
        n_seeds: of training that take part; 0 where each model was trained once.
        ci_low: end of the interval over documents, at `confidence`.
        p_adjusted: corrected in the family together with `p_equivalence_adjusted`.
        documents_needed: for an inconclusive verdict, the documents, in clusters of the same size,
            that a t test takes for 80 % power to find a difference of the margin at the observed
            spread; never fewer than are there. None without a margin, documents or one seed.
    """

    baseline: str
    candidate: str
    task: str
    metric: str
    lower_is_better: bool
    by: str
    n_documents: int
    n_clusters: int
    n_seeds: int
    baseline_score: float
    candidate_score: float
    difference: float
    error: float
    ci_low: float
    ci_high: float
    confidence: float
    p_value: float
    p_adjusted: float
    p_equivalence: float
    p_equivalence_adjusted: float
    verdict: Verdict
    documents_needed: int | None


@dataclass(frozen=True, kw_only=True)
class DocumentAnalysis:
    """What `analyse_documents` found."""

    study: str
    judging: Judging
    comparisons: tuple[DocumentComparison, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Place:
    """A comparison before its p-values are corrected."""

    candidate: str
    task: str
    metric: str
    lower_is_better: bool
    found: Measured


def analyse_documents(
    evaluations: Sequence[Evaluation],
    baseline: str,
    candidates: Sequence[str],
    judging: Judging | None = None,
    *,
    study: str = "",
) -> DocumentAnalysis:
    """Compare models on the documents that both were evaluated on.

    Where a model was trained once, the verdict is about these two models on other documents, and
    not about methods: another seed is another model. Documents are joined by name.

    Args:
        evaluations: of all models, of whatever metrics.
        baseline: the method that candidates are compared with.
        candidates: methods, each compared with the baseline.
        judging: metric, direction, alpha, margin, correction and family; None for `Judging()`.
        study: a name for the output.

    Raises:
        UnknownName: a method or metric that the evaluations do not hold.
        InvalidSetting: a task has several metrics, or one of which less may be better.
        NotPaired: baseline and candidates share no task, or no document of one.
        NotEnoughPairs: fewer than two documents, clusters or seeds.
    """
    judging = judging or Judging()
    methods = list(dict.fromkeys(each.method for each in evaluations))
    for name in (baseline, *candidates):
        if name not in methods:
            raise UnknownName("method", name, methods)
    chosen = of_one_metric(evaluations, judging.metric)
    places, warnings = [], []
    for task in dict.fromkeys(each.task for each in chosen):
        here = {
            method: [each for each in chosen if (each.task, each.method) == (task, method)]
            for method in (baseline, *candidates)
        }
        for candidate in dict.fromkeys(candidates):
            if not (here[baseline] and here[candidate]):
                absent = candidate if here[baseline] else baseline
                warnings.append(f"{absent} was not evaluated on {task}")
                continue
            found, remarks = measured(here[baseline], here[candidate], judging)
            first = here[baseline][0]
            lower = _is_lower_better([*here[baseline], *here[candidate]], judging)
            places.append(_Place(candidate, task, first.metric, lower, found))
            warnings += remarks
    if not places:
        raise NotPaired(f"{baseline} and {', '.join(candidates)} share no task")
    if judging.margin is None:
        warnings.append("no margin is declared, so no verdict can be negligible or equivalent")
    return DocumentAnalysis(
        study=study,
        judging=judging,
        comparisons=tuple(_concluded(baseline, places, judging)),
        warnings=tuple(dict.fromkeys(warnings)),
    )


def _is_lower_better(evaluations: Sequence[Evaluation], judging: Judging) -> bool:
    if judging.lower_is_better is not None:
        return judging.lower_is_better
    said = {each.lower_is_better for each in evaluations} - {None}
    return said == {True} if said else bool(by_name(evaluations[0].metric.split(",")[0]))


def _concluded(
    baseline: str, places: Sequence[_Place], judging: Judging
) -> list[DocumentComparison]:
    families = [each.task if judging.family != "study" else "study" for each in places]
    inside = [math.nan if judging.margin is None else each.found.p_equivalence for each in places]
    adjusted, inside_adjusted, size = adjust_claims_in_families(
        [each.found.p_value for each in places], inside, families, judging.correction
    )
    sd = np.array([_sd_over_documents(each.found) for each in places])
    needed = seeds_to_decide(sd, size, replace(judging, test="t"))
    rows = zip(places, adjusted.tolist(), inside_adjusted.tolist(), needed, strict=True)
    return [_with_verdict(baseline, *row, judging) for row in rows]


def _with_verdict(
    baseline: str, each: _Place, p: float, p_inside: float, needed: int | None, judging: Judging
) -> DocumentComparison:
    found = each.found
    verdict = judge(p, p_inside, found.difference, judging.alpha, each.lower_is_better)
    undecided = verdict == "inconclusive" and needed is not None
    return DocumentComparison(
        baseline=baseline,
        candidate=each.candidate,
        task=each.task,
        metric=each.metric,
        lower_is_better=each.lower_is_better,
        confidence=judging.confidence,
        p_adjusted=p,
        p_equivalence_adjusted=p_inside,
        verdict=verdict,
        documents_needed=max(needed or 0, found.n_documents) if undecided else None,
        **vars(found),
    )


def _sd_over_documents(found: Measured) -> float:
    """Spread of the difference of one document; NaN where seeds add theirs, or it is not known."""
    if found.n_seeds or not found.n_documents:
        return math.nan
    return found.error * math.sqrt(found.n_documents)
