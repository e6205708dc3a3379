"""How often some claim of a family is false, and what it costs that few are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from stats.equivalence.tost import tost_rows
from stats.intervals import mean_and_sd
from stats.judging import Judging
from stats.multiplicity import adjust_in_families
from stats.simulation.laws import PAIRS
from stats.simulation.tables import percent_table
from stats.two_arms.primary_tests import paired_test_rows
from stats.verdicts.claims import adjust_claims_rows

MARGIN = 1.0
CANDIDATES = 4
#: True differences of the candidates of a family.
TRUTHS = {
    "four at 0": (0.0, 0.0, 0.0, 0.0),
    "four at the margin": (MARGIN,) * CANDIDATES,
    "two at 0, two at the margin": (0.0, 0.0, MARGIN, MARGIN),
}

CORRECTED = {"each by itself": "none", "as one family": "holm"}


def claims(
    true: tuple[float, ...], n_pairs: int, correction: str, simulations: int = 4_000, seed: int = 0
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Whether each candidate is said to differ, and to be equivalent, of shape (simulations, k).

    Scores are normal with sd 1, and all candidates share the baseline.
    """
    random = np.random.default_rng([seed, n_pairs])
    arms = random.standard_normal((simulations, 1 + len(true), n_pairs))
    arms[:, 1:] += np.array(true)[:, None]
    differences = (arms[:, 1:] - arms[:, :1]).reshape(-1, n_pairs)
    p_value = paired_test_rows(differences, Judging())["p_value"]
    inside = tost_rows(*mean_and_sd(differences), n_pairs, MARGIN)
    shape = (simulations, len(true))
    adjusted = adjust_claims_rows(p_value.reshape(shape), inside.reshape(shape), correction)
    return adjusted[0] < 0.05, adjusted[1] < 0.05


def false_claims(world: str, n_pairs: int, correction: str, simulations: int = 4_000) -> float:
    """Share of families with some false claim, of a difference or of equivalence.

    >>> false_claims("four at the margin", 8, "holm", 2_000) < 0.05
    True
    """
    true = np.array(TRUTHS[world])
    different, inside = claims(TRUTHS[world], n_pairs, correction, simulations)
    return float(((different & (true == 0)) | (inside & (true == MARGIN))).any(axis=1).mean())


def found(true: float, n_pairs: int, correction: str, simulations: int = 4_000) -> float:
    """Share of right claims about four candidates that all have this true difference.

    Of equivalence where it is 0, and else of a difference.
    """
    different, inside = claims((true,) * CANDIDATES, n_pairs, correction, simulations)
    return float((inside if true == 0 else different).mean())


def false_interactions(
    n_inits: int, n_pairs: int, whole: bool, simulations: int = 4_000, seed: int = 0
) -> float:
    """Share of studies without an interaction in which the t test of some pair of inits finds one.

    Args:
        n_inits: of the one candidate.
        n_pairs: seeds that all arms share.
        whole: whether all pairs of inits are one family, as in `stats.analyse`.
        simulations: studies drawn.
        seed: of the random numbers.
    """
    random = np.random.default_rng([seed, n_pairs])
    effects = random.standard_normal((simulations, n_inits, n_pairs))
    first, second = np.triu_indices(n_inits, 1)
    change = (effects[:, first] - effects[:, second]).reshape(-1, n_pairs)
    p_value = paired_test_rows(change, Judging(test="t"))["p_value"]
    study = np.repeat(np.arange(simulations), len(first)).tolist()
    adjusted, _ = adjust_in_families(p_value, study, "holm" if whole else "none")
    return float((adjusted.reshape(simulations, -1) < 0.05).any(axis=1).mean())


def family_table(simulations: int = 4_000) -> str:
    """Families with some false claim, and right claims, in percent, at n = 5, 8 and 20."""
    heads = [*(f"false claim, {world}" for world in TRUTHS), "false interaction, four inits"]
    heads += ["equivalence found at 0", "difference found at twice the margin"]
    rows = {
        name: [
            *([false_claims(world, n, how, simulations) for n in PAIRS] for world in TRUTHS),
            [false_interactions(4, n, how != "none", simulations) for n in PAIRS],
            *([found(true, n, how, simulations) for n in PAIRS] for true in (0.0, 2 * MARGIN)),
        ]
        for name, how in CORRECTED.items()
    }
    return percent_table(["p-values", *heads], rows)
