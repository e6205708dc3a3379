"""How often verdicts are wrong."""

from __future__ import annotations

from typing import Any

import numpy as np

from stats.inputs import FloatArray
from stats.judging import Judging
from stats.register import PAIRED_TESTS, UNPAIRED_TESTS
from stats.simulation.laws import LOSS, PAIRS, RATE, RUN_SD, lost
from stats.simulation.tables import percent_table
from stats.verdicts.compare import conclude_comparisons
from stats.verdicts.paired import paired_statistics
from stats.verdicts.unpaired import measure_unpaired

MARGIN = 1.0


def verdict_rates(arms: FloatArray, judging: Judging) -> dict[str, float]:
    """Share of each verdict among comparisons of arms of shape (2, m, n), each on its own."""
    m, n = arms.shape[1:]
    measures = (
        paired_statistics(arms, judging) if judging.paired else measure_unpaired(arms, judging)[0]
    )
    names: dict[str, Any] = dict.fromkeys(("baseline", "candidate", "model", "init", "task"), "")
    named = [names | {"n_pairs": n, "dropped_seeds": (), "collapsed_seeds": ()}] * m
    found = [each.verdict for each in conclude_comparisons(named, measures, range(m), judging)]
    return {verdict: found.count(verdict) / m for verdict in set(found)}


def wrong_verdicts(
    test: str, n_pairs: int, simulations: int = 10_000, seed: int = 0, collapse: bool = False
) -> tuple[float, float]:
    """Shares of wrong verdicts about the mean of two normal arms, with the margin 1, at .05.

    The sd of a run is 1; or, where runs of the candidate collapse, .4 with one run in ten lost by
    6 points, which the others make up for.

    Returns:
        `better` and `worse` at a true difference of 0, and `equivalent` and `negligible` at a
        true difference of the margin.

    >>> [share <= 0.06 for share in wrong_verdicts("wilcoxon", 8, 2_000)]
    [True, True]
    """
    judging = Judging(margin=MARGIN, test=test, paired=test in PAIRED_TESTS)
    random = np.random.default_rng([seed, n_pairs])
    arms = random.standard_normal((2, simulations, n_pairs))
    if collapse:
        arms *= RUN_SD
        arms[1] += RATE * LOSS - lost(random, arms[1].shape)
    at_zero = verdict_rates(arms, judging)
    arms[1] += MARGIN
    at_margin = verdict_rates(arms, judging)
    return (
        at_zero.get("better", 0.0) + at_zero.get("worse", 0.0),
        at_margin.get("equivalent", 0.0) + at_margin.get("negligible", 0.0),
    )


HEADS = ("better or worse at 0", "equivalent or negligible at the margin")


def verdict_table(simulations: int = 10_000) -> str:
    """Wrong verdicts in percent for every primary test, at n = 5, 8 and 20, in Markdown."""
    return _table(simulations, collapse=False)


def collapse_verdict_table(simulations: int = 10_000) -> str:
    """The same where runs of the candidate collapse."""
    return _table(simulations, collapse=True)


def _table(simulations: int, collapse: bool) -> str:
    rows = {
        test: list(
            zip(
                *(wrong_verdicts(test, n, simulations, collapse=collapse) for n in PAIRS),
                strict=True,
            )
        )
        for test in (*PAIRED_TESTS, *UNPAIRED_TESTS)
    }
    return percent_table(["primary test", *HEADS], rows)
