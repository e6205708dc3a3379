"""docs/statistics.md: every number on it is what the command beside it prints today."""

from __future__ import annotations

import contextlib
import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from stats.register import PAIRED_TESTS, UNPAIRED_TESTS
from stats.simulation import (
    LAWS,
    collapse_table,
    coverage,
    error_rate,
    family_table,
    fold_table,
    looks_table,
    margin_table,
    pooling_table,
    sweep_table,
)
from stats.simulation.coverage import INTERVALS
from stats.simulation.laws import PAIRS, truths
from stats.simulation.verdicts import wrong_verdicts

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "statistics.md"
OURS = ROOT / "docs" / "digits"
PUBLISHED = ROOT.parent / "shared" / "data" / "scores"

FENCE = re.compile(r"^```(python|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
QUOTE = re.compile(r"^> .*(?:\n> .*)*", re.MULTILINE)
SIMULATION = "$ python -m stats.simulation "
NUMBER = re.compile(r"(?<![\d.])\d*\.\d+")


@dataclass(frozen=True)
class Block:
    kind: str
    text: str
    line: int

    @property
    def needs(self) -> str:
        """A file of published scores that is not part of the repository."""
        return next((f for f in ("setfit.csv", "model_recycling.csv") if f in self.text), "")

    @property
    def source(self) -> str:
        """What stands behind the prompts."""
        return "".join(each.source for each in doctest.DocTestParser().get_examples(self.text))


def page() -> str:
    return PAGE.read_text(encoding="utf-8")


def blocks(kind: str) -> list[Block]:
    return [
        Block(found[1], found[2], page()[: found.start()].count("\n") + 1)
        for found in FENCE.finditer(page())
        if found[1] == kind
    ]


PYTHON = blocks("python")
SETUP = PYTHON[0]
COMMANDS = [block for block in blocks("console") if not block.text.startswith(SIMULATION)]


def identity(block: Block) -> str:
    return f"line-{block.line}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a reader tries the page: all tables of scores side by side."""
    here = tmp_path_factory.mktemp("page")
    for source in (*OURS.glob("*.csv"), *PUBLISHED.glob("*.csv")):
        (here / source.name).symlink_to(source)
    with contextlib.chdir(here):
        exec(SETUP.source, {})  # it writes the table that the commands read
    return here


@pytest.mark.parametrize("block", PYTHON, ids=identity)
def test_python_prints_what_the_page_says(block: Block, folder: Path, monkeypatch):
    """Each block stands alone after the first one."""
    skip_without_scores(block, folder)
    monkeypatch.chdir(folder)
    names: dict[str, object] = {}
    exec(SETUP.source, names)
    parser = doctest.DocTestParser()
    test = parser.get_doctest(block.text, names, identity(block), str(PAGE), block.line)
    said: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE, verbose=False)
    failed, tried = runner.run(test, out=said.append)
    assert not failed, "".join(said)
    assert tried


@pytest.mark.sampled(test=4)
@pytest.mark.parametrize("block", COMMANDS, ids=identity)
def test_commands_print_what_the_page_says(block: Block, folder: Path):
    skip_without_scores(block, folder)
    command, expected = block.text.removeprefix("$ bench ").split("\n", 1)
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", *command.split()],
        cwd=folder,
        env=os.environ | {"COLUMNS": "100", "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    printed = done.stdout + done.stderr
    assert [line.rstrip() for line in printed.strip().splitlines()] == expected.splitlines()


def skip_without_scores(block: Block, folder: Path) -> None:
    if block.needs and not (folder / block.needs).exists():
        pytest.skip(f"the published scores are not beside the repository ({block.needs})")


def table_after(name: str) -> dict[str, list[str]]:
    """Cells by the first one of each row, of the table under the command that prints it."""
    (block,) = (b for b in blocks("console") if b.text.strip() == SIMULATION + name)
    lines = page().splitlines()[block.line + 3 :]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(cells_of(line))
    return {row[0]: row[1:] for row in [rows[0], *rows[2:]]}


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def percent(share: float) -> str:
    return f"{100 * share:.1f}"


BOOTSTRAPS = ("percentile", "bca", "bootstrap-t")


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("n", PAIRS[:2])
def test_the_coverage_on_the_page_is_what_its_command_prints(n: int):
    """Cells are simulated again in full where that takes no minutes."""
    (_, laws), *rows = table_after("coverage").items()
    assert laws == list(truths())
    assert [interval for interval, _ in rows] == list(INTERVALS)
    for interval, cells in rows:
        if n == 5 or interval not in BOOTSTRAPS:
            found = [cell.split(", ")[PAIRS.index(n)] for cell in cells]
            assert found == [percent(coverage(interval, law, n)) for law in laws]


@pytest.mark.sampled(test_all=2)
@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("n", PAIRS[:2])
def test_the_errors_on_the_page_are_what_their_command_prints(n: int):
    (_, laws), *rows = table_after("errors").items()
    assert laws == list(LAWS)
    assert [test for test, _ in rows] == [*PAIRED_TESTS, *UNPAIRED_TESTS]
    for test, cells in rows:
        found = [cell.split(", ")[PAIRS.index(n)] for cell in cells]
        assert found == [percent(error_rate(test, law, n)) for law in laws]


@pytest.mark.sampled(test_all=2)
@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("test", [PAIRED_TESTS[0], UNPAIRED_TESTS[0]])
def test_the_wrong_verdicts_on_the_page_are_what_their_command_prints(test: str):
    found = [cell.split(", ")[1] for cell in table_after("verdicts")[test]]
    assert found == [percent(share) for share in wrong_verdicts(test, 8)]


@pytest.mark.long
@pytest.mark.slow
def test_the_wrong_verdicts_where_runs_collapse_are_what_their_command_prints():
    rows = table_after("verdicts-collapse")
    assert [*rows] == ["primary test", *PAIRED_TESTS, *UNPAIRED_TESTS]
    for test in ("t", "welch"):
        found = [cell.split(", ")[1] for cell in rows[test]]
        assert found == [percent(share) for share in wrong_verdicts(test, 8, collapse=True)]


SMALL = [
    *(("pooling", pooling_table), ("looks", looks_table), ("margin", margin_table)),
    *(("families", family_table), ("folds", fold_table)),
    pytest.param("collapse", collapse_table, marks=pytest.mark.long),
    pytest.param("sweeps", sweep_table, marks=pytest.mark.long),
]


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(("name", "table"), SMALL)
def test_small_tables_are_what_their_commands_print(name: str, table):
    head, _, *rows = (cells_of(line) for line in table().splitlines())
    assert table_after(name) == {row[0]: row[1:] for row in [head, *rows]}


def test_sentences_to_copy_quote_what_a_block_prints():
    printed = {float(each) for found in FENCE.finditer(page()) for each in NUMBER.findall(found[2])}
    quoted = [each for quote in QUOTE.findall(page()) for each in NUMBER.findall(quote)]
    assert len(quoted) > 20
    assert [each for each in quoted if float(each) not in printed] == []
