"""docs/audit.md: what it prints is what its blocks print today, and its prose quotes that."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

from benchmark.cli import main
from stats.audit.finding import KINDS
from stats.audit.reading import COLUMNS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "audit.md"


def test_blocks_print_what_the_page_says(monkeypatch):
    monkeypatch.chdir(ROOT)
    text = "\n".join(re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(), re.M | re.S))
    test = doctest.DocTestParser().get_doctest(text, {}, "audit", str(PAGE), 0)
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not failed, "".join(said)
    assert tried > 10


def test_the_command_on_the_page_prints_these_figures(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(ROOT)
    (command,) = re.findall(r"^\$ bench (.*)$", PAGE.read_text(), re.M)
    assert main(command.split()) == 0
    printed = capsys.readouterr().out
    tally = re.search(r"in all .*", PAGE.read_text())
    assert tally
    assert tally[0].split() in [line.split() for line in printed.splitlines()]


def test_every_column_and_every_check_is_described():
    named = set(re.findall(r"`([a-z_]+)`", PAGE.read_text()))
    assert set(COLUMNS) <= named
    checks = re.findall(r"^\| ([a-z].*?) \|", PAGE.read_text().split("## What is checked")[1], re.M)
    assert len([each for each in checks if each != "check"]) == len(KINDS) - 1  # range and sd share


def test_shares_in_the_prose_are_those_of_the_blocks():
    text = PAGE.read_text()
    shown = dict(re.findall(r"^(\w+) higher (\d+)$", text, re.M)[:2])
    undecided = dict(re.findall(r"^(\w+) not decided (\d+)$", text, re.M)[:2])
    pairs = {init: (int(shown[init]), int(shown[init]) + int(undecided[init])) for init in shown}
    for found, of in (
        *pairs.values(),
        tuple(sum(each) for each in zip(*pairs.values(), strict=True)),
    ):
        assert f"{found} of {of}" in text
