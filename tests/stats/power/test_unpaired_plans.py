"""What so many scores an arm can show where the arms share no seeds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.power import TTestIndPower

from stats import InvalidSetting, Judging
from stats.power.of_equivalence import tost_power
from stats.power.unpaired_plan import plan_unpaired
from stats.report import FORMATS, render
from stats.verdicts.unpaired import unpaired_statistics


@pytest.fixture(scope="module")
def plan():
    return plan_unpaired(50, sd=0.6, margin=0.5, gain=0.5, test="welch")


def test_the_test_of_means_is_planned_as_statsmodels_does(plan):
    power = TTestIndPower()
    known = power.power(0.5 / 0.6, 50, 0.05)
    assert plan.here.found == pytest.approx(known, abs=1e-6)
    needed = power.solve_power(0.5 / 0.6, alpha=0.05, power=0.8)
    assert abs(plan.scores_for_gain[0] - math.ceil(needed)) <= 1  # 4,000 simulations up to 40
    found = power.solve_power(nobs1=50, alpha=0.05, power=0.9)
    assert plan.detectable[1] == pytest.approx(0.6 * found, abs=2e-3)


def test_equivalence_is_shown_as_often_as_planned():
    n, random = 20, np.random.default_rng(4)
    planned = plan_unpaired(n, sd=0.6, margin=0.5, test="welch")
    arms = 0.6 * random.standard_normal((2, 4_000, n))
    tested = unpaired_statistics(*arms, Judging(paired=False, margin=0.5, test="welch"))
    share = float((tested["p_equivalence"] < 0.05).mean())
    assert abs(share - planned.here.equivalent) < 3 * math.sqrt(share * (1 - share) / 4_000)
    first = planned.scores_for_equivalent[0]
    powers = [plan_unpaired(k, 0.6, 0.5, test="welch").here.equivalent for k in (first - 1, first)]
    assert powers[0] < 0.8 <= powers[1]


def test_pairs_without_correlation_gain_nothing_but_degrees_of_freedom():
    planned = plan_unpaired(100, sd=0.6, margin=0.5, test="welch").here.equivalent
    assert planned == pytest.approx(tost_power(100, 0.6 * math.sqrt(2), 0.5), abs=2e-3)


def test_a_family_is_planned_at_its_strictest_step(plan):
    family = plan_unpaired(50, sd=0.6, margin=0.5, gain=0.5, test="welch", family=4)
    alone = plan_unpaired(50, sd=0.6, margin=0.5, gain=0.5, test="welch", alpha=0.0125)
    assert family.here == alone.here
    assert family.scores_for_gain > plan.scores_for_gain


@pytest.mark.parametrize(
    "setting",
    [
        *({"test": "wilcoxon"}, {"n_scores": 1}, {"sd": 0}, {"margin": -1}, {"gain": 0}),
        *({"n_scores": 10**7}, {"alpha": 2}, {"family": 0}),
    ],
)
def test_absurd_settings_are_refused(setting):
    with pytest.raises(InvalidSetting):
        plan_unpaired(**{"n_scores": 8, "sd": 0.6, "margin": 0.5, "test": "welch"} | setting)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_the_curve(form, plan):
    assert "50" in render(plan, form)
