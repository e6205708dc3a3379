"""`bench status`: what is told of every run agrees with the record and with living processes."""

import json
import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from benchmark.record.query import Query
from benchmark.store.connection import Connection
from benchmark.store.leases import LeaseFolder
from benchmark.store.process import Process
from benchmark.store.store import Store
from tests.benchmark.attempted import Attempted
from tests.benchmark.commands.test_running_a_study import Running, statuses
from tests.benchmark.conftest import command, linux
from tests.servers.running import Tracking

HERE = {"host": socket.gethostname()}


@pytest.fixture
def attempted(small) -> Attempted:
    return Attempted(small)


def told(bench, *arguments: object) -> dict:
    """What is said as JSON, and of every run by its name."""
    done = bench("status", *arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return found | {"by_name": {run["name"]: run for run in found["runs"]}}


def lines_of(text: str, title: str) -> list[str]:
    """The lines below a title."""
    after = text.split(f"\n{title}", 1)[1].split("\n")[1:]
    return [line.strip() for line in after[: after.index("")]]


def content(folder: Path) -> dict[str, bytes]:
    """Every file but what sqlite keeps beside a database that is open."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(p): p.read_bytes() for p in files if not p.name.endswith(("-wal", "-shm", ".pyc"))}


def test_seeds_are_counted_by_arm_and_failures_named_with_their_reasons(attempted, bench):
    attempted.finish("base · scratch · 1")
    attempted.finish("base · scratch · 2")
    attempted.fail("base · scratch · 3", "out of memory: 3 GiB were asked for")
    attempted.fail("self_kd · scratch · 1", "diverged: the loss was nan in epoch 1")
    attempted.stop("self_kd · scratch · 2")
    done = bench("status", "small")
    assert done.returncode == 0, done.stderr
    counts = [line.split() for line in done.stdout.splitlines() if " digits/567 " in line]
    rows = {" ".join(words[:3]): words[4:] for words in counts}
    assert rows["base · scratch"] == ["2", "0", "0", "1", "3"]
    assert rows["self_kd · scratch"] == ["0", "0", "2", "1", "3"]
    assert rows["base · pretrained"] == ["0", "0", "3", "0", "3"]
    assert lines_of(done.stdout, "Failed") == [
        "base · scratch · 3 (digits/567): out of memory: 3 GiB were asked for",
        "self_kd · scratch · 1 (digits/567): diverged: the loss was nan in epoch 1",
    ]
    assert lines_of(done.stdout, "Stopped") == ["self_kd · scratch · 2 (digits/567): interrupted"]
    assert f"bench run {attempted.file}" in done.stdout
    assert bench("status").stdout == bench("status", attempted.file).stdout == done.stdout


def test_a_run_counts_as_running_only_while_its_process_holds_it(attempted, bench):
    name = "self_kd · scratch · 2"
    attempted.begin(name, HERE, epochs=1)
    with attempted.query.store.cache.runs.holding(attempted.key(name)):
        held = bench("status")
        assert told(bench)["by_name"][name]["state"] == "running"
    (line,) = lines_of(held.stdout, "Running")
    assert line.startswith(f"{name} (digits/567): epoch 1 of 2, since 20")
    assert line.endswith(f"on {HERE['host']}")
    gone = bench("status").stdout
    assert "Running" not in gone
    (line,) = lines_of(gone, "Recorded as running, but their process is gone")
    assert line.startswith(f"{name} (digits/567): epoch 1 of 2, since 20")
    assert told(bench)["counts"] == {"finished": 0, "running": 0, "waiting": 13, "failed": 0}
    assert statuses(attempted.query) == ["RUNNING"]  # nobody closed it


def test_a_run_of_another_machine_is_running_as_long_as_that_holds_it(attempted, bench):
    name, there = "base · scratch · 1", Process("n1", "n1", 4711, "1")
    attempted.begin(name, {"host": "n1", "process": there.name})
    held = LeaseFolder(attempted.query.store.cache.runs.root, there)
    with held.holding(attempted.key(name)):
        (line,) = lines_of(bench("status").stdout, "Running")
    assert "before the end of its first epoch" in line
    assert line.endswith("on n1")
    assert told(bench)["by_name"][name]["state"] == "left open"


def test_what_cannot_start_says_what_it_waits_for(attempted, bench):
    (body,) = [run.name for run in attempted.plan.runs.values() if run.role == "pretraining"]
    attempted.fail(body, "unreadable: OSError: no such disk")
    found = told(bench)["by_name"]
    assert found[body]["state"] == "failed"
    wanting = {name for name, run in found.items() if run["waits_for"] == body}
    assert wanting == {n for n in found if "· pretrained ·" in n and n != body}
    assert len(wanting) == 6


def test_a_failure_is_not_undone_by_an_attempt_that_was_stopped(attempted, bench):
    name = "base · scratch · 1"
    attempted.fail(name, "died: its worker was ended by SIGKILL")
    attempted.stop(name)
    assert told(bench)["by_name"][name]["state"] == "failed"
    attempted.finish(name)
    assert told(bench)["by_name"][name]["state"] == "finished"


def test_a_teacher_without_scores_on_test_is_no_finished_arm(attempted, bench):
    run = attempted.begin("base · scratch · 1")
    attempted.writer.end(run, "FINISHED", "finished", {}, {"dev/accuracy": 90.0})
    assert told(bench)["by_name"]["base · scratch · 1"]["state"] == "waiting"


def test_nothing_is_written(attempted, bench, tmp_path):
    attempted.finish("base · scratch · 1")
    attempted.begin("base · scratch · 2", HERE)
    bench("status")
    before = content(tmp_path)
    assert bench("status", attempted.file).returncode == 0
    assert content(tmp_path) == before


@pytest.mark.slow
@pytest.mark.parametrize("name", ["..", "../../x", "ünï 蒸馏 (α)", "'q\" [bold]", "-x"])
def test_a_study_of_any_name_is_found_by_it(name, small, bench):
    small.write_text(small.read_text().replace('name="small"', f"name={name!r}"))
    Attempted(small).fail("base · scratch · 1", "failed: [bold] is no markup")
    done = bench("status", *(["--"] if name.startswith("-") else []), name)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{name} (")
    assert "failed: [bold] is no markup" in done.stdout


@pytest.mark.slow
def test_where_nothing_is_recorded_one_sentence_says_how_to_start(small, bench, tmp_path):
    done = bench("status", small)
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no record in" in done.stderr
    assert not (tmp_path / "mlruns").exists()
    Attempted(small)
    done = bench("status", "nobody knows it")
    assert done.returncode == 2
    assert "no run of nobody knows it is recorded in" in done.stderr


@pytest.mark.long
@pytest.mark.slow
@linux
def test_from_another_terminal_it_follows_a_command_to_its_death(slow, bench, query):
    running = Running(slow)
    running.wait_for_runs(query, finished=2)
    worker = running.stop_a_worker(query)
    under_way = query.runs("attributes.status = 'RUNNING' and tags.key != ''")
    [open_run] = [r for r in under_way if Process.parse(r.tags["process"]).pid == worker]
    held = told(bench, "small")
    assert held["at_work"]
    assert held["counts"]["finished"] >= 2
    assert held["counts"]["running"] >= 1
    assert all(r["host"] == HERE["host"] for r in held["runs"] if r["state"] == "running")
    refused = bench("rm", "small", "--yes")
    assert refused.returncode == 2
    assert "nothing was removed: " in refused.stderr
    assert "need all that is there" in bench("gc", "--yes").stdout
    os.kill(running.process.pid, signal.SIGKILL)
    os.kill(worker, signal.SIGKILL)
    running.end()
    left = told(bench, "small")
    while left["counts"]["running"]:  # workers notice within a moment that their parent is gone
        left = told(bench, "small")
    assert not left["at_work"]
    assert open_run.called in [r["name"] for r in left["runs"] if r["state"] == "left open"]
    assert "RUNNING" in statuses(query)
    assert bench("run", slow, "--workers", 2).returncode == 0
    assert told(bench)["counts"] == {"finished": 13, "running": 0, "waiting": 0, "failed": 0}


@pytest.mark.slow
@pytest.mark.long
@linux
def test_of_a_record_on_a_server_it_tells_living_runs_from_any_folder(slow, bench, tmp_path):
    (tmp_path / "other").mkdir()
    with Tracking.started(tmp_path / "server") as server:
        store = Store(server.address, tmp_path)
        running = Running(slow, "--store", server.address)
        running.wait_for_runs(Query(Connection(store)), finished=1)
        worker = running.stop_a_worker(Query(Connection(store)))

        asked = command("status", "small", "--store", server.address, "--format", "json")
        for folder in (tmp_path, tmp_path / "other"):
            done = subprocess.run(asked, cwd=folder, capture_output=True, text=True, check=True)
            assert json.loads(done.stdout)["counts"]["running"] >= 1
        os.kill(running.process.pid, signal.SIGKILL)
        os.kill(worker, signal.SIGKILL)
        running.end()
