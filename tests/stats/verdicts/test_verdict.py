from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from stats import Judging, compare, pooled
from stats.report.words import wording
from stats.verdicts.compare import conclude_comparisons
from stats.verdicts.paired import paired_statistics
from stats.verdicts.verdict import decide

NAN = float("nan")


@pytest.mark.parametrize(
    ("p", "p_equivalence", "difference", "verdict"),
    [
        (0.01, 0.5, 2.0, "better"),
        (0.01, 0.5, -2.0, "worse"),
        (0.01, 0.01, 0.1, "negligible"),
        (0.01, 0.01, -0.1, "negligible"),
        (0.5, 0.01, 0.1, "equivalent"),
        (0.5, 0.5, 2.0, "inconclusive"),
        (0.05, 0.05, 2.0, "inconclusive"),
        (NAN, NAN, NAN, "inconclusive"),
        (0.01, NAN, 2.0, "better"),
    ],
)
def test_the_five_verdicts(p: float, p_equivalence: float, difference: float, verdict: str):
    assert decide(p, p_equivalence, difference, alpha=0.05) == verdict


def test_less_of_a_loss_is_better():
    assert decide(0.01, NAN, -0.2, lower_is_better=True) == "better"
    assert decide(0.01, NAN, 0.2, lower_is_better=True) == "worse"


def verdict_rates(differences: np.ndarray, margin: float) -> dict[str, float]:
    settings = Judging(margin=margin)
    m, n = differences.shape
    arms = np.stack([np.zeros_like(differences), differences])
    names = dict.fromkeys(("baseline", "candidate", "model", "init", "task"), "")
    named = [names | {"n_pairs": n, "dropped_seeds": (), "collapsed_seeds": ()}] * m
    concluded = conclude_comparisons(named, paired_statistics(arms, settings), range(m), settings)
    verdicts, counts = np.unique([each.verdict for each in concluded], return_counts=True)
    return dict(zip(verdicts.tolist(), (counts / m).tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 8, 20])
@pytest.mark.parametrize("law", ["normal", "t3", "discrete"])
def test_a_true_null_is_called_better_or_worse_in_at_most_five_percent(n: int, law: str):
    random = np.random.default_rng(n)
    m = 4000
    differences = {
        "normal": lambda: random.normal(size=(m, n)),
        "t3": lambda: random.standard_t(3, (m, n)),
        "discrete": lambda: random.integers(-3, 4, (m, n)).astype(float),
    }[law]()
    rates = verdict_rates(differences, margin=0.05)
    wrong = rates.get("better", 0) + rates.get("worse", 0)
    assert wrong <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / m)


@pytest.mark.slow
@pytest.mark.parametrize("n", [5, 8, 20])
def test_a_difference_of_the_margin_is_called_equivalent_in_at_most_five_percent(n: int):
    m = 4000
    differences = np.random.default_rng(n).normal(1, 0.5, (m, n))
    rates = verdict_rates(differences, margin=1)
    wrong = rates.get("equivalent", 0) + rates.get("negligible", 0)
    assert wrong <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / m)


def test_inconclusive_says_how_many_seeds_the_margin_takes():
    baseline = [60.1, 61.4, 59.8, 60.6, 61.0, 60.2]
    candidate = [60.9, 60.8, 60.9, 60.1, 61.9, 60.5]
    result = compare(baseline, candidate, margin=0.5)
    assert result.verdict == "inconclusive"
    assert result.seeds_needed is not None
    assert result.seeds_needed > result.n_pairs
    assert compare(baseline, candidate).seeds_needed is None


def test_decided_comparisons_need_no_more_seeds():
    baseline = [60.1, 61.4, 59.8, 60.6, 61.0, 60.2]
    assert compare(baseline, np.add(baseline, [3, 2, 4, 3, 2, 3]), margin=1).seeds_needed is None


def test_never_fewer_seeds_are_asked_for_than_are_there():
    """Ten seeds have 80 % power at the margin, and yet a difference of half of it stays open."""
    steps = np.array([0.45, -0.55, 0.35, -0.4, 0.5, -0.45, 0.4, -0.5, 0.55, -0.35])
    baseline = 60 + np.arange(10.0)
    found = compare(baseline, baseline + 0.35 + steps, margin=0.6)
    assert found.verdict == "inconclusive"
    assert found.seeds_needed == found.n_pairs == 10
    assert wording.needed(found) == "80 % power at the margin: these seeds have it"


def test_of_sampled_tasks_it_is_tasks_that_are_counted():
    rows = [
        {"method": method, "task": f"task {task}", "seed": seed, "score": 60 + gain * (task - 1)}
        for method, gain in (("base", 0.0), ("kd", 2.0))
        for task in range(5)
        for seed in (1, 2)
    ]
    (found,) = pooled(
        pd.DataFrame(rows), "base", ["kd"], Judging(tasks="sampled", margin=1)
    ).comparisons
    assert found.verdict == "inconclusive"
    assert wording.needed(found) == f"80 % power at the margin: {found.seeds_needed} tasks"
