"""scikit-posthocs 0.17: mean-rank tests and pairwise Wilcoxon tests, with two differences.

Its single-step Conover test takes the studentised range at infinite degrees of freedom where
(n − 1)(k − 1) are left, which makes p too small; its pairwise Wilcoxon test is SciPy's, which
beyond 13 pairs takes a normal limit as soon as two differences tie.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from stats.many_arms.mean_rank_tests import conover, nemenyi
from stats.many_arms.pairwise import pairwise_tests
from stats.multiplicity import adjust, all_pairs

posthocs = pytest.importorskip(
    "scikit_posthocs", reason="scikit-posthocs is not installed here; see make peers"
)

SIZES = [(2, 3), (6, 3), (8, 5), (14, 4), (30, 10)]
"""Blocks and arms."""


def scores_of(blocks: int, arms: int, decimals: int) -> np.ndarray:
    random = np.random.default_rng([blocks, arms])
    return (random.normal(60, 1, (blocks, arms)) + 0.4 * np.arange(arms)).round(decimals)


def of_pairs(table: object) -> np.ndarray:
    """The upper triangle of a square table, in the order of our pairs."""
    square = np.asarray(table)
    first, second = all_pairs(len(square)).T
    return square[first, second]


@pytest.mark.parametrize(("blocks", "arms"), SIZES)
@pytest.mark.parametrize("decimals", [0, 9])
def test_nemenyi_agrees(blocks: int, arms: int, decimals: int):
    scores = scores_of(blocks, arms, decimals)
    expected = of_pairs(posthocs.posthoc_nemenyi_friedman(scores))
    assert nemenyi(scores).p_adjusted == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("blocks", "arms"), SIZES)
@pytest.mark.parametrize("decimals", [0, 9])
def test_conover_has_the_same_statistic(blocks: int, arms: int, decimals: int):
    scores = scores_of(blocks, arms, decimals)
    df = (blocks - 1) * (arms - 1)
    uncorrected = of_pairs(posthocs.posthoc_conover_friedman(scores))
    assert conover(scores).p_values == pytest.approx(uncorrected, abs=1e-9)
    t = scipy_stats.t.isf(uncorrected / 2, df)
    expected = scipy_stats.studentized_range.sf(np.sqrt(2) * t, arms, df)
    assert conover(scores).p_adjusted == pytest.approx(expected, abs=1e-6)


def test_their_single_step_conover_takes_degrees_of_freedom_that_are_not_there():
    tables = np.random.default_rng(3).normal(size=(400, 3, 4))
    theirs = [
        of_pairs(posthocs.posthoc_conover_friedman(table, p_adjust="single-step"))
        for table in tables
    ]
    # It is to reject 5 % of these true null hypotheses, and with 6 degrees of freedom rejects 17 %.
    assert np.mean([p_values.min() < 0.05 for p_values in theirs]) > 0.12
    for table, p_values in zip(tables[:10], theirs, strict=False):
        small = p_values < 0.5
        assert (np.array(conover(table).p_adjusted)[small] > p_values[small]).all()


@pytest.mark.parametrize(("blocks", "arms"), SIZES)
def test_pairwise_wilcoxon_with_holm_agrees_without_ties(blocks: int, arms: int):
    scores = scores_of(blocks, arms, 9)
    expected = of_pairs(posthocs.posthoc_wilcoxon(list(scores.T), p_adjust="holm"))
    assert adjust(pairwise_tests(scores)["p_value"]) == pytest.approx(expected, rel=1e-9)


def test_one_tie_sends_their_exact_test_to_the_normal_limit():
    differences = np.array([*range(1, 15), 14.0]) * np.where(np.arange(15) % 4, 1, -1)
    scores = np.stack([differences, np.zeros(15)], axis=1)
    ours = pairwise_tests(scores)["p_value"][0]
    theirs = of_pairs(posthocs.posthoc_wilcoxon(list(scores.T)))[0]
    signs = 1 - 2 * (np.arange(2**15)[:, None] >> np.arange(15) & 1)
    ranks = scipy_stats.rankdata(np.abs(differences))
    sums = signs @ ranks
    exact = np.mean(np.abs(sums) >= abs(np.sign(differences) @ ranks))
    assert ours == pytest.approx(exact, rel=1e-12)
    assert theirs != pytest.approx(exact, rel=1e-3)
