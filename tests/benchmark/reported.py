"""A study with names that attack, whose runs lie in the record with all that runs leave."""

import tempfile
from pathlib import Path

import numpy as np

from benchmark.declare.loading import load_study
from benchmark.record.of_study import study_record
from benchmark.record.studies import record_study
from benchmark.record.writer import Writer
from benchmark.runs.plan import make_plan
from benchmark.store.connection import Connection
from benchmark.store.store import Store

STUDY_NAME = '<script>alert("study")</script>'
TASK_NAME = "<img src=x onerror=alert(1)>"
ARM_NAMES = ("base", "../../x", "$\\input{/etc/passwd}$ a,b_c & 50% --> {蒸馏}")
INITS = ("pretrained", "scratch")
SEEDS = (1, 2, 3, 4, 5, 6, 7)
TEACHER, BODY = "key-of-the-teacher", "key-of-the-body"

STUDY = f"""
from dataclasses import dataclass

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base, TFReg
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits


@dataclass(frozen=True)
class Named(Digits):
    called: str = ""

    @property
    def name(self):
        return self.called


training = Training(epochs=3, batch_size=16, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1), train=20, dev=20, test=20), training=training)
names = {ARM_NAMES!r}
study = Study(
    name={STUDY_NAME!r},
    task=Named(digits=(2, 3), train=20, dev=40, test=100, called={TASK_NAME!r}),
    arms=tuple(
        Arm(ResNet((8,), pretraining=source), init, method, name=name)
        for init in {INITS!r}
        for method, name in zip([Base(), LS(), TFReg()], names)
    ),
    comparison=Comparison("base", names[1:]),
    judging=Judging(margin=2.0),
    training=training,
    seeds={SEEDS!r},
    allow_underpowered=True,
)
"""
#: What the arm that learns from a teacher costs, in seconds: itself, its teacher, the body.
SECONDS, TEACHER_SECONDS, BODY_SECONDS = 10.0, 40.0, 100.0
LOST = (TASK_NAME, "pretrained", ARM_NAMES[1], 7)


def record_runs(folder: Path) -> Path:
    """Write the study file and a store beside it, with one diverged seed."""
    path = folder / "attack.py"
    path.write_text(STUDY)
    plan = make_plan(load_study(path))
    writer = Writer(Connection(Store(str(folder / "mlruns"))))
    experiment = writer.experiment(plan.study.name)
    for key, seconds in ((TEACHER, TEACHER_SECONDS), (BODY, BODY_SECONDS)):
        run = writer.start(experiment, key, {"key": key, "role": "teacher"}, {})
        writer.log(run, {"seconds": 9 * seconds, "cpu_seconds": seconds, "peak_memory_mb": 900.0})
        writer.end(run, "FINISHED", "finished")
    random = np.random.default_rng(3)
    with tempfile.TemporaryDirectory() as scratch:
        for cell, key in zip(plan.study.cells(), plan.cells, strict=True):
            _record(writer, experiment, plan.runs[key], cell, random, Path(scratch))
    record = study_record(plan, path)
    record_study(writer, record)
    return path


def _record(writer, experiment, run, cell, random, scratch) -> None:
    arm, task, seed = cell
    tags = {k: v for k, v in run.tags().items() if not k.startswith("needs.")}
    tags |= {"key": run.key, "role": "arm", "git_commit": "abc", "version.torch": "2.13"}
    tags |= {"needs.body": BODY} if arm.init == "pretrained" else {}
    tags |= {"needs.teacher": TEACHER} if arm.name == ARM_NAMES[1] else {}
    opened = writer.start(experiment, run.name, tags, {})
    if (task.name, arm.init_name, arm.name, seed) == LOST:
        writer.end(opened, "FAILED", "diverged", detail="the loss was <b>nan</b> in epoch 2")
        return
    better = 6.0 if (arm.name, arm.init_name) == (ARM_NAMES[1], "scratch") else 0.1
    noise = 0.4 if arm.init_name == "scratch" else 5.0
    right = 70 + seed + (better if arm.name != "base" else 0.0) + random.normal(0, noise)
    labels = random.integers(0, 2, 100)
    logits = random.normal(0, 1, (100, 2)) + 2.0 * np.eye(2)[labels]
    for epoch in (1, 2, 3):
        writer.log(opened, {"epoch/accuracy": right - 9 / epoch}, epoch)
    np.savez_compressed(
        scratch / "predictions.npz", test_logits=logits, test_labels=labels, test_ids=np.arange(100)
    )
    writer.attach(opened, scratch / "predictions.npz")
    wall = SECONDS * (1 + seed)  # somebody else's work on the machine
    load = {"load_start": 0.5, "load_end": 1.5, "processors": 2.0}
    measured = {
        "seconds": wall,
        "cpu_seconds": SECONDS,
        **load,
        "peak_memory_mb": 500.0,
        "test/ece": 5.0,
        "test/nll": 0.5,
    }
    writer.end(opened, "FINISHED", "finished", {}, measured | {"test/accuracy": round(right)})
