"""What a report says twice it says alike: words, tables, figures, files and MLflow."""

import json
import re
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text

from benchmark.report.figures.of_arms import sketch_arms
from benchmark.report.figures.of_comparisons import sketch_comparisons
from benchmark.report.layout import lay_out
from benchmark.report.recording import metrics_of
from benchmark.report.sections.calibration_table import calibration_sheet
from benchmark.report.sections.costs import costs
from stats.report import render
from stats.report.formats.markdown import to_markdown
from stats.report.words import wording
from tests.benchmark.reported import ARM_NAMES, INITS, LOST

NUMBER = r"[+-]?\d[\d.]*"
INTERVAL = re.compile(rf"({NUMBER}) \[({NUMBER}), ({NUMBER})\]")
IN_WORDS = re.compile(rf"difference ({NUMBER}) \(95 % CI ({NUMBER}) to ({NUMBER})\)")


@pytest.fixture(scope="module")
def figures(gathered):
    """Every figure of the report by its name."""
    sketches = [*sketch_comparisons(gathered), *sketch_arms(gathered)]
    return {name: figure for _, name, _, figure in sketches}


def texts(figure) -> list[str]:
    return [each.get_text() for each in figure.findobj(Text) if each.get_text()]


def drawn(figure, gid: str) -> list[list[list[float]]]:
    """The points of every line of this kind."""
    lines = [line for axes in figure.axes for line in axes.lines if line.get_gid() == gid]
    return [line.get_xydata().tolist() for line in lines]


def cells(gathered, kind: str, which: int = 0) -> pd.DataFrame:
    """A table of the page by its headings."""
    (section,) = (each for each in lay_out(gathered).sections if each.sheet.kind == kind)
    table = section.tables[which]
    return pd.DataFrame(table.rows, columns=list(table.heading))


def test_a_difference_has_one_value_and_one_form_wherever_it_is_shown(gathered, figures):
    said: dict[int, set[tuple[str, ...]]] = defaultdict(set)
    rows = gathered.analysis.comparisons
    forest = [each for each in texts(figures["forest · 1"]) if INTERVAL.match(each)]
    titles = [name for name in figures if name.startswith("estimation")]
    table = cells(gathered, "analysis")
    interval = next(name for name in table if name.startswith("difference"))
    page = table[[interval, "verdict"]].to_numpy()
    found = lay_out(gathered).findings
    in_markdown = to_markdown([lay_out(gathered).words])
    for i, each in enumerate(rows):
        (title,) = (t for t in texts(figures[titles[i]]) if INTERVAL.match(t))
        for text in (page[i][0], forest[i], title, wording.difference(each)):
            said[i] |= set(INTERVAL.findall(text))
        said[i] |= set(IN_WORDS.findall(found[i].text))
        assert IN_WORDS.search(found[i].text)[0] in in_markdown
        verdicts = {page[i][1], found[i].verdict, forest[i].split("\n")[1], title.split(" · ")[1]}
        assert verdicts == {each.verdict}
    assert [len(each) for each in said.values()] == [1] * len(rows) == [1] * 4


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_every_format_rounds_a_difference_alike(gathered, form):
    shown = {wording.difference(each) for each in gathered.analysis.comparisons}
    text = render(gathered.analysis, form, width=200).replace(r"\ ", " ")
    assert {each for each in shown if each in text} == shown


def test_what_is_drawn_is_what_is_in_the_table(gathered, figures):
    rows = gathered.analysis.comparisons
    ends = [[each.ci_low, each.ci_high] for each in rows]
    bars = drawn(figures["forest · 1"], "interval")
    assert [[x for x, _ in bar] for bar in bars] == ends
    means = drawn(figures["forest · 1"], "mean")
    assert [point[0][0] for point in means] == [each.mean_difference for each in rows]
    for name, each in zip((n for n in figures if n.startswith("estimation")), rows, strict=True):
        (bar,), (mean,) = (drawn(figures[name], gid) for gid in ("interval", "mean"))
        assert [y for _, y in bar] == [each.ci_low, each.ci_high]
        assert mean[0][1] == each.mean_difference


def test_an_interaction_is_the_same_in_its_figure_its_table_and_in_words(gathered, figures):
    names = [name for name in figures if name.startswith("interaction")]
    table = cells(gathered, "analysis", 1)
    words = lay_out(gathered).interactions
    assert len(names) == len(table) == len(words) == len(ARM_NAMES) - 1
    for i, each in enumerate(gathered.analysis.interactions):
        (title,) = (text for text in texts(figures[names[i]]) if INTERVAL.match(text))
        assert title.startswith(table.iloc[i, 1])
        assert table.iloc[i, 1] in words[i].text
        heading, p = table.columns[2], table.iloc[i, 2]
        assert title.endswith(f"{heading} {p}")
        assert metrics_of(gathered)[f"p_corrected_interaction/{_plain(each)}"] == each.p_adjusted


def _plain(each) -> str:
    return "x-vs-base" if each.candidate == ARM_NAMES[1] else "input-etc-passwd-a-b_c-50-vs-base"


def test_the_calibration_error_of_a_figure_is_that_of_its_table(gathered, figures):
    table = cells(gathered, "calibration").set_index(["method", "where"]).iloc[:, 0]
    for init in INITS:
        (figure,) = (f for name, f in figures.items() if name == f"reliability · {init}")
        shown = [text.split("ECE ")[1] for text in texts(figure) if "ECE " in text]
        assert shown == [table[method, init] for method in ARM_NAMES]
    assert calibration_sheet(gathered).records[0]["ece_mean"] == 5.0


def test_ranks_are_the_same_in_the_diagram_and_in_the_table(gathered, figures):
    names = [name for name in figures if name.startswith("ranks")]
    assert len(names) == len(gathered.ranked.rankings) == 1  # the other init lost a seed
    for i, name in enumerate(names):
        table = cells(gathered, "ranking", 2 * i)
        printed = " ".join(texts(figures[name]))
        assert all(rank in printed.split() for rank in table["mean rank"])
        assert "Holm over 3 pairs" in printed


def test_an_arm_costs_the_same_in_the_figure_in_the_table_and_in_mlflow(gathered, figures):
    table = costs(gathered).set_index(["init", "method"])
    for init in INITS:
        compared = [each for each in gathered.analysis.comparisons if each.init == init]
        expected = [[table.loc[(init, "base"), "total_cpu_seconds"], 0.0]]
        expected += [
            [table.loc[(init, each.candidate), "total_cpu_seconds"], each.mean_difference]
            for each in compared
        ]
        found = [points[0] for points in drawn(figures[f"cost · {init}"], "arm")]
        assert found[: len(expected)] == expected


def test_a_curve_ends_where_the_record_does(gathered, figures):
    curves = gathered.curves
    for init in INITS:
        lines = drawn(figures[f"curves · {init}"], "curve")
        own = curves[curves["init"] == init].groupby(["method", "epoch"], sort=False)["score"]
        expected = own.mean().unstack().loc[list(ARM_NAMES)].to_numpy()
        assert np.array(lines)[:, :, 1] == pytest.approx(expected)


def test_every_file_and_metric_holds_the_same_numbers(attack, gathered):
    out = attack / "out"
    sheets = json.loads((out / "report.json").read_text())["results"]
    told = {each["kind"]: each for each in sheets}
    listed = pd.read_csv(out / "data" / "analysis.csv")
    metrics = metrics_of(gathered)
    for i, each in enumerate(gathered.analysis.comparisons):
        for field, metric in (("mean_difference", "difference"), ("p_adjusted", "p_corrected")):
            value = getattr(each, field)
            assert told["analysis"]["comparisons"][i][field] == value
            assert listed[field][i] == pytest.approx(value, rel=1e-12)
            assert value in [v for name, v in metrics.items() if name.startswith(f"{metric}/")]


def test_means_of_a_lost_seed_say_over_what_they_are(gathered, figures):
    """The comparison's means are of pairs, those of slopes and MLflow of all seeds of an arm."""
    task, init, method, seed = LOST
    arms = gathered.arms("resnet-8", init, task)
    pair = next(c for c in gathered.analysis.comparisons if (c.init, c.candidate) == (init, method))
    assert pair.baseline_mean == pytest.approx(arms["base"].drop(seed).mean())
    bars = drawn(figures[f"slopes · {init}"], "mean")
    assert bars[0][0][1] == pytest.approx(arms["base"].mean())
    captions = {name: said for _, name, said, _ in sketch_comparisons(gathered)}
    assert "the mean of all seeds of an arm" in captions[f"slopes · {init}"]
