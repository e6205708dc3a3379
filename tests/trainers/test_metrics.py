"""Scores of known logits, and their agreement with scikit-learn."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import softmax
from sklearn.metrics import accuracy_score, brier_score_loss, f1_score, log_loss, matthews_corrcoef

from trainers import metrics

cases = st.tuples(st.integers(0, 10_000), st.integers(2, 6), st.integers(20, 80))


def draw(case):
    seed, classes, n = case
    draws = np.random.default_rng(seed)
    labels = np.concatenate([np.arange(classes), draws.integers(0, classes, n - classes)])
    return draws.normal(0, 2, (n, classes)), labels


@given(cases)
def test_metrics_agree_with_scikit_learn(case):
    z, y = draw(case)
    p, guess, binary = softmax(z, -1), z.argmax(-1), z.shape[1] == 2
    average = "binary" if binary else "macro"
    assert metrics.accuracy(z, y) == pytest.approx(100 * accuracy_score(y, guess))
    assert metrics.f1(z, y) == pytest.approx(
        100 * f1_score(y, guess, average=average, zero_division=0)
    )
    assert metrics.matthews(z, y) == pytest.approx(100 * matthews_corrcoef(y, guess))
    assert metrics.nll(z, y) == pytest.approx(log_loss(y, p, labels=range(z.shape[1])))
    if binary:
        expected = brier_score_loss(y, p[:, 1], scale_by_half=False)
        assert metrics.brier(z, y) == pytest.approx(expected)


def test_a_model_that_is_as_sure_as_it_is_right_has_no_calibration_error():
    p = np.array([[0.75, 0.25]] * 4)
    assert metrics.ece(np.log(p), np.array([0, 0, 0, 1])) == pytest.approx(0, abs=1e-9)


def test_bins_are_closed_on_the_right():
    """Confidence 2/15·k lies in the bin below, so equal confidences share a bin."""
    p = np.array([[0.6, 0.4], [0.6, 0.4]])
    assert metrics.ece(np.log(p), np.array([0, 1])) == pytest.approx(10)


@given(cases, st.floats(0.2, 5))
def test_the_temperature_undoes_a_scaling_of_the_logits(case, scale):
    z, y = draw(case)
    z = z + 3 * np.eye(z.shape[1])[y] * (np.arange(len(y)) % 3 > 0)[:, None]
    t, t_scaled = metrics.temperature(z, y), metrics.temperature(scale * z, y)
    assume(0.06 < t_scaled < 19)  # the search ends at 1/20 and 20
    best = metrics.nll(z / t, y)
    assert metrics.nll(scale * z / t_scaled, y) == pytest.approx(best, abs=1e-3)
    assert best <= metrics.nll(z, y) + 1e-6


def test_scaling_changes_calibration_but_no_decision():
    z, y = draw((1, 4, 60))
    raw, scaled = metrics.all_scores(z, y, 1.0), metrics.all_scores(z, y, 2.5)
    assert set(raw) == set(metrics.METRICS)
    assert raw["accuracy"] == scaled["accuracy"]
    assert raw["nll"] == raw["nll_scaled"] != scaled["nll_scaled"]
