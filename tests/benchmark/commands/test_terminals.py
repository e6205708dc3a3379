"""What is printed can be shown by any terminal; files are in UTF-8 whatever the terminal is."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.terminal.transliteration import plain

#: Each command and format once, in one process.
COMMANDS = """
import sys
from benchmark.cli import main

study, out = sys.argv[1:]
told = [["stats", "--format", each] for each in ("table", "markdown", "latex", "csv", "json")]
told += [["stats", "--rank"], ["stats", "--bayes"], ["power", study], ["plan", study]]
told += [["report", "--out", out], ["trend", "--dose", "scratch=0", "pretrained=1"]]
told += [["stats", "--compare", "näher", "δ"], ["plan", "größe.py"], ["run", study]]
for arguments in told:
    print(arguments[0], main(arguments), flush=True)
"""


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", pytest.param("iso-8859-1", marks=pytest.mark.long)])
def test_every_command_prints_on_a_terminal_that_is_not_utf_8(recorded, tmp_path, encoding):
    script = tmp_path / "commands.py"
    script.write_text(COMMANDS, "utf-8")
    locale = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    environment = os.environ | locale | {"PYTHONIOENCODING": encoding}
    environment.pop("MLFLOW_TRACKING_URI", None)
    told = [sys.executable, script, recorded, tmp_path / "report"]
    done = subprocess.run(
        told, capture_output=True, env=environment, cwd=recorded.parent, timeout=300
    )
    printed, errors = done.stdout.decode(encoding), done.stderr.decode(encoding)
    assert "Traceback" not in errors
    assert done.returncode == 0, errors
    assert "alpha" in printed
    assert ("+/-" in printed) == (encoding == "ascii")
    assert '"naher"' in errors if encoding == "ascii" else '"näher"' in errors
    page = (tmp_path / "report" / "report.html").read_bytes().decode("utf-8")
    assert not page.isascii()  # a file is never transliterated
    for file in (tmp_path / "report").rglob("*"):
        if file.suffix in (".md", ".csv", ".json", ".tex", ".html", ".svg"):
            file.read_bytes().decode("utf-8")


def test_signs_have_words_and_boxes_lines():
    assert plain("τ ± α ≥ –·… ─┼│╭╯ ½ ² ß é 你") == "tau +/- alpha >= -*... -+|++ 1/2 ^2 ss e ?"


def test_a_system_without_file_locks_is_told_so_at_once(tmp_path):
    script = tmp_path / "elsewhere.py"
    script.write_text(
        "import sys\nsys.modules['fcntl'] = None\nfrom benchmark.cli import entry\nentry()\n"
    )
    for arguments in (["plan", "study.py"], ["--help"], ["stats"]):
        done = subprocess.run(
            [sys.executable, script, *arguments], capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 2
        assert "does not run on Windows itself" in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_reader_that_goes_away_ends_a_command_without_a_word(recorded):
    done = subprocess.run(
        f"{sys.executable} -m benchmark stats | true",
        shell=True,
        capture_output=True,
        text=True,
        cwd=recorded.parent,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
    )
    assert done.stderr == ""
