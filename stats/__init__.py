"""From scores to verdicts: pure functions on arrays and tables, results as frozen dataclasses.

>>> from stats import compare
>>> base = {1: 61.2, 2: 60.4, 3: 62.0, 4: 60.9, 5: 61.7, 6: 60.8}
>>> kd = {1: 62.9, 2: 61.5, 3: 63.1, 4: 62.8, 5: 63.0, 6: 62.1}
>>> compare(base, kd, margin=0.5).verdict
'better'
"""

from __future__ import annotations

from stats.audit import audit_tables
from stats.bayes.posteriors import posteriors
from stats.changes.interaction import interaction
from stats.changes.of_doses import analyse_trends
from stats.changes.trend import trend
from stats.effects.standardised import hedges_g
from stats.equivalence.non_inferiority import non_inferiority
from stats.equivalence.tost import tost
from stats.errors import (
    InvalidSetting,
    NotEnoughPairs,
    NotPaired,
    ScoresError,
    StatsError,
    UnknownName,
)
from stats.intervals import t_interval
from stats.items.mcnemar import mcnemar
from stats.judging import Judging
from stats.many_arms.friedman import friedman
from stats.many_arms.rank import rank
from stats.many_tasks.aggregate import aggregate
from stats.many_tasks.mixed_effects import mixed_effects
from stats.many_tasks.pooled import pooled
from stats.many_tasks.profiles import performance_profiles
from stats.multiplicity import adjust
from stats.power.of_studies import plan_comparisons
from stats.power.planning import plan_power
from stats.power.sample_size import seeds_for_test
from stats.power.simulated import power_of
from stats.sequential.group_sequential import sequential_look, sequential_plan
from stats.table.scores import read_scores, validate_scores
from stats.two_arms.bootstrap import bootstrap_interval
from stats.two_arms.hodges_lehmann import hodges_lehmann
from stats.two_arms.permutation import permutation_test
from stats.two_arms.rank_sum import mann_whitney
from stats.two_arms.sign_test import sign_test
from stats.two_arms.signed_rank import signed_rank
from stats.two_arms.welch import welch
from stats.verdicts.analyse import analyse
from stats.verdicts.collapse import collapse
from stats.verdicts.collapse_table import analyse_collapse
from stats.verdicts.compare import ComparisonResult, compare

__all__ = [
    "ComparisonResult",
    "InvalidSetting",
    "Judging",
    "NotEnoughPairs",
    "NotPaired",
    "ScoresError",
    "StatsError",
    "UnknownName",
    "adjust",
    "aggregate",
    "analyse",
    "analyse_collapse",
    "analyse_trends",
    "audit_tables",
    "bootstrap_interval",
    "collapse",
    "compare",
    "friedman",
    "hedges_g",
    "hodges_lehmann",
    "interaction",
    "mann_whitney",
    "mcnemar",
    "mixed_effects",
    "non_inferiority",
    "performance_profiles",
    "permutation_test",
    "plan_comparisons",
    "plan_power",
    "pooled",
    "posteriors",
    "power_of",
    "rank",
    "read_scores",
    "seeds_for_test",
    "sequential_look",
    "sequential_plan",
    "sign_test",
    "signed_rank",
    "t_interval",
    "tost",
    "trend",
    "validate_scores",
    "welch",
]
