"""The Bayesian signed-rank test with a region of practical equivalence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stats.inputs import (
    FloatArray,
    IntArray,
    check_count,
    check_positive,
    check_rope,
    finite_table,
    finite_vector,
    random_stream,
)
from stats.many_arms.friedman import BLOCKS_OF_ARMS
from stats.multiplicity import all_pairs
from stats.ties import noise_scale, settle

NDArray32 = NDArray[np.float32]

#: Weights held at a time, 0.5 MB: what does not leave the cache is not fetched again.
AT_ONCE = 1 << 17


#: Masses that are this close are equal but for the rounding of 32-bit sums.
ROUNDING = np.float32(1e-5)


@dataclass(frozen=True)
class BayesianSignedRank:
    """Posterior probabilities that a region holds more of the Walsh averages than the others.

    They add up to 1. Without a region of practical equivalence `p_rope` is 0.

    Attributes:
        p_below: that the candidate is worse (lower) by more than the rope.
        p_rope: that the difference lies inside ±rope.
        p_above: that the candidate is higher by more than the rope.
    """

    p_below: float
    p_rope: float
    p_above: float
    rope: float
    n_pairs: int


def bayesian_signed_rank(
    differences: ArrayLike,
    rope: float = 0.0,
    *,
    prior_strength: float = 0.5,
    samples: int = 50_000,
    seed: int = 0,
) -> BayesianSignedRank:
    """Signed-rank test under a Dirichlet process prior (Benavoli et al. 2014, 2017).

    The posterior of the distribution of differences puts Dirichlet weights on the observations
    and on one pseudo-observation at 0 of weight `prior_strength`. In each sample of the weights
    the masses of Walsh averages below, inside and above ±rope are compared; the answer is how
    often each is the largest; regions of equal mass share the sample. Averages on the edge of
    the region count half to either side.

    The units are usually tasks: with the seeds of one task it speaks of that task alone.

    Args:
        differences: shape (n,), candidate minus baseline, in points of the metric.
        rope: half width of the region of practical equivalence, in the same points.
        prior_strength: weight of the prior against 1 for each observation.
        samples: of the posterior; the Monte Carlo error of a probability is at most
            0.5/√samples, .002 by default.
        seed: of the random numbers.

    Raises:
        NotEnoughPairs: no difference is given.
        StatsError: a difference is not a finite number.
        InvalidSetting: a negative rope, or a prior strength or number of samples not above 0.

    >>> result = bayesian_signed_rank([1.2, 0.8, 1.5, -0.1, 2.0, 1.1, 0.9, 1.4], rope=0.5)
    >>> result.p_above > 0.95
    True
    """
    vector = finite_vector(differences)
    settled = settle(vector, float(np.abs(vector).max()))
    table = np.stack([np.zeros(len(vector)), settled], axis=1)
    masses = _probabilities(table, [(1, 0)], rope, prior_strength, samples, seed)[0]
    below, inside, above = masses.tolist()
    return BayesianSignedRank(below, inside, above, rope, len(vector))


def bayesian_signed_rank_pairs(
    scores: ArrayLike,
    rope: float = 0.0,
    *,
    prior_strength: float = 0.5,
    samples: int = 50_000,
    seed: int = 0,
) -> dict[tuple[int, int], BayesianSignedRank]:
    """`bayesian_signed_rank` of every pair of arms over shared blocks, first minus second.

    All pairs take the same posterior samples, so that the answers for A − B and B − A agree.

    Args:
        scores: shape (n, k): n blocks, usually tasks, of k arms.
        rope: half width of the region of practical equivalence, in points.
        prior_strength: weight of the prior.
        samples: of the posterior.
        seed: of the random numbers.

    Returns:
        By the places of the two arms. As the posterior is no error rate, nothing is corrected.

    Raises:
        NotEnoughPairs: fewer than two blocks or arms.
        StatsError: not a table of finite numbers.
        InvalidSetting: as for `bayesian_signed_rank`.
    """
    table = finite_table(scores, BLOCKS_OF_ARMS)
    pairs = [(a, b) for a, b in all_pairs(table.shape[1]).tolist()]
    masses = _probabilities(table, pairs, rope, prior_strength, samples, seed)
    return {
        pair: BayesianSignedRank(below, inside, above, rope, len(table))
        for pair, (below, inside, above) in zip(pairs, masses.tolist(), strict=True)
    }


def _probabilities(
    table: FloatArray,
    pairs: list[tuple[int, int]],
    rope: float,
    prior_strength: float,
    samples: int,
    seed: int,
) -> FloatArray:
    """How often the mass below, inside and above is the largest: shape (pairs, 3)."""
    check_rope(rope)
    check_positive("prior_strength", prior_strength, unit="")
    check_count("samples", samples, 1)
    first, second = np.array(pairs).T
    scale = noise_scale(table)
    differences = settle(table.T[first] - table.T[second], scale)
    with_prior = np.concatenate([np.zeros((len(pairs), 1)), differences], axis=1)
    orders = np.argsort(with_prior, axis=1, kind="stable")
    edges = [_edges(row[order], rope) for row, order in zip(with_prior, orders, strict=True)]
    random = random_stream(seed)
    size = with_prior.shape[1]
    strengths = np.ones((size, 1))
    strengths[0] = prior_strength
    at_once = max(1, AT_ONCE // size)
    wins = np.zeros((len(pairs), 3))
    for start in range(0, samples, at_once):
        shape = (size, min(at_once, samples - start))
        weights = random.standard_gamma(np.broadcast_to(strengths, shape)).astype(np.float32)
        weights /= weights.sum(axis=0)
        for pair, order in enumerate(orders):
            wins[pair] += _largest(weights[order], edges[pair], rope)
    return wins / samples


def _edges(ordered: FloatArray, rope: float) -> tuple[IntArray, ...]:
    """For each difference d how many others e have d + e below, and up to, ∓2·rope."""
    noise = 1e-12 * max(1.0, float(np.abs(ordered).max()), rope)
    return tuple(
        np.searchsorted(ordered, bound - ordered + shift, side="left")
        for bound in (-2 * rope, 2 * rope)
        for shift in (-noise, noise)
    )


def _largest(weights: NDArray32, edges: tuple[IntArray, ...], rope: float) -> FloatArray:
    """In how many samples each region holds most of the mass; weights of shape (n, samples)."""
    up_to = np.zeros((len(weights) + 1, weights.shape[1]), dtype=np.float32)
    for row in range(len(weights)):
        np.add(up_to[row], weights[row], out=up_to[row + 1])
    masses = [np.einsum("ns,ns->s", weights, up_to[edge]) for edge in edges]
    below = (masses[0] + masses[1]) / 2
    above = 1 - (masses[2] + masses[3]) / 2
    inside = 1 - below - above if rope > 0 else np.full_like(below, -1.0)
    regions = np.stack([below, inside, above])
    largest = regions >= regions.max(axis=0) - ROUNDING
    return np.asarray((largest / largest.sum(axis=0)).sum(axis=1), dtype=np.float64)
