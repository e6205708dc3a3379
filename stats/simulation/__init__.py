"""What tests, intervals and verdicts promise, by seeded simulation: `python -m stats.simulation`.

Every cell of every table draws random numbers of its own, from its seed and its number of pairs, so
that any one of them can be made again alone.
"""

from __future__ import annotations

from stats.simulation.at_the_margin import margin_error_rate, margin_table
from stats.simulation.collapsing import collapse_table
from stats.simulation.coverage import coverage, coverage_table
from stats.simulation.families import family_table
from stats.simulation.folds import fold_error_rates, fold_table
from stats.simulation.laws import LAWS, PAIRS
from stats.simulation.looks import looks_table
from stats.simulation.null import error_rate, error_table
from stats.simulation.pooling import pooling_table
from stats.simulation.sweeps import sweep_errors, sweep_table
from stats.simulation.verdicts import collapse_verdict_table, verdict_rates, verdict_table

__all__ = [
    "LAWS",
    "PAIRS",
    "collapse_table",
    "collapse_verdict_table",
    "coverage",
    "coverage_table",
    "error_rate",
    "error_table",
    "family_table",
    "fold_error_rates",
    "fold_table",
    "looks_table",
    "margin_error_rate",
    "margin_table",
    "pooling_table",
    "sweep_errors",
    "sweep_table",
    "verdict_rates",
    "verdict_table",
]
