"""What becomes of a test over several tasks when runs are taken as independent and are not."""

from __future__ import annotations

import numpy as np

from stats.inputs import FloatArray
from stats.judging import Judging
from stats.simulation.laws import LAWS
from stats.simulation.tables import percent_table
from stats.two_arms.primary_tests import paired_test_rows

N_TASKS, N_SEEDS = 7, 8
#: Sd of what a task or a seed does to all of its differences, whose own sd is 1.
SPREAD = 0.55

#: Sds of what a task and a seed do, and the law of a run's difference.
WORLDS = {
    "runs independent": (0.0, 0.0, "normal"),
    "seeds differ": (0.0, SPREAD, "normal"),
    "tasks differ": (SPREAD, 0.0, "normal"),
    "both differ": (SPREAD, SPREAD, "normal"),
    "runs collapse": (0.0, 0.0, "collapse, mean 0"),
}


def null_differences(
    random: np.random.Generator, simulations: int, task_sd: float, seed_sd: float, law: str
) -> FloatArray:
    """Differences without an effect in the mean, of shape (simulations, tasks, seeds)."""
    task = random.normal(0, task_sd, (simulations, N_TASKS, 1))
    seed = random.normal(0, seed_sd, (simulations, 1, N_SEEDS))
    return task + seed + LAWS[law](random, (simulations, N_TASKS, N_SEEDS))


def pooling_error(analysis: str, world: str, simulations: int = 10_000, seed: int = 0) -> float:
    """Share of true nulls that a signed-rank test over 7 tasks and 8 seeds rejects at .05.

    Args:
        analysis: "all pairs" takes 56 independent pairs; "fixed" averages over tasks within a
            seed, and "sampled" over seeds within a task, as `stats.pooled` does.
        world: a key of `WORLDS`.
        simulations: studies drawn.
        seed: of the studies.

    >>> pooling_error("fixed", "seeds differ", 2_000) < 0.06
    True
    """
    differences = null_differences(np.random.default_rng(seed), simulations, *WORLDS[world])
    if analysis == "all pairs":
        rows = differences.reshape(simulations, -1)
    else:
        rows = differences.mean(axis=1 if analysis == "fixed" else 2)
    return float((paired_test_rows(rows, Judging())["p_value"] < 0.05).mean())


def pooling_table(simulations: int = 10_000) -> str:
    """Rejected true nulls in percent for every analysis and world, as a Markdown table."""
    return percent_table(
        ["analysis", *WORLDS],
        {
            analysis: [[pooling_error(analysis, world, simulations)] for world in WORLDS]
            for analysis in ("all pairs", "fixed", "sampled")
        },
    )
