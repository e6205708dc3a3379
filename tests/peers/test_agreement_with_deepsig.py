"""deepsig 1.2: the violation ratio agrees; its corrections and its confidence do not hold.

It integrates on a grid, we do so exactly, and both agree as the grid gets finer. Its Bonferroni
correction of the confidence adds (1 − confidence)/m where it should leave that much, its
correction of p-values is Holm's without its running maximum and loses the order of the input, and
its bootstrap draws the arms apart even where they share seeds.
"""

from __future__ import annotations

import numpy as np
import pytest

from stats import adjust
from stats.two_arms.stochastic_order import almost_stochastic_order

deepsig = pytest.importorskip("deepsig", reason="deepsig is not installed here; see make peers")
deepsig_aso = pytest.importorskip("deepsig.aso")


@pytest.mark.parametrize(("n", "k"), [(5, 5), (8, 8), (4, 6), (20, 7)])
def test_violation_ratios_agree(n: int, k: int):
    random = np.random.default_rng([n, k])
    first, second = random.normal(0.3, 1, n), random.normal(0, 1, k)
    ours = almost_stochastic_order([first, second], paired=False, replicates=2).epsilon[0][1]
    theirs = deepsig_aso.compute_violation_ratio(first, second, dt=1e-5)
    assert ours == pytest.approx(theirs, abs=1e-3)


def test_bounds_agree_for_one_unpaired_comparison():
    random = np.random.default_rng(5)
    first, second = random.normal(0.6, 1, 20), random.normal(0, 1, 20)
    ours = almost_stochastic_order([first, second], paired=False, replicates=2000)
    theirs = deepsig.aso(first, second, num_bootstrap_iterations=2000, show_progress=False, seed=1)
    # The sd of 2,000 resamples has an error of 1.6 %, and the grid of .005 one of its own.
    assert ours.epsilon_min[0][1] == pytest.approx(theirs, abs=0.04)


def test_their_confidence_falls_with_every_comparison_and_ours_rises():
    random = np.random.default_rng(0)
    arms = random.normal(60, 1, (10, 8)) + 0.2 * np.arange(10)[:, None]
    options = {"show_progress": False, "seed": 1, "num_bootstrap_iterations": 200}
    one = deepsig.aso(arms[9], arms[0], **options)
    of_45 = deepsig.aso(arms[9], arms[0], num_comparisons=45, **options)
    of_2 = deepsig.aso(arms[9], arms[0], num_comparisons=2, **options)
    assert one < of_45 < of_2
    few = almost_stochastic_order(arms[[9, 0]], paired=False)
    many = almost_stochastic_order(arms[[9, *range(9)]], paired=False)
    assert few.confidence_each == pytest.approx(0.95)
    assert many.confidence_each == pytest.approx(1 - 0.05 / 45)


def test_two_arms_can_never_be_ordered_by_their_table():
    apart = np.array([[3.0, 4.0, 5.5, 6.0, 7.0], [1.0, 3.5, 3.6, 4.0, 6.5]])
    theirs = deepsig.multi_aso(apart, show_progress=False, seed=1)
    assert (theirs == 1).all()  # confidence .95 + .05/1
    assert almost_stochastic_order(apart, paired=False).epsilon_min[0][1] < 1


def test_their_correction_is_neither_bonferroni_nor_in_order():
    p_values = np.array([0.04, 0.01, 0.03])
    assert deepsig.bonferroni_correction(p_values) == pytest.approx([0.06, 0.04, 0.03])
    assert adjust(p_values, "bonferroni") == pytest.approx([0.12, 0.03, 0.09])


def test_their_bootstrap_does_not_see_pairs():
    random = np.random.default_rng(2)
    shared = random.normal(0, 2, 12)
    second = shared + random.normal(0, 0.1, 12)
    first = shared + 0.1 + random.normal(0, 0.1, 12)
    options = {"show_progress": False, "seed": 1, "num_bootstrap_iterations": 1000}
    theirs = deepsig.aso(first, second, **options)
    assert theirs == deepsig.aso(first, random.permutation(second), **options)
    paired, apart = (
        almost_stochastic_order([first, second], paired=paired).epsilon_min[0][1]
        for paired in (True, False)
    )
    assert apart == pytest.approx(theirs, abs=0.05)
    assert paired < apart - 0.1
