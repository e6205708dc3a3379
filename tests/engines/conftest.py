"""Clusters for the tests of this folder, which are skipped where none can be started."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.engines import ray_cluster
from tests.slurm.conftest import started as started  # a fixture


@pytest.fixture(scope="module")
def ray_nodes() -> Iterator[Any]:
    """A Ray cluster of a head and two nodes of two CPUs and two made-up GPUs, on the loopback."""
    if why := ray_cluster.lacking():
        pytest.skip(why)
    with ray_cluster.started() as made:
        yield made
