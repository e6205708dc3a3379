"""Runs against a printed mean and spread: Welch's test, and what cannot be tested."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from stats import InvalidSetting, Judging, NotEnoughPairs, StatsError, hedges_g, welch
from stats.printed.cells import mean_and_spread, plain, read_printed_score, sds_in
from stats.report import FORMATS, render
from stats.verdicts.against import analyse_against

OWN = [62.9, 63.4, 62.1, 63.8, 62.6, 63.0, 63.3]
THEIRS = [61.2, 62.4, 61.9, 62.8, 62.35]


def table(own=OWN, method="kd", **columns: str) -> pd.DataFrame:
    rows = [(method, seed, score) for seed, score in enumerate(own)]
    return pd.DataFrame(rows, columns=["method", "seed", "score"]).assign(**columns)


def printed(scores=THEIRS, digits=12) -> str:
    mean, sd = np.mean(scores), np.std(scores, ddof=1)
    return f"{mean:.{digits}f} ± {sd:.{digits}f}, n={len(scores)}"


def only(text: str, own=OWN, **asked):
    return analyse_against(table(own), text, judging=Judging(**asked)).arms[0]


def test_with_all_digits_it_is_the_test_on_the_scores_themselves():
    found, known = only(printed()), welch(THEIRS, OWN)
    assert found.p_value == pytest.approx(known.p_value)
    assert (found.df, found.t) == pytest.approx((known.df, known.t))
    assert (found.ci_low, found.ci_high) == pytest.approx((known.low, known.high))
    size = hedges_g(THEIRS, OWN)
    assert (found.hedges_g, found.g_low, found.g_high) == pytest.approx(
        (size.estimate, size.low, size.high)
    )


def test_rounded_figures_give_scipy_s_p_and_a_range_that_holds_the_exact_one():
    found = only(printed(digits=1))
    mean, sd = (float(f"{each:.1f}") for each in (np.mean(THEIRS), np.std(THEIRS, ddof=1)))
    known = scipy_stats.ttest_ind_from_stats(
        *(np.mean(OWN), np.std(OWN, ddof=1), len(OWN), mean, sd, len(THEIRS)), equal_var=False
    )
    assert found.p_value == pytest.approx(known.pvalue)
    assert found.p_low < welch(THEIRS, OWN).p_value < found.p_high


def test_the_verdict_is_that_of_the_least_favourable_rounding():
    assert only(printed()).p_value < 0.05
    wide = only("62 ± 1, n=5")
    assert wide.p_high > 0.05
    assert wide.p_adjusted == wide.p_high
    assert wide.verdict == "inconclusive"
    assert only(printed()).verdict == "better"
    assert only(printed(), lower_is_better=True).verdict == "worse"
    assert only(printed(), margin=3.0).verdict == "negligible"
    assert only("63.01 ± 0.55, n=7", margin=2.0).verdict == "equivalent"


@pytest.mark.parametrize(("kind", "factor"), [("se", 5**0.5), ("ci95", 5**0.5 / 2.776445105)])
def test_standard_errors_and_intervals_are_made_sds(kind: str, factor: float):
    assert sds_in(kind, 5) == pytest.approx(factor)
    sd = np.std(THEIRS, ddof=1)
    text = f"{np.mean(THEIRS):.12f} ± {sd / factor:.12f}, {kind}, n=5"
    assert only(text).p_value == pytest.approx(welch(THEIRS, OWN).p_value)


@pytest.mark.parametrize("text", ["62.13", "62.13 ± 0.67", "62.13, n=1", "62.13 ± 0.67, n=1"])
def test_without_spread_or_runs_only_the_distribution_of_the_own_runs_speaks(text: str):
    found = analyse_against(table(), text)
    (arm,) = found.arms
    assert found.untested
    assert arm.verdict == "no test"
    assert math.isnan(arm.p_adjusted)
    mean, sd, n = np.mean(OWN), np.std(OWN, ddof=1), len(OWN)
    ends = scipy_stats.t.interval(0.95, n - 1, loc=mean, scale=sd * math.sqrt(1 + 1 / n))
    assert (arm.predicted_low, arm.predicted_high) == pytest.approx(ends)
    assert arm.above == sum(score > 62.13 for score in OWN)
    assert "no test" in render(found)


def test_the_mean_of_several_runs_is_predicted_more_narrowly():
    one, five = only("62.13"), only("62.13, n=5")
    ratio = math.sqrt((1 / 7 + 1 / 5) / (1 / 7 + 1))
    width = five.predicted_high - five.predicted_low
    assert width == pytest.approx(ratio * (one.predicted_high - one.predicted_low))


def test_prediction_intervals_hold_a_further_run_as_often_as_they_say():
    random = np.random.default_rng(8)
    runs = random.normal(60, 1, (300, 6))
    arms = pd.concat([table(row[:5], f"m{i}") for i, row in enumerate(runs)])
    found = analyse_against(arms, "60").arms
    held = [a.predicted_low < row[5] < a.predicted_high for a, row in zip(found, runs, strict=True)]
    assert abs(np.mean(held) - 0.95) < 3 * math.sqrt(0.95 * 0.05 / 300)


def test_all_arms_are_one_family():
    both = pd.concat([table(), table([score + 0.2 for score in OWN], "other")])
    found = analyse_against(both, printed()).arms
    assert [each.method for each in found] == ["kd", "other"]
    least = min(each.p_high for each in found)
    assert min(each.p_adjusted for each in found) == pytest.approx(2 * least)
    assert analyse_against(both, printed(), ["kd"]).arms[0].p_adjusted == found[0].p_high


FORMS = {
    "62.13 ± 0.67, n=5": ("62.13", "0.67", "sd", False, 5),
    "62.13+-0.67 n = 5": ("62.13", "0.67", "sd", False, 5),
    "62.13 (0.67), n=5": ("62.13", "0.67", "sd", False, 5),
    "62.13 (± 0.67; n=5)": ("62.13", "0.67", "sd", False, 5),
    r"$62.13\pm0.67$ (se, 5 seeds)": ("62.13", "0.67", "se", True, 5),
    "62.13 ± 0.67 (95% CI, n=5)": ("62.13", "0.67", "ci95", True, 5),
    "62.13 ± 0.67 std": ("62.13", "0.67", "sd", True, None),
    r"\textbf{62.13} {\scriptsize $\pm$ 0.67}$^\dagger$": ("62.13", "0.67", "sd", False, None),
    r"$\mathbf{62.13}_{\pm .67}$": ("62.13", ".67", "sd", False, None),
    "**\N{MINUS SIGN}1.20**\N{DAGGER}": ("-1.20", "", "sd", False, None),
}


@pytest.mark.parametrize(("text", "parts"), FORMS.items())
def test_forms_of_print_are_read(text: str, parts: tuple[object, ...]):
    found = read_printed_score(text)
    assert (found.mean, found.spread, found.kind, found.named, found.n) == parts


@pytest.mark.parametrize(
    "text",
    [
        *("62,13 ± 0.67", "62.13 ± 0.67 ± 1", "62.13 ± -1", "± 1", "62.13(67)", "62.13 ± 1 foo"),
        *("62.13, n=x", "62.13, n=0", "", "best"),
    ],
)
def test_other_forms_are_refused_with_one_that_is_read(text: str):
    with pytest.raises(StatsError, match="printed score") as error:
        read_printed_score(text)
    assert "\n" not in str(error.value)


def test_plain_figures_stay_as_they_are():
    for text in ("62.13", "62.13 ± 0.67", "62.13 (0.67)", "-1.2e-3"):
        assert plain(text) == text
    assert mean_and_spread("62.13 (0.67)") == ("62.13", "0.67")


def test_scores_of_several_tasks_and_single_runs_are_refused():
    tasks = pd.concat([table(task="rte"), table(task="mrpc")])
    with pytest.raises(InvalidSetting, match="one printed score is of one task"):
        analyse_against(tasks, printed())
    with pytest.raises(NotEnoughPairs, match="kd has 1 scores"):
        analyse_against(table(OWN[:1]), printed())


def test_other_units_and_failed_seeds_are_named():
    told = analyse_against(table([*OWN, math.nan]), "0.62").warnings
    assert any("may be a fraction" in each for each in told)
    assert any("seed 7: kd has no score" in each for each in told)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_says_what_is_not_supported(form: str):
    text = render(analyse_against(table(), printed(), judging=Judging(margin=0.5)), form)
    assert "better" in text
    if form in ("table", "markdown", "latex"):
        assert "Not supported: that the method makes the difference." in text.replace("\n", " ")
