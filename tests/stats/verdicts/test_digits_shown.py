"""A difference is shown with the digits that its interval needs, the same in every output."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats import analyse, posteriors, rank, read_scores
from stats.report import render
from stats.report.words import sentences
from stats.report.words.digits import decimals, most, number, that_tell_apart

CASES = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "scores"
NUMBER = r"[+-]?\d[\d.]*(?:e[+-]\d+)?"
SPREAD = np.array([-0.6, -0.35, -0.2, -0.05, 0.1, 0.2, 0.35, 0.55])
powers = st.integers(-60, 60).map(lambda each: 10.0 ** (each / 4))


def judged(shift: float, unit: float, level: float, candidates=("kd",)) -> pd.DataFrame:
    gains = {"base": 0 * SPREAD, **dict.fromkeys(candidates, shift + SPREAD)}
    rows = [
        {"method": name, "seed": seed, "score": level + unit * (seed / 3 + gain[seed])}
        for name, gain in gains.items()
        for seed in range(8)
    ]
    return pd.DataFrame(rows)


@given(st.floats(-1e3, 1e3), powers)
def test_two_significant_digits_of_the_half_width_are_shown(estimate, half):
    digits = decimals(estimate, estimate - half, estimate + half)
    assert half < 1e-10 or half * 10.0**digits >= 9.99 or digits == most(abs(estimate) + half)
    assert digits <= max(2, 2 - math.floor(math.log10(half)))


@settings(max_examples=30)
@given(st.floats(0.8, 3), powers, st.sampled_from((0.0, 1.0)))
def test_no_verdict_of_any_unit_is_shown_as_nothing(shift, unit, level):
    result = analyse(judged(shift, unit, level * unit * 10), "base", ["kd"])
    assert result.comparisons[0].verdict == "better"
    text = render(result, "markdown")
    row = next(line for line in text.splitlines() if line.startswith("| base vs kd"))
    _, n, before, after, difference, *_ = (cell.strip() for cell in row.split("|")[1:])
    estimate, low, high = map(float, re.findall(NUMBER, difference))
    assert before != after
    assert low < estimate < high
    assert estimate > 0
    assert n == "8"
    assert len(row) < 140
    told = sentences.findings(result)[0].text
    assert f"mean {before} to {after}, difference {difference.split()[0]}" in told


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_every_format_has_the_same_digits_in_a_row(form):
    text = render(analyse(judged(1, 1e-4, 0.88), "base", ["kd"]), form)
    plain = text.replace("{[}", "[").replace("{]}", "]").replace("{-}", "-").replace("\\ ", " ")
    assert "+0.000100 [+0.000068, +0.000132]" in plain
    assert "0.880117" in plain
    assert "0.880217" in plain


def test_powers_of_ten_are_set_as_such_in_a_paper():
    text = render(analyse(judged(1, 1e-9, 1e-9), "base", ["kd"]), "latex")
    assert r"$+1.00\cdot10^{-9}\ [+6.8\cdot10^{-10},\ +1.32\cdot10^{-9}]$" in text


def test_each_row_has_digits_of_its_own():
    scales = (("wide", 10.0), ("narrow", 0.001))
    table = pd.concat([judged(1, unit, 80).assign(task=task) for task, unit in scales])
    text = render(analyse(table, "base", ["kd"]), "markdown")
    assert "+10.00 [+6.84, +13.16]" in text
    assert "+0.00100 [+0.00068, +0.00132]" in text


def test_a_verdict_without_spread_shows_its_difference():
    scores = {"base": 0.5, "kd": 0.5 + 2**-20}
    rows = [{"method": m, "seed": s, "score": x} for m, x in scores.items() for s in range(8)]
    text = render(analyse(pd.DataFrame(rows), "base", ["kd"]), "markdown")
    assert "0.50000000 | 0.50000095 | +9.5e-07" in text


def test_methods_that_are_told_apart_have_different_means():
    text = render(rank(judged(1, 1e-4, 0.88), blocks="seed"), "markdown")
    assert "0.88022" in text
    assert "0.88012" in text
    assert "yes" in text


def test_the_difference_of_a_posterior_is_seen():
    text = render(posteriors(judged(1, 1e-4, 0.88), "base", ["kd"]), "markdown")
    assert "0.88012 | 0.88022 | +0.00010" in text


def test_real_tasks_of_small_scale_keep_their_digits():
    path = CASES / "unlike_scales.csv"
    if not path.exists():
        pytest.skip("the tables of scores are not beside the repository")
    table = read_scores(path)
    methods = table["method"].unique().tolist()
    text = render(analyse(table, methods[0], methods[1:]), "markdown")
    assert "0.0000 [0.0000" not in text
    assert "0.00 [0.00" not in text


@given(st.floats(-1e12, 1e12), st.integers(-8, 20))
def test_a_number_reads_back_to_the_digits_that_are_shown(value, digits):
    text = number(value, digits)
    assert float(text) == pytest.approx(value, rel=1e-15, abs=0.51 * 10.0**-digits)
    assert len(text) <= 30
    assert not text.startswith("-0.00 ")


def test_equal_numbers_need_no_more_digits():
    assert that_tell_apart(1.0, 1.0, 2) == 2
    assert that_tell_apart(float("nan"), 1.0, 2) == 2
