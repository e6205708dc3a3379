"""baycomp 1.0: the Bayesian signed-rank test to Monte Carlo error, the correlated t exactly.

baycomp subtracts first from second, as we subtract the baseline from the candidate. It compares
sums of two differences with the rope to the last bit, so that float noise decides what lies on
its edge: the same scores in tenths and in tens get different probabilities.
"""

from __future__ import annotations

import numpy as np
import pytest

from stats.bayes.signed_rank import bayesian_signed_rank
from stats.two_arms.correlated_t import correlated_t

baycomp = pytest.importorskip("baycomp", reason="baycomp is not installed here; see make peers")

SAMPLES = 20_000


@pytest.mark.parametrize("n", [2, 5, 8, 20])
@pytest.mark.parametrize("rope", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("decimals", [0, 9])
def test_the_posterior_agrees(n: int, rope: float, decimals: int):
    random = np.random.default_rng([n, decimals])
    differences = random.normal(0.4, 1, n).round(decimals)
    ours = bayesian_signed_rank(differences, rope, samples=SAMPLES)
    theirs = baycomp.SignedRankTest.probs(
        np.zeros(n), differences, rope, nsamples=SAMPLES, random_state=1
    )
    expected = theirs if rope else (theirs[0], 0.0, theirs[1])
    found = (ours.p_below, ours.p_rope, ours.p_above)
    # Four standard errors of the difference of two shares of 20,000 samples.
    assert found == pytest.approx(expected, abs=4 * np.sqrt(2 * 0.25 / SAMPLES))


@pytest.mark.parametrize("strength", [0.1, 1.0, 4.0])
def test_the_prior_weighs_the_same(strength: float):
    differences = np.array([0.9, -0.2, 0.4, 1.1, 0.3])
    ours = bayesian_signed_rank(differences, 0.5, prior_strength=strength, samples=SAMPLES)
    theirs = baycomp.SignedRankTest.probs(
        np.zeros(5), differences, 0.5, prior=strength, nsamples=SAMPLES, random_state=1
    )
    found = (ours.p_below, ours.p_rope, ours.p_above)
    assert found == pytest.approx(theirs, abs=4 * np.sqrt(2 * 0.25 / SAMPLES))


def test_units_change_their_answer_on_the_edge_of_the_rope_and_not_ours():
    tenths = np.array([0.1, 0.2, 0.4, 0.5, -0.1, 0.3])
    theirs = [
        baycomp.SignedRankTest.probs(
            np.zeros(6), differences, rope, nsamples=SAMPLES, random_state=1
        )
        for differences, rope in ((tenths, 0.3), ((10 * tenths).round(), 3))
    ]
    ours = [
        bayesian_signed_rank(differences, rope, samples=SAMPLES)
        for differences, rope in ((tenths, 0.3), ((10 * tenths).round(), 3))
    ]
    assert abs(theirs[0][1] - theirs[1][1]) > 0.01
    assert ours[0].p_rope == ours[1].p_rope


@pytest.mark.parametrize("folds", [2, 5, 10])
@pytest.mark.parametrize("rope", [0.0, 0.1, 2.0])
def test_correlated_t_agrees(folds: int, rope: float):
    random = np.random.default_rng(folds)
    first, second = random.normal(60, 1, (2, 3 * folds))
    ours = correlated_t(second - first, 1 / folds, rope)
    theirs = baycomp.CorrelatedTTest.probs(first, second, rope, runs=3)
    expected = theirs if rope else (theirs[0], 0.0, theirs[1])
    assert (ours.p_below, ours.p_rope, ours.p_above) == pytest.approx(expected, abs=1e-9)
