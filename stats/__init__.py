"""From scores to verdicts: pure functions on arrays and tables, results as frozen dataclasses.

>>> from stats import compare
>>> base = {1: 61.2, 2: 60.4, 3: 62.0, 4: 60.9, 5: 61.7, 6: 60.8}
>>> kd = {1: 62.9, 2: 61.5, 3: 63.1, 4: 62.8, 5: 63.0, 6: 62.1}
>>> compare(base, kd, margin=0.5).verdict
'better'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import stats.corrections
import stats.effects
import stats.two_arms  # noqa: F401 - they tell the register what there is

if TYPE_CHECKING:
    from stats.audit import audit_tables
    from stats.bayes.posteriors import posteriors
    from stats.changes.interaction import interaction
    from stats.changes.of_doses import analyse_trends
    from stats.changes.of_sweeps import analyse_sweeps
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
    "analyse_sweeps",
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

#: Where each name of the front door stands.
_FROM = {
    "ComparisonResult": "stats.verdicts.compare",
    "InvalidSetting": "stats.errors",
    "Judging": "stats.judging",
    "NotEnoughPairs": "stats.errors",
    "NotPaired": "stats.errors",
    "ScoresError": "stats.errors",
    "StatsError": "stats.errors",
    "UnknownName": "stats.errors",
    "adjust": "stats.multiplicity",
    "aggregate": "stats.many_tasks.aggregate",
    "analyse": "stats.verdicts.analyse",
    "analyse_collapse": "stats.verdicts.collapse_table",
    "analyse_sweeps": "stats.changes.of_sweeps",
    "analyse_trends": "stats.changes.of_doses",
    "audit_tables": "stats.audit",
    "bootstrap_interval": "stats.two_arms.bootstrap",
    "collapse": "stats.verdicts.collapse",
    "compare": "stats.verdicts.compare",
    "friedman": "stats.many_arms.friedman",
    "hedges_g": "stats.effects.standardised",
    "hodges_lehmann": "stats.two_arms.hodges_lehmann",
    "interaction": "stats.changes.interaction",
    "mann_whitney": "stats.two_arms.rank_sum",
    "mcnemar": "stats.items.mcnemar",
    "mixed_effects": "stats.many_tasks.mixed_effects",
    "non_inferiority": "stats.equivalence.non_inferiority",
    "performance_profiles": "stats.many_tasks.profiles",
    "permutation_test": "stats.two_arms.permutation",
    "plan_comparisons": "stats.power.of_studies",
    "plan_power": "stats.power.planning",
    "pooled": "stats.many_tasks.pooled",
    "posteriors": "stats.bayes.posteriors",
    "power_of": "stats.power.simulated",
    "rank": "stats.many_arms.rank",
    "read_scores": "stats.table.scores",
    "seeds_for_test": "stats.power.sample_size",
    "sequential_look": "stats.sequential.group_sequential",
    "sequential_plan": "stats.sequential.group_sequential",
    "sign_test": "stats.two_arms.sign_test",
    "signed_rank": "stats.two_arms.signed_rank",
    "t_interval": "stats.intervals",
    "tost": "stats.equivalence.tost",
    "trend": "stats.changes.trend",
    "validate_scores": "stats.table.scores",
    "welch": "stats.two_arms.welch",
}

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """What takes half a second to import, for those who ask for it."""
        if name not in _FROM:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        found = globals()[name] = getattr(import_module(_FROM[name]), name)
        return found
