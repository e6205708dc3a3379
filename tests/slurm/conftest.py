"""A cluster for the tests of this folder, which are skipped where none can be started."""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.slurm import cluster


@pytest.fixture(scope="module")
def started() -> Iterator[None]:
    """A cluster of three nodes, to which this process and what it starts submit jobs."""
    if why := cluster.lacking():
        pytest.skip(why)
    with ExitStack() as held:
        try:
            held.enter_context(cluster.alone())
        except (OSError, RuntimeError, subprocess.CalledProcessError) as error:
            pytest.skip(f"no cluster starts here: {error}")
        yield
