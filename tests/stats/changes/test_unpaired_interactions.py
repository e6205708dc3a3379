"""Whether an effect changes between inits, from runs that share no seeds."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stats import InvalidSetting, Judging, NotEnoughPairs, adjust, analyse, interaction, welch
from stats.changes.unpaired import unpaired_interaction_statistics
from stats.report import render

SCRATCH = ([50.1, 52.3, 51.0, 50.7], [52.0, 54.5, 52.2, 53.3, 53.6])
PRETRAINED = ([80.2, 80.9, 81.1, 80.0, 80.6, 80.3], [80.3, 80.7, 81.4])


def test_against_two_constant_arms_it_is_welchs_test():
    found = interaction(SCRATCH, ([80.0, 80.0], [81.0, 81.0, 81.0]), paired=False)
    alone = welch(*SCRATCH)
    assert found.difference_of_differences == pytest.approx(alone.difference - 1)
    assert found.ci_high - found.ci_low == pytest.approx(alone.high - alone.low)
    shifted = welch(SCRATCH[0], np.subtract(SCRATCH[1], 1))
    assert found.p_value == pytest.approx(shifted.p_value)
    assert (found.test, found.sizes, found.n_pairs) == ("welch", (4, 5, 2, 3), 0)


def test_with_equal_spreads_it_is_the_interaction_of_the_two_way_analysis_of_variance():
    import statsmodels.api as sm

    rest = np.array([-1.1, 0.3, 0.9, -0.4, 0.3])
    arms = [level + rest for level in (50.0, 52.5, 80.0, 80.7)]
    init = np.repeat([1.0, 1, 0, 0], 5)
    candidate = np.repeat([0.0, 1, 0, 1], 5)
    design = np.column_stack([np.ones(20), init, candidate, init * candidate])
    fit = sm.OLS(np.concatenate(arms), design).fit()
    found = interaction((arms[0], arms[1]), (arms[2], arms[3]), paired=False)
    assert found.difference_of_differences == pytest.approx(fit.params[3])
    assert found.p_value == pytest.approx(fit.pvalues[3])
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(fit.conf_int()[3]))


four_arms = st.tuples(
    *(st.lists(st.integers(200, 400), min_size=2, max_size=6).map(sorted) for _ in range(4))
)


@given(four_arms, st.integers(-50, 50))
def test_swapping_inits_or_arms_turns_the_sign(arms, constant: int):
    a, b, c, d = arms
    there = interaction((a, b), (c, d), paired=False)
    for back in (
        interaction((c, d), (a, b), paired=False),
        interaction((b, a), (d, c), paired=False),
    ):
        assert there.difference_of_differences == pytest.approx(-back.difference_of_differences)
        assert there.p_value == pytest.approx(back.p_value)
        assert there.ci_low == pytest.approx(-back.ci_high)
    moved = interaction((np.add(a, constant), np.add(b, constant)), (c[::-1], d), paired=False)
    assert moved.p_value == pytest.approx(there.p_value, abs=1e-9)


@pytest.mark.parametrize("n", [5, 8, 20])
def test_a_true_absence_of_interaction_is_rejected_in_at_most_five_percent(n: int):
    m = 10_000
    spreads = np.array([1.0, 3.0, 0.5, 2.0])[:, None, None]
    four = 60 + spreads * np.random.default_rng(n).standard_normal((4, m, n))
    four[[1, 3]] += 2  # both inits gain the same
    settings = Judging(paired=False)
    p_value = unpaired_interaction_statistics(four, [""] * m, settings)["p_value"]
    assert (p_value < 0.05).mean() <= 0.05 + 2 * math.sqrt(0.05 * 0.95 / m)


def unpaired(table: pd.DataFrame) -> pd.DataFrame:
    """The same scores, with seeds that no two arms share."""
    return table.assign(seed=range(len(table)))


def test_a_table_of_unpaired_scores_has_its_interactions(table):
    lost = (table["method"] == "kd") & (table["seed"] == 42) & (table["init"] == "scratch")
    analysis = analyse(
        unpaired(table[~lost]), "base", ["ls", "kd"], Judging(paired=False, margin=1.0)
    )
    kd = analysis.interactions[-1]
    assert (kd.sizes, kd.test, kd.inits) == ((8, 7, 8, 8), "welch", ("scratch", "pretrained"))
    arms = {key: rows["score"].to_numpy() for key, rows in table[~lost].groupby(["init", "method"])}
    alone = interaction(
        (arms["scratch", "base"], arms["scratch", "kd"]),
        (arms["pretrained", "base"], arms["pretrained", "kd"]),
        paired=False,
    )
    assert kd.p_value == pytest.approx(alone.p_value)
    expected = adjust([each.p_value for each in analysis.interactions])
    assert [each.p_adjusted for each in analysis.interactions] == expected.tolist()
    for format in ("table", "markdown", "latex"):
        text = render(analysis, format)
        assert "Welch" in text
        assert "8 + 7 + 8 + 8" in text.replace("\\ ", " ")


def test_an_init_with_one_run_is_named_and_not_tested(table):
    few = (table["init"] == "pretrained") & (table["method"] == "kd") & (table["seed"] != 42)
    analysis = analyse(unpaired(table[~few]), "base", ["ls", "kd"], Judging(paired=False))
    assert [each.candidate for each in analysis.interactions] == ["ls"]
    assert any("of which an arm has 1 scores" in warning for warning in analysis.warnings)


def test_log_odds_take_the_size_of_each_tasks_test_set(table):
    tasks = [
        table.assign(task=task, score=table["score"].clip(upper=62) + shift)
        for task, shift in (("small", 38.0), ("large", 0.0))
    ]
    both = unpaired(pd.concat(tasks))
    sizes = {"small": 50, "large": 5000}
    options = {"paired": False, "interaction_scale": "log_odds"}
    found = analyse(both, "base", ["kd"], Judging(test_examples=sizes, **options)).interactions
    for each in found:
        here = both[both["task"] == each.task]
        judging = Judging(test_examples=sizes[each.task], **options)
        (alone,) = analyse(here, "base", ["kd"], judging).interactions
        assert each.p_value == pytest.approx(alone.p_value)
        assert (each.ci_low, each.ci_high) == pytest.approx((alone.ci_low, alone.ci_high))


def test_rank_tests_and_arms_of_one_score_are_refused():
    with pytest.raises(InvalidSetting, match='tested by "welch", which compares their means'):
        interaction(SCRATCH, PRETRAINED, paired=False, test="mann-whitney")
    with pytest.raises(NotEnoughPairs, match=r"candidate \(pretrained\) has 1 scores; 2 needed"):
        interaction(SCRATCH, (PRETRAINED[0], [80.0]), paired=False)
    with pytest.raises(InvalidSetting, match='test "welch" is for unpaired scores'):
        interaction(SCRATCH, SCRATCH, test="welch")
