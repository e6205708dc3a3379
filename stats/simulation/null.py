"""How often tests reject a true null hypothesis."""

from __future__ import annotations

import numpy as np

from stats.judging import Judging
from stats.register import PAIRED_TESTS, UNPAIRED_TESTS
from stats.simulation.laws import LAWS, PAIRS
from stats.simulation.tables import percent_table
from stats.two_arms.primary_tests import paired_test_rows, unpaired_test_rows


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
        tested = paired_test_rows(LAWS[law](random, shape), Judging(test=test))
    else:
        judging = Judging(test=test, paired=False)
        tested = unpaired_test_rows(LAWS[law](random, shape), LAWS[law](random, shape), judging)
    return float((tested["p_value"] < alpha).mean())


def error_table(simulations: int = 10_000) -> str:
    """Null hypotheses rejected at .05 in percent, at n = 5, 8 and 20, in Markdown."""
    return percent_table(
        ["test", *LAWS],
        {
            test: [[error_rate(test, law, n, simulations) for n in PAIRS] for law in LAWS]
            for test in (*PAIRED_TESTS, *UNPAIRED_TESTS)
        },
    )
