"""Many arms over shared blocks: omnibus tests, post-hocs, groups."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from stats import (
    InvalidSetting,
    Judging,
    NotEnoughPairs,
    StatsError,
    UnknownName,
    adjust,
    compare,
    friedman,
    rank,
    signed_rank,
)
from stats.many_arms.friedman import chi_squares
from stats.many_arms.mean_rank_tests import conover, nemenyi, studentised_range_quantile
from stats.many_arms.pairwise import pairwise_tests
from stats.many_arms.rank import inseparable_runs
from stats.many_arms.shaffer import (
    adjust_all_pairs,
    all_pairs_corrections,
    largest_possible_true,
)
from stats.register import PAIRED_TESTS
from stats.ties import rank_blocks
from tests.stats.long_tables import long_table

GARCIA_HERRERA = [
    *(4.486991e-08, 1.736118e-07, 0.002880485, 0.004848763, 0.007963489),
    *(0.010112334, 0.012763008, 0.024744672, 0.743971478, 0.8064959),
]
six_p_values = st.lists(st.floats(0, 1), min_size=6, max_size=6)


def random_table(shape: tuple[int, int, int] = (9, 4, 5), seed: int = 0) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return long_table(60 + random.normal(0, 1, shape) + 0.6 * np.arange(shape[2]))


def demsar(reference) -> np.ndarray:
    scores = np.array(reference("demsar-table-6")["data"]["scores"])
    scores[12, 2] += 1e-5
    return scores


# Shaffer


def test_shaffers_steps_are_the_published_ones():
    assert largest_possible_true(3).tolist() == [3, 1, 1]
    assert largest_possible_true(4).tolist() == [6, 3, 3, 3, 2, 1]
    assert largest_possible_true(5).tolist() == [10, 6, 6, 6, 6, 4, 4, 3, 2, 1]


def test_the_five_classifiers_of_garcia_and_herrera():
    factors = np.array([10, 6, 6, 6, 6, 4, 4, 3, 2, 1])
    expected = np.minimum(1, np.maximum.accumulate(factors * GARCIA_HERRERA))
    assert adjust_all_pairs(GARCIA_HERRERA, 5) == pytest.approx(expected)
    assert (adjust_all_pairs(GARCIA_HERRERA, 5) < 0.05).sum() == 6


@given(six_p_values, st.permutations(range(6)))
def test_shaffer_lies_between_raw_and_holm_in_any_order(p_values: list[float], order: list[int]):
    raw = np.array(p_values)
    adjusted = adjust_all_pairs(raw, 4)
    assert (adjusted >= raw).all()
    assert (adjusted <= adjust(raw, "holm") + 1e-15).all()
    assert adjust_all_pairs(raw[order], 4).tolist() == adjusted[order].tolist()


def test_a_hundred_arms_need_no_enumeration_of_partitions():
    steps = largest_possible_true(100)
    assert (steps[0], steps[1], steps[-1]) == (4950, 4851, 1)


def test_shaffer_keeps_the_family_wise_error_where_some_arms_are_equal():
    random = np.random.default_rng(4)
    means = np.array([0, 0, 0, 5, 5])
    wrong = 0
    for _ in range(400):
        p_values = pairwise_tests(random.normal(size=(12, 5)) + means)["p_value"]
        true = np.array([means[a] == means[b] for a in range(5) for b in range(a + 1, 5)])
        wrong += (adjust_all_pairs(p_values, 5)[true] < 0.05).any()
    assert wrong / 400 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 400)


def test_the_number_of_p_values_must_be_that_of_the_pairs():
    with pytest.raises(InvalidSetting, match="4 arms have 6 pairs, not 3 p-values"):
        adjust_all_pairs([0.1, 0.2, 0.3], 4)
    with pytest.raises(InvalidSetting, match=r"n_arms must be .*at least 2, not 1"):
        adjust_all_pairs([], 1)
    with pytest.raises(StatsError, match=r"not at 1\.5"):
        adjust_all_pairs([1.5], 2)
    with pytest.raises(InvalidSetting, match="shaffer, holm"):
        adjust_all_pairs([0.5], 2, "bergmann")


def test_a_failed_pair_still_counts():
    adjusted = adjust_all_pairs([0.01, math.nan, 0.02], 3)
    assert adjusted[[0, 2]].tolist() == [0.03, 0.03]
    assert math.isnan(adjusted[1])


@pytest.mark.parametrize(
    ("correction", "expected"),
    [
        ("holm", [0.06, 0.03, 0.06]),
        ("bonferroni", [0.12, 0.03, 0.09]),
        ("benjamini-hochberg", [0.04, 0.03, 0.04]),
    ],
)
def test_no_correction_has_deepsigs_defects(correction: str, expected: list[float]):
    # deepsig 1.2.8 returns [.06, .04, .03]: the wrong factors, and the order of the input lost.
    adjusted = adjust([0.04, 0.01, 0.03], correction)
    assert adjusted.tolist() == pytest.approx(expected)
    assert adjust([0.04], correction).tolist() == [0.04]
    assert adjust_all_pairs([0.04], 2, correction).tolist() == [0.04]


# Omnibus and mean ranks


def test_friedman_of_demsars_table(reference):
    expect = reference("demsar-table-6")["expect"]
    test = friedman(demsar(reference), correct_ties=False)
    assert test.mean_ranks == pytest.approx(expect["mean_ranks"], abs=0.001)
    assert test.chi2 == pytest.approx(expect["chi2_friedman"], abs=0.005)
    assert test.f == pytest.approx(expect["F_iman_davenport"], abs=0.005)
    difference = nemenyi(demsar(reference)).critical_difference
    assert difference == pytest.approx(expect["critical_difference_05"], abs=0.005)


def test_friedman_with_ties_of_rounding_first_base(reference):
    case = reference("rounding-first-base")
    test = friedman(np.reshape(case["data"]["scores_22x3"], (22, 3)))
    assert test.chi2 == pytest.approx(case["expect"]["chi2"], abs=0.0005)
    assert test.p_value == pytest.approx(case["expect"]["p"], abs=1e-5)


def test_quantiles_of_nemenyi(reference):
    case = reference("nemenyi-q")
    found = [studentised_range_quantile(0.05, k) for k in case["data"]["k"]]
    assert found == pytest.approx(case["expect"]["q"], abs=case["tolerance"])


@pytest.mark.parametrize("decimals", [0, 1, 6])
def test_friedman_agrees_with_scipy_with_and_without_ties(decimals: int):
    scores = np.random.default_rng(decimals).normal(size=(15, 4)).round(decimals)
    expected = scipy_stats.friedmanchisquare(*scores.T)
    assert friedman(scores).chi2 == pytest.approx(expected.statistic)
    assert friedman(scores).p_value == pytest.approx(expected.pvalue)


def test_mean_rank_tests_agree_with_scikit_posthocs():
    # The table of its documentation and what scikit-posthocs 0.17.1 answers. Conover's p there are
    # uncorrected; its "single-step" takes infinite df where there are 10, and is left.
    scores = np.array(
        [[31, 27, 24], [31, 28, 31], [45, 29, 46], [21, 18, 48], [42, 36, 46], [32, 17, 40]]
    )
    assert nemenyi(scores).p_adjusted == pytest.approx([0.145535, 0.832229, 0.037610], abs=2e-6)
    uncorrected = np.array([0.023252, 0.429487, 0.005732])
    assert conover(scores).p_values == pytest.approx(uncorrected, abs=2e-6)
    t = scipy_stats.t.isf(uncorrected / 2, 10)
    expected = scipy_stats.studentized_range.sf(np.sqrt(2) * t, 3, 10)
    assert conover(scores).p_adjusted == pytest.approx(expected, abs=1e-4)


def test_a_perfect_order_has_the_exact_p_of_a_permutation():
    scores = np.tile([3.0, 2.0, 1.0], (4, 1))
    test = friedman(scores)
    assert test.f == math.inf
    assert test.p_iman_davenport == pytest.approx(6.0**-3)


@pytest.mark.parametrize(("blocks", "told_apart"), [(2, False), (3, False), (6, False), (8, True)])
def test_blocks_in_one_order_tell_no_more_than_their_signs(blocks: int, told_apart: bool):
    scores = np.tile([3.0, 2.0, 1.0], (blocks, 1))
    test = conover(scores)
    assert test.p_values == (2.0 ** (1 - blocks),) * 3
    assert test.p_adjusted == (min(1.0, 3 * 2.0 ** (1 - blocks)),) * 3
    assert math.isnan(test.critical_difference)
    ranking = rank(long_table(scores[None]), blocks="seed", post_hoc="conover")
    assert [pair.separable for pair in ranking.pairs] == [told_apart] * 3
    assert ranking.critical_difference is None
    assert [pair.p_value for pair in ranking.pairs] == [*test.p_values]
    assert [pair.p_adjusted for pair in ranking.pairs] == [*test.p_adjusted]


def test_all_ties_are_no_evidence():
    test = friedman(np.ones((5, 3)))
    assert (test.chi2, test.p_value, test.p_iman_davenport) == (0, 1, 1)
    for test in (conover(np.ones((5, 3))), nemenyi(np.ones((5, 3)))):
        assert test.p_values == test.p_adjusted == (1, 1, 1)


def test_iman_davenport_keeps_its_level_at_few_blocks():
    random = np.random.default_rng(3)
    n_blocks, n_arms, n_tables = 8, 5, 4000
    ranks = random.permuted(np.tile(np.arange(1.0, 6), (n_tables, n_blocks, 1)), axis=2)
    chi2 = chi_squares(ranks)
    f = (n_blocks - 1) * chi2 / (n_blocks * (n_arms - 1) - chi2)
    p_f = scipy_stats.f.sf(f, n_arms - 1, (n_arms - 1) * (n_blocks - 1))
    assert (p_f < 0.05).mean() <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / n_tables)
    assert (p_f < 0.05).mean() > (scipy_stats.chi2.sf(chi2, n_arms - 1) < 0.05).mean()


@given(st.integers(0, 1000), st.floats(0.1, 1000), st.floats(-100, 100))
def test_order_scale_and_shift_do_not_matter_to_ranks(seed: int, factor: float, shift: float):
    random = np.random.default_rng(seed)
    scores = random.integers(0, 6, (7, 4)) / 4
    test = friedman(scores)
    moved = friedman(random.permutation(factor * scores + shift))
    assert moved.chi2 == pytest.approx(test.chi2)
    turned = friedman(scores, lower_is_better=True)
    assert turned.mean_ranks == pytest.approx([5 - rank for rank in test.mean_ranks])


def test_float_noise_makes_no_ranks():
    assert rank_blocks(np.array([[0.1 + 0.2, 0.3]])).tolist() == [[1.5, 1.5]]
    assert rank_blocks(np.array([[66.31, 66.29]]), resolution=0.1).tolist() == [[1.5, 1.5]]


@pytest.mark.parametrize(
    ("scores", "error", "says"),
    [
        ([[1, 2], [3, math.nan]], StatsError, "block 1, arm 1 holds nan"),
        ([[1, math.inf], [3, 4]], StatsError, "block 0, arm 1 holds inf"),
        ([[1, 2]], NotEnoughPairs, "1 blocks and 2 arms"),
        ([[1], [2]], NotEnoughPairs, "2 blocks and 1 arms"),
        ([1, 2], StatsError, "shape"),
        ([["a", "b"], ["c", "d"]], StatsError, "numbers"),
    ],
)
def test_bad_tables_are_named(scores, error: type[Exception], says: str):
    for test in (friedman, nemenyi, conover):
        with pytest.raises(error, match=says):
            test(scores)


# Rankings


def test_a_ranking_is_its_pairs_and_its_mean_ranks():
    table = random_table()
    ranking = rank(table)
    wide = table.groupby(["task", "method"])["score"].mean().unstack()[list(ranking.methods)]
    assert ranking.mean_scores == pytest.approx(wide.mean().tolist())
    ranks = wide.rank(axis=1, ascending=False).mean()
    assert ranking.mean_ranks == pytest.approx(ranks.tolist())
    assert list(ranking.mean_ranks) == sorted(ranking.mean_ranks)
    for pair in ranking.pairs:
        expected = signed_rank(wide[pair.first] - wide[pair.second]).p_value
        assert pair.p_value == pytest.approx(expected)
    expected = adjust([pair.p_value for pair in ranking.pairs])
    assert [pair.p_adjusted for pair in ranking.pairs] == expected.tolist()


@pytest.mark.parametrize("post_hoc", PAIRED_TESTS)
@pytest.mark.parametrize("lower", [False, True])
def test_a_pair_is_judged_as_a_comparison_of_its_two_methods(post_hoc: str, lower: bool):
    table = random_table((1, 9, 4))
    ranking = rank(table, judging=Judging(lower_is_better=lower), blocks="seed", post_hoc=post_hoc)
    assert {pair.separable for pair in ranking.pairs} == {True, False}
    by_seed = table.set_index("seed").groupby("method")["score"]
    for place, pair in enumerate(ranking.pairs):
        alone = compare(
            by_seed.get_group(pair.second),
            by_seed.get_group(pair.first),
            test=post_hoc,
            lower_is_better=lower,
        )
        assert pair.p_value == alone.p_value
        assert pair.mean_difference == pytest.approx(alone.mean_difference)
        assert pair.hodges_lehmann == pytest.approx(alone.hodges_lehmann)
        if pair.separable:
            winner, loser = (pair.first, pair.second)[:: 1 if alone.verdict == "better" else -1]
            places = {name: i for i, name in enumerate(ranking.methods)}
            assert ranking.rank_low[places[loser]] > 1, place
            assert ranking.rank_high[places[winner]] < 4


@pytest.mark.sampled(test_all=3)
@pytest.mark.slow
@given(st.integers(2, 12), st.integers(2, 6), st.sampled_from(all_pairs_corrections()))
@pytest.mark.parametrize("test", PAIRED_TESTS)
def test_the_smallest_p_of_a_ranking_is_reached_and_never_undercut(
    test: str, blocks: int, arms: int, correction: str
):
    """Blocks that all put the arms in one order, far apart, are as strong as evidence can be."""
    random = np.random.default_rng(blocks)
    scores = random.normal(0, 1e-6, (1, blocks, arms)) + 2.0 ** np.arange(arms)
    found = rank(long_table(scores), blocks="seed", post_hoc=test, correction=correction)
    least = min(pair.p_adjusted for pair in found.pairs)
    assert least == pytest.approx(found.smallest_attainable_p_adjusted, abs=1e-4)
    assert bool(found.out_of_reach) == (found.smallest_attainable_p_adjusted >= 0.05)
    if found.out_of_reach:
        assert not any(pair.separable for pair in found.pairs)
        assert found.out_of_reach in found.warnings


def test_groups_hold_neighbours_that_cannot_be_told_apart():
    ranking = rank(random_table((12, 4, 5)))
    separable = {frozenset((p.first, p.second)): p.separable for p in ranking.pairs}
    assert any(separable.values())
    assert not all(separable.values())
    for group in ranking.groups:
        for i, first in enumerate(group):
            assert not any(separable[frozenset((first, other))] for other in group[i + 1 :])
    assert {name for group in ranking.groups for name in group} == set(ranking.methods)
    for low, high, mean_rank in zip(
        ranking.rank_low, ranking.rank_high, ranking.mean_ranks, strict=True
    ):
        assert 1 <= low <= high <= 5
        assert low - 1 < mean_rank < high + 1


def test_runs_of_neighbours_overlap_where_separation_is_not_transitive():
    apart = np.zeros((4, 4), dtype=bool)
    apart[0, 2] = apart[2, 0] = apart[0, 3] = apart[3, 0] = True
    assert inseparable_runs(apart) == [(0, 2), (1, 4)]
    assert inseparable_runs(np.ones((3, 3), dtype=bool)) == [(0, 1), (1, 2), (2, 3)]
    assert inseparable_runs(np.zeros((3, 3), dtype=bool)) == [(0, 3)]


def test_the_order_of_rows_does_not_matter():
    table = random_table()
    there, back = rank(table), rank(table.sample(frac=1, random_state=3))
    assert there.methods == back.methods
    assert [p.p_adjusted for p in there.pairs] == [p.p_adjusted for p in back.pairs]


def test_a_loss_turns_the_ranking_around():
    table = random_table()
    loss = table.assign(metric="nll")
    assert rank(loss).methods == rank(table).methods[::-1]
    assert rank(loss).rank_low == tuple(6 - high for high in rank(table).rank_high[::-1])
    assert rank(loss, judging=Judging(lower_is_better=False)).methods == rank(table).methods


def test_two_arms_are_tested_on_both_sides():
    # autorank 1.3 tests two arms in the direction that it has seen: type I error .10.
    random = np.random.default_rng(8)
    wrong = 0
    for _ in range(2000):
        p_values = pairwise_tests(random.normal(size=(12, 2)))["p_value"]
        wrong += p_values[0] < 0.05
    assert wrong / 2000 <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 2000)
    ranking = rank(long_table(random.normal(size=(8, 3, 2))))
    assert len(ranking.pairs) == 1
    assert ranking.pairs[0].p_adjusted == ranking.pairs[0].p_value


def test_an_arm_that_nobody_asked_about_changes_nemenyi_and_not_wilcoxon():
    table = random_table((10, 3, 6))
    few, many = (rank(table, [f"m{i}" for i in range(k)]) for k in (3, 6))
    few_p = {(p.first, p.second): p.p_value for p in few.pairs}
    many_p = {(p.first, p.second): p.p_value for p in many.pairs}
    assert all(many_p[pair] == p for pair, p in few_p.items())
    few, many = (rank(table, [f"m{i}" for i in range(k)], post_hoc="nemenyi").pairs for k in (3, 6))
    assert few[0].p_value not in {p.p_value for p in many}


@pytest.mark.parametrize("post_hoc", ["nemenyi", "conover"])
def test_a_critical_difference_separates_what_its_p_separates(post_hoc: str):
    ranking = rank(random_table((14, 2, 5)), post_hoc=post_hoc)
    ranks = dict(zip(ranking.methods, ranking.mean_ranks, strict=True))
    for pair in ranking.pairs:
        distance = abs(ranks[pair.first] - ranks[pair.second])
        assert pair.separable == (distance > ranking.critical_difference)
    assert all(pair.p_value < pair.p_adjusted for pair in ranking.pairs)
    assert rank(random_table()).critical_difference is None


def test_shaffer_separates_what_holm_separates_and_more():
    table = random_table((10, 2, 5), seed=5)
    holm, shaffer = rank(table), rank(table, correction="shaffer")
    assert all(s.p_adjusted <= h.p_adjusted for s, h in zip(shaffer.pairs, holm.pairs, strict=True))
    assert any(s.p_adjusted < h.p_adjusted for s, h in zip(shaffer.pairs, holm.pairs, strict=True))


def test_blocks_are_tasks_or_seeds_as_declared():
    table = random_table((3, 6, 4))
    assert rank(table).blocks == ("t0", "t1", "t2")
    by_seed = rank(table, blocks="seed")
    assert len(by_seed.blocks) == 18
    assert by_seed.blocks[0] == "t0 · 0"
    assert any("as if independent" in warning for warning in by_seed.warnings)
    one_task = rank(table[table["task"] == "t0"], blocks="seed")
    assert not any("as if independent" in warning for warning in one_task.warnings)


def test_a_failed_seed_is_left_out_of_the_average_of_every_method():
    table = random_table()
    failed = (table["task"] == "t2") & (table["method"] == "m1") & (table["seed"] == 3)
    table.loc[failed, "score"] = math.nan
    ranking = rank(table)
    assert ranking.warnings == ("t2: dropped seed 3 (m1 has no score)",)
    assert ranking.seeds_dropped
    without = table[~((table["task"] == "t2") & (table["seed"] == 3))]
    assert rank(without).mean_scores == pytest.approx(ranking.mean_scores)


def test_a_task_that_one_method_lacks_is_left_out_by_name():
    table = random_table()
    table = table[(table["task"] != "t2") | (table["method"] != "m1")]
    ranking = rank(table.replace({"task": {"t2": "dropped seeds"}}))
    assert len(ranking.blocks) == 8
    assert ranking.warnings[0] == "dropped seeds: left out, no score of m1"
    assert not ranking.seeds_dropped, "whatever the task is called"


def test_unpaired_runs_are_ranked_only_if_said_so():
    table = random_table()
    table["seed"] += 100 * table["method"].str[1:].astype(int)
    with pytest.raises(NotEnoughPairs, match=r"0 complete blocks.*are the runs unpaired\?.*6 more"):
        rank(table)
    assert rank(table, judging=Judging(paired=False)).methods == rank(random_table()).methods
    with pytest.raises(InvalidSetting, match="only by task"):
        rank(table, judging=Judging(paired=False), blocks="seed")


def test_too_few_blocks_to_separate_anything_are_pointed_out():
    warnings = rank(random_table((5, 4, 5))).warnings
    assert warnings == (
        "5 blocks and 10 pairs can never reach p < 0.05: the smallest corrected p is 0.625; "
        "9 blocks are enough",
    )


def test_meaningless_rankings_are_refused():
    table = random_table()
    with pytest.raises(NotEnoughPairs, match=r"only one method \(m1\); two are needed"):
        rank(table, ["m1"])
    with pytest.raises(UnknownName, match='no method "m9"'):
        rank(table, ["m1", "m9"])
    with pytest.raises(InvalidSetting, match='"m1" is named twice'):
        rank(table, ["m1", "m1"])
    with pytest.raises(InvalidSetting, match=r'methods is a list: \["m1"\]'):
        rank(table, "m1")
    with pytest.raises(NotEnoughPairs, match="1 complete block of tasks"):
        rank(table[table["task"] == "t0"])
    for wrong in ({"blocks": "fold"}, {"post_hoc": "tukey"}, {"correction": "fdr"}):
        with pytest.raises(InvalidSetting):
            rank(table, **wrong)
    for wrong in ({"alpha": 0}, {"zeros": "keep"}, {"resolution": -1.0}):
        with pytest.raises(InvalidSetting):
            rank(table, judging=Judging(**wrong))
    with pytest.raises(StatsError, match=r"a second score of runs.*method m0, task t0, seed 0"):
        rank(pd.concat([table, table.head(1)]))


def test_identical_methods_share_a_group():
    table = random_table((9, 4, 3))
    copy = table[table["method"] == "m0"].assign(method="copy")
    ranking = rank(pd.concat([table, copy]))
    pair = next(p for p in ranking.pairs if {p.first, p.second} == {"m0", "copy"})
    assert (pair.p_value, pair.hodges_lehmann) == (1, 0)
    assert any(set(group) >= {"m0", "copy"} for group in ranking.groups)


def test_mean_ranks_never_decrease_down_the_list():
    for seed in range(5):
        ranking = rank(random_table((6, 2, 4), seed))
        assert all(a <= b for a, b in pairwise(ranking.mean_ranks))
