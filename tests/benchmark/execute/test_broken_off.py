"""Real processes that are really killed: their runs go on, and the record is that of quiet ones."""

import os
import signal
from pathlib import Path

import pytest

from benchmark.record.recorded import Recorded
from benchmark.store.process import Process
from tests.benchmark.execute.broken_off import begun, outcome, runs, wait_until, written

pytestmark = [pytest.mark.slow, pytest.mark.long]

#: Seconds of training that are worth keeping here.
_WORTH = 0.2


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    return written(tmp_path_factory.mktemp("broken-off"))


@pytest.fixture(scope="module")
def undisturbed(study) -> dict:
    store = study.parent / "undisturbed"
    assert begun(study, store, _WORTH).wait(300) == 0
    assert len(outcome(store)) == 5  # a pre-training, and two arms on two seeds
    return outcome(store)


@pytest.fixture
def store(study, tmp_path) -> Path:
    return tmp_path / "mlruns"


def kept(store: Path) -> set[str]:
    """Keys of runs that could go on."""
    return {each.name for each in store.glob("cache/resume/[!.]*")}


def under_way(store: Path) -> list[Recorded]:
    return [run for run in runs(store) if run.status == "RUNNING"]


def process_of(run: Recorded) -> int:
    process = Process.parse(run.tags["process"])
    assert process is not None
    return process.pid


def disturbed(study: Path, store: Path, signum: int, worth_it) -> set[str]:
    """Send a signal to the process of each run once, and train on until all are finished."""
    told: dict[str, str] = {}
    for _ in range(12):
        command = begun(study, store, _WORTH)
        while command.poll() is None:
            for run in under_way(store):
                key = run.tags["key"]
                if key not in told and worth_it(run):
                    told[key] = run.run_id
                    os.kill(process_of(run), signum)
        if command.returncode == 0:
            break
    assert command.returncode == 0
    return told


def hold(store: Path, told: dict[str, str], undisturbed: dict) -> None:
    """Nothing was lost, doubled, left open or left behind; and whose attempt was gone on from."""
    assert outcome(store) == undisturbed
    assert not [*store.glob("cache/resume/*"), *store.glob("cache/resume/.*")]
    assert {run.status for run in runs(store)} <= {"FINISHED", "KILLED", "FAILED"}
    went_on = {run.tags["key"]: run for run in runs(store) if "resumes" in run.tags}
    assert {key: run.tags["resumes"] for key, run in went_on.items()} == told
    assert all("step" in run.tags["resumed_at"] for run in went_on.values())


def test_runs_whose_processes_are_killed_go_on_from_their_last_epoch(study, store, undisturbed):
    told = disturbed(study, store, signal.SIGKILL, lambda run: run.tags["key"] in kept(store))
    assert len(told) == 5
    hold(store, told, undisturbed)
    assert sorted(run.status for run in runs(store)) == ["FAILED"] * 5 + ["FINISHED"] * 5


def test_runs_that_are_told_to_stop_go_on_from_that_very_step(study, store, undisturbed):
    told = disturbed(study, store, signal.SIGTERM, lambda run: "epoch/loss" in run.scores)
    assert len(told) == 5
    went_on = [run for run in runs(store) if "resumes" in run.tags]
    at = [int(run.tags["resumed_at"].split()[1]) for run in went_on]
    assert any(step % 100 for step in at), at
    assert outcome(store) == undisturbed


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_command_that_is_stopped_loses_no_more_than_a_step(study, store, undisturbed, signum):
    for _ in range(3):
        command = begun(study, store, _WORTH)
        wait_until(lambda: under_way(store) and kept(store))
        command.send_signal(signum)
        command.wait(60)
        assert not under_way(store)
    command = begun(study, store, _WORTH)
    assert command.wait(300) == 0
    assert outcome(store) == undisturbed
    assert any("resumes" in run.tags for run in runs(store))
