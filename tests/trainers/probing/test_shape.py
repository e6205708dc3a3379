"""Measures of representations: identities, extremes, and what bias is gone."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.probing.shape import effective_rank, linear_cka

RANDOM = np.random.default_rng(5)


def rotation(d: int) -> np.ndarray:
    return np.linalg.qr(RANDOM.normal(size=(d, d)))[0]


def biased(x: np.ndarray, y: np.ndarray) -> float:
    """As Kornblith et al. print it for features."""
    x, y = x - x.mean(0), y - y.mean(0)
    own = np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)
    return np.linalg.norm(x.T @ y) ** 2 / own


def by_kernels(x: np.ndarray, y: np.ndarray) -> float:
    """The same by matrices of all pairs, as Song et al. define the estimator."""

    def hsic(a, b):
        n, one = len(a), np.ones(len(a))
        a, b = a - np.diag(np.diag(a)), b - np.diag(np.diag(b))
        found = np.trace(a @ b) + (one @ a @ one) * (one @ b @ one) / ((n - 1) * (n - 2))
        return found - 2 / (n - 2) * (one @ a @ b @ one)

    a, b = x @ x.T, y @ y.T
    return hsic(a, b) / np.sqrt(hsic(a, a) * hsic(b, b))


def test_cka_is_that_of_all_pairs():
    x, y = RANDOM.normal(size=(30, 6)), RANDOM.normal(size=(30, 4))
    y[:, :2] += x[:, :2]
    assert linear_cka(x, y) == pytest.approx(by_kernels(x, y), rel=1e-9)


@given(scale=st.floats(1e-6, 1e6), shift=st.floats(-100, 100))
def test_cka_sees_no_rotation_no_scale_and_no_shift(scale, shift):
    x = RANDOM.normal(size=(40, 8))
    assert linear_cka(x, scale * (x @ rotation(8)) + shift) == pytest.approx(1, abs=1e-6)


def test_cka_of_unrelated_representations_scatters_about_zero_and_the_biased_one_does_not():
    pairs = [(RANDOM.normal(size=(60, 64)), RANDOM.normal(size=(60, 64))) for _ in range(100)]
    found = np.array([linear_cka(*pair) for pair in pairs])
    assert abs(found.mean()) < 4 * found.std() / 10
    assert abs(found.mean()) < 0.01
    assert np.mean([biased(*pair) for pair in pairs]) > 0.5


def test_cka_meets_the_biased_one_where_examples_are_many():
    x = RANDOM.normal(size=(20_000, 4))
    y = np.hstack([x[:, :2], RANDOM.normal(size=(20_000, 2))])
    assert linear_cka(x, y) == pytest.approx(biased(x, y), abs=1e-3)
    assert linear_cka(x, y) == pytest.approx(0.5, abs=0.02)


def test_cka_is_unknown_where_one_says_the_same_of_everything():
    x = RANDOM.normal(size=(10, 3))
    assert np.isnan(linear_cka(x, np.full((10, 2), 0.1)))
    assert np.isnan(linear_cka(x[:3], x[:3]))
    with pytest.raises(ValueError, match="10 and 9 examples"):
        linear_cka(x, x[:9])


def test_effective_rank_is_the_number_of_equal_directions():
    for directions in (1, 2, 5):
        x = np.zeros((2 * directions, 6))
        x[:directions, :directions] = np.eye(directions)
        x[directions:] = -x[:directions]
        assert effective_rank(x @ rotation(6) + 3) == pytest.approx(directions)


def test_effective_rank_of_unequal_directions_lies_between():
    x = np.diag([3.0, 1.0])
    x = np.vstack([x, -x])
    p = np.array([0.75, 0.25])
    assert effective_rank(x) == pytest.approx(np.exp(-(p * np.log(p)).sum()))
    assert 1 < effective_rank(x) < 2


@given(scale=st.floats(1e-6, 1e6))
def test_effective_rank_sees_no_scale(scale):
    x = RANDOM.normal(size=(20, 5))
    assert effective_rank(scale * x) == pytest.approx(effective_rank(x))
    assert 1 <= effective_rank(x) <= 5


def test_effective_rank_of_a_single_point_is_zero():
    assert effective_rank(np.full((10, 4), 0.3)) == 0.0
    assert effective_rank(np.full((10, 4), np.float32(0.1))) == 0.0
