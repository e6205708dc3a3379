"""What is asked of Slurm or Ray and cannot be had: one sentence, before anything is trained."""

import os
import shutil
import socketserver
import subprocess
import sys
from threading import Thread

import pytest

from tests.benchmark.conftest import command


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
        (["--engine", "slurm", "--runs-per-gpu", "2"], "--slurm gres=gpu:1; leave it out."),
        (["--engine", "slurm", "--smoke"], "leave out --engine."),
        (["--address", "10.0.0.1:6379"], "--address is that of a Ray cluster: add --engine ray."),
        (["--engine", "slurm", "--address", "a:1"], "is that of a Ray cluster: add --engine ray."),
        (["--engine", "ray", "--gpus", "2"], "leave out --gpus, and say with --workers how many."),
        (["--engine", "ray", "--runs-per-gpu", "auto"], "with --engine ray give a number"),
        (["--engine", "ray", "--slurm", "time=5"], "add --engine slurm."),
        (["--engine", "ray", "--smoke"], "leave out --engine."),
        (["--engine", "inline", "--workers", "2"], "leave out --workers."),
        (["--engine", "inline", "--gpus", "all"], "leave out --gpus."),
    ],
)
def test_options_that_go_nowhere_or_not_together_are_refused(asked, said, small, bench, tmp_path):
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


NOBODY = """
ClusterName=nobody
SlurmctldHost=localhost
SlurmctldPort=1
AuthType=auth/none
NodeName=localhost
PartitionName=p Nodes=localhost
"""


@pytest.mark.sampled(test_all=2)
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("sbatch"), reason="Slurm is not installed")
@pytest.mark.parametrize("command", ["run", pytest.param("plan", marks=pytest.mark.slow)])
def test_a_controller_that_does_not_answer_is_named(command, small, bench, tmp_path, monkeypatch):
    (tmp_path / "slurm.conf").write_text(NOBODY)
    monkeypatch.setenv("SLURM_CONF", str(tmp_path / "slurm.conf"))
    told = bench(command, small, "--engine", "slurm", "--slurm", "partition=p")
    assert told.returncode == 2
    assert "Slurm's controller does not answer (" in told.stderr
    assert "Correct --slurm" not in told.stderr
    assert told.stderr.count("\n") == 1
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


@pytest.mark.parametrize("engine", ["local", "inline"])
def test_a_plan_is_made_for_an_engine(engine, small, bench, tmp_path):
    told = bench("plan", small, "--engine", engine)
    assert told.returncode == 0, told.stderr
    assert "digits/567" in told.stdout
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


def test_without_ray_it_says_how_to_get_it(small, bench, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    told = bench("run", small, "--engine", "ray")
    assert told.returncode == 2
    assert "pip install 'armbench[ray]'" in told.stderr
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


class Other(socketserver.BaseRequestHandler):
    """A server of something else."""

    def handle(self) -> None:
        self.request.recv(100)
        self.request.sendall(b"HTTP/1.0 400 Bad Request\r\n\r\n")


@pytest.mark.parametrize(
    "address", ["auto", "ray://10.0.0.1:10001", "10.0.0.1", "10.0.0.1:x", "10.0.0.1:99999", ""]
)
def test_what_is_no_address_is_refused(address, small, bench, monkeypatch):
    pytest.importorskip("ray")
    if address:
        monkeypatch.setenv("RAY_ADDRESS", address)
    told = bench("run", small, "--engine", "ray", *(() if address else ("--address", "")))
    assert told.returncode == 2
    assert f"'{address}' is no address of a Ray cluster" in told.stderr
    assert told.stderr.count("\n") == 1


@pytest.mark.parametrize("listens", [False, True])
def test_an_address_at_which_no_head_answers_is_refused_at_once(listens, small, bench, tmp_path):
    pytest.importorskip("ray")
    with socketserver.TCPServer(("127.0.0.1", 0), Other) as other:
        address = f"127.0.0.1:{other.server_address[1]}"
        if listens:
            Thread(target=other.serve_forever, daemon=True).start()
        else:
            other.server_close()
        told = bench("run", small, "--engine", "ray", "--address", address)
        if listens:
            other.shutdown()
    assert told.returncode == 2
    assert f"the Ray cluster at {address} does not answer" in told.stderr
    assert told.stderr.count("\n") == 1
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


def test_a_folder_for_temporary_files_whose_path_is_too_long_is_named(small, tmp_path):
    deep = tmp_path / ("a" * 90)
    deep.mkdir()
    told = subprocess.run(
        command("run", small),
        cwd=tmp_path,
        env={**os.environ, "TMPDIR": str(deep)},
        capture_output=True,
        text=True,
    )
    assert told.returncode == 2
    assert "is too long for the sockets" in told.stderr
    assert "Traceback" not in told.stderr
