"""Processes that are ended in the middle of runs: their work is done again, to the same bits."""

import os
import signal
import time
from multiprocessing import forkserver

import pytest

from benchmark.execute.engines.processes import Contained, wait_for, warm_up
from benchmark.user_code.project import sources
from tests.benchmark.conftest import linux
from tests.benchmark.execute.faults.study import (
    LONG,
    Disturbed,
    check,
    left_behind,
    parent_of,
    processes_in,
    wait_until,
)

pytestmark = [pytest.mark.slow, linux]
GONE = (
    "killed: its worker, or the server that forks workers, was ended; tried again in 2 s (2 of 3)"
)


@pytest.mark.long
def test_workers_that_are_ended_are_replaced_by_the_same_command(folder, expected):
    running = Disturbed(folder)
    first, second = running.arrived(2)
    os.kill(first, signal.SIGKILL)
    running.hears("SIGKILL; the system may have run out of memory; tried again in 2 s (2 of 3)")
    os.kill(second, signal.SIGINT)  # as Ctrl-C does, which is the parent's to answer
    os.kill(second, signal.SIGTERM)
    running.hears("interrupted; tried again in 2 s (2 of 3)")
    running.arrived(2)
    running.end()
    killed, told = sorted(check(folder, expected), key=lambda run: run.status)
    assert killed.tags["status_reason"].startswith("killed: its worker was ended by SIGKILL")
    assert told.tags["status_reason"] == "interrupted"


@pytest.mark.long
def test_workers_of_a_fork_server_that_is_killed_are_replaced(folder, expected):
    running = Disturbed(folder)
    server = parent_of(running.arrived(2)[0])
    for passed_over in (
        signal.SIGINT,
        signal.SIGTERM,
    ):  # as sent to all
        os.kill(server, passed_over)
    os.kill(server, signal.SIGKILL)
    running.hears(GONE)
    assert parent_of(running.arrived(2)[0]) != server
    running.end()
    assert [run.status for run in check(folder, expected)] == ["FAILED"] * 2


@pytest.mark.long
def test_a_run_whose_worker_is_always_killed_has_failed_and_the_next_command_tries_it(
    folder, expected, monkeypatch
):
    running = Disturbed(folder)
    for attempt in (2, 3, 4):
        for worker in running.arrived(2):
            os.kill(worker, signal.SIGKILL)
        if attempt < 4:
            running.hears(f"({attempt} of 3)")
    said = running.end(code=1)
    assert said.count("the system may have run out of memory; tried 3 times") == 4  # and at the end
    again = running.again()
    again.end()
    failed = check(folder, expected)
    assert [run.status for run in failed] == ["FAILED"] * 6
    chains = {run.run_id: run.tags.get("retry_of") for run in failed}
    assert list(chains.values()).count(None) == 2
    assert all(before in chains for before in chains.values() if before)


@pytest.mark.parametrize(
    "victims", [*(pytest.param(each, marks=pytest.mark.long) for each in ("parent", "both")), "all"]
)
def test_a_command_that_is_killed_goes_on_from_what_is_recorded(victims, folder, expected):
    running = Disturbed(folder)
    workers = running.arrived(2)
    doomed = [running.process.pid]
    doomed += workers if victims != "parent" else []
    doomed += [parent_of(workers[0])] if victims == "all" else []
    for pid in doomed:
        os.kill(pid, signal.SIGSTOP)  # so that none of them can do anything about it
    for pid in doomed:
        os.kill(pid, signal.SIGKILL)
    running.process.wait(LONG)
    # A dying parent gives its memory back first: workers that went on until then could finish.
    wait_until(lambda: not processes_in(folder), "its workers have gone with it")
    running.end(code=-signal.SIGKILL)
    running.again().end()
    assert [run.status for run in check(folder, expected)] == ["KILLED"] * 2


@pytest.mark.long
@pytest.mark.parametrize(
    "signum", [pytest.param(signal.SIGINT, marks=pytest.mark.long), signal.SIGTERM]
)
def test_a_command_that_is_told_to_stop_closes_its_runs_and_goes_on_from_them(
    signum, folder, expected
):
    running = Disturbed(folder)
    running.arrived(2)
    os.kill(running.process.pid, signum)
    running.hears("the same command goes on")
    running.end(code=130)
    running.again().end()
    assert [run.status for run in check(folder, expected)] == ["KILLED"] * 2


@pytest.mark.long
@pytest.mark.parametrize(
    "signum", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.long)]
)
def test_a_fork_server_that_still_imports_goes_with_its_command(signum, folder, expected):
    running = Disturbed(folder)
    wait_until(lambda: "forkserver" in "".join(processes_in(folder)), "there is a fork server")
    os.kill(running.process.pid, signum)
    running.process.wait(LONG)
    wait_until(lambda: not processes_in(folder), "the fork server is gone")
    if signum == signal.SIGINT:
        assert left_behind(folder) == []
    running.again().end()
    assert check(folder, expected) == []


def says(say, told: bytes) -> None:
    say(told)


def test_a_fork_server_that_takes_a_while_to_die_is_replaced(folder, monkeypatch):
    warm_up()
    server, until, waitpid = (
        forkserver._forkserver._forkserver_pid,
        time.monotonic() + 1,
        os.waitpid,
    )
    os.kill(server, signal.SIGKILL)

    def not_yet(pid: int, options: int) -> tuple[int, int]:
        dying = pid == server and time.monotonic() < until
        return (0, 0) if dying else waitpid(pid, options)

    monkeypatch.setattr(os, "waitpid", not_yet)
    process = Contained.start(folder / "faults.py", says, b"here", sources())
    assert forkserver._forkserver._forkserver_pid != server
    wait_for([process], LONG)
    assert process.said()[0] == [b"here"]
    process.end()
