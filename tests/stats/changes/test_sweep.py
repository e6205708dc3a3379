"""How far a hyper-parameter may go: beside the single verdicts, and what must not matter to it."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats import InvalidSetting, Judging, NotPaired, analyse, analyse_sweeps, pooled
from stats.changes.sweep import sweep
from stats.changes.swept_arms import SweptArms
from stats.changes.trend import trend
from stats.multiplicity import adjust, fixed_sequence
from stats.report import FORMATS, render
from stats.report.sections.sweep import sentence
from stats.simulation.sweeps import ends

VALUES = (0.5, 0.8, 0.9, 0.95)
NAMES = tuple(f"magnitude {value}" for value in VALUES)
MAGNITUDE = SweptArms(name="magnitude", parameter="sparsity", arms=NAMES, values=VALUES)
NOISE = np.random.default_rng(4).normal(0, 0.3, (8, 4))


def scores_with(losses: tuple[float, ...], tasks: tuple[str, ...] = ("rte",)) -> pd.DataFrame:
    """Two inits, eight seeds, these losses; every seed has a level of its own."""
    random = np.random.default_rng(7)
    rows = []
    for task in tasks:
        for init in ("pretrained", "scratch"):
            for seed in range(8):
                level = 80 + random.normal(0, 2)
                arms = zip(("base", *NAMES), (0.0, *losses), strict=True)
                for method, loss in arms:
                    score = round(level - loss + random.normal(0, 0.2), 2)
                    rows.append((task, "bert", init, method, seed, score))
    columns = ["task", "model", "init", "method", "seed", "score"]
    return pd.DataFrame(rows, columns=columns).assign(metric="accuracy", split="test")


def swept(losses: tuple[float, ...], **judged) -> str:
    found = analyse_sweeps(
        scores_with(losses), "base", NAMES, [MAGNITUDE], Judging(**{"margin": 1.0} | judged)
    )
    return sentence(found.sweeps[0]).partition("point: ")[2]


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ((0.0, 0.2, 2.0, 5.0), "0.8 (90 % interval: from 0.8 to below 0.9)"),
        ((0.0, 0.2, 1.0, 5.0), "0.8 (90 % interval: from 0.8 to below 0.95)"),
        ((0.0, 0.2, 1.0, 1.0), "0.8 (90 % interval: from 0.8 on, without another end)"),
        ((0.0, 0.2, 0.1, 0.3), "0.95, the last that was tried"),
        ((3.0, 3.0, 4.0, 5.0), "none; all of 0.5, 0.8, 0.9, 0.95 are worse by more than that"),
        ((1.0, 3.0, 4.0, 5.0), "none of 0.5, 0.8, 0.9, 0.95 is shown to be (90 % interval: below"),
        ((1.0, 1.0, 1.0, 1.0), "none of 0.5, 0.8, 0.9, 0.95 is shown to be, nor to be worse by mo"),
        (
            (-3.0, 0.0, 0.0, 5.0),
            "none of 0.5, 0.8, 0.9, 0.95 is shown to be (90 % interval: below",
        ),
    ],
)
def test_the_sentence_says_how_far_it_may_go(losses: tuple[float, ...], said: str):
    assert swept(losses).startswith(said)


def test_a_sweep_that_begins_with_its_largest_value_goes_down():
    down = SweptArms(name="llrd", parameter="decay", arms=NAMES, values=VALUES[::-1])
    scores = scores_with((0.0, 0.1, 2.0, 4.0))
    found = analyse_sweeps(scores, "base", NAMES, [down], Judging(margin=1.0))
    assert sentence(found.sweeps[0]) == (
        "smallest decay at which llrd is still equivalent to base within ±1 point: 0.9 "
        "(90 % interval: from 0.9 to above 0.8)"
    )


@pytest.mark.parametrize("equivalence", ["t", "ranks"])
@pytest.mark.parametrize("lower_is_better", [False, True])
@pytest.mark.parametrize("tasks", [None, "fixed", "sampled"])
def test_a_sweep_asks_as_the_single_comparisons_do(
    tasks: str | None, lower_is_better: bool, equivalence: str
):
    scores = scores_with((0.1, 0.8, 1.1, 1.6), tuple("abcdefgh") if tasks else ("rte",))
    scores["score"] *= -1 if lower_is_better else 1
    scores = scores.drop(scores[(scores["method"] == NAMES[1]) & (scores["seed"] == 3)].index)
    judging = Judging(
        margin=1.0, equivalence=equivalence, lower_is_better=lower_is_better, tasks=tasks
    )
    how = pooled if tasks else analyse
    single = {
        (each.init, each.candidate): each
        for each in how(scores, "base", NAMES, judging).comparisons
    }
    found = analyse_sweeps(scores, "base", NAMES, [MAGNITUDE], judging).sweeps
    assert len(found) == 2
    for each in found:
        for place, arm in enumerate(NAMES):
            alone, own = single[each.init, arm], each.found
            assert own.p_equivalence[place] == alone.p_equivalence
            assert own.n_pairs[place] == alone.n_pairs
            assert each.candidate_means[place] == alone.candidate_mean
            assert own.p_worse[place] > 0.5 or alone.p_equivalence > 0.5


@given(st.integers(0, 10_000), st.sampled_from(["t", "ranks"]), st.booleans())
def test_laws_of_sweeps(seed: int, equivalence: str, lower: bool):
    random = np.random.default_rng(seed)
    table = np.round(random.normal(0, 0.6, (8, 4)) - random.uniform(0, 1) * np.arange(4), 1)
    judged = {"margin": 1.0, "equivalence": equivalence, "lower_is_better": lower}
    found = sweep(table, VALUES, **judged)
    assert found.equivalent + found.worse <= 4
    turned = sweep(-table, VALUES, **judged | {"lower_is_better": not lower})
    assert (turned.equivalent, turned.worse) == (found.equivalent, found.worse)
    for i in range(4):
        inside = found.lows[i] > -1 and found.highs[i] < 1
        if table[:, i].min() < table[:, i].max() or equivalence == "ranks":
            assert inside == (found.p_equivalence[i] < 0.05)
    assert found.equivalent == fixed_sequence(found.p_equivalence)
    equivalent, worse = ends(np.array([found.p_equivalence]), np.array([found.p_worse]), 0.05)
    assert (equivalent[0], worse[0]) == (found.equivalent, found.worse)


def test_by_t_worse_by_more_than_the_margin_is_the_other_side_of_non_inferiority():
    from stats import non_inferiority

    found = sweep(NOISE - np.arange(4), VALUES, margin=1.0)
    p_values = [non_inferiority(column, 1.0).p_value for column in (NOISE - np.arange(4)).T]
    assert found.p_worse == pytest.approx([1 - p for p in p_values])


def test_what_stands_behind_the_first_that_is_not_shown_is_not_claimed():
    assert fixed_sequence([0.01, 0.06, 0.001]) == 1
    assert fixed_sequence([math.nan, 0.001]) == 0
    assert fixed_sequence([0.01, 0.02]) == 2


def test_a_value_that_is_the_baseline_itself_ends_the_sweep_and_is_named():
    scores = scores_with((0.0, 0.0, 0.0, 0.0))
    base = scores.loc[scores["method"] == "base", "score"].to_numpy()
    scores.loc[scores["method"] == NAMES[0], "score"] = base
    judging = Judging(margin=1.0)
    found = analyse_sweeps(scores, "base", NAMES, [MAGNITUDE], judging)
    assert [each.found.equivalent for each in found.sweeps] == [0, 0]
    assert sum("which gives t no p and ends the sweep" in each for each in found.warnings) == 2
    by_ranks = replace(judging, equivalence="ranks")
    found = analyse_sweeps(scores, "base", NAMES, [MAGNITUDE], by_ranks)
    assert [each.found.equivalent for each in found.sweeps] == [4, 4]
    assert not found.warnings


def test_without_a_margin_nothing_is_claimed_and_without_seeds_nothing_is_shown():
    scores = scores_with((0.0, 0.1, 0.2, 0.3))
    found = analyse_sweeps(scores, "base", NAMES, [MAGNITUDE])
    assert "no margin is declared" in render(found)
    assert "at which" not in render(found)
    scores.loc[(scores["method"] == NAMES[1]), "score"] = np.nan
    found = analyse_sweeps(scores, "base", NAMES, [MAGNITUDE], Judging(margin=1.0))
    assert [each.found.last_equivalent for each in found.sweeps] == [0.5, 0.5]
    assert found.sweeps[0].found.n_pairs == (8, 0, 8, 8)
    scores = scores[(scores["method"] != NAMES[2]) | (scores["init"] == "scratch")]
    found = analyse_sweeps(scores, "base", NAMES, [MAGNITUDE], Judging(margin=1.0))
    assert [each.init for each in found.sweeps] == ["scratch"]
    assert "no sweep, no run of magnitude 0.9" in " ".join(found.warnings)


def test_what_cannot_be_a_sweep_is_refused():
    scores, judging = scores_with((0.0, 0.1, 0.2, 0.3)), Judging(margin=1.0)
    for wrong, words in (
        (replace(MAGNITUDE, values=(0.5, 0.9, 0.8, 0.95)), "must ascend or descend"),
        (replace(MAGNITUDE, values=(0.5, 0.5, 0.8, 0.95)), "must ascend or descend"),
        (replace(MAGNITUDE, values=(0.5, 0.8)), "a value for each arm"),
        (replace(MAGNITUDE, arms=("base", *NAMES[1:])), "is no candidate"),
    ):
        with pytest.raises(InvalidSetting, match=words):
            analyse_sweeps(scores, "base", NAMES, [wrong], judging)
    with pytest.raises(InvalidSetting, match="seeds that its arms share"):
        analyse_sweeps(scores, "base", NAMES, [MAGNITUDE], Judging(paired=False))
    with pytest.raises(NotPaired, match="all arms of a sweep"):
        analyse_sweeps(scores, "base", NAMES, [], judging)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_every_value(form: str):
    found = analyse_sweeps(
        scores_with((0.0, 0.2, 1.0, 5.0)), "base", NAMES, [MAGNITUDE], Judging(margin=1.0)
    )
    text = render(found, form, width=140)
    for value in VALUES:
        assert str(value) in text
    if form == "json":
        whole = json.loads(text)
        assert whole["kind"] == "sweeps"
        assert whole["sweeps"][0]["found"]["equivalent"] == 2
    elif form == "csv":
        rows = text.splitlines()
        assert len(rows) == 1 + 2 * 4
        assert [row.split(",")[-2] for row in rows[1:5]] == ["equivalent"] * 2 + ["open", "worse"]
    else:
        assert "0.8 (90 % interval: from 0.8 to below 0.95)" in " ".join(
            text.replace("\\%", "%").split()
        )


SPD_NAMES = tuple(f"spd {value}" for value in VALUES)
SPD = SweptArms(name="spd", parameter="sparsity", arms=SPD_NAMES, values=VALUES)


def with_spd(losses: tuple[float, ...], least: float = 0.0) -> pd.DataFrame:
    """Scores of magnitude, and of a second series that loses nothing."""
    scores = scores_with(losses)
    second = scores_with((least,) * 4)
    second = second[second["method"] != "base"].copy()
    second["method"] = second["method"].str.replace("magnitude", "spd")
    second["score"] += np.random.default_rng(1).normal(0, 0.2, len(second)).round(2)
    return pd.concat([scores, second], ignore_index=True)


def test_two_series_of_the_same_values_differ_by_the_trend_of_their_differences():
    scores = with_spd((0.0, 0.5, 2.0, 4.0))
    judging = Judging(margin=1.0, test="t")
    found = analyse_sweeps(scores, "base", [*NAMES, *SPD_NAMES], [MAGNITUDE, SPD], judging)
    assert len(found.interactions) == 2  # inits
    wide = scores.pivot_table(index=["init", "seed"], columns="method", values="score")
    for each in found.interactions:
        of_init = wide.loc[each.init]
        differences = of_init[[*NAMES]].to_numpy() - of_init[[*SPD_NAMES]].to_numpy()
        own = trend(differences, VALUES, scale="order", test="t")
        assert (each.first, each.second, each.n_seeds) == ("magnitude", "spd", 8)
        assert each.trend.slope == pytest.approx(own.slope)
        assert each.trend.p_value == pytest.approx(own.p_value)
        assert each.trend.p_adjusted == each.trend.p_value  # one pair at each place
        assert each.trend.slope < -1
    text = render([found], "table")
    assert "magnitude minus spd falls with sparsity, by -1" in text
    assert "sparsity × method" in text


def test_what_shifts_all_scores_of_a_seed_or_the_baseline_leaves_the_interaction_alone():
    scores = with_spd((0.0, 0.5, 2.0, 4.0))
    judged = ("base", [*NAMES, *SPD_NAMES], [MAGNITUDE, SPD], Judging(margin=1.0, test="t"))
    before = analyse_sweeps(scores, *judged).interactions
    moved = scores.copy()
    moved["score"] += moved["seed"] * 3.0
    moved.loc[moved["method"] == "base", "score"] -= 10
    after = analyse_sweeps(moved, *judged).interactions
    for a, b in zip(before, after, strict=True):
        assert a.trend.slope == pytest.approx(b.trend.slope)
        assert a.trend.p_value == pytest.approx(b.trend.p_value)
    turned = analyse_sweeps(
        scores, "base", [*NAMES, *SPD_NAMES], [SPD, MAGNITUDE], Judging(margin=1.0, test="t")
    ).interactions
    assert [each.trend.slope for each in turned] == pytest.approx([-a.trend.slope for a in before])


def test_series_of_other_values_or_another_parameter_are_not_held_against_each_other():
    scores = with_spd((0.0, 0.5, 2.0, 4.0))
    fewer = replace(SPD, arms=SPD_NAMES[:3], values=VALUES[:3])
    other = replace(SPD, parameter="p")
    for second in (fewer, other):
        found = analyse_sweeps(
            scores, "base", [*NAMES, *SPD_NAMES], [MAGNITUDE, second], Judging(margin=1.0)
        )
        assert found.interactions == ()


def test_interactions_of_several_series_are_corrected_at_each_place():
    scores = with_spd((0.0, 0.5, 2.0, 4.0))
    third = scores[scores["method"].isin(SPD_NAMES)].copy()
    third["method"] = third["method"].str.replace("spd", "theseus")
    third["score"] += np.random.default_rng(2).normal(0, 0.2, len(third))
    names = tuple(f"theseus {value}" for value in VALUES)
    theseus = SweptArms(name="theseus", parameter="sparsity", arms=names, values=VALUES)
    found = analyse_sweeps(
        pd.concat([scores, third]),
        "base",
        [*NAMES, *SPD_NAMES, *names],
        [MAGNITUDE, SPD, theseus],
        Judging(margin=1.0, test="t"),
    ).interactions
    for init in ("pretrained", "scratch"):
        own = [each.trend for each in found if each.init == init]
        expected = adjust([each.p_value for each in own], "holm")
        assert [each.p_adjusted for each in own] == pytest.approx(list(expected))
