"""Files of a user's that are called as packages of armbench, in the folder of the command."""

import os
import subprocess
import sys
import tomllib
from importlib.machinery import PathFinder
from pathlib import Path

import pytest

from tests.benchmark.conftest import SMALL

ROOT = Path(__file__).parents[3]
ROOT = Path(__file__).parents[3]
#: What pip installs as `bench`.
_MODULE, _FUNCTION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"][
    "bench"
].split(":")
SCRIPT = f"""
import sys
from {_MODULE} import {_FUNCTION}
if __name__ == "__main__":
    sys.exit({_FUNCTION}())
"""
STUDY = (
    SMALL.replace("EPOCHS", "1")
    .replace(
        'ResNet((8,), pretraining=source), ["pretrained", "scratch"]', 'ResNet((8,)), "scratch"'
    )
    .replace("seeds=(1, 2, 3)", "seeds=(1, 2)")
    .replace("study = Study", "import losses\nassert losses.SIGN == 1\nstudy = Study")
)
FILES = ("stats.py", "benchmark/__init__.py", "trainers.py")
#: Files beside a study that take the names of what armbench imports from elsewhere.
OTHERS = ("numpy.py", "transformers/__init__.py", "random.py", "signal.py", "socket.py")


def project(tmp_path, names, content):
    """A folder with a study, a module of its own, and files of these names."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "small.py").write_text(STUDY)
    (folder / "losses.py").write_text("SIGN = 1\n")
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    return folder


def start(folder, *command):
    """A command that is started in a folder, and what it printed."""
    variables = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "MLFLOW"))}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def script(tmp_path):
    """The command `bench`."""
    path = tmp_path / "bin" / "bench"
    path.parent.mkdir()
    path.write_text(SCRIPT)
    return path


def trained(done):
    """Whether the study was trained and judged, and nothing was said of modules."""
    assert done.returncode == 0, done.stdout + done.stderr
    assert "base vs self_kd" in done.stdout
    assert "Traceback" not in done.stderr
    return True


#: What such a file holds.
ONE_LINE, RAISING = "X = 1\n", "raise RuntimeError('not this one')\n"


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("names", "content"),
    [
        *(pytest.param((name,), ONE_LINE, marks=pytest.mark.long) for name in FILES),
        pytest.param((*FILES, *OTHERS), ONE_LINE, marks=pytest.mark.long),
        ((*FILES, *OTHERS), RAISING),
    ],
)
def test_bench_trains_a_study_in_a_folder_with_files_of_our_names(script, tmp_path, names, content):
    assert trained(start(project(tmp_path, names, content), script, "run", "small.py"))


@pytest.mark.slow
def test_python_m_benchmark_trains_beside_files_that_are_called_like_the_others(tmp_path):
    # Python itself has looked for its own modules in the current folder by then.
    folder = project(tmp_path, ("stats.py", "trainers.py", *OTHERS[:2]), RAISING)
    done = start(folder, "-m", "benchmark", "run", "small.py")
    assert trained(done)


@pytest.fixture
def behind(script):
    """The command where PYTHONPATH names the current folder, which Python then looks into first.

    It does so itself: a test's own environment may put the packages before that.
    """
    script.write_text(SCRIPT.replace("import sys", "import sys; sys.path.insert(0, '.')"))
    return script


def test_what_python_would_find_first_is_passed_over_with_a_word(behind, tmp_path):
    folder = project(tmp_path, ("stats.py", "trainers.py"), RAISING)
    done = start(folder, behind, "power", "--pairs", 8, "--sd", 1, "--margin", 1)
    assert done.returncode == 0, done.stderr
    assert "8 pairs" in done.stdout
    assert "stats.py is not what is imported: stats is armbench's" in done.stderr
    assert "Traceback" not in done.stderr


def test_benchmark_says_which_module_stands_where_its_own_belongs(tmp_path):
    folder = project(tmp_path, ("stats.py",), ONE_LINE)
    code = "import sys; sys.path.insert(0, '.'); import stats, benchmark"
    done = start(folder, "-P", "-c", code)
    assert f"{folder / 'stats.py'} has been imported as 'stats'" in done.stderr


@pytest.mark.parametrize("name", ["benchmark/__init__.py", "benchmark.py"])
def test_bench_says_which_benchmark_hides_its_own(behind, tmp_path, name):
    folder = project(tmp_path, (name,), RAISING)
    done = start(folder, behind, "run", "small.py")
    assert done.returncode == 2
    assert done.stderr == (
        f"bench: {folder / name} is called benchmark, as armbench's own package is, and Python "
        "finds it first: leave its folder out of PYTHONPATH, or rename it.\n"
    )


def test_a_folder_of_results_that_is_called_benchmark_is_not_what_is_started(behind, tmp_path):
    folder = project(tmp_path, ("benchmark/scores.csv",), "")
    done = start(folder, behind, "init")
    # Python takes a folder without code for a package only where it finds no other by a path, as
    # it does not where setuptools has the packages of a checkout found by other means.
    if PathFinder.find_spec("benchmark", [each for each in sys.path if Path(each) != ROOT]):
        assert done.returncode == 0, done.stderr
    else:
        assert done.returncode == 2
        assert done.stderr.startswith(f"bench: {folder / 'benchmark'} is called benchmark, as")
