"""How often an arm collapses, and how arms differ where neither does.

A mean over runs of both kinds mixes two questions that have answers of their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv

from stats.errors import InvalidSetting, NotEnoughPairs
from stats.inputs import check_count, check_fraction
from stats.items.mcnemar import mcnemar
from stats.table.collapsed_runs import collapsed
from stats.table.pairing import Seed, join_arms
from stats.verdicts.compare import ComparisonResult, compare


@dataclass(frozen=True)
class Share:
    """How often something happened, with the exact interval of Clopper and Pearson (1934)."""

    count: int
    total: int
    low: float
    high: float
    confidence: float


def share(count: int, total: int, confidence: float = 0.95) -> Share:
    """A share with its exact interval, which covers at least what it says.

    Raises:
        InvalidSetting: counts that are none, more than all, or `confidence` outside (0, 1).

    >>> three = share(3, 8)
    >>> round(three.low, 3), round(three.high, 3)
    (0.085, 0.755)
    """
    check_fraction("confidence", confidence)
    check_count("total", total, 1)
    check_count("count", count, 0)
    if count > total:
        raise InvalidSetting(f"count must be at most total, and {count} is more than {total}")
    tail = (1 - confidence) / 2
    low = float(betaincinv(count, total - count + 1, tail)) if count else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - tail)) if count < total else 1.0
    return Share(count, total, low, high, confidence)


@dataclass(frozen=True, kw_only=True)
class Collapse:
    """Two questions about a candidate and a baseline, and an answer to each.

    Attributes:
        baseline: how often its runs collapse, of those on shared seeds.
        candidate: the same.
        baseline_seeds: on which the baseline collapsed.
        candidate_seeds: on which the candidate did.
        only_baseline: seeds on which the baseline alone collapsed.
        only_candidate: seeds on which the candidate alone did.
        p_value: does one of them collapse more often? McNemar's exact test of these two numbers,
            two-sided; 1 where there are none.
        others: the comparison over the seeds on which neither collapsed; None below two.
    """

    baseline: Share
    candidate: Share
    baseline_seeds: tuple[Seed, ...]
    candidate_seeds: tuple[Seed, ...]
    only_baseline: int
    only_candidate: int
    p_value: float
    others: ComparisonResult | None


def collapse(
    baseline_scores: Any,
    candidate_scores: Any,
    *,
    below: float | None = None,
    margin: float | None = None,
    lower_is_better: bool = False,
    alpha: float = 0.05,
    **settings: Any,
) -> Collapse:
    """How often each of two arms collapses, and how they differ where neither does.

    Two questions in place of the one about the mean. "Does one method collapse more often?" has
    exact intervals for both shares and McNemar's exact test over the shared seeds. "How do they
    differ where neither has collapsed?" is `compare` over these seeds: it speaks of seeds that
    were chosen by their results, and of what a user gets who throws collapsed runs away. Neither
    p is corrected for the other. That a mean differs over all seeds, collapsed ones among them,
    is a third question, for `compare`.

    Args:
        baseline_scores: by seed, as for `compare`.
        candidate_scores: the same kind.
        below: a run has collapsed that is no better than this score; None takes the rule of
            `collapsed`.
        margin: smallest difference that matters, in points of the metric.
        lower_is_better: whether the metric is a loss.
        alpha: intervals have confidence 1 − alpha.
        settings: of `compare`, for the seeds on which neither collapsed.

    Raises:
        NotPaired: the scores cannot be joined.
        NotEnoughPairs: no seed has both scores.
        InvalidSetting: a setting outside what it can be.

    >>> base = [87.5, 87.9, 87.2, 87.7, 87.4, 87.6, 87.8, 87.3]
    >>> kd = [88.1, 88.4, 50.3, 87.9, 88.2, 88.3, 50.1, 88.0]
    >>> found = collapse(base, kd)
    >>> found.candidate.count, round(found.candidate.high, 3), found.p_value
    (2, 0.651, 0.5)
    >>> found.others.n_pairs, round(found.others.mean_difference, 2), found.others.p_value
    (6, 0.58, 0.03125)
    """
    check_fraction("alpha", alpha)
    arms, seeds = join_arms([("baseline", baseline_scores), ("candidate", candidate_scores)])
    shared = np.logical_and.reduce(np.isfinite(arms))
    if not shared.any():
        raise NotEnoughPairs("baseline and candidate share no scored seed")
    rule: dict[str, Any] = {"margin": margin, "lower_is_better": lower_is_better}
    lost = collapsed(arms, below=below, **rule)[:, shared]
    rest = arms[:, shared][:, ~lost.any(axis=0)]
    kept = [seed for seed, both in zip(seeds, shared.tolist(), strict=True) if both]
    enough = rest.shape[1] >= 2
    others = compare(rest[0], rest[1], alpha=alpha, **rule, **settings) if enough else None
    return conclude_collapse(lost, kept, others, round(1 - alpha, 12))


def conclude_collapse(
    lost: NDArray[np.bool_],
    seeds: Sequence[Seed],
    others: ComparisonResult | None,
    confidence: float,
) -> Collapse:
    """Both answers, from which runs on shared seeds collapsed, shape (2, n), and the comparison."""
    test = mcnemar(~lost[0], ~lost[1])
    shares = [share(int(each.sum()), lost.shape[1], confidence) for each in lost]
    named = [tuple(seeds[place] for place in np.flatnonzero(each).tolist()) for each in lost]
    return Collapse(
        baseline=shares[0],
        candidate=shares[1],
        baseline_seeds=named[0],
        candidate_seeds=named[1],
        only_baseline=test.only_candidate,
        only_candidate=test.only_baseline,
        p_value=test.p_value,
        others=others,
    )
