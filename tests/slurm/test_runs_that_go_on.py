"""Runs that are longer than their jobs, or are taken off their node: they go on in another job."""

import subprocess

import pytest

from tests.benchmark.execute.broken_off import begun, outcome, runs, wait_until, written
from tests.slurm.studies import jobs

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.usefixtures("started")]

_WORTH = 0.5


def test_a_run_that_is_preempted_goes_on_from_its_step_with_the_same_bits(tmp_path):
    subprocess.run(["scancel", "--quiet", "--user=root"])
    wait_until(lambda: not jobs())
    study, here, there = written(tmp_path, epochs=30), tmp_path / "here", tmp_path / "there"
    command = begun(study, there, _WORTH, "nodelist=n1")

    def trains() -> bool:  # an arm, whose first epoch takes about as long as is worth keeping
        busy = [r for r in runs(there) if r.status == "RUNNING" and r.tags["role"] == "arm"]
        return any("epoch/loss" in run.scores for run in busy)

    for _ in range(2):
        wait_until(trains, 240)
        before = sum(run.status == "KILLED" for run in runs(there))
        urgent = ["--partition=urgent", "--nodelist=n1", "--exclusive", "--output=/dev/null"]
        subprocess.run(["sbatch", *urgent, "--wrap", "sleep 5"], check=True, capture_output=True)
        wait_until(lambda n=before: sum(r.status == "KILLED" for r in runs(there)) > n, 60)
    assert command.wait(600) == 0
    killed = {run.run_id for run in runs(there) if run.status == "KILLED"}
    went_on = {run.tags["resumes"] for run in runs(there) if "resumes" in run.tags}
    assert went_on
    assert went_on <= killed
    assert begun(study, here, _WORTH).wait(300) == 0
    assert outcome(there) == outcome(here)
    assert not [*there.glob("cache/resume/*")]


def test_a_run_that_takes_longer_than_a_job_goes_on_in_another_with_the_same_bits(tmp_path):
    subprocess.run(["scancel", "--quiet", "--user=root"])
    wait_until(lambda: not jobs())
    study, here, there = written(tmp_path, epochs=250), tmp_path / "here", tmp_path / "there"
    text = study.read_text().replace("SelfKD() + Mixout() + SMART(alpha=0)", "Mixout()")
    text = text.replace("self_kd+mixout+smart", "mixout").replace("(1, 2)", "(1,)")
    study.write_text(text)
    undisturbed = begun(study, here, _WORTH)
    assert begun(study, there, _WORTH, "time=1").wait(900) == 0  # a minute, which is Slurm's least
    cut = {run.run_id for run in runs(there) if run.status == "KILLED"}
    went_on = {run.tags["resumes"] for run in runs(there) if "resumes" in run.tags}
    assert went_on
    assert went_on <= cut
    assert undisturbed.wait(600) == 0
    assert outcome(there) == outcome(here)
    assert not [*there.glob("cache/resume/*")]
