"""How rankings, pooled comparisons and aggregates read in each format."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO

import numpy as np
import pytest

from stats import InvalidSetting, Judging, aggregate, pooled, posteriors, rank
from stats.report import FORMATS, render
from tests.stats.long_tables import long_table

HOSTILE = ["<script>", "a|b", "a&b_c", "[bold]kd[/bold]", r"$\input{x}$ 50% #1 ~^ {", "α\n\x1b[31m"]


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    scores = 60 + 0.7 * np.arange(6) + random.normal(0, 1, (9, 6, 1))
    return long_table(scores + random.normal(0, 0.8, (9, 6, 6)))


def results(table, names: list[str]) -> dict:
    return {
        "ranking": rank(table),
        "nemenyi": rank(table, post_hoc="nemenyi"),
        "pooled": pooled(table, names[0], names[1:], Judging(tasks="fixed", margin=0.5)),
        "posteriors": posteriors(table, names[0], names[1:], Judging(tasks="sampled"), samples=500),
        "aggregates": aggregate(table, baseline=names[0], target=70.0, replicates=200),
    }


@pytest.fixture(scope="module")
def plain(table):
    return results(table, [f"m{i}" for i in range(6)])


@pytest.fixture(scope="module")
def hostile(table):
    return results(table.assign(method=[HOSTILE[int(m[1:])] for m in table["method"]]), HOSTILE)


KINDS = ["ranking", "nemenyi", "pooled", "aggregates", "posteriors"]


@pytest.mark.parametrize("kind", KINDS)
def test_json_and_csv_hold_what_the_result_holds(plain, kind: str):
    whole = json.loads(render(plain[kind], "json"))
    rows = list(csv.DictReader(StringIO(render(plain[kind], "csv"))))
    result = plain[kind]
    if kind == "pooled":
        expected = [each.mean_difference for each in result.comparisons]
        assert [float(row["mean_difference"]) for row in rows] == expected
        assert [each["verdict"] for each in whole["comparisons"]] == [
            each.verdict for each in result.comparisons
        ]
    elif kind == "posteriors":
        expected = [each.p_better for each in result.posteriors]
        assert [float(row["p_better"]) for row in rows] == expected
        assert [each["p_better"] for each in whole["posteriors"]] == expected
    elif kind == "aggregates":
        every = [*result.aggregates, *result.contrasts]
        assert [float(row["low"]) for row in rows] == [each.low for each in every]
        assert whole["replicates"] == 200
    else:
        assert [float(row["mean_rank"]) for row in rows] == list(result.mean_ranks)
        assert whole["groups"] == [list(group) for group in result.groups]
        assert whole["friedman"]["chi2"] == result.friedman.chi2


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width", [60, 100, 200])
def test_the_terminal_keeps_to_its_width_and_obeys_no_markup(hostile, kind: str, width: int):
    text = render(hostile[kind], width=width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "\x1b" not in text
    if width == 200:
        assert "[bold]kd[/bold]" in text


@pytest.mark.parametrize("kind", KINDS)
def test_markdown_keeps_its_columns(hostile, kind: str):
    text = render(hostile[kind], "markdown")
    assert "<script" not in text
    for block in re.findall(r"(?:^\|.*\n?)+", text, flags=re.MULTILINE):
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_latex_is_balanced(hostile, kind: str):
    text = render(hostile[kind], "latex")
    bare = re.sub(r"\\[\\{}%$#&_]", "", text)
    assert bare.count("{") == bare.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert r"\input" not in text


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("format", FORMATS)
def test_no_format_claims_more_than_it_may(plain, kind: str, format: str):
    text = render(plain[kind], format).lower()
    assert "significant" not in text
    assert "no difference" not in text


def test_a_ranking_says_how_and_shows_its_groups(plain):
    text = render(plain["ranking"])
    assert "6 methods over 9 blocks by task" in text
    assert "Holm over 15 pairs" in text
    assert re.search(r"m5 +1\.\d\d", text)
    assert "critical difference" in render(plain["nemenyi"])
    assert "warning: 9 blocks and 15 pairs can never reach p < 0.05" in text


def test_pooled_comparisons_say_what_was_averaged(plain, table):
    assert "fixed tasks: averaged over tasks within a seed, tested over seeds" in render(
        plain["pooled"], width=200
    )
    sampled = render(pooled(table, "m0", ["m1"], Judging(tasks="sampled")), width=200)
    assert "sampled tasks: averaged over seeds within a task, tested over tasks" in sampled
    assert "warning: no margin is declared" in sampled


def test_aggregates_say_of_what_they_speak(plain):
    text = render(plain["aggregates"], width=200)
    assert "they speak of other seeds, not of other tasks" in text
    assert "Against m0" in text


def test_an_unknown_format_lists_the_known_ones(plain):
    with pytest.raises(InvalidSetting, match="format must be one of table, markdown"):
        render(plain["ranking"], "pdf")
