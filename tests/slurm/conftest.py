"""A cluster for the tests of this folder, which are skipped where none can be started."""

import fcntl
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.slurm import cluster


@pytest.fixture(scope="module")
def started() -> Iterator[None]:
    """A cluster of three nodes, to which this process and what it starts submit jobs.

    There is one on a machine: another process that tests waits until it is free.
    """
    if why := cluster.lacking():
        pytest.skip(why)
    with (
        (Path(tempfile.gettempdir()) / "armbench-slurm.lock").open("w") as lock,
        pytest.MonkeyPatch.context() as patch,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        patch.setenv("SLURM_CONF", str(cluster.CONF))
        try:
            cluster.start()
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            cluster.stop()
            pytest.skip(f"no cluster starts here: {error}")
        yield
        cluster.stop()
