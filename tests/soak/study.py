"""What is soaked: a small study, its record when nothing disturbs it, and what must hold of one."""

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmark.store.process import is_running
from tests.benchmark.commands.test_running_a_study import workers
from tests.benchmark.execute.broken_off import outcome, runs
from tests.benchmark.execute.faults.study import left_behind, processes_in

#: A pre-training on other digits, a teacher, and two arms on three seeds.
STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, Base, Teacher
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits

quick = Training(epochs=40, batch_size=16, lr=3e-3, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1, 2), train=150, dev=60, test=60), training=quick)
student = ResNet((8,), pretraining=source)
teacher = Teacher(ResNet((16,)), init="scratch")
study = Study(
    name="soak",
    task=Digits(digits=(5, 6, 7), train=150, dev=60, test=120),
    arms=Arm.grid(student, ["pretrained"], [Base(), KD(teacher=teacher)]),
    comparison=Comparison("base", "kd"),
    judging=Judging(margin=2.0),
    training=quick,
    seeds=(1, 2, 3),
    allow_underpowered=True,
)
"""
#: `bench run`, for which so many seconds of training are worth what a minute is to a user; what it
#: takes its time from is imported no earlier than by itself.
COMMAND = """
from benchmark import cli
from benchmark.commands import run as command

def run(options, really=command.run):
    from trainers.resume import checkpoints
    checkpoints.A_MINUTE = 0.3
    return really(options)

command.run = run
cli.entry()
"""
#: Seconds within which what is told to end has ended.
PATIENCE = 60.0


def begun(folder: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    """The command on the study in a folder; what it prints is added to a file beside it."""
    (folder / "study.py").write_text(STUDY)
    (folder / "tmp").mkdir(exist_ok=True)
    with (folder / "output").open("a") as out:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", COMMAND, "--debug", "run", "study.py", *arguments],
            cwd=folder,
            env={**os.environ, "TMPDIR": str(folder / "tmp")},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def undisturbed(folder: Path) -> dict[str, Any]:
    """What is recorded of every run by its key, of the study in this folder, run here."""
    folder.mkdir()
    command = begun(folder, "--workers", "2")
    if command.wait():
        raise RuntimeError(f"the study fails by itself; see {folder / 'output'}")
    return outcome(folder / "mlruns")


def executing(folder: Path) -> dict[str, int]:
    """The processes that execute a run, by its key."""
    there = workers(folder / "mlruns")
    return {key: pid for key, pid in there.items() if is_running(pid)}


def flaws(folder: Path, expected: Mapping[str, Any]) -> list[str]:
    """What is not as it would be without a disturbance, a sentence each."""
    store = folder / "mlruns"
    found, attempts = outcome(store), runs(store)
    wrong = [f"{key[:12]} was lost" for key in expected.keys() - found.keys()]
    wrong += [f"{key[:12]} has other results" for key in found if found[key] != expected.get(key)]
    done = Counter(run.tags["key"] for run in attempts if run.status == "FINISHED")
    wrong += [f"{key[:12]} is there {count} times" for key, count in done.items() if count > 1]
    open_ = [run for run in attempts if run.status not in ("FINISHED", "FAILED", "KILLED")]
    wrong += [f"{run.called} is left {run.status}" for run in open_]
    until = time.monotonic() + PATIENCE
    while (left := processes_in(folder)) and time.monotonic() < until:
        time.sleep(0.1)
    wrong += [f"a process is left: {line}" for line in left]
    wrong += [f"{path} is left behind" for path in left_behind(folder)]
    if "Traceback" in (folder / "output").read_text():
        wrong.append("a traceback was printed")
    return wrong
