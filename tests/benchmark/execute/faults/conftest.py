"""One tiny study that is run once without a disturbance, and copied for every test."""

import shutil
from pathlib import Path

import pytest

from benchmark.record.query import Query
from benchmark.record.writer import Writer
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.execute.faults.study import STUDY, Disturbed, scores


@pytest.fixture(scope="session")
def untouched(tmp_path_factory) -> Path:
    """The folder of the study with an empty record, whose making takes seconds."""
    folder = tmp_path_factory.mktemp("untouched")
    (folder / "faults.py").write_text(STUDY)
    Writer(Connection(Store(str(folder / "mlruns")))).experiment("faults")
    return folder


@pytest.fixture(scope="session")
def expected(untouched, tmp_path_factory) -> dict[str, dict[str, float]]:
    """Scores of the study when nothing disturbs it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(untouched, folder, dirs_exist_ok=True)
    running = Disturbed(folder)
    running.end()
    found = scores(Query(Connection(Store(str(folder / "mlruns")))))
    assert len(found) == 4
    return found


@pytest.fixture
def folder(untouched, tmp_path, monkeypatch) -> Path:
    """A copy of it."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copytree(untouched, tmp_path, dirs_exist_ok=True)
    return tmp_path
