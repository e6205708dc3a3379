"""Which open runs are closed: those whose process is gone, and no others."""

from dataclasses import replace

import pytest

from benchmark.record.attempts import written
from benchmark.record.left_open import close_dead, close_orphans
from benchmark.record.recorded import Recorded
from benchmark.store import heartbeat
from benchmark.store.leases import LeaseFolder
from benchmark.store.process import Process
from benchmark.store.store import Store
from tests.benchmark.attempted import Attempted

N1, N2 = (Process(host, host, 4711, "1") for host in ("n1", "n2"))
NAMES = [f"base · scratch · {seed}" for seed in (1, 2, 3)]


@pytest.fixture
def attempted(small) -> Attempted:
    return Attempted(small)


def begun(attempted: Attempted, name: str, process: Process) -> str:
    return attempted.begin(name, {"host": process.host, "process": process.name})


def held(attempted: Attempted, process: Process) -> LeaseFolder:
    """The runs that a process holds."""
    return LeaseFolder(attempted.query.store.cache.runs.root, process)


def open_runs(attempted: Attempted) -> set[str]:
    return {r.run_id for r in attempted.query.runs("attributes.status = 'RUNNING'")}


def test_runs_of_machines_that_are_at_work_stay_open(attempted):
    here, gone = Process.here(), replace(Process.here(), pid=2**22 + 1)
    runs = [begun(attempted, *each) for each in zip(NAMES, (N1, gone, here), strict=True)]
    keys = [attempted.key(name) for name in NAMES]
    with held(attempted, N1).holding(keys[0]), held(attempted, here).holding(keys[2]):
        assert close_orphans(attempted.writer) == 1
        assert open_runs(attempted) == {runs[0], runs[2]}


def test_a_machine_that_was_watched_and_said_nothing_is_gone(attempted, monkeypatch):
    run, key = begun(attempted, NAMES[0], N1), attempted.key(NAMES[0])
    with held(attempted, N1).holding(key) as _:
        assert close_orphans(attempted.writer) == 0
        monkeypatch.setattr(heartbeat, "LIMIT", 0.0)  # nothing has changed since that look
        assert close_orphans(attempted.writer) == 1
    assert run not in open_runs(attempted)


def test_the_attempt_that_was_taken_over_is_closed_and_not_the_one_after_it(attempted):
    first, second = (begun(attempted, NAMES[0], process) for process in (N1, N2))
    with held(attempted, N2).holding(attempted.key(NAMES[0])):
        close_dead(attempted.writer, attempted.key(NAMES[0]), "died", "on purpose: twice")
    assert open_runs(attempted) == {second}
    (closed,) = attempted.query.runs(f"attributes.run_id = '{first}'")
    assert (closed.status, closed.reason) == ("FAILED", "died: on purpose: twice")
    assert (closed.cause, closed.detail) == ("died", "on purpose: twice")


@pytest.mark.parametrize(
    ("process", "state"),
    [
        (N1, "elsewhere"),
        (Process.here(), "running"),
        (replace(Process.here(), pid=2**22 + 1), "left open"),
        (replace(Process.here(), started="1"), "left open"),
    ],
)
def test_of_a_record_on_a_server_a_process_is_known_by_the_machine_it_is_on(
    tmp_path, process, state
):
    """Its lease may lie in another folder: that of another machine is never taken for gone."""
    tags = {"key": "0" * 64, "process": process.name, "host": process.host}
    run = Recorded("0", {}, 0.0, "", tags, "0", "RUNNING", {}, 0.0)
    assert written(run, Store("http://127.0.0.1:1", tmp_path)) == state
