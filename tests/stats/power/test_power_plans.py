"""Power of the comparisons of a study, at the spread of the runs that it has."""

from __future__ import annotations

import csv
import json
from io import StringIO

import numpy as np
import pytest

from stats import Judging, NotEnoughPairs, plan_comparisons, plan_power
from stats.report import FORMATS, render
from tests.stats.long_tables import long_table

SCORES = 60 + np.random.default_rng(7).normal(0, 1, (3, 5, 3))


@pytest.mark.parametrize("tasks", [None, "fixed", "sampled"])
def test_each_comparison_is_planned_at_the_sd_of_its_own_pairs(tasks: str | None):
    found = plan_comparisons(
        long_table(SCORES),
        "m0",
        ["m1", "m2"],
        8,
        Judging(margin=0.5, tasks=tasks, test="t"),
        family=2,
    )
    differences = SCORES[:, :, 1:] - SCORES[:, :, :1]
    if tasks is None:
        expected = differences.std(axis=1, ddof=1).ravel()
    else:
        expected = differences.mean(axis=0 if tasks == "fixed" else 1).std(axis=0, ddof=1)
    assert [each.plan.sd for each in found.plans] == pytest.approx(expected.tolist())
    assert {each.sd_pairs for each in found.plans} == {3 if tasks == "sampled" else 5}
    first = found.plans[0].plan
    assert first == plan_power(8, first.sd, 0.5, test="t", family=2)


def test_a_comparison_without_spread_is_named_and_left_out():
    scores = SCORES.copy()
    scores[:, :, 2] = scores[:, :, 0] + 1
    found = plan_comparisons(
        long_table(scores), "m0", ["m1", "m2"], 8, Judging(margin=0.5, test="t")
    )
    assert [each.candidate for each in found.plans] == ["m1"] * 3
    assert "m0 vs m2 (t0): all differences are equal, no sd" in found.warnings
    with pytest.raises(NotEnoughPairs, match="no comparison has differences with a spread"):
        plan_comparisons(long_table(scores), "m0", ["m2"], 8, Judging(margin=0.5))


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_shows_plans(format: str):
    found = plan_comparisons(
        long_table(SCORES), "m0", ["m1"], 8, Judging(margin=0.5, test="t"), study="s"
    )
    text = render(found, format, width=120)
    if format == "json":
        whole = json.loads(text)
        assert whole["plans"][0]["plan"]["curve"][0]["n_pairs"] == 3
    elif format == "csv":
        rows = list(csv.DictReader(StringIO(text)))
        assert [float(row["sd"]) for row in rows] == [each.plan.sd for each in found.plans]
    else:
        widest = max(found.plans, key=lambda each: each.plan.sd)
        assert f"the largest sd: m0 vs m1, {widest.task}" in text
