"""Of a run that has said how it ended nothing is left, of the last ones either."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.benchmark.conftest import bench as bench  # a fixture
from tests.benchmark.conftest import linux
from tests.slurm.studies import wait_until

STUDY = """
import subprocess
from dataclasses import dataclass
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

@dataclass(frozen=True)
class Leaves(Base):
    name = "leaves"
    def loss(self, step):
        if step.number == 0:
            subprocess.Popen(["SLEEP", "SECONDS"], stdout=subprocess.DEVNULL)
        return super().loss(step)

model = ResNet((8,))
study = Study(
    name="leaves",
    task=Digits(digits=(5, 6, 7), train=60, dev=60, test=120),
    arms=Arm.grid(model, "scratch", [Base(), Leaves()]),
    comparison=Comparison("base", "leaves"),
    judging=Judging(margin=2.0),
    training=Training(epochs=1, batch_size=16, lr=3e-3, device="cpu", precision="float32"),
    seeds=(1, 2, 3),
    allow_underpowered=True,
)
"""


def sleeping(seconds: str) -> list[Path]:
    """Processes that sleep for so long."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if (folder / "cmdline").read_bytes().split(b"\0")[1:2] == [seconds.encode()]:
                found.append(folder)
        except OSError:
            continue
    return found


@linux
@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_what_a_run_started_ends_with_it(tmp_path, bench, workers):
    seconds = f"91{workers}.25"
    study = tmp_path / "leaves.py"
    # A fork server of earlier tests may have another PATH.
    study.write_text(STUDY.replace("SECONDS", seconds).replace("SLEEP", shutil.which("sleep")))
    done = bench("run", study, "--workers", workers)
    assert done.returncode == 0, done.stdout + done.stderr
    assert sleeping(seconds) == []


@linux
def test_one_that_sleeps_is_found():
    with subprocess.Popen(["sleep", "913.25"]) as one:
        try:
            wait_until(lambda: len(sleeping("913.25")) == 1, 10)
        finally:
            one.kill()
    assert sleeping("913.25") == []
