"""Servers for the tests of this folder, which are skipped where PostgreSQL is not installed."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.benchmark.conftest import bench as bench  # a fixture
from tests.servers.running import Objects, Postgres, Tracking, lacking


@dataclass(frozen=True)
class Servers:
    """A tracking server on PostgreSQL that keeps the files of runs in a bucket."""

    postgres: Postgres
    objects: Objects
    tracking: Tracking


@pytest.fixture(scope="session")
def servers(tmp_path_factory) -> Iterator[Servers]:
    if why := lacking():
        pytest.skip(why)
    for needed in ("psycopg", "boto3", "moto"):
        pytest.importorskip(needed)
    folder = tmp_path_factory.mktemp("servers")
    with Postgres.started() as postgres, Objects.started(folder / "s3", "kept") as objects:
        database = postgres.make("mlflow")
        with Tracking.started(
            folder / "mlflow", database, "s3://kept/runs", **objects.environment
        ) as tracking:
            yield Servers(postgres, objects, tracking)


@pytest.fixture
def shared(servers, bench, monkeypatch) -> Servers:
    """The same, named by MLflow's own variable for commands in a folder of their own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", servers.tracking.address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    return servers
