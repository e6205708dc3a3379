"""A record that goes out of reach in mid-run: one sentence, and the same command goes on."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from pathlib import Path

import pytest

from benchmark.errors import RecordLost
from benchmark.record.query import Query
from benchmark.record.writer import Writer
from benchmark.store import connection
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.commands.test_running_a_study import Running, statuses
from tests.benchmark.conftest import command

linux = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found through /proc")


def processes_in(folder: Path) -> list[str]:
    """Command lines of living processes whose working directory is this folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            mine = entry.name == str(os.getpid())
            if entry.name.isdigit() and not mine and Path(os.readlink(entry / "cwd")) == folder:
                found.append((entry / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return [line for line in found if line]


def wait_until_alone(folder: Path) -> None:
    """Workers notice that their parent is gone, while some other processes start and end."""
    for _ in range(50):
        if not processes_in(folder):
            return
        subprocess.run([sys.executable, "-c", "import numpy"], cwd="/", check=True)
    assert processes_in(folder) == []


def lost(output: str, cause: str) -> None:
    """One plain sentence with its cause and the way on, and nothing else went wrong."""
    said = [line for line in output.splitlines() if "was lost" in line]
    assert len(said) == 1, output
    assert cause in said[0]
    assert "run the same command again" in said[0]
    assert "Traceback" not in output


@pytest.mark.slow
@linux
def test_a_database_that_is_moved_away_stops_the_command_and_is_gone_on_with(slow, bench, query):
    running = Running(slow)
    running.wait_for_runs(query, finished=1)
    store, away = query.store.folder, query.store.folder.parent / "away"
    away.mkdir()
    for path in store.glob("mlflow.db*"):
        path.rename(away / path.name)
    lost(running.end(), "deleted or moved away")
    assert running.process.returncode == 1
    wait_until_alone(slow.parent)
    assert not list(store.glob("mlflow.db"))
    for path in away.iterdir():
        path.rename(store / path.name)
    kept = len(Query(Connection(query.store)).finished())
    assert kept >= 1
    slow.write_text(slow.read_text().replace("seeds=(1, 2, 3)", "seeds=(1, 2)"))
    again = bench("run", slow, "--workers", 2)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "RUNNING" not in statuses(Query(Connection(query.store)))


@pytest.mark.slow
def test_a_record_that_stays_locked_is_one_sentence(tmp_path, monkeypatch, capfd):
    writer = Writer(Connection(Store(str(tmp_path))))
    experiment = writer.experiment("x")
    monkeypatch.setattr(connection, "PATIENCE", 0.0)
    with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordLost, match="another process has kept it locked"):
            writer.start(experiment, "run", {}, {})
    assert "Traceback" not in capfd.readouterr().err
    assert writer.start(experiment, "run", {}, {})


def test_a_disk_that_refuses_is_not_called_a_damaged_database():
    told = str(connection.lost("sqlite:///x", sqlite3.OperationalError("disk I/O error")))
    assert "its disk refuses to read or to write it" in told
    assert "damaged" not in told


def test_a_record_whose_making_was_cut_short_is_made_anew(tmp_path):
    few = (
        "import resource; from benchmark.store.connection import Connection\n"
        "from benchmark.store.store import Store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        f"Connection(Store({str(tmp_path)!r})).client"
    )
    done = subprocess.run([sys.executable, "-c", few], capture_output=True, text=True, check=False)
    assert "cannot be opened" in done.stderr
    writer = Writer(Connection(Store(str(tmp_path))))
    assert writer.start(writer.experiment("x"), "run", {}, {})
    assert not list(tmp_path.glob("mlflow.new*"))


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting takes root")
def test_a_full_disk_is_one_sentence_and_with_room_the_command_goes_on(small, tmp_path):
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    disk = tmp_path / "disk"
    disk.mkdir()
    Writer(Connection(Store(str(tmp_path / "mlruns")))).experiment("small")
    script = """
        mount -t tmpfs -o size=24m none "$1"; cp -r "$2" "$1"; cp "$3" "$1"; cd "$1"; shift 3
        dd if=/dev/zero of=filler bs=64k 2>/dev/null || true
        truncate -s -320k filler
        "$@" || echo "ended with $?"
        rm filler
        "$@" && echo "went on"
    """
    where = (disk, tmp_path / "mlruns", small)
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", script, "sh", *where, *command("run", small.name)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    first, _, second = done.stdout.partition("ended with 1")
    assert "full" in first, done.stdout
    assert "Traceback" not in done.stdout
    assert first.count("was lost") <= 1
    assert second.endswith("went on\n"), done.stdout


class Server:
    """A real MLflow server of this machine alone."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.folder = folder

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        told = [sys.executable, "-m", "mlflow", "server", "--port", str(self.port)]
        told += ["--backend-store-uri", f"sqlite:///{self.folder}/server.db", "--workers", "1"]
        told += ["--artifacts-destination", str(self.folder / "kept")]
        self.process = subprocess.Popen(
            told,
            cwd=self.folder,
            env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.address}/health", timeout=2):
                    return
            except OSError:
                time.sleep(0.3)
        raise AssertionError("the server did not start in time")

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@pytest.mark.slow
@linux
def test_a_server_that_dies_is_one_sentence_and_started_again_the_command_goes_on(
    slow, bench, tmp_path, monkeypatch
):
    (tmp_path / "server").mkdir()
    server = Server(tmp_path / "server")
    server.start()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.address)
    try:
        query = Query(Connection(Store(server.address)))
        running = Running(slow)
        running.wait_for_runs(query, finished=1)
        server.kill()
        lost(running.end(), "its server does not answer")
        assert running.process.returncode == 1
        wait_until_alone(slow.parent)
        server.start()
        kept = len(query.finished())
        assert kept >= 1
        slow.write_text(slow.read_text().replace("seeds=(1, 2, 3)", "seeds=(1, 2)"))
        again = bench("run", slow, "--workers", 2, "--store", server.address)
        assert again.returncode == 0, again.stdout + again.stderr
        assert bench("report", "--store", server.address).returncode == 0
    finally:
        server.kill()
