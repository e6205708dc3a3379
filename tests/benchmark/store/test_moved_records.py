"""A record works wherever it lies, says what is gone from it, and keeps its order of time."""

import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.declare.loading import load_study
from benchmark.record.of_study import study_record
from benchmark.record.predictions import FILE
from benchmark.record.query import Query
from benchmark.record.studies import record_study, recorded_study
from benchmark.record.writer import Writer
from benchmark.runs.plan import make_plan
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark import reported
from tests.benchmark.conftest import command


@pytest.fixture(scope="module")
def original(tmp_path_factory) -> Path:
    """A study beside its record, with all that runs leave."""
    folder = tmp_path_factory.mktemp("original")
    reported.record_runs(folder)
    return folder


@pytest.fixture
def moved(original, tmp_path, monkeypatch) -> Path:
    """A copy of it, elsewhere; the original must stay as it is."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    before = contents(original)
    folder = Path(shutil.copytree(original, tmp_path / "moved"))
    monkeypatch.chdir(folder)
    yield folder
    assert contents(original) == before


def contents(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def query_of(folder: Path) -> Query:
    return Query(Connection(Store(str(folder / "mlruns"))))


def an_arm_of(folder: Path) -> tuple[str, str, Path]:
    """Id, name and predictions of a run of the baseline."""
    query = query_of(folder)
    (run, *_) = query.runs("tags.method = 'base' and tags.init = 'scratch'")
    path = query.artifact(run.run_id, FILE)
    assert path is not None
    return run.run_id, run.called, path


@pytest.mark.long
@pytest.mark.slow
def test_a_copy_answers_from_its_own_files_and_writes_into_them(moved, original, capsys):
    study = moved / "attack.py"
    assert main(["stats", str(study)]) == 0
    assert main(["report", "--out", "first"]) == 0
    told = capsys.readouterr()
    assert "has changed" not in told.err
    query = query_of(moved)
    record = recorded_study(query, None)
    writer = Writer(query.connection)
    record_study(writer, replace(record, seeds=(1,)))
    run_id, _, path = an_arm_of(moved)
    writer.attach(run_id, study)
    assert moved in path.parents
    assert (path.parent / "attack.py").is_file()
    with closing(sqlite3.connect(moved / "mlruns" / "mlflow.db")) as database:
        (places,) = zip(*database.execute("SELECT artifact_uri FROM runs"), strict=True)
    here = (moved / "mlruns" / "artifacts").as_uri()
    assert all(place.startswith(here) for place in places)  # MLflow's own UI finds them, too
    assert (moved / "first" / "report.html").is_file()
    assert (moved / "first" / "figures").is_dir()


@pytest.mark.slow
@pytest.mark.long
def test_moved_again_and_back_nothing_is_lost(moved, tmp_path, monkeypatch, capsys):
    further = tmp_path / "further" / "away"
    further.parent.mkdir()
    recorded_study(query_of(moved), None)
    for source, target in ((moved, further), (further, moved)):
        monkeypatch.chdir(tmp_path)
        source.rename(target)
        assert main(["stats", "--store", str(target / "mlruns"), str(target / "attack.py")]) == 0
        assert main(["report", "--store", str(target / "mlruns"), "--out", "page"]) == 0
        assert "is missing" not in capsys.readouterr().out
        assert not source.exists()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="mounting takes root")
def test_a_record_on_a_medium_mounted_for_reading_is_read(moved, tmp_path):
    script = (
        'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && cd "$1" && shift && '
        '"$@" stats && "$@" status && "$@" report --out page && "$@" ui --port 59999'
    )
    if subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this machine lets nobody mount")
    (tmp_path / "here").mkdir()
    (tmp_path / "tmp").mkdir()
    shutil.copy(moved / "attack.py", tmp_path / "here")
    done = subprocess.run(
        ["unshare", "-m", "sh", "-ec", script, "sh", moved, tmp_path / "here", *command()],
        env=os.environ
        | {"MLFLOW_TRACKING_URI": str(moved / "mlruns"), "TMPDIR": str(tmp_path / "tmp")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "mount" not in done.stderr, done.stderr
    assert "waiting  failed" in done.stdout
    assert "page/report.html" in done.stdout
    assert done.returncode == 2
    assert "can only be read here" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []


def damages() -> dict[str, object]:
    def flip(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 0xFF
        path.write_bytes(content)

    def swap(path: Path) -> None:
        np.savez(path, test_logits=np.zeros((9, 2)), test_labels=np.full(9, 7))

    def pickled(path: Path) -> None:
        np.savez(path, test_logits=np.array([{}], object), test_labels=np.zeros(1, int))

    return {
        "truncated": lambda path: path.write_bytes(path.read_bytes()[:-200]),
        "flipped": flip,
        "empty": lambda path: path.write_bytes(b""),
        "no archive": lambda path: path.write_text("not an archive"),
        "an array alone": lambda path: np.save(path.open("wb"), np.zeros(3)),
        "other arrays": lambda path: np.savez(path, other=np.zeros(3)),
        "arrays that do not fit": swap,
        "a pickle": pickled,
        "missing": lambda path: path.unlink(),
    }


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("damage", damages())
def test_damaged_predictions_are_said_with_the_name_of_their_run(damage, moved):
    _, name, path = an_arm_of(moved)
    damages()[damage](path)
    from benchmark.report.gather import gather
    from benchmark.report.sections.calibration_table import calibration_sheet

    query = query_of(moved)
    sheet = calibration_sheet(gather(recorded_study(query, None), query))
    (warning,) = sheet.warnings
    what = "missing" if damage == "missing" else "damaged"
    assert f"{FILE} of {name} ({reported.TASK_NAME}) is {what}" in warning


def test_where_no_predictions_are_left_it_is_said_what_is_not_known(moved, capsys):
    shutil.rmtree(moved / "mlruns" / "artifacts")
    assert main(["stats"]) == 2
    assert "plan of" in (told := capsys.readouterr().err)
    assert "bench run writes it anew" in told
    plan = make_plan(load_study(moved / "attack.py"))
    record = study_record(plan, moved / "attack.py")
    record_study(Writer(query_of(moved).connection), record)
    assert main(["stats"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "whether base learned anything on" in told
    assert f"{FILE} of base · pretrained · 1" in told


@pytest.mark.parametrize("content", ["", "[]", "{", '{"study": 1}', '"cells"', "\x00\xff"])
def test_a_damaged_plan_is_one_sentence(content, moved, capsys):
    query = query_of(moved)
    for run in query.runs("tags.role = 'study'"):
        query.artifact(run.run_id, "plan.json").write_text(content)
    for arguments in (["stats"], ["report"], ["trend", "--dose", "a=1"]):
        assert main(arguments) == 2
        told = capsys.readouterr().err
        assert "bench run writes it" in told
        assert "Traceback" not in told


def test_a_flipped_number_in_a_plan_is_found(moved, capsys):
    query = query_of(moved)
    for run in query.runs("tags.role = 'study'"):
        path = query.artifact(run.run_id, "plan.json")
        path.write_text(path.read_text().replace('"margin": 2.0', '"margin": 9.0'))
    assert main(["stats"]) == 2
    assert "missing or damaged" in capsys.readouterr().err


def test_a_clock_that_was_set_back_changes_no_order(moved, monkeypatch):
    query = query_of(moved)
    record = recorded_study(query, None)
    now = time.time()
    for hours, name in enumerate(("first", "second", "third"), start=1):
        with monkeypatch.context() as earlier:
            earlier.setattr(time, "time", lambda back=hours: now - 3600 * back)
            later = Writer(Connection(query.store))
            record_study(later, replace(record, study=name))
            opened = later.start(later.experiment(name), name, {"key": "k"}, {})
            later.end(opened, "FAILED", "failed", detail=name)
        assert recorded_study(query, None).study == name
        assert query.last_reasons(["k"])["k"] == f"failed: {name}"
    runs = query.runs("tags.key = 'k'")
    assert all(run.seconds >= 0 for run in runs)
