"""Searches by the real command: real processes, a real store, a real Optuna database."""

import os
import signal
import sqlite3
import subprocess
import time
from contextlib import closing
from pathlib import Path

import optuna
import pytest

from benchmark.declare.loading import load_study
from benchmark.record.query import Query
from benchmark.session.searching import search
from benchmark.session.session import Session
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from benchmark.tuning.optuna_study import open_storage
from benchmark.tuning.tune import StudyTuning
from tests.benchmark.conftest import command
from tests.benchmark.execute.gpu_boxes import box, options

TUNED = """
from benchmark import Arm, Comparison, Judging, Range, Search, Study, Tuning
from trainers.methods import LS, Base, SelfKD
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

study = Study(
    name="tuned",
    task=Digits(digits=(5, 6, 7, 8), train=80, dev=80, test=120),
    arms=Arm.grid(
        ResNet((8,)),
        "scratch",
        [Base(), LS()],
        search=Search(lr=Range(1e-4, 1e-1, log=True), batch_size=[8, 16, 32], epsilon=[0.1, 0.4]),
    ),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=2.0),
    training=Training(epochs=9, lr=3e-3, device="cpu", precision="float32"),
    seeds=(1, 2, 3),
    tuning=Tuning(trials=6),
    allow_underpowered=True,
)
"""


@pytest.fixture
def tuned(tmp_path: Path) -> Path:
    """A study that searches two arms with six settings each."""
    path = tmp_path / "tuned.py"
    path.write_text(TUNED)
    return path


def trials(folder: Path, study: Path, url: str | None = None) -> dict[str, list[tuple]]:
    """By search: setting, curve, end and value of every trial."""
    store = Store(str(folder / "mlruns"))
    storage = open_storage(url or f"sqlite:///{store.folder / 'optuna.db'}")
    results = StudyTuning(load_study(study), Connection(store), storage).results()
    return {
        r.searching.name: [(dict(t.params), dict(t.curve), t.end, t.value) for t in r.trials]
        for r in results
    }


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory) -> dict[str, list[tuple]]:
    """The trials of the study on one worker, when nothing disturbs it."""
    folder = tmp_path_factory.mktemp("undisturbed")
    study = folder / "tuned.py"
    study.write_text(TUNED)
    done = subprocess.run(
        command("tune", study, "--workers", 1), cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return trials(folder, study)


def test_a_study_is_tuned_then_compared_and_says_so(tuned, bench, query):
    planned = bench("plan", tuned)
    assert planned.returncode == 0, planned.stderr
    assert "tuning before them" in planned.stdout
    assert not (tuned.parent / "mlruns" / "optuna.db").exists()

    done = bench("run", tuned, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expected best of" in done.stdout
    assert "base · scratch was tuned on dev (tpe, 6 settings" in " ".join(done.stdout.split())
    assert "seeds 10001, 10002" in " ".join(done.stdout.split())
    searched = trials(tuned.parent, tuned)
    assert [len(found) for found in searched.values()] == [6, 6]

    runs = query.runs("tags.role = 'trial'")
    assert len(runs) == 12
    ends = [run.tags["trial_state"] for run in runs]
    assert ends.count("pruned") == sum(t[2] == "pruned" for ts in searched.values() for t in ts) > 0
    (parents,) = {tuple(sorted({r.tags["mlflow.parentRunId"] for r in runs}))}
    roles = {query.connection.client.get_run(parent).data.tags["role"] for parent in parents}
    assert roles == {"tuning"}
    figures = {a.path for a in query.connection.client.list_artifacts(parents[0], "figures")}
    assert {f"figures/{name}.png" for name in ("history", "expected_best")} <= figures

    arms = query.runs("tags.role = 'arm'")
    assert [run.status for run in arms] == ["FINISHED"] * 6  # comparisons are never pruned
    assert {run.tags["seed"] for run in arms} == {"1", "2", "3"}
    best = max((t for t in searched["ls · scratch"] if t[3] is not None), key=lambda t: t[3])
    rates = {r.parameters["training.lr"] for r in arms if r.tags["method"] == "ls"}
    assert rates == {str(best[0]["lr"])}

    again = bench("run", tuned)
    assert again.returncode == 0, again.stderr
    assert "6 runs in the comparison, 6 cached" in again.stdout
    assert len(query.runs("tags.role = 'trial'")) == 12
    told = bench("stats", "--compare", "base", "ls", "--format", "markdown").stdout
    assert "ls · scratch was tuned on dev" in told

    tuned.write_text(TUNED.replace("trials=6", "trials=7"))
    assert bench("plan", tuned).returncode == 0
    storage = f"sqlite:///{query.store.folder / 'optuna.db'}"
    assert len(optuna.get_all_study_names(storage)) == 2  # a plan begins no search


@pytest.mark.long
@pytest.mark.slow
def test_the_sequence_of_settings_does_not_depend_on_workers(tuned, bench, undisturbed):
    assert bench("tune", tuned, "--workers", 3).returncode == 0
    assert trials(tuned.parent, tuned) == undisturbed


@pytest.mark.slow
@pytest.mark.long
def test_nor_does_it_depend_on_gpus(tuned, monkeypatch, undisturbed):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "")
    tuned.write_text(TUNED.replace('device="cpu", ', ""))
    told = options(tuned, gpus="all", runs_per_gpu="auto")
    session = Session.of(told, find_gpus=lambda: box(80_000, 80_000))
    outcome = search(session)
    assert outcome is not None
    assert outcome.complete
    assert trials(tuned.parent, tuned) == undisturbed


def ended_so_far(folder: Path) -> int:
    """Trials of all searches whose end is noted in the database."""
    database = folder / "mlruns" / "optuna.db"
    if not database.exists():
        return 0
    query = "SELECT count(*) FROM trial_user_attributes WHERE key = 'end'"
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=60)) as connection:
        try:
            return connection.execute(query).fetchone()[0]
        except sqlite3.OperationalError:  # its tables are being made
            return 0


@pytest.mark.slow
@pytest.mark.long
def test_killed_twice_a_search_ends_as_if_nothing_had_happened(tuned, bench, undisturbed, query):
    for wanted in (2, 7):
        process = subprocess.Popen(
            command("tune", tuned, "--workers", 2),
            cwd=tuned.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 120
        while ended_so_far(tuned.parent) < wanted and time.monotonic() < deadline:
            assert process.poll() is None
            time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert 7 <= ended_so_far(tuned.parent) < 12
    done = bench("tune", tuned, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert trials(tuned.parent, tuned) == undisturbed
    runs = query.runs("tags.role = 'trial'")
    assert len({(r.tags["search"], r.tags["trial"]) for r in runs}) == 12
    assert {r.status for r in runs} <= {"FINISHED", "KILLED", "FAILED"}


@pytest.mark.slow
@pytest.mark.long
def test_ctrl_c_keeps_what_ended_and_the_same_command_goes_on(tuned, bench, undisturbed, query):
    process = subprocess.Popen(
        command("run", tuned, "--workers", 2),
        cwd=tuned.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    while ended_so_far(tuned.parent) < 3:
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    output = process.communicate(timeout=60)[0]
    assert process.returncode == 130, output
    assert "the same command goes on" in output
    assert "Traceback" not in output
    assert "RUNNING" not in {r.status for r in query.runs("tags.role != ''")}
    done = bench("run", tuned, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert trials(tuned.parent, tuned) == undisturbed


@pytest.mark.slow
@pytest.mark.long
def test_two_processes_with_stores_of_their_own_share_one_search(tuned, undisturbed):
    folder = tuned.parent
    url = f"sqlite:///{folder / 'shared.db'}"
    open_storage(url)
    machines = [
        subprocess.Popen(
            command("tune", tuned, "--workers", 1, "--store", name, "--optuna-storage", url),
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for name in ("one", "two")
    ]  # fmt: skip
    for machine in machines:
        output = machine.communicate(timeout=300)[0]
        assert machine.returncode == 0, output
        assert "locked" not in output
    assert trials(folder, tuned, url) == undisturbed
    shares = [
        len(Query(Connection(Store(str(folder / name)))).runs("tags.role = 'trial'"))
        for name in ("one", "two")
    ]
    assert min(shares) > 0
    assert sum(shares) == 12  # nobody trained what another had taken


BLIND = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Blind(Digits):
    def load(self, split, folder, seed):
        if split == "test":
            raise RuntimeError("somebody looked at the test data")
        return super().load(split, folder, seed)
"""


@pytest.mark.long
@pytest.mark.slow
def test_test_data_are_not_opened_while_tuning(tuned, bench, query):
    text = TUNED.replace("study = Study(", BLIND + "\nstudy = Study(").replace(
        "task=Digits(", "task=Blind("
    )
    text = text.replace("[Base(), LS()]", "[Base(), SelfKD()]").replace('"ls"', '"self_kd"')
    text = text.replace("epsilon=[0.1, 0.4]", "tau=[1.0, 4.0]").replace("trials=6", "trials=3")
    tuned.write_text(text)
    done = bench("tune", tuned, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    runs = query.finished().values()
    assert {run.tags["role"] for run in runs} == {"trial-seed", "teacher"}
    assert not any(run.is_tested for run in runs)
    compared = bench("run", tuned, "--workers", 2)
    assert compared.returncode == 1
    assert "somebody looked at the test data" in compared.stdout


@pytest.mark.slow
def test_an_arm_that_diverges_everywhere_is_named_and_the_others_go_on(tuned, bench):
    wild = """
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Wild(Base):
    name: ClassVar[str] = "wild"
    scale: float = 1.0

    def loss(self, step):
        return super().loss(step) * self.scale * float("inf")
"""
    text = TUNED.replace("study = Study(", wild + "\nstudy = Study(")
    text = text.replace("[Base(), LS()]", "[Base(), LS(), Wild()]")
    text = text.replace("epsilon=[0.1, 0.4]", "epsilon=[0.1, 0.4], scale=[1.0, 2.0]")
    text = text.replace('"base", "ls"', '"base", ["ls", "wild"]').replace("trials=6", "trials=3")
    tuned.write_text(text)
    done = bench("run", tuned, "--workers", 2)
    assert done.returncode == 1, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert "none of its 3 settings could be trained (diverged: the loss was" in told
    assert "base vs ls" in told
    assert "Traceback" not in told


FRAGILE = """
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Fragile(Base):
    name: ClassVar[str] = "fragile"
    limit: float = 1.0

    def loss(self, step):
        lost = self.limit < 0.3 and step.epoch >= 3
        return super().loss(step) * (float("inf") if lost else 1.0)
"""


@pytest.mark.slow
@pytest.mark.long
def test_trials_that_diverge_are_the_same_on_any_number_of_workers(tuned, bench):
    text = TUNED.replace("study = Study(", FRAGILE + "\nstudy = Study(")
    text = text.replace("[Base(), LS()]", "[Base(), Fragile()]").replace('"ls"', '"fragile"')
    tuned.write_text(text.replace("epsilon=[0.1, 0.4]", "limit=Range(0.0, 1.0)"))
    assert bench("tune", tuned, "--workers", 3).returncode == 0
    three = trials(tuned.parent, tuned)
    assert bench("tune", tuned, "--workers", 1, "--store", "alone").returncode == 0
    assert trials(tuned.parent, tuned, f"sqlite:///{tuned.parent}/alone/optuna.db") == three
    assert "failed" in {end for _, _, end, _ in three["fragile · scratch"]}


@pytest.mark.long
@pytest.mark.slow
def test_a_teacher_that_is_a_pruned_trial_of_another_arm_goes_on(tuned, bench):
    text = TUNED.replace("[Base(), LS()]", "[Base(), SelfKD()]").replace('"ls"', '"self_kd"')
    text = text.replace("epsilon=[0.1, 0.4]", "tau=[1.0, 4.0]").replace(
        "lr=Range(1e-4, 1e-1, log=True), batch_size=[8, 16, 32]", "lr=[3e-3, 0.1]"
    )
    tuned.write_text(text.replace("trials=6", "trials=4"))
    done = bench("tune", tuned, "--workers", 4)
    assert done.returncode == 0, done.stdout + done.stderr
    found = trials(tuned.parent, tuned)
    assert "failed" not in {end for searched in found.values() for _, _, end, _ in searched}


@pytest.mark.slow
def test_a_setting_whose_worker_dies_is_tried_again_and_then_counts_as_failed(tuned, bench):
    deadly = """
import os, signal
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Deadly(Base):
    name: ClassVar[str] = "deadly"
    size: int = 1

    def loss(self, step):
        if self.size > 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(step)
"""
    text = TUNED.replace("study = Study(", deadly + "\nstudy = Study(")
    text = text.replace("[Base(), LS()]", "[Base(), Deadly()]").replace('"ls"', '"deadly"')
    text = text.replace("epsilon=[0.1, 0.4]", "size=[1, 2]").replace("trials=6", "trials=4")
    tuned.write_text(text)
    done = bench("run", tuned, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "base vs deadly" in done.stdout
    ends = {s["size"]: end for s, _, end, _ in trials(tuned.parent, tuned)["deadly · scratch"]}
    assert ends[2] == "failed"


@pytest.mark.slow
@pytest.mark.long
def test_the_search_of_an_arm_that_never_ends_is_given_up_and_the_others_go_on(tuned, bench):
    endless = """
import time
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Endless(Base):
    name: ClassVar[str] = "endless"

    def loss(self, step):
        while True:
            time.sleep(1)
"""
    text = TUNED.replace("study = Study(", endless + "\nstudy = Study(")
    text = text.replace("[Base(), LS()]", "[Base(), LS(), Endless()]").replace(
        "trials=6", "trials=2"
    )
    tuned.write_text(text)
    done = bench("run", tuned, "--workers", 2)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "it goes on for more than" in done.stdout
    assert "base vs ls" in done.stdout
    found = trials(tuned.parent, tuned)
    assert {end for _, _, end, _ in found["endless · scratch"]} == {"failed"}
    assert {end for _, _, end, _ in found["ls · scratch"]} <= {"complete", "pruned"}


@pytest.mark.long
@pytest.mark.slow
def test_an_arm_that_is_not_tuned_beside_one_that_is_draws_a_warning(tuned, bench):
    text = TUNED.replace("lr=Range(1e-4, 1e-1, log=True), batch_size=[8, 16, 32], ", "")
    tuned.write_text(text.replace("trials=6", "trials=4"))
    planned = " ".join(bench("plan", tuned).stdout.split())
    assert "ls will be tuned and base not: the best of 4 equally good settings" in planned
    assert "1.03 standard deviations" in planned
    done = " ".join(bench("run", tuned, "--workers", 2).stdout.split())
    assert "unfair tuning (resnet-8, scratch): ls was tuned and base was not" in done
    assert "points of dev score" in done


@pytest.mark.long
@pytest.mark.slow
def test_the_papers_protocol_ends_with_one_setting_for_all_arms(tuned, bench, query):
    text = TUNED.replace("Tuning(trials=6)", 'Tuning(trials=6, protocol="paper", lead="ls")')
    text = text.replace("arms=Arm.grid(", "arms=(Arm(ResNet((8,)), 'scratch', Base()), *Arm.grid(")
    text = text.replace("[Base(), LS()]", "[LS()]").replace("0.4]),\n    ),", "0.4]),\n    )),")
    tuned.write_text(text)
    done = bench("run", tuned, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expect a bias towards it" in " ".join(done.stdout.split())
    arms = query.runs("tags.role = 'arm'")
    rates = {r.tags["method"]: r.parameters["training.lr"] for r in arms}
    assert rates["base"] == rates["ls"]
    found = trials(tuned.parent, tuned)
    finals = found["ls · scratch: its best on all arms"]
    tried = [t[0] for t in found["ls · scratch"] if t[2] == "complete"]
    assert 1 <= len(finals) <= 5
    assert all(setting in tried for setting, *_ in finals)


@pytest.mark.sampled(test_all=3)
@pytest.mark.parametrize(
    "sampler", [pytest.param(each, marks=pytest.mark.slow) for each in ("random", "grid", "gp")]
)
def test_every_sampler_searches(tuned, bench, sampler):
    text = TUNED.replace("lr=Range(1e-4, 1e-1, log=True), batch_size=[8, 16, 32]", "lr=[0.01, 0.1]")
    text = text.replace("trials=6", f'trials=3, seeds=1, pruner="none", sampler="{sampler}"')
    tuned.write_text(text)
    done = bench("tune", tuned, "--workers", 2)
    assert done.returncode == 0, done.stdout + done.stderr
    settings = [s for s, *_ in trials(tuned.parent, tuned)["ls · scratch"]]
    base = [s for s, *_ in trials(tuned.parent, tuned)["base · scratch"]]
    assert len(settings) == 3
    if sampler == "grid":
        assert len(base) == 2  # a grid of two points has no third
        assert len({tuple(s.items()) for s in settings}) == 3


def test_a_storage_that_cannot_be_opened_is_said_without_its_password(tuned, bench):
    done = bench("tune", tuned, "--optuna-storage", "postgresql://me:secret@127.0.0.1:1/none")
    assert done.returncode == 2
    assert "cannot be opened" in done.stderr
    assert "secret" not in done.stderr


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("nonsense", "'nonsense' is no address of a database: give --optuna-storage one as"),
        ("redis://me:secret@there/x", "'redis://me:***@there/x' is no address of a database"),
        ("sqlite://", "is kept nowhere"),
        ("sqlite:///not/there/optuna.db", "not/there, which is no folder: make it, or give"),
        ("sqlite:///", "is kept nowhere"),
        ("mysql://me:secret@127.0.0.1:1/none", "Install it (pip install 'mysqlclient')."),
    ],
)
def test_an_address_that_keeps_no_searches_is_refused_before_anything_is_made(
    address, said, tuned, bench
):
    done = bench("tune", tuned, "--optuna-storage", address)
    assert done.returncode == 2
    assert said in done.stderr
    assert "secret" not in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tuned.parent / "mlruns").exists()
