"""DABEST 2025: differences, tests and effect sizes agree; its permutation p can be 0.

It counts permutations that exceed the observed difference, where those that equal it belong to
the tail too, and the observed one always does.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from stats import bootstrap_interval, hedges_g, permutation_test, signed_rank, t_interval, welch
from stats.effects.standardised import d_av
from stats.effects.superiority import cliffs_delta

dabest = pytest.importorskip("dabest", reason="DABEST is not installed here; see make peers")

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::UserWarning")


def theirs(baseline: np.ndarray, candidate: np.ndarray, paired: bool, effect: str) -> Any:
    table = pd.DataFrame({"base": baseline, "kd": candidate, "seed": range(len(baseline))})
    pairing = {"paired": "baseline", "id_col": "seed"} if paired else {}
    loaded = dabest.load(table, idx=("base", "kd"), resamples=10_000, **pairing)
    return getattr(loaded, effect).results.iloc[0]


def arms_of(n: int) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(n)
    shared = random.normal(60, 1, n)
    return shared + random.normal(0, 0.5, n), shared + random.normal(0.5, 0.5, n)


@pytest.mark.parametrize("n", [5, 8, 24])
def test_paired_tests_agree(n: int):
    baseline, candidate = arms_of(n)
    differences = candidate - baseline
    found = theirs(baseline, candidate, paired=True, effect="mean_diff")
    assert differences.mean() == pytest.approx(found["difference"])
    assert signed_rank(differences).p_value == pytest.approx(found["pvalue_wilcoxon"])
    assert t_interval(differences).p_value == pytest.approx(found["pvalue_paired_students_t"])


@pytest.mark.parametrize("n", [8, 24])
def test_paired_effects_agree(n: int):
    # With 5 pairs DABEST stops at the first resample that holds one pair five times.
    baseline, candidate = arms_of(n)
    standardised = theirs(baseline, candidate, paired=True, effect="cohens_d")["difference"]
    assert d_av(baseline, candidate).estimate == pytest.approx(standardised)


@pytest.mark.parametrize("n", [5, 8, 24])
def test_unpaired_tests_and_effects_agree(n: int):
    baseline, candidate = arms_of(n)
    found = theirs(baseline, candidate, paired=False, effect="mean_diff")
    assert welch(baseline, candidate).p_value == pytest.approx(found["pvalue_welch"])
    delta = theirs(baseline, candidate, paired=False, effect="cliffs_delta")["difference"]
    assert cliffs_delta(baseline, candidate).estimate == pytest.approx(delta)
    g = theirs(baseline, candidate, paired=False, effect="hedges_g")["difference"]
    assert hedges_g(baseline, candidate).estimate == pytest.approx(g)


@pytest.mark.parametrize(("n", "method"), [(8, "percentile"), (24, "percentile"), (24, "bca")])
def test_bootstrap_intervals_agree(n: int, method: str):
    baseline, candidate = arms_of(n)
    found = theirs(baseline, candidate, paired=True, effect="mean_diff")
    prefix = {"percentile": "pct", "bca": "bca"}[method]
    ours = bootstrap_interval(candidate - baseline, method, resamples=99_999)
    expected = (found[f"{prefix}_low"], found[f"{prefix}_high"])
    # A quantile of their 10,000 resamples has a Monte Carlo error of about 1 % of the width.
    assert (ours.low, ours.high) == pytest.approx(expected, abs=0.05 * (ours.high - ours.low))


def test_their_permutation_p_is_zero_where_ours_is_two_in_thirty_two():
    baseline = np.array([60.1, 61.2, 59.8, 60.5, 60.9])
    candidate = baseline + np.array([1.0, 1.5, 2.0, 1.2, 0.8])
    found = theirs(baseline, candidate, paired=True, effect="mean_diff")
    assert found["pvalue_permutation"] == 0
    assert permutation_test(candidate - baseline).p_value == 2 / 32
