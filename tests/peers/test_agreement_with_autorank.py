"""autorank 1.3: mean ranks, Friedman's p and the critical difference; two arms it tests one-sided.

With more than two arms it is Friedman and Nemenyi, and agrees. With two it takes the signed-rank
test in the direction that the medians have, so that a true null hypothesis is rejected twice as
often as it says.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from stats import friedman
from stats.many_arms.mean_rank_tests import nemenyi
from stats.many_arms.pairwise import pairwise_tests

autorank = pytest.importorskip("autorank", reason="autorank is not installed here; see make peers")

FORCED = {"force_mode": "nonparametric", "verbose": False}


def named(scores: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(scores, columns=[f"m{arm}" for arm in range(scores.shape[1])])


@pytest.mark.parametrize(("blocks", "arms"), [(6, 3), (14, 4), (30, 10)])
@pytest.mark.parametrize("decimals", [0, 9])
def test_friedman_and_nemenyi_agree(blocks: int, arms: int, decimals: int):
    random = np.random.default_rng([blocks, arms])
    scores = (random.normal(60, 1, (blocks, arms)) + 0.3 * np.arange(arms)).round(decimals)
    theirs = autorank.autorank(named(scores), **FORCED)
    ours = friedman(scores)
    ranks = theirs.rankdf["meanrank"].loc[[f"m{arm}" for arm in range(arms)]]
    assert ours.mean_ranks == pytest.approx(ranks.to_numpy())
    assert ours.p_value == pytest.approx(theirs.pvalue, rel=1e-9)
    # Its quantile of the studentised range is an approximation of statsmodels, to four digits.
    assert nemenyi(scores).critical_difference == pytest.approx(theirs.cd, rel=1e-3)


def test_two_arms_are_tested_on_one_side_by_autorank_and_on_both_by_us():
    pairs = np.random.default_rng(8).normal(size=(400, 12, 2))
    theirs = np.array([autorank.autorank(named(pair), **FORCED).pvalue for pair in pairs])
    ours = np.array([pairwise_tests(pair)["p_value"][0] for pair in pairs])
    two_errors = 2 * np.sqrt(0.05 * 0.95 / len(pairs))
    assert np.mean(ours < 0.05) <= 0.05 + two_errors
    assert np.mean(theirs < 0.05) > 0.05 + two_errors
    in_direction = theirs < 0.5
    assert ours[in_direction] == pytest.approx(np.minimum(1, 2 * theirs[in_direction]), rel=1e-9)
