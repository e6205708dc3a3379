"""A study of seconds, run by the real command with real processes and a real store."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.record.query import Query
from benchmark.record.studies import recorded_study
from benchmark.record.writer import Writer
from benchmark.report.gather import Gathered, gather
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.recorded import STUDY, record_runs
from tests.benchmark.reported import STUDY_NAME
from tests.benchmark.reported import record_runs as record_attack

#: Twenty runs of half a second: two inits, base, its own distillation, three methods' worth of
#: dependencies (data, pre-training, teachers).
SMALL = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base, SelfKD
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits

quick = Training(epochs=EPOCHS, batch_size=16, lr=3e-3, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1, 2), train=60, dev=30, test=30), training=quick)
study = Study(
    name="small",
    task=Digits(digits=(5, 6, 7), train=60, dev=60, test=120),
    arms=Arm.grid(ResNet((8,), pretraining=source), ["pretrained", "scratch"], [Base(), SelfKD()]),
    comparison=Comparison("base", "self_kd"),
    judging=Judging(margin=2.0),
    training=quick,
    seeds=(1, 2, 3),
    allow_underpowered=True,
)
"""
linux = pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are found through /proc")


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The study file of twelve runs, two of them dependent on each other in each init."""
    path = tmp_path / "small.py"
    path.write_text(SMALL.replace("EPOCHS", "2"))
    return path


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """The same study with runs long enough to be killed in the middle."""
    path = tmp_path / "small.py"
    path.write_text(SMALL.replace("EPOCHS", "60"))
    return path


def command(*arguments: object) -> list[str]:
    """The command line of `bench` with these arguments."""
    return [sys.executable, "-m", "benchmark", *map(str, arguments)]


@pytest.fixture
def bench(tmp_path, capfd, monkeypatch) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run `bench` in a folder of its own until it ends.

    The command runs in this process, which has imported all that it needs; its workers are
    processes. A test that kills or interrupts the command starts it by :func:`command`.
    """
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        told = [str(each) for each in arguments]
        capfd.readouterr()
        try:
            code = main(told)
        except SystemExit as left:  # argparse
            code = int(left.code or 0)
        printed = capfd.readouterr()
        return subprocess.CompletedProcess(told, code, printed.out, printed.err)

    return run


@pytest.fixture
def query(tmp_path: Path) -> Query:
    """To the record that `bench` makes in its folder."""
    return Query(Connection(Store(str(tmp_path / "mlruns"))))


@pytest.fixture
def writer(query: Query) -> Writer:
    """To the same record."""
    return Writer(query.connection)


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> Path:
    """A study file beside a record that holds every run of it."""
    path = tmp_path_factory.mktemp("recorded") / "recorded.py"
    path.write_text(STUDY)
    record_runs(path, seeds=range(1, 9))
    return path


@pytest.fixture
def answer(recorded, capsys, monkeypatch):
    """Run a command in this process, and return what it printed; it must end well."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.chdir(recorded.parent)

    def run(*arguments: object, code: int = 0) -> str:
        assert main([str(each) for each in arguments]) == code
        printed = capsys.readouterr()
        return printed.err if code else printed.out

    return run


@pytest.fixture(scope="session")
def attack(tmp_path_factory) -> Path:
    """A folder with the file of a study whose names attack, its record, and its report."""
    folder = tmp_path_factory.mktemp("attack")
    path = record_attack(folder)
    arguments = ["report", str(path), "--store", str(folder / "mlruns")]
    assert main([*arguments, "--out", str(folder / "out")]) == 0
    return folder


@pytest.fixture(scope="session")
def gathered(attack) -> Gathered:
    """All that the report of that study is made of."""
    query = Query(Connection(Store(str(attack / "mlruns"))))
    return gather(recorded_study(query, STUDY_NAME), query)
