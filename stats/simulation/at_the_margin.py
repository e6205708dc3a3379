"""How often equivalence is claimed of a difference that is as large as the margin."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from stats.equivalence.by_ranks import one_sided_rank_rows
from stats.equivalence.tost import tost_rows
from stats.inputs import FloatArray
from stats.intervals import mean_and_sd
from stats.simulation.laws import LAWS, PAIRS, Draw, truths
from stats.simulation.tables import percent_table

#: A margin of so many points leaves one end to be shown, which is where TOST errs most often.
WIDE = 50.0

TESTS = ("t", "ranks")


def rare_losses(random: np.random.Generator, shape: tuple[int, ...]) -> FloatArray:
    """Four differences in five are alike, and the fifth is 5 points lower; the mean is 0."""
    return np.where(random.random(shape) < 0.2, -4.0, 1.0)


def centres() -> Mapping[str, tuple[Draw, float]]:
    """Laws of mean 0, each with its pseudo-median."""
    known = {law: (LAWS[law], truth.pseudo_median - 1) for law, truth in truths().items()}
    return known | {"rare losses": (rare_losses, 1.0)}


def margin_error_rate(
    test: str,
    law: str,
    n_pairs: int,
    end: int,
    simulations: int = 10_000,
    alpha: float = 0.05,
    seed: int = 0,
) -> float:
    """Share of samples that are called equivalent where the truth lies on the margin.

    At the lower end it is the error rate of `non_inferiority` too.

    Args:
        test: "t", where the truth is the mean, or "ranks", where it is the pseudo-median.
        law: one of `centres`.
        n_pairs: differences in a sample.
        end: −1 for a truth of −margin, 1 for +margin.
        simulations: samples drawn.
        alpha: level of the test.
        seed: of the random numbers.

    >>> 0.045 < margin_error_rate("t", "normal", 8, -1) < 0.055
    True
    """
    draw, pseudo_median = centres()[law]
    differences = draw(np.random.default_rng([seed, n_pairs]), (simulations, n_pairs)) + end * WIDE
    p_value = _P_VALUES[test](differences - (pseudo_median if test == "ranks" else 0.0))
    return float((p_value < alpha).mean())


def margin_table(simulations: int = 10_000) -> str:
    """Equivalence claimed at the margin in percent, at n = 5, 8 and 20, in Markdown."""
    rows = {
        f"{test}, truth at {'−' if end < 0 else '+'}margin": [
            [margin_error_rate(test, law, n, end, simulations) for n in PAIRS] for law in centres()
        ]
        for test in TESTS
        for end in (-1, 1)
    }
    return percent_table(["equivalence by", *centres()], rows)


def _tost(differences: FloatArray) -> FloatArray:
    return tost_rows(*mean_and_sd(differences), differences.shape[1], WIDE)


def _ranks(differences: FloatArray) -> FloatArray:
    return np.maximum(*one_sided_rank_rows(differences, WIDE))


_P_VALUES: Mapping[str, Callable[[FloatArray], FloatArray]] = {"t": _tost, "ranks": _ranks}
