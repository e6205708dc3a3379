"""How an analysis reads in each format."""

from __future__ import annotations

import csv
import json
import math
import re
import shutil
import subprocess
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest

from stats import InvalidSetting, Judging, analyse, pooled
from stats.report import FORMATS, render
from stats.report.formats.latex import to_latex
from stats.report.sheet import Sheet, TextTable

HOSTILE = [
    "<script>alert(1)</script>",
    "../../x",
    "a|b",
    "a&b_c",
    "[bold]kd[/bold]",
    "[x](javascript:1)",
    r"$\input{/etc/passwd}$ 50% #1 ~^ {",
    "α-蒸馏",
    "two\nlines\x1b[31m",
]
FIELDS = {
    *("baseline", "candidate", "model", "init", "task", "n_pairs", "dropped_seeds"),
    *("baseline_mean", "candidate_mean", "mean_difference", "ci_low", "ci_high", "confidence"),
    *("hodges_lehmann", "hl_low", "hl_high", "hl_confidence", "wilcoxon_statistic"),
    *("p_value", "p_adjusted", "smallest_attainable_p", "d_z", "hedges_g", "rank_biserial"),
    *("pair_correlation", "p_equivalence", "verdict"),
}
INTERACTION_FIELDS = {
    *("baseline", "candidate", "model", "task", "n_pairs"),
    *("difference_of_differences", "ci_low", "ci_high", "p_value", "p_adjusted"),
}


@pytest.fixture
def analysis(table):
    return analyse(table, "base", ["ls", "tf_reg", "kd"], Judging(margin=1.0), study="kd_study")


@pytest.fixture
def hostile(table):
    kd = table[table["method"] == "kd"]
    named = [kd.assign(method=name) for name in HOSTILE]
    return analyse(pd.concat([table, *named]), "base", HOSTILE, study="<b>a|b</b>")


def test_json_is_one_object_with_every_field_at_full_precision(analysis):
    whole = json.loads(render(analysis, "json"))
    assert set(whole) >= {
        *("study", "metric", "alpha", "margin", "correction"),
        *("comparisons", "interactions", "warnings"),
    }
    for record, each in zip(whole["comparisons"], analysis.comparisons, strict=True):
        assert set(record) >= FIELDS
        assert record["mean_difference"] == each.mean_difference
        assert record["p_adjusted"] == each.p_adjusted
    for record, found in zip(whole["interactions"], analysis.interactions, strict=True):
        assert set(record) >= INTERACTION_FIELDS
        assert record["difference_of_differences"] == found.difference_of_differences


def test_json_has_null_and_csv_an_empty_field_for_what_cannot_be_computed(table):
    table.loc[table["method"] == "ls", "score"] = math.nan
    analysis = analyse(table, "base", ["ls", "kd"])
    text = render(analysis, "json")
    assert "NaN" not in text
    first = json.loads(text)["comparisons"][0]
    assert first["p_value"] is None
    assert first["p_equivalence"] is None
    assert sorted(first["dropped_seeds"]) == sorted([42, 7, 1, 13, 21, 87, 100, 5])
    row = next(csv.DictReader(StringIO(render(analysis, "csv"))))
    assert row["p_value"] == ""
    assert row["dropped_seeds"] == "1 5 7 13 21 42 87 100"


def test_csv_has_one_row_for_each_comparison_and_reads_back(analysis):
    rows = list(csv.DictReader(StringIO(render(analysis, "csv"))))
    assert {row["study"] for row in rows} == {"kd_study"}
    assert set(rows[0]) >= FIELDS
    assert [float(row["ci_low"]) for row in rows] == [each.ci_low for each in analysis.comparisons]
    assert [row["verdict"] for row in rows] == [each.verdict for each in analysis.comparisons]


def test_the_terminal_table_has_inits_side_by_side(analysis):
    text = render(analysis)
    assert "study kd_study; accuracy on test (higher is better); n = 8 pairs" in text
    assert "alpha .05; margin 1 point; smallest attainable corrected p .0234" in text
    assert re.search(r"comparison +pretrained +scratch", text)
    lines = iter(text.splitlines())
    means = next(line for line in lines if line.strip().startswith("base vs kd"))
    kd = [each for each in analysis.comparisons if each.candidate == "kd"]
    shown = [f"{each.baseline_mean:.2f} -> {each.candidate_mean:.2f}" for each in kd]
    assert re.findall(r"\d\d\.\d\d -> \d\d\.\d\d", means) == shown
    assert len(re.findall(r"[-+]\d\.\d\d \[[-+]\d\.\d\d, [-+]\d\.\d\d\]", next(lines))) == 2
    assert text.index("base vs kd") < text.index("interaction, docstrings · tiny")


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_terminal_table_keeps_to_its_width(hostile, width: int):
    assert max(len(line) for line in render(hostile, width=width).splitlines()) <= width


def test_the_terminal_table_has_colour_only_if_asked(analysis):
    assert "\x1b[" not in render(analysis)
    assert "\x1b[" in render(analysis, colour=True)


def test_many_inits_are_split_over_several_tables(table):
    copies = [
        table[table["init"] == "scratch"].assign(init=f"checkpoint-{index}") for index in range(3)
    ]
    text = render(analyse(pd.concat([table, *copies]), "base", ["kd"]))
    for init in ("pretrained", "scratch", "checkpoint-0", "checkpoint-1", "checkpoint-2"):
        assert init in text


def test_dropped_seeds_and_the_seeds_still_needed_are_in_the_table(table):
    is_kd = (table["method"] == "kd") & (table["seed"] == 42)
    table.loc[is_kd, "score"] = math.nan
    analysis = analyse(table, "base", ["ls", "kd"], Judging(margin=0.05))
    text = render(analysis)
    assert "n = 7, without seed 42" in text
    open_question = next(each for each in analysis.comparisons if each.verdict == "inconclusive")
    assert f"80 % power at the margin: {open_question.seeds_needed:,} seeds" in text
    assert text.rstrip().splitlines()[-1].startswith("warning: ")


def test_markup_in_names_is_shown_and_not_obeyed_in_the_terminal(hostile):
    text = render(hostile, width=200)
    assert "base vs [bold]kd[/bold]" in text
    assert "\x1b" not in text
    assert "two�lines�[31m" in text


def test_markdown_keeps_its_columns_and_no_html_whatever_the_names(hostile):
    text = render(hostile, "markdown")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert "](javascript" not in text.replace(r"\](", "")
    pipes = [len(re.findall(r"(?<!\\)\|", line)) for line in text.splitlines() if line[:1] == "|"]
    assert set(pipes[:11]) == {16}
    assert set(pipes[11:]) == {5}


def test_latex_is_balanced_and_escaped_whatever_the_names(hostile):
    text = render(hostile, "latex")
    bare = re.sub(r"\\[\\{}%$#&_]", "", text)
    assert bare.count("{") == bare.count("}")
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert r"\input" not in text
    assert r"a\&b\_c" in text
    assert r"\texttt{U+84B8}" in text
    assert r"\toprule" in text
    body = [line for line in bare.splitlines() if line.startswith("base vs")]
    assert {line.count("&") for line in body} == {14, 3}


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_latex_compiles_as_it_is(hostile, tmp_path: Path):
    (tmp_path / "tables.tex").write_text(render(hostile, "latex"), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "tables.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


def test_latex_prints_the_signs_that_reports_use():
    text = to_latex([long_sheet(["0.91 ± 0.02", "α = .05 × 2 ≤ 1 …", "*", "−3"], tables=1)])
    for sign in (r"0.91 \textpm{} 0.02", r"$\alpha$ = .05 \texttimes{} 2 $\leq$ 1", r"{*}"):
        assert sign in text
    assert "U+" not in text


def long_sheet(cells: list[str], tables: int) -> Sheet:
    table = TextTable("a table", ("method", "value"), tuple(("kd", cell) for cell in cells))
    empty: tuple[str, ...] = ()
    return Sheet("long", empty, (table,) * tables, (), {}, empty, title="Long")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_no_table_is_cut_or_too_many_for_latex(tmp_path: Path):
    """Long tables go on over the next page, long cells over the next line."""
    words = " ".join(["long"] * 60)
    sheets = [long_sheet([words, *(f"row {i} of it" for i in range(200))], 1)]
    sheets += [long_sheet([f"row {i}" for i in range(25)], 80)]
    broad = TextTable("", ("method",) * 40, ((*["a name"] * 39, words),))
    sheets += [replace(sheets[0], tables=(broad,))]
    (tmp_path / "long.tex").write_text(to_latex(sheets), encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "long.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    told = done.stdout.decode(errors="replace")
    assert "too large for page" not in told
    assert "Overfull" not in told
    pages = re.search(r"\((\d+) pages", told)
    assert pages
    assert int(pages[1]) > 30


@pytest.mark.parametrize("format", FORMATS)
def test_no_format_claims_more_than_the_verdict(table, format: str):
    open_and_small = [
        analyse(table, "base", ["ls", "kd"], Judging(margin=m)) for m in (0.01, 100.0)
    ]
    verdicts = {each.verdict for analysis in open_and_small for each in analysis.comparisons}
    assert verdicts >= {"inconclusive", "negligible"}
    for analysis in open_and_small:
        text = render(analysis, format).lower()
        assert "no difference" not in text
        assert "significant" not in text


@pytest.mark.parametrize("format", FORMATS)
def test_scores_without_model_init_and_task_leave_no_empty_names(table, format: str):
    plain = table[table["init"] == "scratch"][["method", "seed", "score"]]
    text = render(analyse(plain, "base", ["kd"]), format)
    assert "()" not in text
    assert " · " not in text
    assert "interaction," not in text.lower()


def test_small_scales_keep_their_digits(table):
    fractions = table.assign(score=table["score"] / 1000)
    assert re.search(r"\+0\.00[23]\d+ \[", render(analyse(fractions, "base", ["kd"])))


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"correction": "none"}, "p not corrected"),
        ({"family": "study"}, "Holm over all 4 comparisons of the study"),
        ({"zeros": "pratt"}, "zero differences ranked and dropped"),
        ({}, "margin none declared"),
    ],
)
def test_the_header_says_how_it_was_done(table, options: dict, says: str):
    text = render(analyse(table, "base", ["ls", "kd"], Judging(**options)), "markdown")
    assert says in text


def test_an_unknown_format_lists_the_known_ones(analysis):
    with pytest.raises(InvalidSetting, match="format must be one of table, markdown, latex"):
        render(analysis, "pdf")


def test_names_in_html_are_text_and_no_elements(table):
    hostile = table.replace({"method": {"kd": "<script>alert(1)</script>&\x1b[0m"}})
    text = render(analyse(hostile, "base", [hostile["method"].unique()[-1], "ls"]), "html")
    assert "base vs &lt;script&gt;alert(1)&lt;/script&gt;&amp;\N{REPLACEMENT CHARACTER}[0m" in text
    assert not re.search(r"<(?!/?(p|br|ul|li|table|caption|thead|tbody|tr|th|td)\b)", text)
    assert text.count("<table>") == text.count("</table>") > 0


def test_means_stand_beside_the_difference_in_every_format_for_people(analysis):
    kd = analysis.comparisons[-1]
    means = [f"{kd.baseline_mean:.2f}", f"{kd.candidate_mean:.2f}"]
    assert " | ".join(means) in render(analysis, "markdown")
    assert " & ".join(f"${each}$" for each in means) in render(analysis, "latex")


@pytest.fixture
def beside(table) -> list:
    """Two tasks: a verdict over both, and the tables of each."""
    twice = pd.concat([table, table.assign(task="digits", score=table["score"] + 5)])
    judging = Judging(margin=1.0, tasks="fixed")
    return [
        pooled(twice, "base", ["ls", "kd"], judging, study="kd_study"),
        analyse(twice, "base", ["ls", "kd"], judging, study="kd_study"),
    ]


def test_several_results_make_one_document(beside):
    text = render(beside)
    assert text.index("fixed tasks: averaged over tasks") < text.index("docstrings · tiny")
    assert render(beside, "latex").count(r"\documentclass") == 1
    assert [each["kind"] for each in json.loads(render(beside, "json"))["results"]] == [
        "pooled",
        "analysis",
    ]
    rows = list(csv.DictReader(StringIO(render(beside, "csv"))))
    assert [row["tasks"] for row in rows] == ["fixed"] * 4 + ["each"] * 8
    assert {row["study"] for row in rows} == {"kd_study"}


def test_a_warning_is_not_repeated_beside_the_next_result(table):
    both = [analyse(table, "base", [method]) for method in ("ls", "kd")]
    assert render(both).count("no margin is declared") == 1
    assert json.dumps(json.loads(render(both, "json"))).count("no margin is declared") == 2


@pytest.mark.parametrize("inits", [("scratch",), ("pretrained", "scratch")])
@pytest.mark.parametrize("format", [each for each in FORMATS if each not in ("json", "csv")])
def test_places_whose_names_join_to_one_are_both_shown(table, format, inits):
    places = (("x", "t · y"), ("y · x", "t"))
    whole = table[table["init"].isin(inits)]
    parts = [whole.assign(model=model, task=task) for model, task in places]
    parts[1].loc[parts[1]["method"] == "kd", "score"] -= 20
    both = analyse(pd.concat(parts), "base", ["kd"], Judging(margin=1.0))
    text = render(both, format)
    for each in both.comparisons:
        assert f"{each.mean_difference:+.2f}".lstrip("+-") in text
    assert len(both.comparisons) == 2 * len(inits)
    for title in ("(t · y) · x", "t · (y · x)"):
        assert title in text.replace(r"$\cdot$", "·").replace(r"\textperiodcentered{}", "·")
