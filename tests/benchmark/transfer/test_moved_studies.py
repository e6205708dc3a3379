"""A study that is moved in a file is the same study, and a file that is not whole moves nothing."""

import json
import os
import signal
import subprocess
import time
import zipfile
from pathlib import Path

import pytest

from benchmark.record.query import Query
from benchmark.record.recorded import PARENT
from benchmark.record.writer import Writer
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from benchmark.transfer.exporting import export_study
from benchmark.transfer.format import TransferError
from benchmark.transfer.importing import import_study
from tests.benchmark import reported
from tests.benchmark.conftest import command
from tests.benchmark.tuning.test_tuning import TUNED

pytestmark = [pytest.mark.slow, pytest.mark.long]

NAME = reported.STUDY_NAME


def query_of(store: Path) -> Query:
    return Query(Connection(Store(str(store))))


def runs_of(query: Query) -> list[dict[str, object]]:
    """All that can be asked of each run but where it is."""
    runs = query.runs("attributes.run_id != ''")
    identities = {run.run_id: run.identity for run in runs}
    names = query.connection.experiments()
    return sorted(
        (
            {
                "identity": run.identity,
                "parent": identities.get(run.tags.get(PARENT, "")),
                "tags": {k: v for k, v in run.tags.items() if k not in ("origin", PARENT)},
                "experiment": names[run.experiment],
                "curve": query.curve(run.run_id, "epoch/accuracy"),
                "told": (run.status, run.began, run.seconds, run.scores, run.parameters),
            }
            for run in runs
        ),
        key=lambda each: str(each["identity"]),
    )


@pytest.fixture(scope="module")
def packed(attack, tmp_path_factory) -> Path:
    """The file of a study with failed runs, predictions, verdicts, and names that attack."""
    path = tmp_path_factory.mktemp("packed") / "study.zip"
    export_study(query_of(attack / "mlruns"), NAME, path, None)
    return path


@pytest.fixture(scope="module")
def moved(packed, tmp_path_factory) -> Path:
    """A record that has the study from the file."""
    store = tmp_path_factory.mktemp("moved") / "mlruns"
    done = import_study(packed, Writer(query_of(store).connection), "")
    assert (done.study, done.known, done.trained) == (NAME, 0, 0)
    return store


def test_a_moved_study_has_every_run_as_it_was(attack, moved):
    assert runs_of(query_of(moved)) == runs_of(query_of(attack / "mlruns"))


def test_a_moved_study_is_exported_to_the_same_bytes(packed, moved, tmp_path):
    export_study(query_of(moved), NAME, tmp_path / "again.zip", None)
    assert (tmp_path / "again.zip").read_bytes() == packed.read_bytes()


@pytest.mark.long
def test_a_moved_study_has_the_same_verdicts_and_page(attack, moved, bench, tmp_path):
    before = len(query_of(moved).runs("attributes.run_id != ''"))
    for arguments in (("stats",), ("stats", "--format", "csv"), ("stats", "--rank"), ("status",)):
        there = bench(*arguments, "--store", attack / "mlruns")
        here = bench(*arguments, "--store", moved)
        assert here.stdout.replace(str(moved), str(attack / "mlruns")) == there.stdout != ""
    assert bench("report", "--store", moved, "--out", "here").returncode == 0
    assert bench("report", "--store", attack / "mlruns", "--out", "there").returncode == 0
    files = {path.relative_to("here") for path in Path("here").rglob("*") if path.is_file()}
    assert any(path.suffix == ".csv" for path in files)
    for path in files:
        assert ("here" / path).read_bytes() == ("there" / path).read_bytes(), path
    assert len(query_of(moved).runs("attributes.run_id != ''")) == before  # no verdict once more


def test_what_is_there_is_left_alone(attack, packed, moved):
    for store in (moved, attack / "mlruns"):
        before = runs_of(query_of(store))
        done = import_study(packed, Writer(query_of(store).connection), "")
        assert (done.new, done.known) == (0, len(before))
        assert runs_of(query_of(store)) == before


def test_runs_that_a_record_has_trained_itself_stay_the_ones_that_count(packed, tmp_path):
    writer = Writer(query_of(tmp_path).connection)
    with zipfile.ZipFile(packed) as archive:
        key = json.loads(archive.read("study.json"))["cells"][0]
    own = writer.start(writer.experiment(NAME), "own", {"key": key, "role": "arm"}, {})
    writer.end(own, "FINISHED", "finished", {}, {"test/accuracy": 1.0})
    done = import_study(packed, writer, "")
    assert done.trained == 1
    assert Query(writer.connection).finished([key])[key].run_id == own


def test_another_study_of_the_same_name_is_refused(packed, tmp_path):
    from dataclasses import replace

    from benchmark.record.studies import record_study, recorded_study

    store = tmp_path / "other"
    writer = Writer(query_of(store).connection)
    import_study(packed, Writer(query_of(tmp_path / "first").connection), "")
    plan = recorded_study(query_of(tmp_path / "first"), NAME)
    cells = tuple(replace(cell, key=f"other{i}") for i, cell in enumerate(plan.cells))
    record_study(writer, replace(plan, cells=cells))
    with pytest.raises(TransferError, match="with none of the runs"):
        import_study(packed, writer, "")


@pytest.mark.long
def test_an_import_that_is_killed_leaves_nothing_half_and_is_gone_on_with(
    packed, moved, tmp_path, bench
):
    told = command("import", packed, "--store", tmp_path / "mlruns")
    process = subprocess.Popen(told, stdout=subprocess.DEVNULL)
    query = query_of(tmp_path / "mlruns")
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline and process.poll() is None:
        if query.store.exists() and len(query.runs("tags.key != ''")) > 5:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    whole = {str(each["identity"]): each for each in runs_of(query_of(moved))}
    for each in runs_of(query):
        halves = str(each["tags"]).count("key") == 0
        assert halves or each["told"] == whole[str(each["identity"])]["told"]
    done = bench("import", packed, "--store", tmp_path / "mlruns")
    assert done.returncode == 0, done.stderr
    assert runs_of(query) == runs_of(query_of(moved))


@pytest.mark.long
def test_a_half_that_somebody_closed_counts_nowhere(packed, moved, tmp_path, monkeypatch):
    writer = Writer(query_of(tmp_path).connection)
    with monkeypatch.context() as patch:
        patch.setattr(Writer, "end_moved", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            import_study(packed, writer, "")
    (half,) = query_of(tmp_path).runs("attributes.run_id != ''")
    assert not {"key", "role"} & half.tags.keys()
    writer.end(half.run_id, "KILLED", "interrupted")
    import_study(packed, writer, "")
    assert runs_of(query_of(tmp_path)) == runs_of(query_of(moved))


def rewritten(packed: Path, target: Path, change) -> None:
    """A copy whose members are changed: a list of names and contents."""
    with zipfile.ZipFile(packed) as archive:
        members = [(each, archive.read(each)) for each in archive.namelist()]
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in change(members):
            archive.writestr(name, content)


def _flipped(path: Path, target: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    target.write_bytes(content)


def _listed(members, name: str, content: bytes = b"x"):
    """With one more member, which the list of checksums has too."""
    import hashlib

    listed = {**json.loads(members[-1][1]), name: hashlib.sha256(content).hexdigest()}
    return [*members[:-1], (name, content), ("checksums.json", json.dumps(listed))]


def _later(members):
    head = {**json.loads(members[0][1]), "version": 99}
    return [("study.json", json.dumps(head)), *members[1:]]


def _bomb(path: Path, target: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = [(each, archive.read(each)) for each in archive.namelist()]
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _listed(members, f"runs/{'a' * 32}/files/zeros", bytes(10**7)):
            archive.writestr(name, content)


def _climbing(name: str):
    return lambda path, target: rewritten(path, target, lambda found: _listed(found, name))


DAMAGES = {
    "flipped": (_flipped, "is damaged"),
    "cut": (lambda path, target: target.write_bytes(path.read_bytes()[:-500]), "it again"),
    "empty": (lambda _, target: target.write_bytes(b""), "is damaged"),
    "no archive": (lambda _, target: target.write_text("hello"), "is damaged"),
    "a member less": (
        lambda path, target: rewritten(path, target, lambda found: found[:2] + found[3:]),
        "its members are not those that it lists",
    ),
    "no list": (lambda p, t: rewritten(p, t, lambda found: found[:-1]), "list of checksums"),
    "another archive": (
        lambda p, t: rewritten(p, t, lambda _: [("a.txt", b"")]),
        "is no file that bench export wrote",
    ),
    "later": (lambda p, t: rewritten(p, t, _later), "pip install -U armbench"),
    "bomb": (_bomb, "its members are larger than the file"),
    "above": (_climbing(f"runs/{'a' * 32}/files/../../../x"), "is no member of such a file"),
    "absolute": (_climbing("/etc/x"), "is no member of such a file"),
    "backslash": (_climbing(f"runs/{'a' * 32}/files/..\\x"), "is no member of such a file"),
    "no run": (_climbing(f"runs/{'a' * 32}/run.json"), "cannot be read"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_not_as_it_was_written_moves_nothing(damage, packed, bench, tmp_path):
    change, said = DAMAGES[damage]
    change(packed, tmp_path / "bad.zip")
    done = bench("import", "bad.zip", "--store", tmp_path / "mlruns")
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    store = Store(str(tmp_path / "mlruns"))
    assert not store.exists() or query_of(tmp_path / "mlruns").runs("attributes.run_id != ''") == []
    assert {path.name for path in tmp_path.iterdir()} <= {"bad.zip", "mlruns"}


def test_what_is_in_the_way_or_missing_is_one_sentence(packed, attack, bench, tmp_path):
    store = ("--store", attack / "mlruns")
    for arguments, said in (
        (("export", NAME, packed, *store), "is there already"),
        (("export", NAME, tmp_path / "no" / "x.zip", *store), "could not be written"),
        (("export", "nothing", "x.zip", *store), "is recorded in"),
        (("import", "nothing.zip"), "nothing.zip: No such file"),
    ):
        done = bench(*arguments)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert said in done.stderr
    assert not [each for each in os.listdir(tmp_path) if "zip" in each]


@pytest.mark.long
def test_a_tuned_study_is_moved_with_its_searches(bench, tmp_path):
    study = tmp_path / "tuned.py"
    study.write_text(TUNED.replace("trials=6", "trials=2").replace("epochs=9", "epochs=2"))
    assert bench("run", study, "--workers", 2).returncode == 0
    assert bench("export", "tuned", "tuned.zip").returncode == 0
    assert "2 searches" in bench("import", "tuned.zip", "--store", "new").stdout
    assert "2 searches" not in bench("import", "tuned.zip", "--store", "new").stdout
    here, there = (bench("stats", *where).stdout for where in ((), ("--store", "new")))
    assert here == there != ""
    again = bench("run", study, "--store", "new")
    assert "6 cached" in again.stdout, again.stdout + again.stderr
    stores = query_of(tmp_path / "mlruns"), query_of(tmp_path / "new")
    (judged,), (verdict,) = (each.runs("tags.role = 'verdict'") for each in stores)
    assert judged.run_id == verdict.identity  # it was not recorded anew
    assert bench("export", "tuned", "again.zip", "--store", "new").returncode == 0
    ours, theirs = (zipfile.ZipFile(tmp_path / name) for name in ("tuned.zip", "again.zip"))
    searches = [name for name in ours.namelist() if name.startswith("searches/")]
    assert len(searches) == 2
    for name in searches:
        assert ours.read(name) == theirs.read(name)
