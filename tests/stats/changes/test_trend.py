"""The slope of an effect over doses: against least squares, and against what must not matter."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats import (
    InvalidSetting,
    NotEnoughPairs,
    StatsError,
    UnknownName,
    adjust,
    analyse_trends,
    signed_rank,
    t_interval,
    trend,
)
from stats.changes.trend import DOSE_SCALES
from stats.report import FORMATS, render
from stats.report.figures import dose_response

DOSES = {"scratch": 0, "mlm-100": 100, "mlm-300": 300, "mlm-1000": 1000}
RANDOM = np.random.default_rng(5)
NOISE = RANDOM.normal(0, 1, (8, 4))


def test_slopes_are_those_of_least_squares_and_are_tested_like_any_difference():
    found = trend(NOISE, [0, 100, 300, 1000])
    x = np.log10(np.array([0, 100, 300, 1000]) + 1)
    slopes = [np.polyfit(x, row, 1)[0] for row in NOISE]
    assert found.seed_slopes == pytest.approx(slopes)
    assert found.p_value == signed_rank(slopes).p_value
    interval = t_interval(slopes)
    assert (found.slope, found.ci_low, found.ci_high) == pytest.approx(
        (interval.mean, interval.low, interval.high)
    )
    column = t_interval(NOISE[:, 2])
    assert (found.effects[2], found.lows[2], found.highs[2]) == pytest.approx(
        (column.mean, column.low, column.high)
    )


@given(st.integers(0, 1000), st.sampled_from(DOSE_SCALES))
def test_what_a_seed_adds_everywhere_and_the_order_of_doses_do_not_matter(seed, scale):
    random = np.random.default_rng(seed)
    table, doses = random.normal(0, 1, (6, 4)), np.array([1.0, 3.0, 10.0, 50.0])
    found = trend(table, doses, scale=scale)
    shifted = trend(table + random.normal(0, 9, (6, 1)), doses, scale=scale)
    assert shifted.seed_slopes == pytest.approx(found.seed_slopes, abs=1e-9)
    shuffle = random.permutation(4)
    assert trend(table[:, shuffle], doses[shuffle], scale=scale) == found


def test_two_doses_are_the_double_difference():
    found = trend(NOISE[:, :2], [0, 1], scale="order", test="t")
    assert found.seed_slopes == pytest.approx(NOISE[:, 1] - NOISE[:, 0])
    assert found.p_value == pytest.approx(t_interval(NOISE[:, 1] - NOISE[:, 0]).p_value)


def test_it_rejects_a_true_null_no_more_often_than_it_says():
    table = np.random.default_rng(1).normal(0, 1, (600, 8, 4)) + RANDOM.normal(0, 3, (600, 8, 1))
    p = np.array([trend(each, [0, 100, 300, 1000]).p_value for each in table])
    assert (p <= 0.05).mean() < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 600)


@pytest.mark.parametrize(
    ("table", "doses", "settings", "error"),
    [
        (NOISE, [0, 1, 2], {}, StatsError),
        (NOISE, [0, 1, 2, 2], {}, InvalidSetting),
        (NOISE, [-1, 1, 2, 3], {}, InvalidSetting),
        (NOISE, [0, 1, 2, 3], {"scale": "log"}, InvalidSetting),
        (NOISE, [0, 1, 2, 3], {"scale": "sqrt"}, InvalidSetting),
        (NOISE, [0, 1, 2, 3], {"test": "welch"}, InvalidSetting),
        (NOISE, [0, 1, 2, 3], {"resolution": [1.0, 2.0]}, InvalidSetting),
        (NOISE, [0, 1, 2, 3], {"resolution": -1}, InvalidSetting),
        (NOISE[:1], [0, 1, 2, 3], {}, NotEnoughPairs),
        (NOISE[:, :1], [0], {}, NotEnoughPairs),
        (np.where(NOISE > 1, np.nan, NOISE), [0, 1, 2, 3], {}, StatsError),
        (NOISE, [0, 1, 2, "x"], {}, StatsError),
    ],
)
def test_bad_input_is_refused(table, doses, settings, error):
    with pytest.raises(error):
        trend(table, doses, **settings)


def scores() -> pd.DataFrame:
    """Effects of `ls` that fall by a point a tenfold of 1 + dose, those of `kd` do not."""
    rows = []
    for seed in range(8):
        for init, dose in DOSES.items():
            base = 50 + 5 * np.log10(1 + dose) + NOISE[seed, 0]
            effects = {"base": 0.0, "ls": 4 - np.log10(1 + dose), "kd": 1.0}
            for method, effect in effects.items():
                noise = 0.01 * RANDOM.normal() if method != "base" else 0
                rows.append((init, method, seed, base + effect + noise))
    table = pd.DataFrame(rows, columns=["init", "method", "seed", "score"])
    return table.assign(model="tiny", task="docstrings", split="test", metric="accuracy")


def test_a_table_gives_a_trend_for_each_candidate_corrected_together():
    found = analyse_trends(scores(), "base", ["ls", "kd"], DOSES)
    ls, kd = (each.trend for each in found.trends)
    assert ls.slope == pytest.approx(-1, abs=0.02)
    assert ls.p_value == 2 / 2**8
    assert kd.slope == pytest.approx(0, abs=0.02)
    adjusted = adjust([ls.p_value, kd.p_value], "holm")
    assert [ls.p_adjusted, kd.p_adjusted] == pytest.approx(list(adjusted))


def test_tasks_are_doses_as_well_as_inits():
    table = scores()
    over = analyse_trends(
        table.rename(columns={"init": "task", "task": "init"}), "base", ["ls"], DOSES
    )
    assert (over.over, over.trends[0].where) == ("task", "docstrings")
    assert over.trends[0].trend == analyse_trends(table, "base", ["ls"], DOSES).trends[0].trend


def test_a_seed_without_a_score_is_named_and_a_candidate_without_seeds_too():
    table = scores()
    table.loc[
        (table["seed"] == 3) & (table["method"] == "ls") & (table["init"] == "scratch"), "score"
    ] = np.nan
    table.loc[(table["method"] == "kd") & (table["init"] == "scratch"), "score"] = np.nan
    found = analyse_trends(table, "base", ["ls", "kd"], DOSES)
    assert [(each.candidate, each.n_seeds, each.dropped_seeds) for each in found.trends] == [
        ("ls", 7, (3,))
    ]
    assert "without seed 3" in found.warnings[0]
    assert "base vs kd (tiny · docstrings): no two seeds at every dose" in found.warnings


def test_a_dose_that_is_not_there_is_named():
    with pytest.raises(UnknownName, match='no init "mlm-9"'):
        analyse_trends(scores(), "base", ["ls"], DOSES | {"mlm-9": 9})
    with pytest.raises(UnknownName, match='no init or task "x"'):
        analyse_trends(scores(), "base", ["ls"], {"x": 0, "y": 1})
    with pytest.raises(InvalidSetting, match="two doses"):
        analyse_trends(scores(), "base", ["ls"], {"scratch": 0})


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_shows_trends(format):
    found = analyse_trends(scores(), "base", ["ls", "kd"], DOSES, study="s")
    text = render(found, format, width=120)
    if format == "json":
        assert json.loads(text)["trends"][0]["trend"]["doses"] == [0, 100, 300, 1000]
    elif format == "csv":
        assert len(text.splitlines()) == 1 + 2 * 4
    else:
        assert "p of the slope" in text


def test_the_curve_shows_the_computed_effects_and_their_intervals():
    found = analyse_trends(scores(), "base", ["ls", "kd"], DOSES)
    figure = dose_response(found, margin=1.0)
    curves = figure.findobj(lambda artist: artist.get_gid() == "curve")
    assert [list(line.get_ydata()) for line in curves] == [
        list(each.trend.effects) for each in found.trends
    ]
    bands = figure.findobj(lambda artist: artist.get_gid() == "band")
    for band, each in zip(bands, found.trends, strict=True):
        ends = band.get_paths()[0].vertices[:, 1]
        assert set(each.trend.lows) | set(each.trend.highs) <= set(ends.tolist())
