"""Posterior probabilities, almost stochastic order, and evidence that may be looked at often."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from stats import InvalidSetting, NotEnoughPairs, NotPaired, StatsError, t_interval
from stats.bayes.signed_rank import bayesian_signed_rank, bayesian_signed_rank_pairs
from stats.sequential.sign_e_value import sign_e_value
from stats.two_arms.correlated_t import correlated_t
from stats.two_arms.stochastic_order import almost_stochastic_order

TEN = [2, -1, 3, 5, 0, 4, -2, 6, 1, 3]
FOLDS = [0.2, 0.5, -0.1, 0.4, 0.3, 0.6, 0.1, 0.2, 0.4, 0.4]
whole = st.lists(st.integers(-5, 5), min_size=2, max_size=9)


# Bayesian signed rank


@pytest.mark.parametrize(
    ("rope", "expected"),
    [
        (0, (0.00652, 0.0, 0.99348)),
        (1, (0.00182, 0.0475, 0.95068)),
        (2, (0.0, 0.48758, 0.51242)),
    ],
)
def test_the_posterior_agrees_with_baycomp(rope: float, expected: tuple[float, ...]):
    # SignedRankTest.probs of baycomp 1.0.3, 50,000 samples, random_state=1.
    found = bayesian_signed_rank(TEN, rope)
    probabilities = (found.p_below, found.p_rope, found.p_above)
    assert probabilities == pytest.approx(expected, abs=4 * 0.5 / math.sqrt(50_000) * math.sqrt(2))


def test_float_noise_does_not_move_averages_over_the_edge_of_the_rope():
    # .4 + .2 is not .6 to a computer; baycomp 1.0.3 gives .1300 for tenths and .1527 for tens.
    tenths = bayesian_signed_rank(np.array(TEN) / 10, 0.2)
    tens = bayesian_signed_rank(TEN, 2)
    assert (tenths.p_below, tenths.p_rope) == (tens.p_below, tens.p_rope)


def test_no_difference_at_all_is_no_evidence_for_either_side():
    for n in (2, 8, 23):
        found = bayesian_signed_rank([0] * n)
        assert (found.p_below, found.p_rope, found.p_above) == (0.5, 0, 0.5)


@given(whole, st.sampled_from([0.0, 1.0]))
@hypothesis_settings(max_examples=40, deadline=None)
def test_swapping_the_arms_swaps_the_probabilities(values: list[int], rope: float):
    there = bayesian_signed_rank(values, rope, samples=500)
    back = bayesian_signed_rank(np.negative(values), rope, samples=500)
    assert (there.p_below, there.p_rope, there.p_above) == pytest.approx(
        (back.p_above, back.p_rope, back.p_below), abs=1e-12
    )


def by_definition(weights: np.ndarray, values: np.ndarray, rope: float) -> np.ndarray:
    averages = (values[:, None] + values) / 2
    masses = weights[:, None] * weights
    below = masses[averages < -rope].sum() + masses[averages == -rope].sum() / 2
    above = masses[averages > rope].sum() + masses[averages == rope].sum() / 2
    return np.array([below, 1 - below - above, above])


@given(whole, st.integers(0, 3))
@hypothesis_settings(max_examples=30)
def test_each_sample_is_the_mass_of_the_walsh_averages(differences: list[int], rope: int):
    from stats.bayes.signed_rank import _edges

    values = np.sort(np.array([0, *differences], dtype=float))
    weights = np.random.default_rng(0).dirichlet(np.ones(len(values)))
    up_to = np.concatenate([[0], np.cumsum(weights)])
    low, low_too, high, high_too = (weights @ up_to[edge] for edge in _edges(values, rope))
    expected = by_definition(weights, values, rope)
    assert (low + low_too) / 2 == pytest.approx(expected[0])
    assert 1 - (high + high_too) / 2 == pytest.approx(expected[2])


ropes = st.just(0.0) | st.floats(0.01, 3)  # narrower ones are float noise beside whole numbers


@given(whole, ropes, st.floats(0.5, 20))
@hypothesis_settings(max_examples=25)
def test_swapping_turns_and_scaling_keeps_the_posterior(
    differences: list[int], rope: float, factor: float
):
    values = np.array(differences, dtype=float)
    there = bayesian_signed_rank(values, rope, samples=4000)
    assert there.p_below + there.p_rope + there.p_above == pytest.approx(1)
    back = bayesian_signed_rank(-values, rope, samples=4000, seed=1)
    if rope > 0:  # without a rope exact ties of the two masses have no third place to go to
        assert back.p_below == pytest.approx(there.p_above, abs=0.06)
    scaled = bayesian_signed_rank(factor * values, factor * rope, samples=4000)
    assert scaled.p_above == pytest.approx(there.p_above, abs=0.02)
    shuffled = bayesian_signed_rank(values[::-1], rope, samples=4000)
    assert shuffled.p_above == pytest.approx(there.p_above, abs=0.06)


def test_all_pairs_are_each_pair():
    scores = np.random.default_rng(3).normal([0, 0.2, 0.4, 1], 1, (12, 4))
    pairs = bayesian_signed_rank_pairs(scores, 0.3)
    assert list(pairs) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    for (a, b), found in pairs.items():
        alone = bayesian_signed_rank(scores[:, a] - scores[:, b], 0.3)
        assert found.p_above == pytest.approx(alone.p_above, abs=0.01)
        assert found.p_rope == pytest.approx(alone.p_rope, abs=0.01)


def test_no_difference_at_all_is_practically_equivalent():
    found = bayesian_signed_rank([0.0] * 6, rope=0.1, samples=100)
    assert (found.p_below, found.p_rope, found.p_above) == (0, 1, 0)


def test_the_seed_is_respected():
    first = bayesian_signed_rank(TEN, 1, samples=500, seed=3)
    assert first == bayesian_signed_rank(TEN, 1, samples=500, seed=3)
    assert first != bayesian_signed_rank(TEN, 1, samples=500, seed=4)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"rope": -1}, "rope must be 0 or a positive"),
        ({"rope": math.inf}, "rope"),
        ({"prior_strength": 0}, "prior_strength must be a positive"),
        ({"samples": 0}, "at least 1, not 0"),
    ],
)
def test_meaningless_posteriors_are_refused(options: dict, says: str):
    with pytest.raises(InvalidSetting, match=says):
        bayesian_signed_rank(TEN, **options)
    with pytest.raises(StatsError, match="position 1 holds nan"):
        bayesian_signed_rank([1.0, math.nan])
    with pytest.raises(NotEnoughPairs):
        bayesian_signed_rank([])
    with pytest.raises(NotEnoughPairs, match="12 blocks and 1 arms"):
        bayesian_signed_rank_pairs(np.ones((12, 1)))


# Correlated t


@pytest.mark.parametrize(
    ("test_fraction", "expected"),
    [
        (0.1, (0.0010923532695981634, 0.030509487934995305, 0.9683981587954066)),
        (0.2, (0.004685799816851021, 0.06248055913259032, 0.9328336410505587)),
    ],
)
def test_correlated_t_agrees_with_baycomp(test_fraction: float, expected: tuple[float, ...]):
    # CorrelatedTTest.probs of baycomp 1.0.3, one run of ten folds and two of five, rope .1.
    found = correlated_t(FOLDS, test_fraction, rope=0.1)
    assert (found.p_below, found.p_rope, found.p_above) == pytest.approx(expected)


def test_without_shared_training_data_it_is_the_t_test():
    found = correlated_t(FOLDS, test_fraction=1e-12)
    expected = t_interval(FOLDS)
    assert found.p_value == pytest.approx(expected.p_value)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert found.p_above == pytest.approx(1 - expected.p_value / 2)
    assert found.p_rope == 0


def test_it_keeps_its_level_where_folds_share_what_they_learned():
    random = np.random.default_rng(5)
    n, rho, n_sets = 10, 0.1, 1000
    shared = random.normal(0, math.sqrt(rho), (n_sets, 1))
    folds = shared + random.normal(0, math.sqrt(1 - rho), (n_sets, n))
    corrected = np.mean([correlated_t(row, rho).p_value < 0.05 for row in folds])
    plain = np.mean([t_interval(row).p_value < 0.05 for row in folds])
    assert corrected <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / n_sets)
    assert plain > 0.1


def test_equal_differences_are_a_point():
    found = correlated_t([0.5, 0.5, 0.5], 0.1, rope=0.2)
    assert (found.p_above, found.p_value, found.low, found.high) == (1, 0, 0.5, 0.5)
    edge = correlated_t([0.5, 0.5], 0.1, rope=0.5)
    assert (edge.p_rope, edge.p_above) == (0.5, 0.5)
    nothing = correlated_t([0.0, 0.0], 0.1)
    assert (nothing.p_below, nothing.p_above, nothing.p_value) == (0.5, 0.5, 1)


def test_meaningless_correlated_tests_are_refused():
    with pytest.raises(InvalidSetting, match="test_fraction must lie between 0 and 1, not 10"):
        correlated_t(FOLDS, 10)
    with pytest.raises(NotEnoughPairs, match="1 differences given; at least 2"):
        correlated_t([1.0], 0.1)
    with pytest.raises(InvalidSetting, match="rope"):
        correlated_t(FOLDS, 0.1, rope=-0.1)


# Almost stochastic order


def by_grid(a: np.ndarray, b: np.ndarray, points: int = 420) -> float:
    """Violation ratio on a grid that holds every step of both quantile functions."""
    at = (np.arange(points) + 0.5) / points
    first = np.sort(a)[(at * len(a)).astype(int)]
    second = np.sort(b)[(at * len(b)).astype(int)]
    squares = (second - first) ** 2
    return squares[second > first].sum() / squares.sum()


@pytest.mark.parametrize(("n", "m"), [(5, 5), (4, 6), (7, 3), (2, 5)])
def test_the_violation_ratio_is_the_integral_over_quantiles(n: int, m: int):
    random = np.random.default_rng(n * m)
    a, b = random.normal(size=n), random.normal(0.2, 1, m)
    order = almost_stochastic_order([a, b], paired=False, replicates=2)
    assert order.epsilon[0][1] == pytest.approx(by_grid(a, b))
    assert order.epsilon[1][0] == pytest.approx(1 - by_grid(a, b))


def arms_of(n_arms: int, seeds: int = 8) -> list[np.ndarray]:
    random = np.random.default_rng(0)
    shared = random.normal(0, 2, seeds)
    return [shared + 0.3 * i + random.normal(0, 0.3, seeds) for i in range(n_arms)]


def test_bonferroni_is_not_deepsigs():
    # deepsig 1.2 runs 45 comparisons at .951, where .9989 is needed, and two arms at 1.0.
    assert almost_stochastic_order(arms_of(10), paired=True).confidence_each == pytest.approx(
        1 - 0.05 / 45
    )
    two = almost_stochastic_order(arms_of(2), paired=True)
    assert two.confidence_each == 0.95
    assert two.epsilon_min[0][1] < 1 or two.epsilon_min[1][0] < 1
    bounds = [almost_stochastic_order(arms_of(k), paired=True).epsilon_min[0][1] for k in (2, 10)]
    assert bounds[0] <= bounds[1]


def test_paired_arms_are_drawn_together():
    # deepsig's bootstrap draws the arms apart, whatever is known of their seeds.
    arms = arms_of(2)
    widths = [
        (order := almost_stochastic_order(arms, paired=paired)).epsilon_min[1][0]
        - order.epsilon[1][0]
        for paired in (True, False)
    ]
    assert widths[0] < widths[1] / 2
    shuffle = np.random.default_rng(1).permutation(8)
    shuffled = almost_stochastic_order([arm[shuffle] for arm in arms], paired=True)
    expected = almost_stochastic_order(arms, paired=True).epsilon_min[1][0]
    assert shuffled.epsilon_min[1][0] == pytest.approx(expected, abs=0.02)


def test_order_keeps_its_meaning_under_scale_shift_and_turning():
    arms = arms_of(3)
    there = almost_stochastic_order(arms, paired=True)
    moved = almost_stochastic_order([5 * arm + 60 for arm in arms], paired=True)
    assert np.array(moved.epsilon_min) == pytest.approx(np.array(there.epsilon_min))
    turned = almost_stochastic_order([-arm for arm in arms], paired=True)
    assert np.array(turned.epsilon) - np.eye(3) == pytest.approx(
        np.array(there.epsilon).T - np.eye(3)
    )
    assert there == almost_stochastic_order(arms, paired=True)
    assert there != almost_stochastic_order(arms, paired=True, seed=1)


def test_equal_arms_are_half_way():
    order = almost_stochastic_order([[1, 2, 3], [1, 2, 3]], paired=True)
    assert order.epsilon == ((1, 0.5), (0.5, 1))
    assert order.epsilon_min == ((1, 0.5), (0.5, 1))


def test_meaningless_orders_are_refused():
    with pytest.raises(NotEnoughPairs, match="at least two arms, not 1"):
        almost_stochastic_order([[1, 2]], paired=True)
    with pytest.raises(NotEnoughPairs, match="1 scores of arm 1 given; at least 2"):
        almost_stochastic_order([[1, 2], [1]], paired=False)
    with pytest.raises(NotPaired, match="differ in length: 2, 3"):
        almost_stochastic_order([[1, 2], [1, 2, 3]], paired=True)
    with pytest.raises(StatsError, match="scores of arm 1 must be finite"):
        almost_stochastic_order([[1, 2], [1, math.nan]], paired=True)
    with pytest.raises(InvalidSetting, match=r"replicates must be .*at least 2"):
        almost_stochastic_order([[1, 2], [1, 2]], paired=True, replicates=1)


# Sign e-value


def test_sign_e_values_are_the_analytic_ones(reference):
    case = reference("sign-e-value")
    for (k, n), expected in zip(case["data"]["kn"], case["expect"]["e"], strict=True):
        assert sign_e_value([1.0] * k + [-1.0] * (n - k)) == pytest.approx(expected)


@given(st.lists(st.integers(-2, 2), max_size=12))
def test_an_e_value_sees_signs_only_and_both_sides_alike(differences: list[int]):
    values = np.array(differences, dtype=float)
    expected = sign_e_value(values)
    assert sign_e_value(-3 * values[::-1]) == pytest.approx(expected)
    assert sign_e_value(values[values != 0]) == pytest.approx(expected)
    assert sign_e_value([]) == 1


def test_looking_after_every_seed_rejects_at_most_five_percent():
    signs = np.random.default_rng(0).choice([-1.0, 1.0], (300, 40))
    rejected = [max(sign_e_value(row[:n]) for n in range(1, 41)) >= 20 for row in signs]
    assert np.mean(rejected) <= 0.05


def test_a_long_run_of_one_sign_overflows_to_infinity():
    assert sign_e_value(np.ones(3000)) == math.inf
    with pytest.raises(StatsError):
        sign_e_value([math.nan])
