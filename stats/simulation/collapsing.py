"""How often the rule for collapsed runs names one, where there is none and where there are."""

from __future__ import annotations

import numpy as np

from stats.inputs import FloatArray
from stats.simulation.laws import LAWS, PAIRS, RATE, Draw
from stats.simulation.tables import percent_table
from stats.table.collapsed_runs import collapsed

#: Laws of the runs of arms of which none collapses.
ALARMS = ("normal", "t3", "discrete", "exponential, mean 0")

#: Sds of a run by which a collapsed one is lost.
SDS_LOST = (15.0, 6.0)


def alarm_rate(law: str, n_runs: int, simulations: int = 4_000, seed: int = 0) -> float:
    """Share of comparisons of two arms without a collapse in which a run is said to have one.

    >>> alarm_rate("normal", 8) < 0.01
    True
    """
    arms = _arms(LAWS[law], n_runs, simulations, seed)
    return float(np.mean([collapsed(both).any() for both in arms]))


def found_rate(sds: float, n_runs: int, simulations: int = 4_000, seed: int = 0) -> float:
    """Share of collapsed runs that are named, one in ten of the candidate's normal ones.

    >>> found_rate(15.0, 8) > 0.9
    True
    """
    random = np.random.default_rng([seed, n_runs])
    arms = random.standard_normal((simulations, 2, n_runs))
    lost = random.random((simulations, n_runs)) < RATE
    arms[:, 1] -= sds * lost
    named = np.array([collapsed(both)[1] for both in arms])
    return float(named[lost].mean())


def collapse_table(simulations: int = 4_000) -> str:
    """False alarms, and collapsed runs that are found, in percent, at n = 5, 8 and 20."""
    rows = {
        f"none collapses, {law}: comparisons with a run that is named": [
            [alarm_rate(law, n, simulations) for n in PAIRS]
        ]
        for law in ALARMS
    }
    rows |= {
        f"one in ten is lost by {sds:g} sd of a run: lost runs that are named": [
            [found_rate(sds, n, simulations) for n in PAIRS]
        ]
        for sds in SDS_LOST
    }
    return percent_table(["runs", "percent"], rows)


def _arms(draw: Draw, n_runs: int, simulations: int, seed: int) -> FloatArray:
    return draw(np.random.default_rng([seed, n_runs]), (simulations, 2, n_runs))
