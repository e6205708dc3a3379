"""What a newcomer types first: the command alone, its version, help with examples, a pipe."""

import io
import shlex
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

from benchmark.cli import COMMANDS, main, parser

SCORES = "method,seed,score\n" + "".join(
    f"{method},{seed},{70 + seed % 3 + gain + seed % 2 / 10}\n"
    for seed in range(8)
    for method, gain in (("base", 0), ("kd", 1), ("ls", 2))
)


def test_the_command_alone_is_help_and_names_every_command(capsys):
    assert main([]) == 0
    told = capsys.readouterr().out
    assert all(f"\n  {name} " in told for name in COMMANDS)


def test_the_version_is_the_installed_one(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--version"])
    assert left.value.code == 0
    declared = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text("utf-8"))
    assert capsys.readouterr().out == f"armbench {declared['project']['version']}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_ends_with_examples_that_the_command_takes(command, capsys):
    with pytest.raises(SystemExit):
        main([command, "--help"])
    _, examples = capsys.readouterr().out.split("\nexamples:\n")
    for example in examples.strip().splitlines():
        words = shlex.split(example)
        given = words[words.index("bench") + 1 :]
        assert given[0] == command
        parser(given).parse_args(given)


@pytest.fixture
def piped(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(SCORES.encode())))


def test_scores_are_read_from_a_pipe_and_a_baseline_alone_meets_all_others(piped, capsys):
    assert main(["stats", "-", "--compare", "base", "--format", "csv"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    at = header.split(",").index("candidate")
    assert [row.split(",")[at] for row in rows] == ["kd", "ls"]


def test_a_baseline_without_others_is_said(piped, capsys):
    assert main(["stats", "-", "--rank", "--compare", "base"]) == 2
    assert "at least two arms" in capsys.readouterr().err


def test_every_command_has_a_file_with_a_function_and_examples():
    for name in COMMANDS:
        called = {"import": "import_"}.get(name, name.replace("-", "_"))
        module = import_module(f"benchmark.commands.{called}")
        assert callable(getattr(module, called))
        assert module.EXAMPLES
