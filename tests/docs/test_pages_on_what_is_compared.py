"""The pages on environments, and on direction, scale and digits, say what the code does."""

import re
from pathlib import Path

import pytest

from benchmark.cli import parser
from benchmark.record.environment import LIBRARIES
from stats import InvalidSetting
from stats.table.common_scale import COMMON_SCALES
from stats.table.direction import by_name

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = ("environments.md", "direction-scale-digits.md")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text.split(f"## {title}\n")[1].split("\n## ")[0]


def test_names_have_the_direction_that_the_page_gives_them():
    way = section(page(PAGES[1]), "Which way is better")
    lower, higher = re.findall(r"^2\..*?: (.*?) are\s+lower,\s+(.*?) higher;", way, re.M | re.S)[0]
    names = [re.findall(r"`([^`]+)`", each) for each in (lower, higher)]
    assert min(map(len, names)) >= 3
    assert [[by_name(name) for name in each] for each in names] == [[True] * 4, [False] * 3]
    for name in re.findall(r"such as `(\w+)` or `(\w+)`, is refused", way)[0]:
        with pytest.raises(InvalidSetting):
            by_name(name)


def test_every_common_scale_is_on_the_page_and_no_other():
    rows = re.findall(r"^\| `(\w+)` \|", section(page(PAGES[1]), "On which scale"), re.M)
    assert tuple(rows) == COMMON_SCALES


def test_the_libraries_and_choices_of_environments_are_those_of_the_command():
    text = page(PAGES[0])
    assert all(name in text for name in LIBRARIES)
    named = re.findall(r"^\| `--environments (\w+)` \|", text, re.M)
    for choice in named:
        line = ["run", "x.py", "--environments", choice]
        assert parser(line).parse_args(line).environments == choice
    assert named == ["anew", "mix"]


@pytest.mark.parametrize("name", PAGES)
def test_the_readme_leads_to_the_page(name):
    assert f"(docs/{name})" in (DOCS.parent / "README.md").read_text(encoding="utf-8")
