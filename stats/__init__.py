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
from stats.audit import Audit, Finding, audit_tables, read_printed_tables
from stats.bayesian_signed_rank import (
    BayesianSignedRank,
    bayesian_signed_rank,
    bayesian_signed_rank_pairs,
)
from stats.bootstrap import BootstrapInterval, bootstrap_interval
from stats.calibration import Calibration, calibration
from stats.claims import adjust_claims
from stats.collapse import Collapse, Share, collapse, share
from stats.collapsed import collapsed
from stats.collapses import CandidateCollapse, Collapses, collapses
from stats.common_scale import COMMON_SCALES
from stats.compare import Comparison, compare
from stats.correlated_t import CorrelatedT, correlated_t
from stats.direction import is_lower_better
from stats.effect_sizes import d_z, hedges_g_z, pair_correlation, rank_biserial
from stats.equivalence import Equivalence, tost, tost_from_summary, tost_welch_from_summary
from stats.equivalence_power import pairs_for_tost, tost_power
from stats.errors import (
    InvalidSetting,
    NotEnoughPairs,
    NotPaired,
    ScoresError,
    StatsError,
    UnknownName,
)
from stats.expected_best import ExpectedBest, expected_best, gain_of_choice
from stats.friedman import Friedman, friedman
from stats.group_sequential import (
    SequentialLook,
    SequentialPlan,
    sequential_look,
    sequential_plan,
)
from stats.hodges_lehmann import HodgesLehmann, hodges_lehmann
from stats.interaction import Interaction, interaction
from stats.intervals import MeanInterval, t_interval
from stats.item_bootstrap import ItemBootstrap, bootstrap_items
from stats.mcnemar import McNemar, mcnemar
from stats.mean_rank_tests import MeanRankTest, conover, nemenyi
from stats.mixed_effects import MixedEffects, mixed_effects
from stats.multiplicity import CORRECTIONS, adjust
from stats.non_inferiority import NonInferiority, non_inferiority
from stats.permutation import Permutation, permutation_test
from stats.planning import PowerPlan, PowerPoint, better_power, plan_power
from stats.pooled import Pooled, pooled
from stats.posteriors import Posterior, Posteriors, posteriors
from stats.power import (
    noether_sample_size,
    paired_t_power,
    pairs_for_paired_t,
    seeds_needed_for_alpha,
    smallest_attainable_p,
)
from stats.power_plans import ComparisonPlan, PowerPlans, plan_comparisons
from stats.printed_scores import (
    Grim,
    Grimmer,
    average_is_possible,
    grim,
    grimmer,
    sd_of_average_is_possible,
)
from stats.printed_tests import PrintedComparison, attainable_p_values, compare_printed
from stats.profiles import Profiles, performance_profiles
from stats.rank import rank
from stats.rank_equivalence import RankEquivalence, rank_equivalence
from stats.rank_sum import MannWhitney, hodges_lehmann_shift, mann_whitney
from stats.ranking import POST_HOCS, RankedPair, Ranking, RankSettings
from stats.sample_size import (
    pairs_for_signed_rank,
    seeds_for_test,
    seeds_that_reach,
    smallest_corrected_p,
)
from stats.scores import read_scores, validate_scores
from stats.seeds_and_items import SeedsAndItems, seeds_and_items
from stats.settings import (
    EQUIVALENCES,
    FAMILIES,
    PAIRED_EFFECTS,
    PAIRED_TESTS,
    UNPAIRED_EFFECTS,
    UNPAIRED_TESTS,
    Settings,
)
from stats.shaffer import ALL_PAIRS_CORRECTIONS, adjust_all_pairs
from stats.sign_e_value import sign_e_value
from stats.sign_test import SignTest, sign_test
from stats.signed_rank import SignedRank, signed_rank
from stats.simulated_power import detectable_effect, power_of, simulated_seeds
from stats.standardised_effects import (
    EffectSize,
    StandardisedDifference,
    d_av,
    d_z_interval,
    hedges_g,
    hedges_g_z_interval,
    standardised_from_summary,
)
from stats.stochastic_order import StochasticOrder, almost_stochastic_order
from stats.stratified_bootstrap import stratified_bootstrap
from stats.superiority import a12, cliffs_delta, rank_biserial_interval, superiority
from stats.t_e_process import TEProcess, t_e_process
from stats.task_aggregates import (
    interquartile_mean,
    optimality_gap,
    performance_profile,
    probability_of_improvement,
)
from stats.ties import settle
from stats.trend import DOSE_SCALES, Trend, trend
from stats.trends import CandidateTrend, Trends, trends
from stats.unpaired_permutation import UnpairedPermutation, unpaired_permutation_test
from stats.unpaired_power import unpaired_power, unpaired_seeds
from stats.verdict import Verdict, decide
from stats.welch import Welch, welch

__all__ = [
    "ALL_PAIRS_CORRECTIONS",
    "COMMON_SCALES",
    "CORRECTIONS",
    "DOSE_SCALES",
    "EQUIVALENCES",
    "FAMILIES",
    "PAIRED_EFFECTS",
    "PAIRED_TESTS",
    "POST_HOCS",
    "UNPAIRED_EFFECTS",
    "UNPAIRED_TESTS",
    "Aggregate",
    "AggregateContrast",
    "Aggregates",
    "Analysis",
    "Audit",
    "BayesianSignedRank",
    "BootstrapInterval",
    "Calibration",
    "CandidateCollapse",
    "CandidateTrend",
    "Collapse",
    "Collapses",
    "Comparison",
    "ComparisonPlan",
    "CorrelatedT",
    "EffectSize",
    "Equivalence",
    "ExpectedBest",
    "Finding",
    "Friedman",
    "Grim",
    "Grimmer",
    "HodgesLehmann",
    "Interaction",
    "InvalidSetting",
    "ItemBootstrap",
    "MannWhitney",
    "McNemar",
    "MeanInterval",
    "MeanRankTest",
    "MixedEffects",
    "NonInferiority",
    "NotEnoughPairs",
    "NotPaired",
    "Permutation",
    "Pooled",
    "Posterior",
    "Posteriors",
    "PowerPlan",
    "PowerPlans",
    "PowerPoint",
    "PrintedComparison",
    "Profiles",
    "RankEquivalence",
    "RankSettings",
    "RankedPair",
    "Ranking",
    "ScoresError",
    "SeedsAndItems",
    "SequentialLook",
    "SequentialPlan",
    "Settings",
    "Share",
    "SignTest",
    "SignedRank",
    "StandardisedDifference",
    "StatsError",
    "StochasticOrder",
    "TEProcess",
    "Trend",
    "Trends",
    "UnknownName",
    "UnpairedPermutation",
    "Verdict",
    "Welch",
    "a12",
    "adjust",
    "adjust_all_pairs",
    "adjust_claims",
    "aggregate",
    "almost_stochastic_order",
    "analyse",
    "attainable_p_values",
    "audit_tables",
    "average_is_possible",
    "bayesian_signed_rank",
    "bayesian_signed_rank_pairs",
    "better_power",
    "bootstrap_interval",
    "bootstrap_items",
    "calibration",
    "cliffs_delta",
    "collapse",
    "collapsed",
    "collapses",
    "compare",
    "compare_printed",
    "conover",
    "correlated_t",
    "d_av",
    "d_z",
    "d_z_interval",
    "decide",
    "detectable_effect",
    "expected_best",
    "friedman",
    "gain_of_choice",
    "grim",
    "grimmer",
    "hedges_g",
    "hedges_g_z",
    "hedges_g_z_interval",
    "hodges_lehmann",
    "hodges_lehmann_shift",
    "interaction",
    "interquartile_mean",
    "is_lower_better",
    "mann_whitney",
    "mcnemar",
    "mixed_effects",
    "nemenyi",
    "noether_sample_size",
    "non_inferiority",
    "optimality_gap",
    "pair_correlation",
    "paired_t_power",
    "pairs_for_paired_t",
    "pairs_for_signed_rank",
    "pairs_for_tost",
    "performance_profile",
    "performance_profiles",
    "permutation_test",
    "plan_comparisons",
    "plan_power",
    "pooled",
    "posteriors",
    "power_of",
    "probability_of_improvement",
    "rank",
    "rank_biserial",
    "rank_biserial_interval",
    "rank_equivalence",
    "read_printed_tables",
    "read_scores",
    "sd_of_average_is_possible",
    "seeds_and_items",
    "seeds_for_test",
    "seeds_needed_for_alpha",
    "seeds_that_reach",
    "sequential_look",
    "sequential_plan",
    "settle",
    "share",
    "sign_e_value",
    "sign_test",
    "signed_rank",
    "simulated_seeds",
    "smallest_attainable_p",
    "smallest_corrected_p",
    "standardised_from_summary",
    "stratified_bootstrap",
    "superiority",
    "t_e_process",
    "t_interval",
    "tost",
    "tost_from_summary",
    "tost_power",
    "tost_welch_from_summary",
    "trend",
    "trends",
    "unpaired_permutation_test",
    "unpaired_power",
    "unpaired_seeds",
    "validate_scores",
    "welch",
]
