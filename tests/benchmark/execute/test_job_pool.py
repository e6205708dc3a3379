"""What lies in a pool is executed in the name of whoever takes it: it has to be their own."""

import os

import pytest

from benchmark.errors import StoreError
from benchmark.execute.engines.slurm.pool import Entry, JobPool


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
