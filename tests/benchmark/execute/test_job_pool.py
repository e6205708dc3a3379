"""What lies in a pool is executed in the name of whoever takes it: it has to be their own."""

import os
import threading
import time

import pytest

from benchmark.errors import StoreError
from benchmark.execute.engines.slurm import pool as pool_module
from benchmark.execute.engines.slurm.pool import Entry, JobPool, Watch


def entry(tmp_path) -> Entry:
    return Entry("key", "base · scratch · 1", tmp_path / "study.py", {}, b"")


def test_nobody_else_may_lay_a_run_into_a_pool(tmp_path):
    pool = JobPool(tmp_path / "jobs" / "bench-study")
    pool.folder.mkdir(parents=True)
    pool.folder.chmod(0o777)
    pool.make()
    assert pool.folder.stat().st_mode & 0o077 == 0
    pool.put(entry(tmp_path), urgency=1.0)
    assert pool.take("1_0")[1] == entry(tmp_path)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_what_is_another_users_is_refused(tmp_path):
    pool = JobPool(tmp_path / "jobs" / "bench-study")
    pool.make()
    pool.put(entry(tmp_path), urgency=1.0)
    (laid,) = (pool.folder / "waiting").iterdir()
    os.chown(laid, 65534, -1)
    with pytest.raises(StoreError, match="is another user's"):
        pool.take("1_0")
    os.chown(pool.folder, 65534, -1)
    with pytest.raises(StoreError, match="name a store of your own"):
        pool.make()


@pytest.fixture
def impatient(monkeypatch):
    """A first beat is waited for no longer than half a second, and further ones than a second."""
    monkeypatch.setattr(pool_module, "_FIRST", 0.5)
    monkeypatch.setattr(pool_module, "_GONE", 1.0)


@pytest.mark.parametrize("hours", [-30, 0, 30])
def test_a_command_is_there_as_long_as_it_beats_whatever_its_clock_says(tmp_path, impatient, hours):
    pool = JobPool(tmp_path / "jobs" / "bench-study")
    pool.make()
    assert not Watch(pool).is_kept()

    def beat() -> None:
        pool.beat()
        then = time.time() + 3600 * hours
        os.utime(pool.folder / "watched", (then, then))

    beat()
    assert not Watch(pool).is_kept(), "of a beat that came before nobody knows how old it is"
    watch = Watch(pool)
    beat()
    assert watch.is_kept()
    time.sleep(1.1)
    assert not watch.is_kept()
    beat()
    assert watch.is_kept()


def test_a_first_beat_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(pool_module, "_FIRST", 20.0)
    pool = JobPool(tmp_path / "jobs" / "bench-study")
    pool.make()
    pool.beat()
    watch = Watch(pool)
    beats = threading.Timer(0.5, pool.beat)
    beats.start()
    assert watch.is_kept()
    beats.join()
