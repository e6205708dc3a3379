"""A record that a server keeps in PostgreSQL, with the files of runs in a store of objects."""

import multiprocessing
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.record.query import Query
from benchmark.record.writer import Writer
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from benchmark.tuning.optuna_study import open_storage
from tests.benchmark.conftest import SMALL, command
from tests.benchmark.tuning.test_tuning import TUNED as SEARCHED
from tests.servers.running import CANARY, HOST, refusing

pytestmark = [pytest.mark.slow, pytest.mark.long]

TINY = (
    SMALL.replace("EPOCHS", "1")
    .replace("seeds=(1, 2, 3)", "seeds=(1, 2)")
    .replace('["pretrained", "scratch"]', '["scratch"]')
)
TUNED = SEARCHED.replace("trials=6", "trials=2").replace("epochs=9", "epochs=2")
#: With an arm that fails, saying where its runs are recorded.
FAILING = (
    TUNED.replace('name="tuned"', 'name="secretive"').replace("trials=2", "trials=1")
    + """

import os
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Failing(LS):
    def loss(self, *given, **named):
        raise RuntimeError("no way to " + os.environ["MLFLOW_TRACKING_URI"])


study = replace(
    study, arms=(*study.arms, Arm(ResNet((8,)), "scratch", Failing(), name="failing"))
)
"""
)
#: Processes that write at once, and runs of each.
WRITERS, EACH = 16, 4


def write(folder: Path, text: str) -> Path:
    path = folder / "small.py"
    path.write_text(text)
    return path


def query_of(servers) -> Query:
    return Query(Connection(Store(servers.tracking.address)))


def test_a_study_on_servers_has_the_verdicts_of_one_in_a_folder(shared, bench, tmp_path):
    path = write(tmp_path, TINY)
    ran = bench("run", path, "--workers", 2)
    assert ran.returncode == 0, ran.stderr
    away = bench("stats", "--format", "csv")
    assert bench("run", path, "--workers", 2, "--store", tmp_path / "here").returncode == 0
    here = bench("stats", "--format", "csv", "--store", tmp_path / "here")
    assert away.stdout == here.stdout != ""
    assert "finished" in bench("status").stdout
    assert bench("report", "--out", "page").returncode == 0
    assert any(name.endswith("predictions.npz") for name in shared.objects.contents("kept"))
    assert "4 cached" in bench("run", path).stdout
    assert "Removed" in bench("rm", "small", "--yes").stdout
    assert "is recorded in" in bench("stats", "small").stderr
    assert bench("export", "small", "small.zip", "--store", tmp_path / "here").returncode == 0
    assert "0 there already" in bench("import", "small.zip").stdout
    assert "0 runs new" in bench("import", "small.zip").stdout
    assert bench("stats", "--format", "csv").stdout == here.stdout
    assert bench("export", "small", "back.zip").returncode == 0
    assert (tmp_path / "back.zip").read_bytes() == (tmp_path / "small.zip").read_bytes()
    assert "4 cached" in bench("run", path).stdout


def test_files_go_straight_to_the_bucket_that_an_experiment_names(shared, monkeypatch):
    for name, value in shared.objects.environment.items():
        monkeypatch.setenv(name, value)
    writer = Writer(Connection(Store(shared.tracking.address)))
    place = "s3://kept/direct"
    writer.connection.client.create_experiment("direct", artifact_location=place)
    run = writer.start(writer.experiment("direct"), "run", {}, {})
    writer.attach(run, Path(__file__), "folder")
    found = query_of(shared).artifact(run, "folder/test_shared_record.py")
    assert found is not None
    assert found.read_bytes() == Path(__file__).read_bytes()
    assert any(name.startswith("direct/") for name in shared.objects.contents("kept"))


def test_searches_are_kept_in_postgresql_as_beside_a_record(shared, bench, tmp_path, monkeypatch):
    path = write(tmp_path, TUNED)
    monkeypatch.setenv("OPTUNA_STORAGE", shared.postgres.make("optuna"))
    away = bench("tune", path, "--workers", 2)
    assert away.returncode == 0, away.stderr
    assert not list(tmp_path.glob("**/optuna.db"))
    monkeypatch.delenv("OPTUNA_STORAGE")
    here = bench("tune", path, "--workers", 2, "--store", tmp_path / "here")
    assert [line for line in here.stdout.splitlines() if "chosen" in line] == [
        line for line in away.stdout.splitlines() if "chosen" in line
    ]


def _write_runs(address: str, number: int) -> None:
    writer = Writer(Connection(Store(address)))
    experiment = writer.experiment("many")
    for i in range(EACH):
        key = f"many-{number}-{i}"
        run = writer.start(experiment, key, {"key": key, "role": "arm"}, {"number": number})
        for epoch in (1, 2):
            writer.log(run, {"epoch/loss": 1 / epoch}, epoch)
        writer.attach(run, Path(__file__))
        writer.end(run, "FINISHED", "finished", {}, {"test/accuracy": 10 * number + i})


def _take_trials(storage: str, number: int) -> None:
    import optuna

    study = optuna.load_study(study_name="many", storage=open_storage(storage))
    for _ in range(EACH):
        trial = study.ask()
        study.tell(trial, trial.suggest_float("lr", 0, 1))


def at_once(target, address: str) -> None:
    forked = multiprocessing.get_context("fork")
    working = [forked.Process(target=target, args=(address, k)) for k in range(WRITERS)]
    for each in working:
        each.start()
    for each in working:
        each.join()
    assert [each.exitcode for each in working] == [0] * WRITERS


def test_what_sixteen_processes_write_at_once_is_there_once_and_whole(shared):
    Writer(Connection(Store(shared.tracking.address))).experiment("many")
    at_once(_write_runs, shared.tracking.address)
    query = query_of(shared)
    runs = query.runs("tags.key LIKE 'many-%'")
    assert len(runs) == len({run.tags["key"] for run in runs}) == WRITERS * EACH
    for run in runs:
        _, number, i = run.tags["key"].split("-")
        assert run.scores["test/accuracy"] == 10 * int(number) + int(i)
        assert run.status == "FINISHED"
        assert run.scores["epoch/loss"] == 0.5
    assert query.curve(runs[-1].run_id, "epoch/loss") == {1: 1.0, 2: 0.5}
    assert query.artifact(runs[-1].run_id, "test_shared_record.py") is not None


def test_sixteen_processes_share_the_trials_of_a_search_in_postgresql(servers):
    import optuna

    storage = servers.postgres.make("trials")
    study = optuna.create_study(study_name="many", storage=open_storage(storage))
    at_once(_take_trials, storage)
    trials = study.get_trials()
    assert [trial.number for trial in trials] == list(range(WRITERS * EACH))
    assert all(trial.state.is_finished() for trial in trials)


def test_what_cannot_be_used_is_one_sentence_before_anything_is_trained(
    shared, bench, tmp_path, monkeypatch
):
    path = write(tmp_path, TINY)
    database = shared.postgres.address
    writer = Writer(Connection(Store(shared.tracking.address)))
    place = "s3://absent/runs"
    writer.connection.client.create_experiment("no bucket", artifact_location=place)
    for name, value in shared.objects.environment.items():
        monkeypatch.setenv(name, value)

    def said(what: str, *arguments: object) -> None:
        done = bench("run", path, "--workers", 1, *arguments)
        told = done.stderr
        assert (done.returncode, told.count("\n")) == (2, 1), told
        assert what in told
        assert CANARY not in told
        assert not list(tmp_path.glob("mlruns/cache/weights/*"))

    with refusing(401) as address:
        said("does not know who asks. Set MLFLOW_TRACKING_USERNAME", "--store", address)
    with refusing(403) as address:
        said("does not permit this", "--store", address)
    with refusing(404) as address:
        said("no MLflow server, or one that is too old", "--store", address)
    said("does not answer. Start the server", "--store", f"http://{HOST}:9")
    said("there is no such database", "--store", database("absent"))
    said("does not take this name and password", "--store", database("mlflow", "x"))
    said("pymysql is not installed", "--store", f"mysql+pymysql://me:{CANARY}@{HOST}/x")
    path.write_text(TINY.replace('"small"', '"no bucket"'))
    said("the bucket for its files does not exist", "--store", shared.tracking.address)
    path.write_text(TUNED)
    storage = database("absent")
    said("there is no such database", "--store", "here", "--optuna-storage", storage)


def test_a_bucket_without_credentials_is_one_sentence(shared, tmp_path):
    """In a process of its own: MLflow keeps a client of S3 for five minutes."""
    path = write(tmp_path, TINY.replace('"small"', '"no credentials"'))
    writer = Writer(Connection(Store(shared.tracking.address)))
    place = "s3://kept/closed"
    writer.connection.client.create_experiment("no credentials", artifact_location=place)
    nobody = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": str(tmp_path)}
    address = {"MLFLOW_S3_ENDPOINT_URL": shared.objects.address}
    done = subprocess.run(
        command("run", path, "--workers", 1),
        env=os.environ | nobody | address | {"AWS_EC2_METADATA_DISABLED": "true"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "does not take these credentials. Set AWS_" in done.stderr


@pytest.mark.parametrize("module", ["psycopg", "boto3"])
def test_a_library_that_is_missing_is_named_with_its_extra(module, shared, tmp_path):
    path = write(tmp_path, TINY.replace('"small"', f'"without {module}"'))
    without = f"import sys; sys.modules[{module!r}] = None; import benchmark.cli; "
    told = f"['run', {str(path)!r}]"
    address = shared.postgres.address("mlflow") if module == "psycopg" else None
    client = Writer(Connection(Store(shared.tracking.address))).connection.client
    if module == "boto3":
        client.create_experiment(f"without {module}", artifact_location="s3://kept/without")
    done = subprocess.run(
        [sys.executable, "-c", f"{without}sys.exit(benchmark.cli.main({told}))"],
        env=os.environ | ({"MLFLOW_TRACKING_URI": address} if address else {}),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    extra = {"psycopg": "postgres", "boto3": "s3"}[module]
    assert f"{module} is not installed. Install it (pip install 'armbench[{extra}]')" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_no_password_is_written_down(shared, bench, tmp_path):
    """A study with a failing run, by a command whose addresses and environment hold secrets."""
    path = write(tmp_path, FAILING)
    database = shared.postgres.make("secretive")
    told = command("--debug", "run", path, "--workers", 2, "--store", database)
    told += ["--optuna-storage", shared.postgres.make("secretive_trials")]
    secrets = {
        "MLFLOW_TRACKING_PASSWORD": CANARY,
        "MLFLOW_TRACKING_TOKEN": CANARY,
        **shared.objects.environment,
    }
    done = subprocess.run(
        told, env=os.environ | secrets, cwd=tmp_path, capture_output=True, check=False
    )
    assert done.returncode == 1, done.stderr
    assert b"no way to postgresql://me:***@" in done.stdout
    report = command("report", "--store", database, "--out", "page")
    page = subprocess.run(
        report, env=os.environ | secrets, cwd=tmp_path, capture_output=True, check=False
    )
    assert page.returncode == 0, page.stderr
    written = {str(each): each.read_bytes() for each in tmp_path.rglob("*") if each.is_file()}
    written |= {name: shared.postgres.dump(name) for name in ("secretive", "secretive_trials")}
    written |= {"printed": done.stdout, "errors": done.stderr, "page": page.stdout + page.stderr}
    assert [name for name, content in written.items() if CANARY.encode() in content] == []
    assert b"secretive" in written["secretive"]
