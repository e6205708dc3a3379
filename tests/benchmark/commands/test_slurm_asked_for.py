"""What is asked of Slurm and cannot be had: one sentence, before anything is trained."""

import sys

import pytest


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--slurm", "time=5"], "--slurm says what is asked of Slurm: add --engine slurm."),
        (["--engine", "slurm", "--slurm", "exclusive"], "'exclusive' is no name=value"),
        (["--engine", "slurm", "--slurm", "time="], "'time=' is no name=value"),
        (["--engine", "slurm", "--slurm", "a b=1"], "'a b' is no option of sbatch"),
        (["--engine", "slurm", "--slurm", "array=1-9"], "array is set by bench"),
        (["--engine", "slurm", "--slurm", "partition=a,nodes=2"], "nodes is set by bench"),
        (["--engine", "slurm", "--gpus", "all"], "by --slurm gres=gpu:1."),
        (["--engine", "slurm", "--smoke"], "leave out --engine."),
    ],
)
def test_options_that_say_nothing_are_refused(asked, said, small, bench, tmp_path):
    told = bench("run", small, *asked)
    assert told.returncode == 2
    assert said in told.stderr
    assert told.stderr.count("\n") == 1
    assert not (tmp_path / "mlruns").exists()


def test_without_slurm_it_says_where_to_go(small, bench, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    told = bench("run", small, "--engine", "slurm")
    assert told.returncode == 2
    assert "needs Slurm's sbatch, which is not on the PATH" in told.stderr
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


def test_without_submitit_it_says_how_to_get_it(small, bench, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "submitit", None)
    told = bench("run", small, "--engine", "slurm")
    assert told.returncode == 2
    assert "pip install 'armbench[slurm]'" in told.stderr
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


@pytest.mark.parametrize(
    ("project", "said"),
    [
        ("[tool.armbench.slurm", "pyproject.toml cannot be read for [tool.armbench.slurm]"),
        ("[tool.armbench.slurm]\ntime = [1]", "[tool.armbench.slurm] time must be a text"),
        ("[tool.armbench.slurm]\noutput = 'x'", "[tool.armbench.slurm]: output is set by bench"),
    ],
)
def test_what_a_project_asks_is_looked_at_too(project, said, small, bench, tmp_path):
    (tmp_path / "pyproject.toml").write_text(project)
    told = bench("run", small, "--engine", "slurm")
    assert told.returncode == 2
    assert said in told.stderr
