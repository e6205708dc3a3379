"""Scores that are not what they seem, and tasks whose scores cannot be averaged as they are."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stats
from stats import InvalidSetting, Judging, analyse, pooled, read_scores
from stats.report import render
from stats.table.common_scale import COMMON_SCALES, check_like_scales

FOLDER = Path(__file__).resolve().parents[3]
SHARED = FOLDER.parent / "shared"
SPREAD = np.array([-0.6, -0.35, -0.2, -0.05, 0.1, 0.2, 0.35, 0.55])
UNITS = "may be in fractions and"


def arms(level: float = 80, unit: float = 1, task: str = "", gain: float = 1) -> pd.DataFrame:
    rows = [
        {"method": method, "seed": seed, "task": task, "score": level + unit * (shift + seed / 7)}
        for method, shifts in (("base", 0 * SPREAD), ("kd", gain + SPREAD))
        for seed, shift in enumerate(shifts)
    ]
    return pd.DataFrame(rows)


def shared(*path: str) -> Path:
    if not SHARED.joinpath(*path).exists():
        pytest.skip("the tables of scores are not beside the repository")
    return SHARED.joinpath(*path)


def warned(table: pd.DataFrame, **how: float) -> str:
    return " | ".join(analyse(table, "base", ["kd"], Judging(**how)).warnings)


def test_an_arm_in_percent_and_one_in_fractions_are_named():
    table = arms()
    assert UNITS not in warned(table)
    kd = table["method"] == "kd"
    table.loc[kd, "score"] /= 100
    assert "kd may be in fractions and base in percent: bring them to one unit" in warned(table)
    assert UNITS in " ".join(stats.posteriors(table, "base", ["kd"], samples=50).warnings)
    assert UNITS in " ".join(stats.rank(table, blocks="seed").warnings)


def test_one_task_of_an_arm_in_another_unit_is_named():
    table = pd.concat([arms(task="rte"), arms(task="mrpc")])
    kd = (table["method"] == "kd") & (table["task"] == "rte")
    table.loc[kd, "score"] /= 100
    assert "rte: kd may be in fractions" in warned(table)
    assert "mrpc" not in warned(table)
    assert "rte: kd may be" in " ".join(
        pooled(table, "base", ["kd"], Judging(tasks="fixed")).warnings
    )


@pytest.mark.parametrize("level", [80, 0.8])
def test_one_seed_in_another_unit_is_named(level):
    table = arms(level, level / 80)
    table.loc[3, "score"] *= 100 if level < 1 else 0.01
    kind = "percentage among fractions" if level < 1 else "fraction among percentages"
    assert f"seed 3 of base ({table.loc[3, 'score']:g}) may be a {kind}" in warned(table)


@pytest.mark.parametrize("mark", [-1, 0, -999, 9999])
def test_a_failed_run_that_is_written_as_a_number_is_named(mark):
    table = arms()
    table.loc[[2, 5], "score"] = mark
    assert f"base scores exactly {mark} on seeds 2, 5, far from all others" in warned(table)


def test_a_zero_among_scores_of_its_size_is_no_failed_run():
    around = arms(level=0, unit=1)
    assert "exactly" not in warned(around)
    assert "exactly" not in warned(around.assign(score=around["score"].abs()))


def test_a_margin_that_covers_the_scale_is_named():
    assert "the margin of 1 covers the scale of these scores" in warned(arms(0.8, 0.01), margin=1)
    assert "covers" not in warned(arms(0.8, 0.01), margin=0.01)
    assert "covers" not in warned(arms(), margin=1)
    assert "covers" not in warned(arms(level=1.5), margin=1)
    two = pd.concat([arms(task="points"), arms(0.8, 0.01, task="shares")])
    assert "(shares)" in warned(two, margin=1)
    told = " ".join(
        pooled(two, "base", ["kd"], Judging(tasks="fixed", scale="z", common_margin=0.5)).warnings
    )
    assert "covers" not in told


UNLIKE = {
    "signs": [(85, 1, "a"), (-85, 1, "b")],
    "units": [(0.85, 0.01, "a"), (85, 1, "b")],
    "a percent beside an error": [(0.85, 0.01, "a"), (-0.002, 0.0001, "b")],
    "dollars": [(450, 1, "a"), (30_000, 100, "b")],
    "games": [(20, 1, "a"), (400, 10, "b")],
}


@pytest.mark.parametrize("kind", UNLIKE)
def test_unlike_scales_are_pooled_on_a_common_scale_alone(kind):
    table = pd.concat([arms(*each) for each in UNLIKE[kind]])
    asked = [
        lambda **how: pooled(table, "base", ["kd"], Judging(tasks="fixed", **how)),
        lambda **how: pooled(table, "base", ["kd"], Judging(tasks="sampled", **how)),
        lambda **how: stats.posteriors(
            table, "base", ["kd"], Judging(tasks="fixed", **how), samples=50
        ),
        lambda **how: stats.rank(table, judging=Judging(**how), blocks="task"),
        lambda **how: stats.rank(table, judging=Judging(**how), blocks="average"),
        lambda **how: stats.aggregate(table, judging=Judging(**how), replicates=50),
        lambda **how: stats.mixed_effects(table, "base", ["kd"], Judging(**how)),
    ]
    for ask in asked:
        with pytest.raises(InvalidSetting, match="on unlike scales cannot be averaged") as refused:
            ask()
        assert "--scale relative, rank or z" in str(refused.value)
        ask(scale="relative")
    doses = {"a": 1, "b": 2}
    with pytest.raises(InvalidSetting, match="unlike scales"):
        stats.analyse_trends(table, "base", ["kd"], doses)
    assert (
        "in %"
        in stats.analyse_trends(table, "base", ["kd"], doses, Judging(scale="relative")).metric
    )
    stats.rank(table, blocks="task", post_hoc="nemenyi")  # by ranks within each task alone


def test_errors_with_a_unit_are_not_averaged_even_where_they_are_small():
    table = pd.concat([arms(0.01, 0.001, "a"), arms(0.8, 0.01, "b")])
    check_like_scales(stats.validate_scores(table.assign(metric="accuracy")))
    check_like_scales(stats.validate_scores(table.assign(metric="nll")))
    with pytest.raises(InvalidSetting, match="unlike scales"):
        check_like_scales(stats.validate_scores(table.assign(metric="rmse")))


@pytest.mark.parametrize("name", ["setfit", "model_recycling", "digits"])
def test_real_tables_raise_no_false_alarm(name):
    if name == "digits":
        table = read_scores(FOLDER / "docs" / "digits" / "digits.csv")
    else:
        found = pd.read_csv(shared("data", "scores", f"{name}.csv"))
        table = found if "method" in found else found.rename(columns={"model": "method"})
    table = stats.validate_scores(table)
    check_like_scales(table)
    methods = table["method"].unique().tolist()
    margin = 0.005 if name == "model_recycling" else 2.0
    paired = name != "model_recycling"
    told = analyse(table, methods[0], methods[1:], Judging(margin=margin, paired=paired))
    for word in ("fractions", "exactly", "covers", "nothing says"):
        assert not [line for line in told.warnings if word in line]


@pytest.mark.parametrize("tasks", ["fixed", "sampled"])
def test_real_tasks_on_unlike_scales_are_refused_and_named(tasks):
    table = read_scores(shared("cases", "scores", "unlike_scales.csv"))
    with pytest.raises(InvalidSetting, match=r"house -30\d+\.?\d*, adult 0\.856"):
        pooled(table, "mlp", ["tabm"], Judging(tasks=tasks))
    found = {
        scale: pooled(table, "mlp", ["tabm"], Judging(tasks=tasks, scale=scale)).comparisons[0]
        for scale in COMMON_SCALES
    }
    assert found["relative"].mean_difference > 0
    assert found["z"].mean_difference > 0
    assert found["rank"].mean_difference == -1 + found["rank"].mean_difference % 1


@settings(max_examples=30)
@given(
    st.lists(st.floats(0.01, 1e4), min_size=2, max_size=2),
    st.sampled_from(COMMON_SCALES),
    st.sampled_from(["fixed", "sampled"]),
)
def test_a_common_scale_does_not_know_the_units_of_a_task(units, scale, tasks):
    plain = pd.concat([arms(80, 1, "a"), arms(60, 2, "b", gain=0.3)])
    other = plain.assign(
        score=plain["score"] * plain["task"].map(dict(zip("ab", units, strict=True)))
    )
    first, second = (
        pooled(each, "base", ["kd"], Judging(tasks=tasks, scale=scale)).comparisons[0]
        for each in (plain, other)
    )
    assert second.mean_difference == pytest.approx(first.mean_difference, rel=1e-9)
    assert second.p_value == pytest.approx(first.p_value)


@pytest.mark.parametrize("lower", [True, False])
@pytest.mark.parametrize("scale", COMMON_SCALES)
def test_a_common_scale_keeps_the_direction_and_is_named(scale, lower):
    table = pd.concat([arms(80, 1, "a"), arms(8000, 1, "b")])
    found = pooled(
        table, "base", ["kd"], Judging(tasks="fixed", scale=scale, lower_is_better=lower)
    )
    assert found.comparisons[0].verdict == ("worse" if lower else "better")
    assert found.lower_is_better is (lower or scale == "rank")
    word = {"relative": "change from base's mean in %", "rank": "rank of score", "z": "in sds"}
    assert word[scale] in render(found, "markdown")


def test_a_task_without_a_scale_is_named():
    flat = pd.concat([arms(80, 1, "a"), arms(50, 0, "b")])
    with pytest.raises(InvalidSetting, match="b: no spread over seeds"):
        pooled(flat, "base", ["kd"], Judging(tasks="fixed", scale="z"))
    none = pd.concat([arms(80, 1, "a"), arms(0, 0, "b")])
    with pytest.raises(InvalidSetting, match="b: a mean of 0 has no percentages"):
        pooled(none, "base", ["kd"], Judging(tasks="fixed", scale="relative"))
    with pytest.raises(InvalidSetting, match="scale must be one of relative, rank, z"):
        pooled(none, "base", ["kd"], Judging(tasks="fixed", scale="log"))
    apart = arms().assign(seed=range(16))
    with pytest.raises(InvalidSetting, match="ranks are among these"):
        pooled(apart, "base", ["kd"], Judging(tasks="fixed", scale="rank"))


@pytest.mark.parametrize(
    ("others", "placeholder"),
    [
        ([0.38, 0.61, 0.85, 0.72, 0.44, 0.80, 0.66, 0.55], -1),
        ([38.0, 61, 85, 72, 44, 80, 66, 55], 0),
        ([2.1, 2.9, 2.4, 2.6, 2.2, 2.8, 2.5, 2.3], 0),
    ],
)
def test_a_score_that_marks_a_failed_run_is_named_however_widely_the_others_spread(
    others, placeholder
):
    rows = [("base", i, score) for i, score in enumerate(others)]
    rows += [("kd", i, placeholder if i == 3 else 1.01 * score) for i, score in enumerate(others)]
    table = pd.DataFrame(rows, columns=["method", "seed", "score"])
    warnings = analyse(table, "base", ["kd"]).warnings
    assert any(f"kd scores exactly {placeholder} on seed 3" in line for line in warnings)


def test_scores_around_zero_mark_nothing():
    scores = [0.0, 0.1, -0.2, 0.3, 0.05, -0.1, 0.2, 0.15]
    rows = [("base", i, score) for i, score in enumerate(scores)]
    rows += [("kd", i, round(score + 0.1, 3)) for i, score in enumerate(scores)]
    table = pd.DataFrame(rows, columns=["method", "seed", "score"])
    assert not any("scores exactly" in line for line in analyse(table, "base", ["kd"]).warnings)
