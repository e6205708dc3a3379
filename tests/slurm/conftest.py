"""A cluster for the tests of this folder, which are skipped where none can be started."""

from collections.abc import Iterator

import pytest

from tests.slurm import cluster


@pytest.fixture(scope="session")
def started() -> Iterator[None]:
    """A cluster of three nodes, to which this process and what it starts submit jobs."""
    if why := cluster.lacking():
        pytest.skip(why)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SLURM_CONF", str(cluster.CONF))
        cluster.start()
        yield
        cluster.stop()
