"""Error rates and coverage by simulation: `python -m stats.simulation coverage` or `errors`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
from scipy.special import ndtr

from stats.bootstrap import bootstrap_rows
from stats.hodges_lehmann import hodges_lehmann_rows
from stats.inputs import FloatArray
from stats.intervals import mean_and_sd, t_bounds
from stats.primary_tests import paired_test_rows, unpaired_test_rows
from stats.rank_sum import shift_rows
from stats.settings import PAIRED_TESTS, UNPAIRED_TESTS, Settings
from stats.standardised_effects import d_av_rows, d_z_bounds, hedges_g_rows
from stats.superiority import a12_rows, rank_biserial_bounds, superiority_rows
from stats.welch import welch_rows

Bounds = tuple[FloatArray, FloatArray]
Draw = Callable[[np.random.Generator, tuple[int, int]], FloatArray]

LAWS: dict[str, Draw] = {
    "normal": lambda random, shape: random.standard_normal(shape),
    "t3": lambda random, shape: random.standard_t(3, shape),
    "discrete": lambda random, shape: random.integers(-3, 4, shape).astype(np.float64),
    "exponential, mean 0": lambda random, shape: random.exponential(size=shape) - 1,
    "exponential, median 0": lambda random, shape: random.exponential(size=shape) - np.log(2),
}
"""Laws of paired differences. Of the null hypotheses, the exponential with mean 0 meets that of t
alone, and that with median 0 the sign test's alone; the others meet all."""

PAIRS = (5, 8, 20)


def error_rate(
    test: str, law: str, n_pairs: int, simulations: int = 10_000, alpha: float = 0.05, seed: int = 0
) -> float:
    """Share of simulated true nulls that a primary test rejects.

    Unpaired tests compare two arms of `n_pairs` scores with the same law.

    >>> error_rate("wilcoxon", "normal", 5), 0.03 < error_rate("wilcoxon", "normal", 8) < 0.05
    (0.0, True)
    """
    random = np.random.default_rng([seed, n_pairs])
    shape = (simulations, n_pairs)
    if test in PAIRED_TESTS:
        tested = paired_test_rows(LAWS[law](random, shape), Settings(test=test))
    else:
        settings = Settings(test=test, paired=False)
        tested = unpaired_test_rows(LAWS[law](random, shape), LAWS[law](random, shape), settings)
    return float((tested["p_value"] < alpha).mean())


def _mean_t(d: FloatArray) -> Bounds:
    mean, sd = mean_and_sd(d)
    return t_bounds(mean, sd, d.shape[1], 0.95)


def _d_z(d: FloatArray) -> Bounds:
    mean, sd = mean_and_sd(d)
    return d_z_bounds(mean / sd, d.shape[1], 0.95)


def _welch(first: FloatArray, second: FloatArray) -> Bounds:
    rows = welch_rows(first, second, 0.95)
    return rows["low"], rows["high"]


PAIRED_INTERVALS: dict[str, tuple[float, Callable[[FloatArray], Bounds]]] = {
    "t": (1.0, _mean_t),
    "Hodges-Lehmann": (1.0, lambda d: hodges_lehmann_rows(d, 0.95)[1:3]),
    "percentile": (1.0, lambda d: bootstrap_rows(d, "percentile", 0.95, 1_999)),
    "bca": (1.0, lambda d: bootstrap_rows(d, "bca", 0.95, 1_999)),
    "bootstrap-t": (1.0, lambda d: bootstrap_rows(d, "bootstrap-t", 0.95, 1_999)),
    "d_z, hedges_g": (1.0, _d_z),
    "superiority": (float(ndtr(1)), lambda d: superiority_rows(d, 0.95)[1:]),
}
"""Nominal 95 % intervals of normal differences with mean and sd 1, with the true value."""

UNPAIRED_INTERVALS: dict[str, tuple[float, Callable[[FloatArray, FloatArray], Bounds]]] = {
    "Welch": (1.0, _welch),
    "shift (Hodges-Lehmann)": (1.0, lambda a, b: shift_rows(a, b, 0.95)[1:3]),
    "hedges_g, unpaired": (1.0, lambda a, b: hedges_g_rows(a, b, 0.95)[1:]),
    "a12, cliffs_delta": (float(ndtr(np.sqrt(0.5))), lambda a, b: a12_rows(a, b, 0.95)[1:]),
    "d_av": (1.0, lambda a, b: d_av_rows(a, b, 0.95)[1:]),
}
"""The same of two independent normal arms with sd 1, the second one higher."""


def coverage(interval: str, n_pairs: int, simulations: int = 10_000, seed: int = 0) -> float:
    """Share of simulated intervals of normal data that hold the true value.

    Args:
        interval: a name in `PAIRED_INTERVALS` or `UNPAIRED_INTERVALS`, or "rank_biserial", whose
            true value is its mean over samples of this size.
        n_pairs: pairs, or scores of each arm.
        simulations: samples drawn.
        seed: of the samples.

    >>> 0.945 < coverage("t", 5) < 0.955, coverage("percentile", 5) < 0.85
    (True, True)
    """
    random = np.random.default_rng([seed, n_pairs])
    arms = random.standard_normal((2, simulations, n_pairs)) + np.array([[[0.0]], [[1.0]]])
    if interval == "rank_biserial":
        estimate, low, high = rank_biserial_bounds(arms[1], 0.95)
        truth = float(estimate.mean())
    elif interval in PAIRED_INTERVALS:
        truth, bounds = PAIRED_INTERVALS[interval]
        low, high = bounds(arms[1])
    else:
        truth, between = UNPAIRED_INTERVALS[interval]
        low, high = between(arms[0], arms[1])
    return float(((low <= truth) & (truth <= high)).mean())


def coverage_table(simulations: int = 10_000) -> str:
    """Coverage in percent of every nominal 95 % interval, as a Markdown table."""
    names = [*PAIRED_INTERVALS, "rank_biserial", *UNPAIRED_INTERVALS]
    return _table(
        "interval", {name: partial(coverage, name, simulations=simulations) for name in names}
    )


def error_table(simulations: int = 10_000) -> str:
    """Rejected true nulls in percent for every test and law at .05, as a Markdown table."""
    return _table(
        "test, law",
        {
            f"{test}, {law}": partial(error_rate, test, law, simulations=simulations)
            for test in (*PAIRED_TESTS, *UNPAIRED_TESTS)
            for law in LAWS
        },
    )


def _table(head: str, rows: dict[str, Callable[[int], float]]) -> str:
    lines = [f"| {head} | " + " | ".join(f"n = {n}" for n in PAIRS) + " |", "|---|" + "---|" * 3]
    for name, share in rows.items():
        lines.append(f"| {name} | " + " | ".join(f"{100 * share(n):.1f}" for n in PAIRS) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table that is asked for."""
    parser = argparse.ArgumentParser(prog="python -m stats.simulation", description=__doc__)
    parser.add_argument("table", choices=("coverage", "errors"))
    parser.add_argument("--simulations", type=int, default=10_000)
    options = parser.parse_args()
    table = {"coverage": coverage_table, "errors": error_table}[options.table]
    print(table(options.simulations))


if __name__ == "__main__":
    main()
