"""How often a sweep claims too much, at either end of the last equivalent value."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from stats.equivalence.of_pairs import equivalence_rows, inferiority_rows
from stats.inputs import FloatArray, IntArray
from stats.judging import Judging
from stats.multiplicity import leading_rows
from stats.simulation.at_the_margin import WIDE, centres
from stats.simulation.laws import LAWS, PAIRS
from stats.simulation.tables import percent_table

#: Share of pairs in which all values of a seed have one and the same difference.
SHARED = 0.7

#: True effects in wide margins, from the mildest value on. "on the margin" is where either end errs
#: most: what stands before and behind is found with certainty, so that all hangs on values that
#: lie on the margin, and are no more equivalent than they are worse.
TRUTHS: Mapping[str, tuple[float, ...]] = {
    "on the margin": (0.0, 0.0, -1.0, -1.0, -1.0, -3.0),
    "all on the margin": (-1.0,) * 6,
    "on the margin and back": (-1.0, 0.0, 0.0, -1.0, -3.0, -1.0),
}

#: What has a law: the scores of every arm, which share those of the baseline, or the differences.
SCATTERED = ("scores", "differences")


def swept(
    truth: str,
    scattered: str,
    law: str,
    n_pairs: int,
    by: str = "t",
    simulations: int = 10_000,
    seed: int = 0,
) -> tuple[FloatArray, FloatArray]:
    """p of "equivalent" and of "worse", each of shape (simulations, values).

    Args:
        truth: one of `TRUTHS`.
        scattered: one of `SCATTERED`. Differences of scores share the baseline's, with a
            correlation of ½; other differences are one and the same at all values of a seed in
            `SHARED` of cases each, with a correlation of the square of that.
        law: one of `at_the_margin.centres`.
        n_pairs: seeds.
        by: "t", where the truth is the mean, or "ranks", where it is the pseudo-median.
        simulations: sweeps drawn.
        seed: of the random numbers.
    """
    random = np.random.default_rng([seed, n_pairs])
    effects = WIDE * np.array(TRUTHS[truth])[:, None]
    draw, pseudo_median = centres()[law]
    shape = (simulations, len(effects), n_pairs)
    if scattered == "scores":  # whose differences are symmetric around 0, whatever the law
        differences = draw(random, shape) - draw(random, (simulations, 1, n_pairs))
    else:
        own, shared = draw(random, shape), draw(random, (simulations, 1, n_pairs))
        differences = np.where(random.random(shape) < SHARED, shared, own)
        differences -= pseudo_median if by == "ranks" else 0.0
    rows = (differences + effects).reshape(-1, n_pairs)
    judging = Judging(margin=WIDE, equivalence=by)
    p_values = equivalence_rows(rows, judging), inferiority_rows(rows, judging)
    return p_values[0].reshape(shape[:2]), p_values[1].reshape(shape[:2])


def ends(p_equivalence: FloatArray, p_worse: FloatArray, alpha: float) -> tuple[IntArray, IntArray]:
    """How many values are shown to be equivalent from the first on, and worse from the last back.

    As `changes.sweep.sweep` has it, of many sweeps at once.
    """
    return leading_rows(p_equivalence < alpha), leading_rows(p_worse[:, ::-1] < alpha)


def sweep_errors(
    truth: str,
    scattered: str,
    law: str,
    n_pairs: int,
    by: str = "t",
    simulations: int = 10_000,
    alpha: float = 0.05,
) -> dict[str, float]:
    """Shares of sweeps with a false claim.

    Returns:
        "equivalent": some value on the margin, or beyond it, is said to be equivalent. "worse":
        some on the margin, or inside it, is said to be worse. "either": one of these, so that the
        interval does not hold. "alone": the first, where each value is tested by itself and the
        last one that rejects is named.

    >>> errors = sweep_errors("all on the margin", "scores", "normal", 8, simulations=2_000)
    >>> errors["equivalent"] < 0.055, errors["alone"] > 0.1
    (True, True)
    """
    p_values = swept(truth, scattered, law, n_pairs, by, simulations)
    equivalent, worse = ends(*p_values, alpha)
    true = np.array(TRUTHS[truth])
    inside, beyond = leading_rows((np.abs(true) < 1)[None]), leading_rows((true < -1)[None, ::-1])
    low, high = equivalent > inside, worse > beyond
    alone = (p_values[0][:, np.abs(true) >= 1] < alpha).any(axis=1)
    found = {"equivalent": low, "worse": high, "either": low | high, "alone": alone}
    return {name: float(each.mean()) for name, each in found.items()}


ROWS = {
    "equivalent, each value by itself": "alone",
    "equivalent": "equivalent",
    "worse": "worse",
    "either end": "either",
}

#: Equivalence by these, of what has the law.
WORLDS = {
    "t, scores": ("t", "scores"),
    "t, differences": ("t", "differences"),
    "ranks, differences": ("ranks", "differences"),
}


def sweep_table(simulations: int = 10_000) -> str:
    """False claims of sweeps in percent, at n = 5, 8 and 20, in Markdown."""
    laws = [law for law in centres() if law in LAWS]
    rows: dict[str, list[list[float]]] = {}
    for world, (by, scattered) in WORLDS.items():
        found = [
            [sweep_errors("on the margin", scattered, law, n, by, simulations) for n in PAIRS]
            for law in laws
        ]
        for row, name in ROWS.items():
            rows[f"{world}: {row}"] = [[each[name] for each in cells] for cells in found]
    return percent_table(["false claim", *laws], rows)
