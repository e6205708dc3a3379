"""From scores to verdicts: pure functions on arrays and tables, results as frozen dataclasses.

>>> from stats import compare
>>> base = {1: 61.2, 2: 60.4, 3: 62.0, 4: 60.9, 5: 61.7, 6: 60.8}
>>> kd = {1: 62.9, 2: 61.5, 3: 63.1, 4: 62.8, 5: 63.0, 6: 62.1}
>>> compare(base, kd, margin=0.5).verdict
'better'
"""

from stats.aggregate import aggregate
from stats.aggregates import Aggregate, AggregateContrast, Aggregates
from stats.analyse import Analysis, analyse
from stats.compare import Comparison, compare
from stats.effect_sizes import d_z, hedges_g_z, pair_correlation, rank_biserial
from stats.equivalence import Equivalence, tost, tost_from_summary, tost_welch_from_summary
from stats.errors import (
    InvalidSetting,
    NotEnoughPairs,
    NotPaired,
    ScoresError,
    StatsError,
    UnknownName,
)
from stats.friedman import Friedman, friedman
from stats.hodges_lehmann import HodgesLehmann, hodges_lehmann
from stats.interaction import Interaction, interaction
from stats.intervals import MeanInterval, t_interval
from stats.mean_rank_tests import MeanRankTest, conover, nemenyi
from stats.multiplicity import CORRECTIONS, adjust
from stats.power import (
    paired_t_power,
    pairs_for_paired_t,
    pairs_for_signed_rank,
    seeds_needed_for_alpha,
    smallest_attainable_p,
)
from stats.profiles import Profiles, performance_profiles
from stats.rank import rank
from stats.ranking import POST_HOCS, RankedPair, Ranking, RankSettings
from stats.scores import read_scores, validate_scores
from stats.settings import FAMILIES, Settings, is_lower_better
from stats.shaffer import ALL_PAIRS_CORRECTIONS, adjust_all_pairs
from stats.sign_e_value import sign_e_value
from stats.signed_rank import SignedRank, signed_rank
from stats.stratified_bootstrap import stratified_bootstrap
from stats.task_aggregates import (
    interquartile_mean,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
)
from stats.ties import settle
from stats.verdict import Verdict, decide

__all__ = [
    "ALL_PAIRS_CORRECTIONS",
    "CORRECTIONS",
    "FAMILIES",
    "POST_HOCS",
    "Aggregate",
    "AggregateContrast",
    "Aggregates",
    "Analysis",
    "Comparison",
    "Equivalence",
    "Friedman",
    "HodgesLehmann",
    "Interaction",
    "InvalidSetting",
    "MeanInterval",
    "MeanRankTest",
    "NotEnoughPairs",
    "NotPaired",
    "Profiles",
    "RankSettings",
    "RankedPair",
    "Ranking",
    "ScoresError",
    "Settings",
    "SignedRank",
    "StatsError",
    "UnknownName",
    "Verdict",
    "adjust",
    "adjust_all_pairs",
    "aggregate",
    "analyse",
    "compare",
    "conover",
    "d_z",
    "decide",
    "friedman",
    "hedges_g_z",
    "hodges_lehmann",
    "interaction",
    "interquartile_mean",
    "is_lower_better",
    "nemenyi",
    "optimality_gap",
    "pair_correlation",
    "paired_t_power",
    "pairs_for_paired_t",
    "pairs_for_signed_rank",
    "performance_profile",
    "performance_profiles",
    "probability_of_improvement",
    "rank",
    "rank_biserial",
    "read_scores",
    "seeds_needed_for_alpha",
    "settle",
    "sign_e_value",
    "signed_rank",
    "smallest_attainable_p",
    "stratified_bootstrap",
    "t_interval",
    "tost",
    "tost_from_summary",
    "tost_welch_from_summary",
    "validate_scores",
]
