"""A record that is away for a while: the command says so, waits, and loses nothing of its runs."""

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.benchmark.conftest import linux
from tests.benchmark.execute.faults.study import Disturbed, check, wait_until
from tests.servers.running import Tracking

pytestmark = [pytest.mark.slow, pytest.mark.long, linux]


@pytest.fixture
def tracking(folder):
    """A real server on loopback that keeps the record."""
    with Tracking.started(folder / "server") as tracking:
        yield tracking


def said_once(said: str, cause: str) -> None:
    """One sentence that it is away, and one that it is back."""
    away = [line for line in said.splitlines() if "is out of reach" in line]
    assert len(away) == 1, said
    assert cause in away[0]
    assert "Waiting for it, at most 15 min 00 s; nothing is lost." in away[0]
    assert said.count("is back.") == 1


def test_a_server_that_is_stopped_and_started_is_waited_for(tracking, folder, expected):
    running = Disturbed(folder, "--store", tracking.address)
    running.arrived(2)
    tracking.server.kill()
    running.go_on()
    running.hears("is out of reach: its server does not answer")
    tracking.server.start()
    said_once(running.end(), "its server does not answer")
    assert check(folder, expected, tracking.address) == []


def test_ctrl_c_ends_the_wait_for_a_server(tracking, folder, expected):
    running = Disturbed(folder, "--store", tracking.address)
    running.arrived(2)
    tracking.server.kill()
    running.go_on()
    running.hears("is out of reach")
    os.kill(running.process.pid, signal.SIGINT)
    running.end(code=130)
    tracking.server.start()
    running.again("--store", tracking.address).end()
    assert {run.status for run in check(folder, expected, tracking.address)} == {"KILLED"}


def test_a_database_that_somebody_locks_is_waited_for(folder, expected):
    running = Disturbed(folder)
    running.arrived(2)
    with closing(sqlite3.connect(folder / "mlruns" / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        running.go_on()
        running.hears("is out of reach: another process has kept it locked")
        other.execute("ROLLBACK")
    said_once(running.end(), "another process has kept it locked")
    assert check(folder, expected) == []


def test_a_database_that_is_moved_away_is_waited_for(folder, expected):
    running = Disturbed(folder)
    running.arrived(2)
    away = folder / "away"
    away.mkdir()
    for path in (folder / "mlruns").glob("mlflow.db*"):
        path.rename(away / path.name)
    running.go_on()
    running.hears("is out of reach: its database was deleted or moved away")
    for path in away.iterdir():
        path.rename(folder / "mlruns" / path.name)
    said_once(running.end(), "its database was deleted or moved away")
    assert check(folder, expected) == []


def test_a_command_that_is_killed_while_it_waits_goes_on_when_the_server_is_back(
    tracking, folder, expected
):
    running = Disturbed(folder, "--store", tracking.address)
    workers = running.arrived(2)
    tracking.server.kill()
    running.go_on()
    running.hears("is out of reach")
    os.kill(running.process.pid, signal.SIGKILL)
    running.end(code=-signal.SIGKILL)
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "they end")
    tracking.server.start()
    running.again("--store", tracking.address).end()
    assert {run.status for run in check(folder, expected, tracking.address)} == {"KILLED"}
