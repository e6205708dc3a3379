"""A record that stays out of reach, or was never whole: one sentence each."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from benchmark.errors import RecordLost
from benchmark.record.query import Query
from benchmark.record.writer import Writer
from benchmark.store import outages
from benchmark.store.connection import Connection
from benchmark.store.outages import in_a_hurry, lost, persevering
from benchmark.store.store import Store


@pytest.mark.slow
def test_a_record_that_stays_locked_is_one_sentence(tmp_path, capfd):
    writer = Writer(Connection(Store(str(tmp_path))))
    experiment = writer.experiment("x")
    with closing(sqlite3.connect(tmp_path / "mlflow.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with in_a_hurry(), pytest.raises(RecordLost, match="another process has kept it locked"):
            writer.start(experiment, "run", {}, {})
    assert "Traceback" not in capfd.readouterr().err
    assert writer.start(experiment, "run", {}, {})


def test_a_record_is_waited_for_only_so_long_and_goes_on_when_it_is_back(tmp_path, monkeypatch):
    monkeypatch.setattr(outages, "PATIENCE", 3.0)
    writer, said = Writer(Connection(Store(str(tmp_path)))), []
    experiment = writer.experiment("x")
    away = (tmp_path / "mlflow.db").rename(tmp_path / "away")
    with persevering(said.append), pytest.raises(RecordLost, match="deleted or moved away"):
        writer.start(experiment, "given up", {}, {})
    assert len(said) == 1
    assert "is out of reach: its database was deleted or moved away. Waiting for it, at" in said[0]
    away.rename(tmp_path / "mlflow.db")
    with persevering(said.append):
        writer.start(experiment, "run", {}, {})
    assert len(said) == 1
    assert [run.called for run in Query(writer.connection).runs("")] == ["run"]


def test_a_run_whose_opening_was_not_answered_is_opened_once(tmp_path):
    writer = Writer(Connection(Store(str(tmp_path))))
    experiment = writer.experiment("x")
    watched = writer.connection.client
    really = watched.bare.create_run

    def unanswered(*given):
        watched.bare.create_run = really
        really(*given)
        raise ConnectionResetError("the connection was reset")

    watched.bare.create_run = unanswered
    run_id = writer.start(experiment, "run", {"key": "k", "process": "1"}, {"a": 1})
    (run,) = Query(writer.connection).runs("")
    assert run.run_id == run_id
    assert run.parameters == {"a": "1"}


@pytest.mark.parametrize(
    "said",
    [
        "could not translate postgresql://me:s3cret@host/db to address",
        "API request to https://me:s3cret@host:5000/api failed with exception: Connection refused",
        "FATAL: password=s3cret is not of this server",
        "no such bucket: https://host/?access_token=s3cret",
    ],
)
def test_what_is_said_of_a_record_holds_no_password(said):
    told = lost(Store("postgresql://me:s3cret@host/db").shown, sqlite3.OperationalError(said))
    assert "s3cret" not in f"{told} {told.cause}"
    assert "postgresql://me:***@host/db" in str(told)


def test_a_disk_that_refuses_is_not_called_a_damaged_database():
    told = str(lost("sqlite:///x", sqlite3.OperationalError("disk I/O error")))
    assert "its disk refuses to read or to write it" in told
    assert "damaged" not in told


@pytest.mark.slow
def test_a_record_whose_making_was_cut_short_is_made_anew(tmp_path):
    few = (
        "import resource; from benchmark.store.connection import Connection\n"
        "from benchmark.store.store import Store\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))\n"
        f"Connection(Store({str(tmp_path)!r})).client"
    )
    done = subprocess.run([sys.executable, "-c", few], capture_output=True, text=True, check=False)
    assert "cannot be opened" in done.stderr
    writer = Writer(Connection(Store(str(tmp_path))))
    assert writer.start(writer.experiment("x"), "run", {}, {})
    assert not list(tmp_path.glob("mlflow.new*"))
