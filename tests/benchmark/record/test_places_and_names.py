"""Where records may lie, which names may be given, and what is never printed or left behind."""

import os
import re
import socket
import subprocess
from pathlib import Path
from urllib.parse import quote, unquote

import pytest

from benchmark.commands.ui import HOST
from benchmark.declare.arm import check_name
from benchmark.errors import StudyError
from benchmark.record.query import Query
from benchmark.record.studies import record_study
from benchmark.record.writer import Writer
from benchmark.report.names import folder_name
from benchmark.secrets import masked
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.conftest import command

SECRET = "s3c/r@et"


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize(
    "name",
    [
        *("h#ash", "s p;c", "ünï蒸馏"),
        *(pytest.param(name, marks=pytest.mark.slow) for name in ("a&b=c", "a:b@c", "-x", "'q\"")),
    ],
)
def test_a_store_works_under_any_name_that_an_address_can_hold(name, tmp_path):
    store = Store(str(tmp_path / name))
    store.check()
    writer = Writer(Connection(store))
    run = writer.start(writer.experiment("x"), "run", {}, {})
    writer.attach(run, Path(__file__), "folder")
    assert Query(writer.connection).artifact(run, "folder/test_places_and_names.py").is_file()
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert {"mlflow.db", "artifacts"} <= {path.name for path in store.folder.iterdir()}


@pytest.mark.parametrize("name", ["q?x", "p%41"])
def test_a_record_is_made_nowhere_else_when_the_current_folder_cannot_be_in_an_address(
    name, small, bench, tmp_path, monkeypatch
):
    here = tmp_path / name
    here.mkdir()
    study = small.rename(here / "small.py")
    monkeypatch.chdir(here)
    done = bench("run", "small.py")
    assert done.returncode == 2
    assert "in its path, which an address of a database cannot hold" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert {path.name for path in here.iterdir()} <= {study.name, "__pycache__"}


def test_a_study_whose_path_is_no_text_is_refused_in_one_sentence(small, bench, tmp_path):
    study = small.rename(tmp_path / os.fsdecode(b"d\xfcr.py"))
    for asking in ("plan", "run"):
        done = bench(asking, study, "--store", tmp_path / "kept")
        assert done.returncode == 2
        assert "its path holds bytes that are no letters here" in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr


def loop(folder: Path) -> Path:
    (folder / "a").symlink_to(folder / "b")
    (folder / "b").symlink_to(folder / "a")
    return folder / "a"


def file(folder: Path) -> Path:
    (folder / "file").write_text("not a folder")
    return folder / "file"


REFUSED = {
    "?": lambda folder: folder / "q?x",
    "%": lambda folder: folder / "p%41",
    "too long": lambda folder: folder / ("x" * 300),
    "much too long": lambda folder: folder / "/".join(["y" * 200] * 40),
    "a file": file,
    "below a file": lambda folder: file(folder) / "mlruns",
    "links in a circle": loop,
    "memory": lambda folder: "sqlite:///:memory:",
    "no scheme of ours": lambda folder: "foo://bar",
    "a folder of files": lambda folder: f"file://{folder}/mlruns",
}


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("place", REFUSED)
@pytest.mark.parametrize("asking", [("stats",), ("ui",), ("run", "small.py")])
def test_a_store_that_cannot_be_is_one_sentence(place, asking, small, bench, tmp_path):
    before = sorted(tmp_path.iterdir())
    where = REFUSED[place](tmp_path)
    done = bench(*asking, "--store", where)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    made = {"file", "a", "b", "__pycache__", "mlruns"}
    assert {path.name for path in tmp_path.iterdir()} - made == {path.name for path in before}


def test_a_link_that_leads_nowhere_is_followed(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "target")
    store = Store(str(tmp_path / "link"))
    store.check()
    Writer(Connection(store)).experiment("x")
    assert (tmp_path / "target" / "mlflow.db").is_file()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    "address",
    [
        f"postgresql://me:{SECRET}@127.0.0.1:9/db",
        f"http://me:{SECRET}@127.0.0.1:9",
        f"http://{SECRET.replace('/', '').replace('@', '')}@127.0.0.1:9",
        f"http://127.0.0.1:9/?access_token={SECRET}",
        f"mysql+pymysql://me@127.0.0.1:9/db?password={SECRET}",
        f"mssql+pyodbc:///?odbc_connect=DRIVER%3D%7Bx%7D%3BUID%3Du%3BPWD%3D{quote(SECRET, '')}",
    ],
)
def test_passwords_are_printed_by_no_command(address, small, bench, monkeypatch):
    secret = SECRET if SECRET in address else SECRET.replace("/", "").replace("@", "")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    for arguments in (("--store", address), ("a", "b", address)):
        done = bench("stats", *arguments)
        assert secret not in unquote(done.stdout + done.stderr)
        assert "***" in done.stderr
    done = bench("run", small, "--optuna-storage", address)
    assert secret not in done.stdout + done.stderr
    assert secret not in Store(address).shown


HOLDS = (
    *("postgresql://u:hun'ter2@127.0.0.1:1/db", "postgresql://u:hun ter2@127.0.0.1:1/db"),
    *('postgresql://u:hun"ter2@h/db', "postgresql://u:hun@ter2@h/db", "mysql://:hun ter2@h"),
    *("http://h/x#access_token=hunter2", "http://h/x?a=b#id_token=hunter2&c=d"),
    *("host=h password=hunter2 user=u", "host=h password = 'hun ter2' user=u"),
    *("Driver={x};UID=u;PWD=hun ter2;DB=d", "Driver={x};PWD={hun;ter2};DB=d", "pwd=hunter2"),
    *("x://h/?odbc_connect=UID%3Du%3BPWD%3Dhunter2%3BDB%3Dd", "x://h/?o=%50WD%3Dhunter2"),
    *("x://h/?o=PWD%3D%7Bhun%3Bter2%7D%3BDB%3Dd", "x://h/?o=PWD%253Dhunter2"),
    *("x://h/?to=postgresql%3A%2F%2Fu%3Ahunter2%40h%2Fdb", "x://h/?password=hun'ter2"),
    *("x://h/?passwd=hunter2", "x://h/?api_key=hunter2", "x://h/?X-Amz-Security-Token=hunter2"),
    *("api_key=hunter2", "HF_TOKEN=hunter2", "AccountKey=hunter2", "client_secret=hunter2"),
)


@pytest.mark.parametrize("around", ["{}", "cannot open {}", "cannot open '{}': refused", "{}\nyes"])
@pytest.mark.parametrize("text", HOLDS)
def test_every_way_to_write_a_password_is_masked(text, around):
    said = unquote(unquote(masked(around.format(text))))
    assert "***" in said
    assert not {"hun", "ter2", "hunter2"} & set(re.findall("[a-z]+2?", said)), said
    assert "cannot open" in said or "cannot" not in around


def test_masking_leaves_addresses_without_a_password_alone():
    for text in (
        "http://127.0.0.1:5000/x?page=2, see me@example.org",
        "sqlite:////tmp/a:b@c/mlflow.db",
        "postgresql://me@host/db",
        "nothing at all",
        "http://127.0.0.1:5000 is not there, ask me@example.org",
        "AutoTokenizer(pad_token='[PAD]', max_tokens=512, key=len)",
        "sqlite:////tmp/my%20dir/%C3%BC.db",
        "the password is wrong",
        "if token == other and secret == 3",
    ):
        assert masked(text) == text


@pytest.mark.parametrize("port", [0, -1, 70000, "x"])
def test_a_port_that_is_none_is_said(port, bench):
    done = bench("ui", "--port", port)
    assert done.returncode == 2
    assert "is no port, from 1 to 65535" in done.stderr


@pytest.mark.long
@pytest.mark.slow
def test_a_port_that_is_taken_is_said(recorded, answer):
    with socket.create_server((HOST, 0)) as taken:
        told = answer("ui", "--port", taken.getsockname()[1], code=2)
    assert "another program has it already" in told


@pytest.mark.parametrize("name", ["", "  ", "\0", "a\nb", "x" * 251, "\ud800", 3, None])
def test_a_name_that_nothing_could_hold_is_refused(name):
    with pytest.raises(StudyError, match="study: name"):
        check_name(name, "study: name")


def test_folders_of_studies_stay_inside_and_apart():
    names = [
        "../../x",
        "x",
        "/x",
        "..",
        ".",
        "...",
        "a/b",
        "a-b",
        "a b",
        "x" * 250,
        "蒸馏",
        "蒸 馏",
    ]
    folders = [folder_name(name) for name in names]
    assert len(set(folders)) == len(names)
    for folder in folders:
        assert (Path("/out") / folder).resolve().parent == Path("/out")
        assert len(folder) < 200


@pytest.mark.long
@pytest.mark.slow
def test_a_report_of_a_study_with_such_a_name_stays_inside(small, bench, tmp_path):
    small.write_text(small.read_text().replace('name="small"', 'name="../../x"'))
    from benchmark.declare.loading import load_study
    from benchmark.record.of_study import study_record
    from benchmark.runs.plan import make_plan

    plan = make_plan(load_study(small))
    writer = Writer(Connection(Store(str(tmp_path / "mlruns"))))
    experiment = writer.experiment(plan.study.name)
    for key in plan.cells:
        run = writer.start(experiment, "run", {"key": key}, {})
        writer.log(run, {"test/accuracy": 100 * (60 + int(key[:1], 16)) / 120})
        writer.end(run, "FINISHED", "finished")
    record = study_record(plan, small)
    record_study(writer, record)
    done = bench("report")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reports" / folder_name("../../x") / "report.html").is_file()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    "arguments",
    [
        *(("stats",), ("plan", "recorded.py"), ("stats", "--stroe")),
        pytest.param(("report",), marks=pytest.mark.long),
    ],
)
def test_no_command_leaves_a_temporary_file(arguments, recorded, tmp_path):
    done = subprocess.run(
        ["env", f"TMPDIR={tmp_path}", *command(*arguments)],
        cwd=recorded.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []
