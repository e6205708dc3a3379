"""`bench audit`: one table in, findings out in every format."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmark.cli import main

HOSTILE = "<script>alert(1)</script>"

TABLE = f"""\
table,split,method,task,metric,mean,sd,n
1,dev,finetune,rte,accuracy,68.66 ± 1.28,,5
1,dev,"{HOSTILE}",rte,accuracy,69.25 ± 1.20,,5
1,dev,finetune,sst-2,accuracy,92.43 ± 0.16,,5
1,dev,"{HOSTILE}",sst-2,accuracy,93.69 ± 0.29,,5
1,dev,finetune,score,mean_of_tasks,80.55,0.70,5
1,dev,"{HOSTILE}",score,mean_of_tasks,82.50,0.70,5
"""


@pytest.fixture
def answer(tmp_path: Path, capsys, monkeypatch):
    """Run a command without any record of runs, and return what it printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, code: int = 0) -> str:
        assert main([str(each) for each in arguments]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    path = tmp_path / "published.csv"
    path.write_text(TABLE, encoding="utf-8")
    return path


def test_json_has_every_finding(tables, answer):
    found = json.loads(answer("audit", tables, "--format", "json"))
    assert found["kind"] == "audit"
    names = ("table", "split", "row", "column", "kind", "severity", "printed", "recomputed")
    assert all([*each] == [*names, "detail", "decision", "runs"] for each in found["findings"])
    bad = [each for each in found["findings"] if each["severity"] in ("impossible", "inconsistent")]
    assert [(each["row"], each["column"], each["kind"]) for each in bad] == [
        (HOSTILE, "rte", "grim"),
        (HOSTILE, "score", "average"),
    ]
    assert (bad[0]["severity"], bad[0]["printed"]) == ("impossible", "69.25 ± 1.20")
    assert bad[1]["recomputed"] == "81.47"


def test_the_terminal_says_what_and_why(tables, answer):
    told = answer("audit", tables, "--margin", 1)
    assert "impossible: mean of whole counts (GRIM)" in told
    assert "Welch's t test against the first method" in told
    assert "margin 1" in told
    told = answer("audit", tables, "--paired-correlation", 0.5)
    assert "paired t test at a pair correlation of 0.5" in told


def test_markdown_escapes_what_it_shows(tables, answer):
    told = answer("audit", tables, "--format", "markdown")
    assert "### impossible: mean of whole counts (GRIM)" in told
    assert HOSTILE not in told
    assert "&lt;script&gt;" in told


class Page(HTMLParser):
    """What a browser would run or fetch."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.fetched: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.fetched += [v or "" for name, v in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_harmless_and_needs_nothing(tables, answer):
    page = Page(answer("audit", tables, "--format", "html"))
    assert "script" not in page.tags
    assert page.fetched == ["data:,"]
    assert page.text.count(HOSTILE) > 2
    assert "url(" not in page.text
    assert "Audit of published.csv" in page.text
    for expected in ("impossible", "inconsistent", "unsupported", "81.47", "69.25 ± 1.20"):
        assert expected in page.text
    assert page.tags.count("details") >= 1  # what is fine is there too, folded


def test_mistakes_are_told_with_their_place(tables, answer):
    tables.write_text(TABLE.replace("68.66 ±", "68.6a ±"))
    assert 'published.csv, line 2, column mean: "68.6a"' in answer("audit", tables, code=2)
    assert "No such file" in answer("audit", "none.csv", code=2)
    tables.write_text(TABLE)
    told = answer("audit", tables, "--paired-correlation", 1, code=2)
    assert "pair correlation lies from" in told
    assert "margin must be a positive number" in answer("audit", tables, "--margin", 0, code=2)


def test_a_spread_that_is_no_sd_is_said(answer, tables):
    assert "the ± is read as a standard error" in answer("audit", tables, "--spread", "se")
    assert "the ± is read" not in answer("audit", tables)
