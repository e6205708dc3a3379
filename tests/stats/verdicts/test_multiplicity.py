from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from stats import InvalidSetting, StatsError, adjust
from stats.multiplicity import adjust_in_families
from stats.register import CORRECTIONS

NAMES = {"holm": "holm", "bonferroni": "bonferroni", "benjamini-hochberg": "fdr_bh"}
p_lists = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@pytest.mark.parametrize("correction", NAMES)
def test_rejections_of_benjamini_and_hochberg_1995(reference, correction: str):
    case = reference("bh-1995")
    rejected = (adjust(case["data"]["p"], correction) <= 0.05).sum()
    assert rejected == case["expect"][correction.replace("-", "_")]


@pytest.fixture(scope="module")
def nothing_old():
    """Leave what is there out of looks for garbage, one of which statsmodels asks for at a call."""
    gc.collect()
    gc.freeze()


@pytest.mark.usefixtures("nothing_old")
@given(p_lists, st.sampled_from(sorted(NAMES)))
def test_corrections_agree_with_statsmodels(p_values: list[float], correction: str):
    expected = multipletests(p_values, method=NAMES[correction])[1]
    assert adjust(p_values, correction) == pytest.approx(expected, abs=1e-15)


@given(p_lists, st.sampled_from(CORRECTIONS))
def test_adjusted_is_never_below_raw_and_keeps_the_order(p_values: list[float], correction: str):
    raw, adjusted = np.array(p_values), adjust(p_values, correction)
    assert (adjusted >= raw).all()
    assert (adjusted <= 1).all()
    assert (np.diff(adjusted[np.argsort(raw, kind="stable")]) >= 0).all()


@given(p_lists, st.randoms())
def test_the_order_of_a_family_does_not_matter(p_values: list[float], random):
    order = list(range(len(p_values)))
    random.shuffle(order)
    shuffled = adjust(np.array(p_values)[order])
    assert shuffled.tolist() == adjust(p_values)[order].tolist()


def test_bonferroni_is_not_deepsigs():
    assert adjust([0.04, 0.01, 0.03], "bonferroni").tolist() == pytest.approx([0.12, 0.03, 0.09])


def test_a_comparison_that_failed_still_counts_in_its_family():
    adjusted = adjust([0.01, np.nan, 0.04])
    assert adjusted[0] == pytest.approx(0.03)
    assert np.isnan(adjusted[1])


def test_families_are_corrected_apart():
    adjusted, size = adjust_in_families([0.01, 0.01, 0.02], ["a", "b", "a"])
    assert adjusted.tolist() == [0.02, 0.01, 0.02]
    assert size.tolist() == [2, 1, 2]


def test_an_unknown_correction_lists_the_known_ones():
    with pytest.raises(InvalidSetting, match=f'{", ".join(CORRECTIONS)}; "sidak" is not'):
        adjust([0.1], "sidak")


def test_p_values_outside_zero_and_one_are_refused():
    with pytest.raises(StatsError, match=r"not at 1\.2"):
        adjust([0.1, 1.2])
