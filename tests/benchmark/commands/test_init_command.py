"""`bench init`: studies that come along are listed, and copied over nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.declare.loading import load_study

ROOT = Path(__file__).resolve().parents[3]
STUDIES = ROOT / "studies"
NAMES = [str(file.relative_to(STUDIES).with_suffix("")) for file in STUDIES.rglob("*.py")]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_study_is_listed_with_its_question(capsys):
    assert main(["init"]) == 0
    lines = capsys.readouterr().out.splitlines()
    listed = dict(line.split(maxsplit=1) for line in lines[2:])
    assert set(listed) == set(NAMES)
    assert listed["number_of_classes"].startswith("Does label regularisation help more")


@pytest.mark.parametrize("name", ["pretrained_vs_scratch", "paper/sst5"])
def test_a_copy_is_the_study_itself(name, here, capsys):
    assert main(["init", name]) == 0
    made = here / f"{Path(name).name}.py"
    assert made.read_bytes() == (STUDIES / f"{name}.py").read_bytes()
    assert load_study(made).name == made.stem
    assert f"bench plan {made.name}" in capsys.readouterr().out


@pytest.mark.parametrize("kind", ["file", "link that leads nowhere"])
def test_nothing_is_copied_over(kind, here, capsys):
    there = here / "sst5.py"
    if kind == "file":
        there.write_text("mine")
    else:
        there.symlink_to(here / "gone")
    assert main(["init", "paper/sst5"]) == 2
    assert "sst5.py is there already" in capsys.readouterr().err
    assert [*here.iterdir()] == [there]
    assert there.is_symlink() or there.read_text() == "mine"


@pytest.mark.parametrize(
    ("asked", "meant"),
    [("pretrained_vs_scrach", "pretrained_vs_scratch"), ("sst5", "paper/sst5"), ("../setup", "")],
)
def test_another_name_is_refused_with_the_nearest(asked, meant, here, capsys):
    assert main(["init", asked]) == 2
    said = capsys.readouterr().err
    assert f'no study "{asked}" comes along' in said
    assert (f"did you mean {meant}?" in said) == bool(meant)
    assert not [*here.iterdir()]


def test_what_is_built_brings_the_studies_along(here):
    pytest.importorskip("setuptools")
    for part in ("benchmark", "stats", "trainers", "studies"):
        shutil.copytree(ROOT / part, here / "checkout" / part)
    for part in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, here / "checkout")
    build = [sys.executable, "setup.py", "-q", "build", "--build-lib", str(here / "built")]
    subprocess.run(build, cwd=here / "checkout", check=True, capture_output=True)
    shutil.rmtree(here / "checkout")
    done = subprocess.run(
        [sys.executable, "-m", "benchmark", "init", "paper/sst5"],
        cwd=here,
        env=os.environ | {"PYTHONPATH": str(here / "built")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert (here / "sst5.py").read_bytes() == (STUDIES / "paper" / "sst5.py").read_bytes()


@pytest.mark.slow
def test_the_template_for_own_data_runs_with_the_data_that_come_along(here, capsys):
    assert main(["init", "templates/own_data"]) == 0
    assert "own_data.py (with own_data.csv): change it" in capsys.readouterr().out
    assert main(["run", "own_data.py"]) == 0
    assert "base vs ls" in capsys.readouterr().out


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", ["own_method", "hub_model"])
def test_the_other_templates_are_rehearsed(name, here, capsys):
    assert main(["init", f"templates/{name}"]) == 0
    assert main(["run", "--smoke", f"{name}.py"]) == 0
    assert "SMOKE RUN" in capsys.readouterr().out


def test_data_that_are_there_stay_as_they_are(here, capsys):
    (here / "own_data.csv").write_text("mine")
    assert main(["init", "templates/own_data"]) == 2
    assert "own_data.csv is there already" in capsys.readouterr().err
    assert [each.name for each in here.iterdir()] == ["own_data.csv"]
