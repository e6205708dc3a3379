"""Several commands on one study at once: they share its runs, whatever becomes of one of them."""

import os
import re
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from benchmark.record.query import Query
from tests.benchmark.commands.test_running_a_study import (
    Running,
    arm_scores,
    statuses,
    workers,
)
from tests.benchmark.commands.test_running_a_study import (
    uninterrupted as uninterrupted,
)  # a fixture
from tests.benchmark.conftest import linux

#: Have processes that are silent for two seconds count as gone.
IMPATIENT = """
import benchmark.store.heartbeat

benchmark.store.heartbeat.BEAT, benchmark.store.heartbeat.LIMIT = 0.2, 2.0
"""

pytestmark = [pytest.mark.slow, pytest.mark.long, linux]


#: A node of its own, as far as processes can tell: a name, and processes that others do not see.
NODE = ("unshare", "--pid", "--uts", "--fork", "--mount-proc", "--kill-child", "sh", "-c")


def trained(output: str) -> list[str]:
    """The names of the runs that a command trained itself."""
    return re.findall(r"^\[\d+/\d+\] (.+?)  finished", output, re.MULTILINE)


def leases_left(store: Path) -> list[Path]:
    """Of runs and uses, and of processes that were about to take one."""
    return [*(store / "cache" / "leases").glob("*/*")]


def stopped(running: Running, query: Query) -> list[int]:
    """Halt a command, and a worker in the middle of its run; others come to the end of theirs."""
    os.kill(running.process.pid, signal.SIGSTOP)
    victims = [running.process.pid, running.stop_a_worker(query)]
    deadline = time.monotonic() + 60
    while len(workers(running.store)) > 1 and time.monotonic() < deadline:
        time.sleep(0.1)
    return victims


def test_four_commands_train_every_run_once_and_each_its_share(slow, query, uninterrupted):
    commands = [Running(slow, "--workers", 1) for _ in range(4)]
    outputs = [running.end() for running in commands]
    for running, output in zip(commands, outputs, strict=True):
        assert running.process.returncode == 0, output
        assert "base vs self_kd" in output
    assert arm_scores(query) == uninterrupted
    assert statuses(query) == ["FINISHED"] * 13
    shares = [trained(output) for output in outputs]
    assert all(shares), shares
    names = sorted(name for share in shares for name in share)
    assert len(names) == len(set(names)), "a run was trained twice"
    assert len([name for name in names if "·" in name]) >= 12
    assert any("is done by another command (" in output for output in outputs)
    assert leases_left(slow.parent / "mlruns") == []
    for role in ("study", "verdict"):
        assert len(query.runs(f"tags.role = '{role}'")) == 1


def test_what_a_killed_command_was_at_is_taken_over(slow, query, uninterrupted):
    killed = Running(slow)
    killed.wait_for_runs(query, finished=2)
    other = Running(slow)
    killed.wait_for_runs(query, finished=5)
    worker = killed.stop_a_worker(query)
    (open_run, *_) = query.runs("attributes.status = 'RUNNING' and tags.key != ''")
    for process in (killed.process.pid, worker):
        os.kill(process, signal.SIGKILL)
    killed.end()
    output = other.end()
    assert other.process.returncode == 0, output
    assert arm_scores(query) == uninterrupted
    ends = statuses(query)
    assert ends.count("FINISHED") == 13
    assert set(ends) == {"FINISHED", "KILLED"}
    assert open_run.tags["key"] in query.finished()
    assert leases_left(slow.parent / "mlruns") == []


def test_a_node_that_is_lost_is_given_up_once_it_was_watched(slow, query, uninterrupted):
    if subprocess.run([*NODE, "hostname n1"], check=False, capture_output=True).returncode:
        pytest.skip("no node of its own can be made here")
    # Longer than a command takes to begin, which has to meet the runs of the other one first.
    slow.write_text(slow.read_text() + IMPATIENT.replace("2.0", "8.0"))
    lost = Running(slow, within=[*NODE, 'hostname n1 && exec "$@"', "node"])
    lost.wait_for_runs(query, finished=2)
    other = Running(slow)
    lost.wait_for_runs(query, finished=5)
    assert {run.tags["host"] for run in query.finished().values()} >= {"n1"}
    os.killpg(lost.process.pid, signal.SIGKILL)
    lost.end()
    output = other.end()
    assert other.process.returncode == 0, output
    assert "is done by another command (n1, process " in output
    assert arm_scores(query) == uninterrupted
    assert statuses(query).count("FINISHED") == 13
    assert set(statuses(query)) == {"FINISHED", "KILLED"}
    assert leases_left(slow.parent / "mlruns") == []


def test_a_command_that_was_halted_for_too_long_leaves_its_runs_to_the_other(
    slow, query, uninterrupted
):
    slow.write_text(slow.read_text() + IMPATIENT)
    halted = Running(slow)
    halted.wait_for_runs(query, finished=2)
    victims = stopped(halted, query)
    lost = {run.run_id for run in query.runs("attributes.status = 'RUNNING' and tags.key != ''")}
    other = Running(slow)
    output = other.end()
    assert other.process.returncode == 0, output
    assert arm_scores(query) == uninterrupted
    for process in victims:
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGCONT)
    output = halted.end()
    assert halted.process.returncode == 0, output
    assert arm_scores(query) == uninterrupted
    ended = query.runs("tags.key != ''")
    assert len([run for run in ended if run.status == "FINISHED"]) == 13
    assert {run.run_id for run in ended if run.status == "KILLED"} == lost
    assert leases_left(slow.parent / "mlruns") == []
