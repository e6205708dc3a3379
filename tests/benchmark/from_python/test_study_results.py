"""`load`, and the tables of what came of a study."""

import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text

from benchmark import load
from benchmark.errors import BenchmarkError, StoreError
from stats import analyse
from tests.benchmark.recorded import SCORES


@pytest.fixture
def results(recorded):
    """Of a study with two tasks, two inits and three methods, judged over its tasks."""
    return load("recorded", store=recorded.parent / "mlruns")


def test_scores_are_a_row_for_each_arm_task_and_seed(results):
    scores = results.scores
    assert {
        (row.task, row.init, row.method, row.seed): row.score for row in scores.itertuples()
    } == SCORES
    assert scores["arm"].unique().tolist()[:2] == ["base · pretrained", "ls · pretrained"]


def test_verdicts_are_those_of_the_analysis_with_the_ones_over_tasks_first(results):
    verdicts = results.verdicts
    on_each = verdicts[verdicts["tasks"] == "each"]
    assert verdicts["tasks"].tolist() == ["fixed"] * 4 + ["each"] * 8
    assert on_each["verdict"].tolist() == [e.verdict for e in results.analysis.comparisons]
    again = analyse(results.scores, "base", ["ls", "tf_reg"], results.analysis.judging)
    assert [e.p_value for e in again.comparisons] == on_each["p_value"].tolist()


def test_interactions_are_a_row_for_each_candidate_and_pair_of_inits(results):
    interactions = results.interactions
    assert interactions["p_value"].tolist() == [e.p_value for e in results.analysis.interactions]
    assert set(interactions["candidate"]) == {"ls", "tf_reg"}


def test_a_ranking_has_every_arm_of_a_model_and_init(results):
    ranking = results.ranking()
    assert ranking["init"].value_counts().to_dict() == {"pretrained": 3, "scratch": 3}
    assert set(ranking["method"]) == {"base", "ls", "tf_reg"}


def test_what_shows_itself_is_what_bench_stats_prints(results, answer):
    told = answer("stats", "recorded")
    numbers = [line for line in told.splitlines() if " -> " in line]
    assert numbers
    assert all(line in repr(results).splitlines() for line in numbers)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("kd", 1), 'has no arm "kd"; recorded are: base · pretrained, ls · pretrained, '),
        (("base · scratch", 99), "has no seed 99; recorded are: 1, 2"),
        (("base", 1), 'several such runs: "base · pretrained · resnet-8" on task "digits/23"; '),
    ],
)
def test_runs_that_are_not_there_or_several_are_said(results, asked, said):
    with pytest.raises(StoreError, match=said.replace("(", r"\(")):
        results.predictions(*asked)


def test_what_is_not_recorded_is_said_with_the_way_out(recorded, tmp_path):
    with pytest.raises(StoreError, match="no run of nobody is recorded"):
        load("nobody", store=recorded.parent / "mlruns")
    with pytest.raises(BenchmarkError, match="start with: bench run"):
        load("recorded", store=tmp_path)


def texts(figure: Figure) -> list[str]:
    return [each.get_text() for each in figure.findobj(Text)]


def test_a_forest_of_all_or_of_what_is_named_is_that_of_the_report(results):
    forest = results.plot.forest()
    assert isinstance(forest, Figure)
    effects = {f"{each.mean_difference:.2f}" for each in results.analysis.comparisons}
    assert all(any(e.lstrip("-") in text for text in texts(forest)) for e in effects)
    rows = results.plot.forest(task="digits/23", candidate="ls").axes[0].get_yticklabels()
    assert len(rows) == 2  # inits


def test_each_kind_of_figure_is_one_or_says_which_there_are(results):
    plot, place = results.plot, {"task": "digits/45", "init": "scratch"}
    for figure in (
        plot.slopes(**place),
        plot.estimation(**place, candidate="ls"),
        plot.interaction(task="digits/45", candidate="tf_reg"),
        plot.ranks(init="scratch"),
        plot.profiles(init="pretrained"),
    ):
        assert isinstance(figure, Figure)
    with pytest.raises(
        BenchmarkError, match=r"slopes: there are several, as .*; say which by task"
    ):
        plot.slopes(init="scratch")
    with pytest.raises(BenchmarkError, match='no task "rte"; there are: digits/23, digits/45'):
        plot.slopes(task="rte")
    with pytest.raises(BenchmarkError, match="sweep: the study has nothing to show there"):
        plot.sweep()


def test_a_notebook_is_shown_the_same_verdicts(results):
    shown = results._repr_html_()
    assert shown.count("<table>") >= 1
    assert all(each in shown for each in ("smallest attainable corrected p", "base vs tf_reg"))
