"""How far two models are apart on documents, by the test that what is known of them allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri, stdtr

from stats.errors import NotEnoughPairs, NotPaired
from stats.inputs import FloatArray
from stats.items.aggregates import Aggregate, aggregate_named, mean_of_items
from stats.items.clustered import clustered_mean
from stats.items.item_bootstrap import bootstrap_items
from stats.items.mcnemar import mcnemar
from stats.items.seeds_and_items import seeds_and_items
from stats.judging import Judging
from stats.table.evaluations import Documents, Evaluation

#: What is tested, in the words of tables.
MCNEMAR = "McNemar, exact"
OVER_DOCUMENTS = "t over documents"
OVER_CLUSTERS = "t over clusters"
BOOTSTRAP = "paired bootstrap"
BY_ERRORS = "two standard errors"
WITH_SEEDS = "seeds and documents"

#: What is said of `BY_ERRORS`.
WITHOUT_SAMPLES = (
    "where samples of either model are not given (--log_samples), two standard errors leave out "
    "that models find the same documents hard; pairs of documents tell more"
)

#: How far a printed score may lie from what its documents give.
ROUNDING = 1e-6


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What `DocumentComparison` says of one comparison before correction."""

    by: str
    n_documents: int = 0
    n_clusters: int = 0
    n_seeds: int = 0
    baseline_score: float
    candidate_score: float
    difference: float
    error: float
    ci_low: float
    ci_high: float
    p_value: float
    p_equivalence: float


def measured(
    baseline: Sequence[Evaluation], candidate: Sequence[Evaluation], judging: Judging
) -> tuple[Measured, list[str]]:
    """One candidate against a baseline on one task, and what is to be said of it.

    Right and wrong answers to documents that stand alone are tested by McNemar's exact test; other
    means by t over documents, or over clusters of them; metrics that are no means by the paired
    bootstrap, whose standard error also decides on equivalence. Models without documents are told
    apart by their two standard errors, as if they had seen different documents. Several seeds are
    tested together with the documents; a model without a seed meets all seeds of the other.

    Args:
        baseline: its evaluations on the task, one a seed.
        candidate: likewise.
        judging: alpha and margin.

    Raises:
        NotPaired: they share no document or no seed, or seeds without documents.
        NotEnoughPairs: fewer than two documents, clusters or seeds.
    """
    remarks = _of_settings(baseline, candidate)
    if len(baseline) > 1 or len(candidate) > 1:
        return _with_seeds(baseline, candidate, judging), remarks
    first, second = baseline[0], candidate[0]
    for each in (first, second):
        remarks += _of_documents(each)
    if not (_is_known(first) and _is_known(second)):
        logged = first.documents is not None and second.documents is not None
        return _by_errors(first, second, judging), [
            *remarks,
            *([] if logged else [WITHOUT_SAMPLES]),
        ]
    both, clusters, left_out = _shared(first, second)
    remarks += left_out
    return _on_documents(first.metric, both, clusters, judging), remarks


def _of_settings(baseline: Sequence[Evaluation], candidate: Sequence[Evaluation]) -> list[str]:
    first, second = baseline[0], candidate[0]
    settings = {each.settings for each in (*baseline, *candidate)} - {""}
    if len(settings) < 2:
        return []
    return [
        f"{first.method} and {second.method} were not asked alike on {first.task}: "
        f"{' or '.join(sorted(settings))}"
    ]


def _of_documents(each: Evaluation) -> list[str]:
    """Why documents are not taken, where they are there."""
    if each.documents is None or _is_known(each):
        return []
    name = each.metric.split(",")[0]
    if aggregate_named(name, each.documents.values) is None:
        reason = f"how {name} is made of single documents is not known here"
    else:
        reason = "the documents logged do not give its score"
    return [f"{each.method} on {each.task}: {reason}, so its standard error is taken"]


def _is_known(each: Evaluation) -> bool:
    """Whether its documents give its score."""
    if each.documents is None:
        return False
    how = aggregate_named(each.metric.split(",")[0], each.documents.values)
    if how is None:
        return False
    return math.isnan(each.score) or math.isclose(
        how(each.documents.values), each.score, rel_tol=ROUNDING, abs_tol=ROUNDING
    )


def _shared(
    first: Evaluation, second: Evaluation
) -> tuple[tuple[FloatArray, FloatArray], list[str] | None, list[str]]:
    """The values of both on the documents that both have, their clusters, and what was left out."""
    assert first.documents is not None  # both are known
    assert second.documents is not None
    known = {name: row for row, name in enumerate(second.documents.names)}
    rows = [(row, known[name]) for row, name in enumerate(first.documents.names) if name in known]
    if not rows:
        raise NotPaired(
            f"{first.method} and {second.method} share no document of {first.task}: they were "
            "evaluated on other data"
        )
    of_first, of_second = (list(each) for each in zip(*rows, strict=True))
    clusters = first.documents.clusters
    left = len(first.documents.names) + len(second.documents.names) - 2 * len(rows)
    remark = f"{left} documents of {first.task} are not those of both, and left out"
    return (
        (first.documents.values[of_first], second.documents.values[of_second]),
        [clusters[row] for row in of_first] if clusters else None,
        [remark] if left else [],
    )


def _on_documents(
    metric: str,
    both: tuple[FloatArray, FloatArray],
    clusters: list[str] | None,
    judging: Judging,
) -> Measured:
    how = aggregate_named(metric.split(",")[0], both[0])
    assert how is not None  # it gave the scores
    count = 0 if clusters is None else len(set(clusters))
    if how is not mean_of_items:
        return _by_bootstrap(how, both, clusters, count, judging)
    if clusters is None and all(np.isin(each, (0, 1)).all() for each in both):
        return _by_mcnemar(both, judging)
    found = clustered_mean(both[1] - both[0], clusters, confidence=judging.confidence)
    return Measured(
        by=OVER_DOCUMENTS if clusters is None else OVER_CLUSTERS,
        n_documents=found.n_items,
        n_clusters=count,
        baseline_score=float(both[0].mean()),
        candidate_score=float(both[1].mean()),
        difference=found.mean,
        error=found.error,
        ci_low=found.low,
        ci_high=found.high,
        p_value=found.p_value,
        p_equivalence=_p_inside(found.mean, found.error, judging, found.n_clusters - 1),
    )


def _by_mcnemar(both: tuple[FloatArray, FloatArray], judging: Judging) -> Measured:
    found = mcnemar(*both, confidence=judging.confidence)
    half = (found.high - found.low) / 2
    error = half / float(ndtri((1 + judging.confidence) / 2))  # of the interval, with its ½ a cell
    return Measured(
        by=MCNEMAR,
        n_documents=found.n_items,
        baseline_score=float(both[0].mean()),
        candidate_score=float(both[1].mean()),
        difference=found.difference,
        error=found.error,
        ci_low=found.low,
        ci_high=found.high,
        p_value=found.p_value,
        p_equivalence=_p_inside((found.low + found.high) / 2, error, judging),
    )


def _by_bootstrap(
    how: Aggregate,
    both: tuple[FloatArray, FloatArray],
    clusters: list[str] | None,
    count: int,
    judging: Judging,
) -> Measured:
    found = bootstrap_items(
        lambda _, values: how(np.asarray(values, dtype=np.float64)),
        np.arange(len(both[0])),
        *both,
        clusters=clusters,
        confidence=judging.confidence,
    )
    return Measured(
        by=BOOTSTRAP,
        n_documents=found.n_items,
        n_clusters=count,
        baseline_score=found.baseline,
        candidate_score=found.candidate,
        difference=found.difference,
        error=found.error,
        ci_low=found.low,
        ci_high=found.high,
        p_value=found.p_value,
        p_equivalence=_p_inside(found.difference, found.error, judging),
    )


def _by_errors(first: Evaluation, second: Evaluation, judging: Judging) -> Measured:
    difference, error = second.score - first.score, math.hypot(first.error, second.error)
    reach = float(ndtri((1 + judging.confidence) / 2)) * error
    return Measured(
        by=BY_ERRORS,
        baseline_score=first.score,
        candidate_score=second.score,
        difference=difference,
        error=error,
        ci_low=difference - reach,
        ci_high=difference + reach,
        p_value=2 * float(ndtr(-abs(difference) / error)) if error > 0 else math.nan,
        p_equivalence=_p_inside(difference, error, judging),
    )


def _with_seeds(
    baseline: Sequence[Evaluation], candidate: Sequence[Evaluation], judging: Judging
) -> Measured:
    first, second = baseline[0], candidate[0]
    pairs = _pairs_of_seeds(baseline, candidate)
    documents = [each.documents for pair in pairs for each in pair if _is_mean(each)]
    if len(documents) < 2 * len(pairs) or any(each and each.clusters for each in documents):
        raise NotPaired(
            f"{first.method} and {second.method} have several seeds on {first.task}: these are "
            "judged together with documents where all of them logged a mean over documents, and "
            "without --cluster; else by seeds, where no samples_*.jsonl is given"
        )
    held = [each for each in documents if each is not None]
    shared = set.intersection(*(set(each.names) for each in held))
    names = [name for name in held[0].names if name in shared]
    rows = np.array([_in_order(each, names) for each in held], dtype=np.float64)
    arms: FloatArray = rows.reshape(len(pairs), 2, len(names))
    differences: FloatArray = arms[:, 1] - arms[:, 0]
    found = seeds_and_items(differences, confidence=judging.confidence)
    return Measured(
        by=WITH_SEEDS,
        n_documents=len(names),
        n_seeds=len(pairs),
        baseline_score=float(arms[:, 0].mean()),
        candidate_score=float(arms[:, 1].mean()),
        difference=found.difference,
        error=found.error,
        ci_low=found.low,
        ci_high=found.high,
        p_value=found.p_value,
        p_equivalence=_p_inside_with_seeds(differences, judging),
    )


def _pairs_of_seeds(
    baseline: Sequence[Evaluation], candidate: Sequence[Evaluation]
) -> list[tuple[Evaluation, Evaluation]]:
    """Evaluations of the same seed; one model without a seed meets all seeds of the other."""
    first, second = ({each.seed: each for each in side} for side in (baseline, candidate))
    if list(first) == [None]:
        return [(baseline[0], each) for each in candidate]
    if list(second) == [None]:
        return [(each, candidate[0]) for each in baseline]
    shared = [seed for seed in first if seed in second]
    if len(shared) < 2:
        raise NotEnoughPairs(
            f"{baseline[0].method} and {candidate[0].method} share {len(shared)} seeds on "
            f"{baseline[0].task}; two needed"
        )
    return [(first[seed], second[seed]) for seed in shared]


def _is_mean(each: Evaluation) -> bool:
    name = each.metric.split(",")[0]
    return (
        _is_known(each)
        and each.documents is not None
        and aggregate_named(name, each.documents.values) is mean_of_items
    )


def _in_order(documents: Documents, names: Sequence[str]) -> FloatArray:
    rows = {name: row for row, name in enumerate(documents.names)}
    return documents.values[[rows[name] for name in names]]


def _p_inside(
    difference: float, error: float, judging: Judging, freedom: float = math.inf
) -> float:
    """p of "the difference is not inside the margin"; NaN where there is no margin or spread."""
    if judging.margin is None or not error > 0:
        return math.nan
    t = (judging.margin - abs(difference)) / error
    return float(ndtr(-t) if math.isinf(freedom) else stdtr(freedom, -t))


def _p_inside_with_seeds(differences: FloatArray, judging: Judging) -> float:
    """The larger p of the one-sided tests at both ends of the margin."""
    if judging.margin is None:
        return math.nan
    inward = 1 if differences.mean() >= 0 else -1
    shifted = differences - inward * judging.margin
    half = seeds_and_items(shifted, confidence=judging.confidence).p_value / 2
    return half if inward * shifted.mean() < 0 else 1 - half
