"""Items that belong together are fewer than they seem."""

import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_1samp
from sklearn.metrics import f1_score, matthews_corrcoef

from stats import NotEnoughPairs, NotPaired
from stats.items.aggregates import aggregate_named
from stats.items.clustered import clustered_mean
from stats.items.item_bootstrap import bootstrap_items


@given(st.integers(0, 99), st.integers(3, 12))
def test_the_error_is_that_of_a_regression_on_a_constant_with_clusters(seed, count):
    random = np.random.default_rng(seed)
    clusters = np.r_[np.arange(count), random.integers(0, count, 3 * count)]
    values = random.normal(size=len(clusters)) + random.normal(size=count)[clusters]
    fit = sm.OLS(values, np.ones(len(values))).fit(
        cov_type="cluster", cov_kwds={"groups": clusters}, use_t=True
    )
    found = clustered_mean(values, clusters.tolist())
    assert (found.error, found.p_value) == pytest.approx((fit.bse[0], fit.pvalues[0]))
    assert (found.low, found.high) == pytest.approx(tuple(fit.conf_int()[0]))
    assert (found.n_items, found.n_clusters) == (len(values), count)


def test_items_that_stand_alone_are_a_t_test():
    values = np.random.default_rng(0).normal(0.2, 1, 40)
    found = clustered_mean(values)
    expected = ttest_1samp(values, 0)
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_copies_of_every_item_say_nothing_more_once_they_are_clusters():
    values = np.random.default_rng(1).normal(0.2, 1, 30)
    once = clustered_mean(values)
    copied = clustered_mean(np.repeat(values, 4), np.repeat(np.arange(30), 4).tolist())
    assert (copied.error, copied.p_value) == pytest.approx((once.error, once.p_value))
    assert clustered_mean(np.repeat(values, 4)).error < once.error / 1.9


def test_differences_without_spread():
    assert clustered_mean([0.0, 0.0, 0.0]).p_value == 1
    assert math.isnan(clustered_mean([1.0, 1.0, 1.0]).p_value)


def test_clusters_that_say_nothing_are_refused():
    with pytest.raises(NotEnoughPairs, match="1 clusters of items; at least two"):
        clustered_mean([1.0, 2.0], ["a", "a"])
    with pytest.raises(NotPaired, match="1 names of clusters for 2 items"):
        clustered_mean([1.0, 2.0], ["a"])


def test_a_bootstrap_of_clusters_has_the_clustered_error():
    random = np.random.default_rng(3)
    clusters = np.repeat(np.arange(60), 5).tolist()
    difference = random.normal(size=60)[clusters] + random.normal(0, 0.3, 300)
    zeros = np.zeros(300)

    def mean(_: np.ndarray, values: np.ndarray) -> float:
        return float(values.mean())

    found = bootstrap_items(mean, zeros, zeros, difference, clusters=clusters)
    assert found.error == pytest.approx(clustered_mean(difference, clusters).error, rel=0.06)
    assert bootstrap_items(mean, zeros, zeros, difference).error < found.error / 1.8


def test_metrics_that_are_no_means():
    random = np.random.default_rng(4)
    pairs = random.integers(0, 2, (50, 2)).astype(float)
    for name, expected in (("f1", f1_score), ("mcc", matthews_corrcoef)):
        how = aggregate_named(name, pairs)
        assert how is not None
        assert how(pairs) == pytest.approx(expected(pairs[:, 0], pairs[:, 1]))
    logs = np.array([[-20.0, 10.0], [-12.0, 30.0]])
    word, bits = (aggregate_named(name, logs) for name in ("word_perplexity", "bits_per_byte"))
    assert word is not None
    assert bits is not None
    assert word(logs) == pytest.approx(math.exp(32 / 40))
    assert bits(logs) == pytest.approx(32 / 40 / math.log(2))
    one = aggregate_named("perplexity", logs[:, 0])
    assert one is not None
    assert one(logs[:, 0]) == pytest.approx(math.exp(16))
    assert aggregate_named("mcc", np.array([[0.0, 2.0]])) is None
