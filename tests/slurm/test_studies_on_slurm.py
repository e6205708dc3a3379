"""A study whose runs are jobs of a real cluster, with what befalls jobs there."""

import signal
import subprocess
from pathlib import Path

import pytest

from tests.benchmark.conftest import bench as bench  # a fixture
from tests.slurm import cluster
from tests.slurm.studies import begun as begun
from tests.slurm.studies import (
    is_training,
    jobs,
    logs,
    query,
    scores,
    statuses,
    wait_until,
    written,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("started")]


@pytest.fixture(autouse=True)
def nothing_left(started):
    """No test meets jobs of another."""
    subprocess.run(["scancel", "--quiet", "--user=root"])
    wait_until(lambda: not jobs())


def test_scores_are_those_of_this_machine_and_what_a_run_prints_is_kept(tmp_path, bench):
    study = written(tmp_path)
    for name in ("stats", "trainers", "numpy"):  # none of which stands in for another
        (tmp_path / f"{name}.py").write_text("raise RuntimeError\n")
    here, there = tmp_path / "here", tmp_path / "there"
    told = bench("run", study, "--engine", "local", "--store", here, "--workers", 2)
    assert told.returncode == 0, told.stderr
    asked = ("--engine", "slurm", "--slurm", "partition=debug,gres=gpu:1", "--workers", 3)
    told = bench("run", study, *asked, "--store", there)
    assert told.returncode == 0, told.stdout + told.stderr
    assert len(scores(here)) == 6
    assert scores(there) == scores(here)
    kept = logs(told.stdout)
    assert any("said by a run" in log.read_text() for log in kept)
    assert any(log.name.endswith("_1_0_log.out") for log in kept), "no array of several jobs"
    assert len(kept) <= 3, "jobs take one run after the other"
    again = bench("run", study, *asked, "--store", there)
    assert again.returncode == 0
    assert "6 cached" in again.stdout


@pytest.mark.long
def test_ctrl_c_ends_the_jobs_and_closes_their_records(tmp_path, begun):
    study, store = written(tmp_path, epochs=3000), tmp_path / "mlruns"
    process = begun("run", study, "--engine", "slurm", "--workers", 2)
    wait_until(lambda: is_training(store))
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert "KILLED" in statuses(store)
    assert "RUNNING" not in statuses(store)
    wait_until(lambda: not jobs(), 30)
    assert not [*store.glob("jobs/*/waiting/*"), *store.glob("jobs/*/taken/*")]


@pytest.mark.long
def test_jobs_that_never_began_are_forgotten_when_all_is_done(tmp_path, bench):
    study = written(tmp_path)
    asked = ("--engine", "slurm", "--slurm", "nodelist=n1", "--workers", 4)  # it has two places
    told = bench("run", study, *asked)
    assert told.returncode == 0, told.stdout + told.stderr
    assert "ended without a word" not in told.stderr
    wait_until(lambda: not jobs(), 60)
    assert not [*tmp_path.glob("mlruns/jobs/*/jobs/*")]


def is_held(store: Path) -> bool:
    """Whether a job holds a run and what that needs, so that nobody removes these."""
    cache = query(store).store.cache
    return any(
        cache.runs.holder(run.tags["key"]) and all(map(cache.uses.holder, run.needs.values()))
        for run in query(store).runs("attributes.status = 'RUNNING' and tags.key != ''")
    )


@pytest.mark.long
def test_a_command_that_was_killed_finds_its_jobs_and_nothing_is_trained_twice(tmp_path, begun):
    study, store = written(tmp_path, epochs=100), tmp_path / "mlruns"
    asked = ("run", study, "--engine", "slurm", "--workers", 2)
    first = begun(*asked)
    wait_until(lambda: is_training(store))
    first.kill()
    first.wait()
    wait_until(lambda: is_held(store))
    assert begun(*asked).wait(400) == 0
    assert statuses(store) == ["FINISHED"] * 6


def test_a_lost_node_costs_time_alone(tmp_path, begun, bench):
    study, store = written(tmp_path, epochs=150, seeds=1), tmp_path / "mlruns"
    asked = ("run", study, "--engine", "slurm", "--slurm", "nodelist=n2,time=10", "--workers", 1)
    process = begun(*asked)
    wait_until(lambda: is_training(store))
    cluster.kill("n2")
    try:
        wait_until(lambda: "n2" not in jobs().values(), 90)
    finally:
        cluster.back("n2")
    cluster.wait_until_up("n2")
    assert process.wait(500) == 0, (tmp_path / "printed").read_text()
    assert sorted(statuses(store)) == ["FINISHED"] * 2 + ["KILLED"]
    here = tmp_path / "here"
    assert bench("run", study, "--store", here, "--workers", 2).returncode == 0
    assert scores(store) == scores(here)


@pytest.mark.long
def test_a_job_that_is_preempted_goes_on_later(tmp_path, begun):
    study, store = written(tmp_path, epochs=150), tmp_path / "mlruns"
    asked = ("run", study, "--engine", "slurm", "--slurm", "nodelist=n1", "--workers", 1)
    process = begun(*asked)
    wait_until(lambda: is_training(store))
    urgent = ["--partition=urgent", "--nodelist=n1", "--exclusive", "--output=/dev/null"]
    subprocess.run(["sbatch", *urgent, "--wrap", "sleep 20"], check=True, capture_output=True)
    wait_until(lambda: "KILLED" in statuses(store), 60)
    assert process.wait(500) == 0, (tmp_path / "printed").read_text()
    assert statuses(store) == ["FINISHED"] * 6 + ["KILLED"]


@pytest.mark.long
def test_a_run_that_takes_longer_than_a_job_may_is_said(tmp_path, begun):
    study, store = written(tmp_path, epochs=100_000, seeds=1), tmp_path / "mlruns"
    process = begun("run", study, "--engine", "slurm", "--slurm", "time=1", "--workers", 1)
    assert process.wait(900) == 1
    printed = (tmp_path / "printed").read_text()
    assert "timed out: it takes longer than a Slurm job may; give --slurm a longer" in printed
    assert set(statuses(store)) == {"KILLED"}
    assert "not started, for want of" in printed


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("partition=nope", "Slurm takes no such job: invalid partition specified: nope. Correct"),
        ("colour=blue", "Slurm takes no such job: unrecognized option '--colour=blue'. Correct"),
        ("gres=tpu:1", "Slurm takes no such job: Invalid generic resource (gres) specification."),
        ("mem=900G", "Slurm takes no such job: allocation failure: Requested node"),
        ("gres=gpu:99", "Slurm takes no such job: allocation failure: Requested node"),
    ],
)
def test_what_slurm_does_not_take_is_one_sentence(asked, said, tmp_path, bench):
    told = bench("run", written(tmp_path), "--engine", "slurm", "--slurm", asked)
    assert told.returncode == 2
    assert said in told.stderr
    assert f"Correct --slurm {asked}, or in" in told.stderr
    assert told.stderr.count("\n") == 1
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


@pytest.mark.long
def test_jobs_that_end_before_they_begin_are_given_up(tmp_path, bench, monkeypatch):
    monkeypatch.setattr("benchmark.execute.engines.slurm.engine._BACK_OFF", 0.1)
    asked = f"export=ALL,PYTHONHOME={tmp_path}"  # in which no Python starts
    told = bench("run", written(tmp_path), "--engine", "slurm", "--slurm", asked)
    assert told.returncode == 1
    assert "preparing digits/567: failed: Slurm jobs ended without a word; see " in told.stdout
    log = Path(told.stdout.partition("without a word; see ")[2].split()[0])
    assert "PYTHONHOME" in log.read_text()


def test_options_of_the_project_hold_where_the_command_says_nothing(tmp_path, bench):
    (tmp_path / "pyproject.toml").write_text('[tool.armbench.slurm]\npartition = "nope"\n')
    study = written(tmp_path)
    told = bench("run", study, "--engine", "slurm")
    assert "partition specified: nope" in told.stderr
    told = bench("run", study, "--engine", "slurm", "--slurm", "partition=debug,mem=900G")
    assert "Requested node configuration is not available" in told.stderr


@pytest.mark.long
def test_the_path_of_a_study_may_hold_spaces(tmp_path: Path, bench):
    folder = tmp_path / "with a space"
    folder.mkdir()
    told = bench("run", written(folder), "--engine", "slurm", "--store", folder / "kept here")
    assert told.returncode == 0, told.stdout + told.stderr
