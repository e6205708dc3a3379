"""README and docs: what they link to is there, what they call a path is one, and they are whole."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest
import yaml

from benchmark.cli import COMMANDS, parser
from stats.register import (
    CORRECTIONS,
    PAIRED_EFFECTS,
    PAIRED_TESTS,
    UNPAIRED_EFFECTS,
    UNPAIRED_TESTS,
)

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md")])

FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\(([^()\s]+)\)")
#: A path in backticks is ours if it begins with a folder of ours, or is a file at the root.
OURS = re.compile(r"(benchmark|stats|trainers|studies|tests|docs|\.ci)/[\w./-]*")
AT_ROOT = re.compile(r"(Makefile|setup\.py|[A-Z]+\.(md|cff)|pyproject\.toml|constraints\.txt)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return FENCE.sub("", page.read_text(encoding="utf-8"))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Of the headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles)
    return frozenset(re.sub(r"[^\w\- ]", "", each).replace(" ", "-") for each in plain)


def missing(page: Path) -> list[str]:
    """Links and paths of a page that lead nowhere."""
    text, wrong = prose(page), []
    for target in LINK.findall(CODE.sub("", text)):
        if re.match(r"\w+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            wrong.append(target)
    for path in CODE.findall(text):
        if (OURS.fullmatch(path) or AT_ROOT.fullmatch(path)) and not (ROOT / path).exists():
            wrong.append(path)
    return wrong


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_and_paths_lead_to_something(page):
    assert missing(page) == []


def test_what_leads_nowhere_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A b\n[x](#a-b) [y](#c) [z](gone.md) `stats/gone.py` `stats/ties.py`\n")
    assert missing(page) == ["#c", "gone.md", "stats/gone.py"]


def test_the_readme_is_a_door():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 130


def test_the_citation_is_of_this_version():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited["version"] == project["version"]
    assert cited["license"] == project["license"]
    assert cited["repository-code"] == project["urls"]["Homepage"]


def test_every_make_target_that_is_named_exists():
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M)
    named = {each for page in PAGES for each in re.findall(r"`make ([a-z-]+)`", prose(page))}
    assert named <= set(targets)
    assert {"demo", "test", "test-all"} <= named


def test_the_map_leads_to_every_page():
    pages = {page.name for page in DOCS.glob("*.md")} - {"index.md"}
    assert pages <= set(LINK.findall(prose(DOCS / "index.md")))


def test_the_site_has_every_page():
    told = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").split("\nnav:\n")[1]
    assert set(re.findall(r"- ([\w-]+\.md)$", told, re.M)) == {p.name for p in DOCS.glob("*.md")}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_page_on_commands_has_every_option_and_no_other(command):
    text = prose(DOCS / "commands.md").split(f"\n## bench {command}\n")[1].split("\n## ")[0]
    shown = {flag for code in CODE.findall(text) for flag in re.findall(r"--[a-z-]+", code)}
    (commands,) = (each for each in parser([command])._actions if each.dest == "command")
    options = {flag for each in commands.choices[command]._actions for flag in each.option_strings}
    assert shown == {flag for flag in options if flag.startswith("--")} - {"--help"}


@pytest.mark.parametrize(("command", "kinds"), [("stats", 5), ("power", 1)])
def test_the_page_on_commands_names_all_that_is_registered(command, kinds):
    text = prose(DOCS / "commands.md").split(f"\n## bench {command}\n")[1].split("\n## ")[0]
    registers = [PAIRED_TESTS, UNPAIRED_TESTS, PAIRED_EFFECTS, UNPAIRED_EFFECTS, CORRECTIONS]
    for names in registers[:kinds]:
        assert ", ".join([f"`{names[0]}` (default)", *(f"`{each}`" for each in names[1:])]) in text


@pytest.mark.parametrize(
    "container", ["benchmark", "stats", "trainers", "trainers.methods", "trainers.tasks"]
)
def test_the_rooms_are_drawn_as_import_linter_holds_them(container):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (held,) = (c["layers"] for c in contracts["contracts"] if c.get("containers") == [container])
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    (drawn,) = re.findall(rf"```text\n{container}\n(.*?)```", text, re.S)
    rooms = [re.match(r"  ([a-z_]+(?: \| [a-z_]+)*)(?:  |$)", line) for line in drawn.splitlines()]
    assert [line and line[1] for line in rooms] == held


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where a reader of the quick starts has written the scores that stand there."""
    here = tmp_path_factory.mktemp("quick")
    (scores,) = re.findall(r"```text\n(method,seed,.*?)```", quick_starts(), re.S)
    (here / "scores.csv").write_text(scores)
    return here


def quick_starts() -> str:
    return (DOCS / "quick-starts.md").read_text(encoding="utf-8")


def test_the_command_of_the_quick_starts_prints_what_stands_there(folder):
    ((command, expected),) = re.findall(
        r"```console\n\$ bench (.*?)\n(.*?)```", quick_starts(), re.S
    )
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", *command.split()],
        cwd=folder,
        env=os.environ | {"COLUMNS": "120", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    printed = (done.stdout + done.stderr).strip()
    assert [line.rstrip() for line in printed.splitlines()] == expected.rstrip().splitlines()


def test_the_notebook_of_the_quick_starts_shows_what_stands_there(folder, monkeypatch):
    monkeypatch.chdir(folder)
    blocks = "".join(re.findall(r"^```python\n(>>> .*?)^```$", quick_starts(), re.M | re.S))
    test = doctest.DocTestParser().get_doctest(blocks, {}, "notebook", None, 0)
    said: list[str] = []
    failed, tried = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not failed, "".join(said)
    assert tried > 5
