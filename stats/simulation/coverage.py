"""How often intervals hold the truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from stats.effects.standardised import d_av_rows, d_z_bounds, hedges_g_rows
from stats.effects.superiority import a12_rows, rank_biserial_bounds, superiority_rows
from stats.inputs import FloatArray
from stats.intervals import mean_and_sd, t_bounds
from stats.simulation.laws import LAWS, PAIRS, Truth, truths
from stats.simulation.tables import percent_table
from stats.two_arms.bootstrap import bootstrap_rows
from stats.two_arms.hodges_lehmann import KEPT, hodges_lehmann_rows
from stats.two_arms.rank_sum import shift_rows
from stats.two_arms.welch import welch_rows

Bounds = tuple[FloatArray, FloatArray]


def _mean_t(d: FloatArray) -> Bounds:
    mean, sd = mean_and_sd(d)
    return t_bounds(mean, sd, d.shape[1], 0.95)


def _d_z(d: FloatArray) -> Bounds:
    mean, sd = mean_and_sd(d)
    with np.errstate(divide="ignore", invalid="ignore"):
        return d_z_bounds(mean / sd, d.shape[1], 0.95)


def _welch(first: FloatArray, second: FloatArray) -> Bounds:
    rows = welch_rows(first, second, 0.95)
    return rows["low"], rows["high"]


def _of_mean(truth: Truth) -> float:
    return 1.0


def _of_effect(truth: Truth) -> float:
    return 1 / truth.sd


#: Nominal 95 % intervals of paired differences, each with what it is to hold.
PAIRED_INTERVALS: dict[str, tuple[Callable[[Truth], float], Callable[[FloatArray], Bounds]]] = {
    "t": (_of_mean, _mean_t),
    "Hodges-Lehmann": (
        lambda truth: truth.pseudo_median,
        lambda d: hodges_lehmann_rows(d, 0.95)[1:3],
    ),
    "Hodges-Lehmann, zeros kept": (
        lambda truth: truth.pseudo_median,
        lambda d: hodges_lehmann_rows(d, 0.95, KEPT)[1:3],
    ),
    "percentile": (_of_mean, lambda d: bootstrap_rows(d, "percentile", 0.95, 1_999)),
    "bca": (_of_mean, lambda d: bootstrap_rows(d, "bca", 0.95, 1_999)),
    "bootstrap-t": (_of_mean, lambda d: bootstrap_rows(d, "bootstrap-t", 0.95, 1_999)),
    "d_z, hedges_g": (_of_effect, _d_z),
    "superiority": (lambda truth: truth.superiority, lambda d: superiority_rows(d, 0.95)[1:]),
}

#: The same of two independent arms, of which the second is higher by 1.
UNPAIRED_INTERVALS: dict[
    str, tuple[Callable[[Truth], float], Callable[[FloatArray, FloatArray], Bounds]]
] = {
    "Welch": (_of_mean, _welch),
    "shift (Hodges-Lehmann)": (_of_mean, lambda a, b: shift_rows(a, b, 0.95)[1:3]),
    "hedges_g, unpaired": (_of_effect, lambda a, b: hedges_g_rows(a, b, 0.95)[1:]),
    "a12, cliffs_delta": (lambda truth: truth.wins, lambda a, b: a12_rows(a, b, 0.95)[1:]),
    "d_av": (_of_effect, lambda a, b: d_av_rows(a, b, 0.95)[1:]),
}

INTERVALS = (*PAIRED_INTERVALS, "rank_biserial", *UNPAIRED_INTERVALS)

_truths = cache(truths)


def coverage(
    interval: str, law: str, n_pairs: int, simulations: int = 10_000, seed: int = 0
) -> float:
    """Share of simulated nominal 95 % intervals that hold the true value.

    Args:
        interval: a name in `INTERVALS`. The true value of "rank_biserial" is its mean over
            samples of this size; an interval of an effect size that is not defined, because all
            differences are equal, counts as a miss.
        law: of the differences, or of the scores of both arms, which is then shifted up by 1.
        n_pairs: pairs, or scores of each arm.
        simulations: samples drawn.
        seed: of the samples.

    >>> 0.945 < coverage("t", "normal", 5) < 0.955, coverage("percentile", "normal", 5) < 0.85
    (True, True)
    """
    random = np.random.default_rng([seed, n_pairs])
    arms = LAWS[law](random, (2, simulations, n_pairs)) + np.array([[[0.0]], [[1.0]]])
    if interval == "rank_biserial":
        estimate, low, high = rank_biserial_bounds(arms[1], 0.95)
        truth = float(estimate.mean())
    elif interval in PAIRED_INTERVALS:
        truth_of, bounds = PAIRED_INTERVALS[interval]
        truth = truth_of(_truths()[law])
        low, high = bounds(arms[1])
    else:
        truth_of, between = UNPAIRED_INTERVALS[interval]
        truth = truth_of(_truths()[law])
        low, high = between(arms[0], arms[1])
    return float(((low <= truth) & (truth <= high)).mean())


def coverage_table(simulations: int = 10_000) -> str:
    """Coverage of every nominal 95 % interval in percent, at n = 5, 8 and 20, in Markdown."""
    laws = list(_truths())
    return percent_table(
        ["interval", *laws],
        {
            interval: [[coverage(interval, law, n, simulations) for n in PAIRS] for law in laws]
            for interval in INTERVALS
        },
    )
