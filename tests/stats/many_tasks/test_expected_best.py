"""The best of n settings: against all draws there are, and against order statistics."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats.errors import StatsError
from stats.many_tasks.expected_best import expected_best, gain_of_choice

SCORES = [61.5, 60.0, 63.25, 61.5, 58.0]
size = st.floats(1e-60, 100)  # smaller ones have no square, and are refused
finite = st.lists(st.just(0.0) | size | size.map(float.__neg__), min_size=1, max_size=12)


@pytest.mark.parametrize("n", range(1, 6))
def test_it_is_the_mean_over_all_draws(n: int):
    with_replacement = np.array([max(draw) for draw in product(SCORES, repeat=n)])
    without = np.array([max(draw) for draw in combinations(SCORES, n)])
    for draws, replacement in ((with_replacement, True), (without, False)):
        curve = expected_best(SCORES, replacement=replacement)
        assert curve.mean[n - 1] == pytest.approx(draws.mean())
        assert curve.sd[n - 1] == pytest.approx(draws.std(), abs=1e-9)


@given(finite)
def test_it_never_falls_and_ends_below_the_best(scores):
    for replacement in (True, False):
        curve = expected_best(scores, replacement=replacement)
        assert all(b >= a - 1e-9 for a, b in zip(curve.mean, curve.mean[1:], strict=False))
        assert curve.mean[0] == pytest.approx(np.mean(scores), abs=1e-9)
        assert curve.mean[-1] <= max(scores) + 1e-9
    assert curve.mean[-1] == pytest.approx(max(scores))


@given(finite)
def test_a_loss_is_the_mirror_image_of_a_score(scores):
    score = expected_best(scores)
    loss = expected_best([-s for s in scores], lower_is_better=True)
    assert loss.mean == pytest.approx([-m for m in score.mean])
    assert loss.sd == pytest.approx(score.sd)


def test_the_gain_of_choice_is_that_of_simulated_settings():
    draws = np.random.default_rng(0).standard_normal((100_000, 20))
    assert gain_of_choice(20) == pytest.approx(draws.max(axis=1).mean(), abs=0.01)
    assert gain_of_choice(2) == pytest.approx(1 / np.sqrt(np.pi))


@pytest.mark.parametrize("scores", [[], [float("nan")], [1.0, float("inf")], "abc", [[1.0]]])
def test_bad_scores_are_refused(scores):
    with pytest.raises(StatsError):
        expected_best(scores)


def test_no_setting_has_no_best():
    with pytest.raises(StatsError, match="at least 1"):
        gain_of_choice(0)
