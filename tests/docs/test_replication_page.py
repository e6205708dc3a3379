"""docs/replication.md: its tables are those of the scores beside it."""

from pathlib import Path

import pytest

from stats import analyse, read_scores, trends
from stats.report import render

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = (DOCS / "replication.md").read_text(encoding="utf-8")
SCORES = read_scores(DOCS / "replication" / "pretraining_dose.csv")
DOSES = {"scratch": 0, "mlm-100": 100, "mlm-300": 300, "mlm-1000": 1000, "mlm-3000": 3000}
#: As the study declares: 1,600 test examples, a margin of one point.
STEP = 100 / 1600


def tables_of(text: str) -> list[str]:
    """The pipe tables of a Markdown text."""
    parts = text.split("\n\n")
    return [part.strip() for part in parts if part.lstrip().startswith("|")]


def test_the_verdicts_are_those_of_the_scores():
    found = analyse(
        SCORES, "base", ["ls", "kd"], margin=1.0, resolution=STEP, study="pretraining_dose"
    )
    tables = tables_of(render(found, "markdown"))
    assert tables
    for table in tables:
        assert table in PAGE


@pytest.mark.parametrize("scale", ["log1p", "order"])
def test_the_slopes_are_those_of_the_scores(scale):
    found = trends(SCORES, "base", ["ls", "kd"], DOSES, scale=scale, resolution=STEP)
    for table in tables_of(render(found, "markdown")):
        assert table in PAGE


def test_the_curve_is_beside_the_page():
    assert "](replication/pretraining_dose.svg)" in PAGE
    assert (DOCS / "replication" / "pretraining_dose.svg").stat().st_size < 100_000
