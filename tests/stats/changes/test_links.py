"""Scores along a chain: each arm's own slope, the effects' slopes, and who is left out."""

import numpy as np
import pandas as pd
import pytest

from stats import trend
from stats.changes.of_links import analyse_links
from stats.errors import InvalidSetting, NotEnoughPairs
from stats.judging import Judging
from stats.report import FORMATS, render
from stats.report.figures import link_curves, to_svg

LINKS = {"pretrained": 0, "after a": 1, "after a → b": 2, "after a → b → c": 3}
SEEDS = range(1, 9)
#: Points that an arm loses a link.
LOSS = {"base": 2.0, "r3f": 0.5}


def table(tasks=("probe of a",), links=LINKS) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        {
            "model": "m",
            "init": init,
            "method": arm,
            "task": task,
            "seed": seed,
            "split": "test",
            "metric": "accuracy",
            "score": 80 - loss * link + (random.normal(0, 0.3) if link else 0.0),
        }
        for task in tasks
        for arm, loss in LOSS.items()
        for init, link in links.items()
        for seed in SEEDS
    ]
    return pd.DataFrame(rows)


def analysed(scores: pd.DataFrame, **judging):
    return analyse_links(scores, "base", ["r3f"], LINKS, Judging(**judging))


def test_each_arm_has_the_slope_of_its_own_scores():
    found = analysed(table())
    slopes = {each.arm: each.trend.slope for each in found.arms}
    assert slopes == pytest.approx({"base": -2.0, "r3f": -0.5}, abs=0.15)
    for each in found.arms:
        assert each.trend.effects[0] == 80
        assert each.trend.p_value == pytest.approx(2 / 2**8)


def test_the_trend_is_that_of_any_other_dose():
    scores = table()
    found = analysed(scores)
    of_base = scores[scores["method"] == "base"]
    by_seed = of_base.pivot(index="seed", columns="init", values="score")[list(LINKS)]
    alone = trend(by_seed.to_numpy(), [0, 1, 2, 3], scale="linear")
    assert found.arms[0].trend.slope == pytest.approx(alone.slope)
    assert found.arms[0].trend.ci_low == pytest.approx(alone.ci_low)


def test_effects_grow_by_what_a_candidate_loses_less():
    (effect,) = analysed(table()).effects.trends
    assert effect.trend.slope == pytest.approx(1.5, abs=0.15)
    assert effect.trend.effects[0] == 0
    assert effect.trend.p_adjusted == pytest.approx(2 / 2**8)


def test_p_values_of_the_arms_of_a_task_are_corrected_together():
    found = analysed(table(tasks=("probe of a", "probe of b")), correction="bonferroni")
    assert len(found.arms) == 4
    for each in found.arms:
        assert each.trend.p_adjusted == pytest.approx(2 * each.trend.p_value)


def test_a_seed_that_lacks_a_link_is_named_and_left_out():
    scores = table()
    lost = (scores["seed"] == 3) & (scores["method"] == "r3f") & (scores["init"] == "after a → b")
    scores.loc[lost, "score"] = np.nan
    found = analysed(scores)
    assert [(e.arm, e.n_seeds, e.dropped_seeds) for e in found.arms] == [
        ("base", 8, ()),
        ("r3f", 7, (3,)),
    ]
    assert any("r3f (probe of a): without seed 3" in each for each in found.warnings)
    assert any("base vs r3f" in each and "without seed 3" in each for each in found.warnings)


def test_an_arm_without_two_seeds_at_every_link_is_named():
    scores = table()
    scores.loc[(scores["method"] == "r3f") & (scores["seed"] > 1), "score"] = np.nan
    alone = analysed(scores)
    assert [each.arm for each in alone.arms] == ["base"]
    assert alone.effects is None
    assert any(each.startswith("no trend of effects") for each in alone.warnings)
    assert "base vs r3f" not in render(alone)
    with pytest.raises(NotEnoughPairs):
        analysed(scores[scores["seed"] == 1])
    beside = scores[scores["method"] == "base"].assign(method="kd")
    found = analyse_links(pd.concat([scores, beside]), "base", ["r3f", "kd"], LINKS)
    assert [each.arm for each in found.arms] == ["base", "kd"]
    assert any(each.startswith("r3f") and "no two seeds" in each for each in found.warnings)


def test_one_link_is_no_chain():
    with pytest.raises(InvalidSetting, match="two of them or more"):
        analyse_links(table(), "base", ["r3f"], {"pretrained": 0})


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_scores_slopes_and_effects(form):
    shown = render(analysed(table()), form)
    assert "80.00" in shown or "80.0" in shown
    assert "after a" in shown
    if form in ("table", "markdown"):
        for words in ("base vs r3f", "p of the slope", "link", "slope"):
            assert words in shown


def test_the_figure_has_a_line_an_arm_and_a_panel_a_task():
    found = analysed(table(tasks=("probe of a", "probe of b")))
    beside = {("probe of a", "m"): 55.0}
    drawn = to_svg(link_curves(found, beside=beside, beside_name="random encoder"))
    assert drawn.count('id="curve') == 4
    assert drawn.count('id="band') == 4
    assert drawn.count('id="beside') == 1
