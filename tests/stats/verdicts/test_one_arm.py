"""Scores of one arm alone: Wilson's interval, Student's, and what has none."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from stats import InvalidSetting, Judging, NotEnoughPairs, t_interval
from stats.items.wilson import wilson
from stats.report import FORMATS, render
from stats.verdicts.one_arm import analyse_arm


def table(scores, seeds=None, **columns: str) -> pd.DataFrame:
    seeds = range(len(scores)) if seeds is None else seeds
    rows = [("kd", seed, score) for seed, score in zip(seeds, scores, strict=True)]
    return pd.DataFrame(rows, columns=["method", "seed", "score"]).assign(**columns)


@pytest.mark.parametrize(("count", "n"), [(0, 20), (1, 29), (15, 148), (81, 263), (20, 20)])
def test_wilson_agrees_with_statsmodels(count: int, n: int):
    for confidence in (0.9, 0.95, 0.99):
        known = proportion_confint(count, n, 1 - confidence, method="wilson")
        assert wilson(count / n, n, confidence) == pytest.approx(known, abs=1e-12)


def test_wilson_covers_where_the_plain_interval_does_not():
    n, share = 100, 0.95
    counts = np.arange(n + 1)
    chance = binom.pmf(counts, n, share)

    def covered(ends) -> float:
        return float(sum(p for c, p in zip(counts, chance, strict=True) if _holds(ends(c), share)))

    assert covered(lambda c: wilson(c / n, n)) > 0.94
    assert covered(lambda c: proportion_confint(c, n, method="normal")) < 0.9


def _holds(ends: tuple[float, float], share: float) -> bool:
    return ends[0] <= share <= ends[1]


def test_one_score_has_the_interval_of_a_share_in_its_own_unit():
    (percent,) = analyse_arm(table([88.4]), examples=1821).intervals
    (fraction,) = analyse_arm(table([0.884]), examples=1821).intervals
    assert (percent.n, percent.unit, percent.how) == (1821, "examples", "Wilson")
    assert (percent.low, percent.high) == pytest.approx((100 * fraction.low, 100 * fraction.high))
    assert (fraction.low, fraction.high) == wilson(0.884, 1821)


def test_items_have_wilson_s_where_they_are_right_or_wrong_and_else_student_s():
    right = [1, 0, 1, 1, 0, 1, 1, 1, 1, 0]
    (of_counts,) = analyse_arm(table(right), items=True).intervals
    assert (of_counts.low, of_counts.high) == wilson(0.7, 10)
    scores = [31.2, 40.5, 28.9, 35.0]
    (of_scores,) = analyse_arm(table(scores), items=True).intervals
    assert (of_scores.how, of_scores.unit) == ("Student's t", "items")
    known = t_interval(scores)
    assert (of_scores.low, of_scores.high) == (known.low, known.high)


def test_seeds_have_student_s_interval_in_each_place():
    both = pd.concat(
        [table([80.0, 82.0, 81.0], task="rte"), table([60.0, math.nan, 62.0], task="x")]
    )
    found = analyse_arm(both, Judging(alpha=0.1))
    assert [(each.task, each.n, each.unit) for each in found.intervals] == [
        ("rte", 3, "seeds"),
        ("x", 2, "seeds"),
    ]
    known = t_interval([80, 82, 81], 0.9)
    assert (found.intervals[0].low, found.intervals[0].high) == (known.low, known.high)
    assert any("seed 1 has no score" in each for each in found.warnings)


def test_what_has_no_interval_is_refused_with_the_way_out():
    with pytest.raises(NotEnoughPairs, match="--examples N says how many"):
        analyse_arm(table([88.4]))
    with pytest.raises(InvalidSetting, match="vary over seeds"):
        analyse_arm(table([88.4, 88.6]), examples=100)
    with pytest.raises(InvalidSetting, match="no share of examples"):
        analyse_arm(table([-0.2]), examples=100)
    with pytest.raises(InvalidSetting, match="items of several seeds"):
        analyse_arm(table([1, 0, 1, 1], ["1/a", "1/b", "2/a", "2/b"]), items=True)
    with pytest.raises(NotEnoughPairs, match="kd has no score"):
        analyse_arm(table([math.nan]))
    with pytest.raises(InvalidSetting, match="intervals of one arm, and the scores hold kd, base"):
        analyse_arm(pd.concat([table([1.0]), table([2.0]).assign(method="base")]))


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_the_interval(form: str):
    assert "Wilson" in render(analyse_arm(table([88.4]), examples=1821), form)
