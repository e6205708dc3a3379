"""docs/replication.md: its tables are those of the scores beside it."""

from functools import cache
from pathlib import Path

import pytest

from stats import Judging, analyse, analyse_trends, read_scores
from stats.report import render
from stats.verdicts.analyse import Analysis

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "replication.md").read_text(encoding="utf-8")
DOSES = {"scratch": 0, "mlm-100": 100, "mlm-300": 300, "mlm-1000": 1000, "mlm-3000": 3000}
CLASSES = {"pair": 2, "kind": 4, "package": 8, "submodule": 64}
#: Candidates and test examples, as the studies declare them; all have a margin of one point.
STUDIES = {
    "pretraining_dose": (["ls", "kd"], 1600),
    "number_of_classes": (["ls"], 768),
    "minilm_trec": (["ls", "tf_reg", "self_kd", "kd"], 500),
    "minilm_sst5": (["ls", "tf_reg", "self_kd", "kd"], 1000),
}


@cache
def scores(study: str):
    return read_scores(DOCS / "replication" / f"{study}.csv")


@cache
def analysed(study: str) -> Analysis:
    candidates, examples = STUDIES[study]
    return analyse(
        scores(study),
        "base",
        candidates,
        Judging(margin=1.0, resolution=100 / examples),
        study=study,
    )


def tables_of(text: str) -> list[str]:
    """The pipe tables of a Markdown text."""
    parts = text.split("\n\n")
    return [part.strip() for part in parts if part.lstrip().startswith("|")]


def p_of(value: float) -> str:
    """As the tables print it."""
    return "1" if value >= 0.9995 else f"{value:.3g}".lstrip("0")


def beside_the_paper(study: str, init: str) -> list[str]:
    """The lines of the page that are laid out as the paper's tables are."""
    table = scores(study)
    here = [each for each in analysed(study).comparisons if each.init == init]
    arms = ["base", *(each.candidate for each in here)]
    means = (
        table[(table["init"] == init) & (table["method"] == arm)]["score"].agg(["mean", "std"])
        for arm in arms
    )
    cells = {
        "test": [f"{mean:.2f} ± {sd:.2f}" for mean, sd in means],
        "minus base": [
            "",
            *(f"{c.mean_difference:+.2f} [{c.ci_low:+.2f}, {c.ci_high:+.2f}]" for c in here),
        ],
        "p, alone": ["", *(p_of(c.p_value) for c in here)],
        "p, Holm": ["", *(p_of(c.p_adjusted) for c in here)],
        "verdict": ["", *(c.verdict for c in here)],
    }
    return [f"| {name} | {' | '.join(values)} |" for name, values in cells.items()]


@pytest.mark.parametrize("study", STUDIES)
def test_the_verdicts_are_those_of_the_scores(study):
    tables = tables_of(render(analysed(study), "markdown"))
    assert tables
    for table in tables:
        assert table in PAGE


@pytest.mark.parametrize("study", ["minilm_trec", "minilm_sst5"])
@pytest.mark.parametrize("init", ["every second layer of all-MiniLM-L6-v2", "scratch"])
def test_the_tables_beside_the_papers_are_those_of_the_scores(study, init):
    for line in beside_the_paper(study, init):
        assert line in PAGE


@pytest.mark.parametrize("scale", ["log1p", "order"])
def test_the_slopes_are_those_of_the_scores(scale):
    found = analyse_trends(
        scores("pretraining_dose"),
        "base",
        ["ls", "kd"],
        DOSES,
        Judging(resolution=100 / 1600),
        dose_scale=scale,
    )
    for table in tables_of(render(found, "markdown")):
        assert table in PAGE


def test_the_slopes_over_classes_are_those_of_the_scores():
    doses = {f"docstrings/{name}": number for name, number in CLASSES.items()}
    found = analyse_trends(
        scores("number_of_classes"),
        "base",
        ["ls"],
        doses,
        Judging(resolution=100 / 768),
        dose_scale="log",
    )
    for table in tables_of(render(found, "markdown")):
        assert table in PAGE


@pytest.mark.parametrize("study", ["pretraining_dose", "number_of_classes"])
def test_the_curve_is_beside_the_page(study):
    assert f"](replication/{study}.svg)" in PAGE
    assert (DOCS / "replication" / f"{study}.svg").stat().st_size < 100_000
