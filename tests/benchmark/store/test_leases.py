"""LeaseFolder: one process at a time, whatever becomes of processes, machines and clocks."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.errors import LeaseLost
from benchmark.store import heartbeat
from benchmark.store.heartbeat import Holder, Lease
from benchmark.store.leases import LeaseFolder
from benchmark.store.process import Process

#: What a process of another machine does, as whom it is told to be: to be told from that of this
#: machine it needs no more than a name of its own, since that is all that others see of it.
AS = """
import os, sys, time
from dataclasses import replace
from pathlib import Path
from benchmark.errors import LeaseLost
from benchmark.store import heartbeat
from benchmark.store.heartbeat import Holder, Lease
from benchmark.store.leases import LeaseFolder
from benchmark.store.process import Process

heartbeat.BEAT, heartbeat.LIMIT = 0.05, 2.0
machine, root = sys.argv[1], Path(sys.argv[2])
me = Process.here()
them = LeaseFolder(root, replace(me, host=machine, machine=machine) if machine != "here" else me)
"""
#: Takes the name so often, alone each time.
OFTEN = """
for _ in range(int(sys.argv[3])):
    with them.holding("name"):
        os.mkdir(root / "inside")
        os.rmdir(root / "inside")
"""
#: Holds the name until it is told to go on, and says whether it holds it still.
UNTIL_TOLD = """
with them.attempt("name") as held:
    print("held", flush=True)
    for line in sys.stdin:
        try:
            held.require()
        except LeaseLost as error:
            print(f"lost: {error}", flush=True)
        else:
            print("held", flush=True)
"""


def away(machine: str) -> Process:
    """A process of another machine."""
    return Process(machine, machine, 4711, "1")


def begun(script: str, machine: str, root: Path, *arguments: object) -> subprocess.Popen[str]:
    """A process of its own that says what it does."""
    told = [sys.executable, "-c", AS + script, machine, str(root), *map(str, arguments)]
    pipe = subprocess.PIPE
    return subprocess.Popen(told, stdin=pipe, stdout=pipe, stderr=pipe, text=True)


def asked(process: subprocess.Popen[str]) -> str:
    """What a process that holds the name says of it now."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()
    return said(process)


def said(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.fixture
def quick(monkeypatch):
    """A holder counts as gone after half a second."""
    monkeypatch.setattr(heartbeat, "BEAT", 0.05)
    monkeypatch.setattr(heartbeat, "LIMIT", 0.5)


def left(root: Path) -> list[str]:
    """What lies in a folder of leases."""
    return sorted(path.name for path in root.rglob("*"))


def test_of_many_processes_one_at_a_time_holds_a_name_and_nothing_is_left(tmp_path):
    """Of this machine and of others; one of them is killed while the others wait for it."""
    killed = begun(UNTIL_TOLD, "here", tmp_path)
    assert said(killed) == "held"
    racing = [begun(OFTEN, machine, tmp_path, 40) for machine in ("here", "here", "n1", "n2")]
    killed.kill()
    for process in racing:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    killed.communicate()
    assert left(tmp_path) == []


def test_one_of_several_takes_what_a_lost_machine_held(tmp_path):
    for name in ("n1", "n2", "n3"):
        holder = Holder("alone", away(name), "0")
        (tmp_path / "name").mkdir(exist_ok=True)
        (tmp_path / "name" / holder.file).touch()
    waiting = [begun(OFTEN, machine, tmp_path, 5) for machine in ("here", "n4", "n5")]
    for process in waiting:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert left(tmp_path) == []


@pytest.mark.parametrize("machine", ["here", "n1"])
def test_who_was_stopped_for_too_long_notices_before_anything_else(tmp_path, quick, machine):
    stopped = begun(UNTIL_TOLD, machine, tmp_path)
    assert said(stopped) == "held"
    assert asked(stopped) == "held"
    assert isinstance(LeaseFolder(tmp_path).attempt("name"), Holder)
    stopped.send_signal(signal.SIGSTOP)
    with LeaseFolder(tmp_path).holding("name"):
        stopped.send_signal(signal.SIGCONT)
        here = Process.here()
        assert asked(stopped).startswith(f"lost: {here.host}, process {here.pid}")
        found = LeaseFolder(tmp_path).holder("name")
        assert found
        assert found.process == here
    stopped.communicate()
    assert left(tmp_path) == []


def test_a_living_holder_keeps_its_name_however_long_others_wait(tmp_path, quick):
    for machine in ("here", "n1"):
        living = begun(UNTIL_TOLD, machine, tmp_path)
        assert said(living) == "held"
        until = time.monotonic() + 2 * heartbeat.LIMIT
        while time.monotonic() < until:
            assert isinstance(LeaseFolder(tmp_path).attempt("name"), Holder)
            time.sleep(0.05)
        assert asked(living) == "held"
        living.communicate()


def test_times_of_files_tell_nothing(tmp_path, quick):
    """A machine whose clock is a century off holds what it holds, and loses what it loses."""
    holder = Holder("alone", away("n1"), "0")
    (tmp_path / "name").mkdir()
    file = tmp_path / "name" / holder.file
    file.touch()
    for moment in (0.0, 4e9):
        for path in (file, file.parent):
            os.utime(path, (moment, moment))
        found = LeaseFolder(tmp_path).attempt("name")
        assert isinstance(found, Holder)
        assert found.process.shown == "n1, process 4711"
    time.sleep(heartbeat.LIMIT)
    for _ in range(3):
        assert LeaseFolder(tmp_path).holder("name") is None
    with LeaseFolder(tmp_path).holding("name"):
        assert not file.exists()


def test_a_number_that_is_given_again_is_another_process(tmp_path):
    """Of one that is gone, and of one that has its number now."""
    me = Process.here()
    for gone in (
        Process(me.host, me.machine, 2**22 + 1, "1"),
        Process(me.host, me.machine, 1, "0"),
    ):
        assert gone.is_gone
        (tmp_path / "name").mkdir()
        (tmp_path / "name" / Holder("alone", gone, "0").file).touch()
        assert LeaseFolder(tmp_path).holder("name") is None
        with LeaseFolder(tmp_path).holding("name"):
            pass
    assert not me.is_gone
    assert Process.parse(me.name) == me
    assert left(tmp_path) == []


def test_what_is_shared_is_nobodys_alone_and_the_other_way_round(tmp_path):
    one, other = LeaseFolder(tmp_path), LeaseFolder(tmp_path, away("n1"))
    first, second = one.attempt("name", "shared"), other.attempt("name", "shared")
    assert isinstance(first, Lease)
    assert isinstance(second, Lease)
    assert isinstance(one.attempt("name"), Holder)
    first.release()
    assert isinstance(one.attempt("name"), Holder)
    second.release()
    with one.holding("name"):
        assert isinstance(other.attempt("name", "shared"), Holder)
    assert left(tmp_path) == []


def test_a_copy_of_a_process_lets_go_of_nothing(tmp_path):
    with LeaseFolder(tmp_path).holding("name") as _:
        child = os.fork()
        if child == 0:
            copied = heartbeat.held_here(tmp_path / "name")
            if copied:
                copied.release()
            os._exit(0)
        os.waitpid(child, 0)
        assert LeaseFolder(tmp_path).holder("name")
        mine = heartbeat.held_here(tmp_path / "name")
        assert mine
        mine.require()
    assert left(tmp_path) == []


def test_a_lease_that_was_deleted_with_its_folder_is_lost(tmp_path):
    with LeaseFolder(tmp_path).attempt("name") as held:
        for path in (tmp_path / "name").iterdir():
            path.unlink()
        (tmp_path / "name").rmdir()
        with pytest.raises(LeaseLost):
            held.require()


@pytest.mark.slow
def test_what_is_left_of_others_slows_nothing(tmp_path):
    """Twenty thousand leases of machines that were lost, against none."""

    def seconds() -> float:
        started = time.process_time()
        for k in range(100):
            with LeaseFolder(tmp_path).holding(f"name-{k}"):
                pass
        return time.process_time() - started

    seconds()
    alone = min(seconds() for _ in range(3))
    for k in range(20_000):
        (tmp_path / f"old-{k}").mkdir()
    assert min(seconds() for _ in range(3)) < 5 * alone


def test_sweeping_leaves_what_may_be_alive(tmp_path):
    me = Process.here()
    gone = Process(me.host, me.machine, 2**22 + 1, "1")
    for k, process in enumerate((gone, away("n1"))):
        (tmp_path / f"name-{k}").mkdir()
        (tmp_path / f"name-{k}" / Holder("shared", process, "0").file).touch()
        (tmp_path / f".{Holder('alone', process, '1').file}").mkdir()
    LeaseFolder(tmp_path).sweep()
    there = Holder("shared", away("n1"), "0"), Holder("alone", away("n1"), "1")
    assert left(tmp_path) == sorted([f".{there[1].file}", "name-1", there[0].file])
