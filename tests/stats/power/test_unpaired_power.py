"""How many runs two unpaired arms need."""

from __future__ import annotations

import math

import pytest

from stats import InvalidSetting
from stats.power.unpaired import unpaired_power, unpaired_seeds
from stats.register import UNPAIRED_TESTS


@pytest.mark.parametrize("n", [45, 64, 100])
def test_beyond_simulation_welch_has_the_power_of_the_published_t_test(n: int):
    from statsmodels.stats.power import TTestIndPower

    expected = TTestIndPower().power(effect_size=0.5, nobs1=n, alpha=0.05)
    assert unpaired_power("welch", 0.5 / math.sqrt(2), n) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("n", "d"), [(10, 1.3), (40, 0.6)])
def test_simulated_welch_has_the_power_of_t(n: int, d: float):
    from statsmodels.stats.power import TTestIndPower

    expected = TTestIndPower().power(effect_size=d, nobs1=n, alpha=0.05)
    assert unpaired_power("welch", d / math.sqrt(2), n) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("test", UNPAIRED_TESTS)
def test_power_rises_with_the_effect_and_starts_at_the_level(test: str):
    powers = [unpaired_power(test, effect, 8) for effect in (0.0, 0.4, 0.8, 1.6)]
    assert powers == sorted(powers)
    assert 0.035 < powers[0] <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / 4_000)
    assert powers[-1] > 0.98


@pytest.mark.parametrize("test", UNPAIRED_TESTS)
def test_the_seeds_are_the_fewest(test: str):
    n = unpaired_seeds(test, 0.9)
    assert unpaired_power(test, 0.9, n) >= 0.8 > unpaired_power(test, 0.9, n - 1)


def test_pairs_are_fewer_by_as_much_as_they_correlate():
    from stats.power.simulated import simulated_seeds

    rho, d = 0.8, 0.75
    paired = simulated_seeds("t", d / math.sqrt(2 * (1 - rho)))
    assert 3 * paired < unpaired_seeds("welch", d / math.sqrt(2))


def test_what_can_never_reject_has_no_power_and_bad_plans_are_refused():
    assert unpaired_power("mann-whitney", 10.0, 3) == 0
    for plan in (("t", 1.0, 8), ("welch", 1.0, 1), ("welch", 1.0, 8, 1.0)):
        with pytest.raises(InvalidSetting):
            unpaired_power(*plan)
    with pytest.raises(InvalidSetting, match="power"):
        unpaired_seeds("welch", 1.0, power=1.0)
