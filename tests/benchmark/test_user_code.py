"""Code of a study may do anything, and costs no more than the runs that it belongs to."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
import torch

from benchmark.declare.loading import load_study
from benchmark.errors import StudyError
from benchmark.execute.engines.asking import is_foreign
from tests.benchmark.conftest import command
from tests.benchmark.test_running_a_study import arm_scores, statuses
from trainers.methods import LS, Base
from trainers.models import Bert

STUDY = """
import ctypes, os, sys, threading, time
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchmark import Arm, Comparison, Study
from trainers.methods import LS, Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

@dataclass(frozen=True)
class Mine(Base):
    name: ClassVar[str] = "mine"
    act: str = ""

    def loss(self, step):
        loss = super().loss(step)
        exec(self.act)
        return eval("None" if self.act == "pass" else "loss")

ACTS = dict(
    raises="raise ValueError('a bad day')",
    nothing="pass",
    leaves="os._exit(0)",
    exits="sys.exit(0)",
    stops="raise KeyboardInterrupt",
    dies="ctypes.string_at(0)",
    swallows="exec('''while True:\\n try: time.sleep(9)\\n except Exception: pass''')",
    lingers="threading.Thread(target=time.sleep, args=(900,)).start()",
    closes="sys.stdout.closed or (print('x' * 100_000), sys.stdout.close())",
    moves="os.chdir('/'); torch.set_num_threads(2); torch.set_default_dtype(torch.float64)",
    forks="os.fork()",
    patches="torch.nn.functional.cross_entropy = None",
)
MINE = [name for name in ACTS if name in WANTED]
model = ResNet((8,))
study = Study(
    name="wild",
    task=Digits(digits=(5, 6, 7), train=60, dev=60, test=120),
    arms=[
        Arm(model, "scratch", Base()),
        Arm(model, "scratch", LS()),
        *(Arm(model, "scratch", Mine(ACTS[name]), name=name) for name in MINE),
    ],
    comparison=Comparison("base", ["ls", *MINE]),
    margin=2.0,
    training=Training(epochs=1, batch_size=60, lr=3e-3, device="cpu", precision="float32"),
    seeds=(1, 2),
    allow_underpowered=True,
)
"""
#: What each act is told as; those that are empty train to their end.
TOLD = {
    "raises": "ValueError: a bad day",
    "nothing": "Mine.loss (wild.py:19) returned None in place of one number",
    "leaves": "it ends the process (exit code 0)",
    "exits": "it ends the process (exit code 0)",
    "stops": "KeyboardInterrupt",
    "dies": "its worker was ended by SIGSEGV",
    "swallows": "TooLong: it goes on for more than",
    **dict.fromkeys(("lingers", "closes", "moves", "forks"), ""),
    "patches": "TypeError: 'NoneType' object is not callable",
}


def write(folder: Path, *acts: str) -> Path:
    path = folder / "wild.py"
    path.write_text(STUDY.replace("WANTED", repr(acts)))
    return path


def test_an_arm_that_misbehaves_is_named_and_changes_no_other(bench, tracker, tmp_path):
    assert bench("run", write(tmp_path), "--store", "calm").returncode == 0
    calm = arm_scores(type(tracker)(type(tracker.store)(str(tmp_path / "calm"))))

    done = bench("run", write(tmp_path, *TOLD), "--workers", 2)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    lines = done.stdout.splitlines()
    for name, told in TOLD.items():
        who = f"{name} · scratch"  # named together with others of whom the same is told
        notes = [line for line in lines if who in line.partition(": cannot be estimated: ")[0]]
        notes = [line for line in notes if line.startswith("Note: ")]
        assert bool(notes) == bool(told), name
        if told:
            assert told in notes[0]
            assert notes[0].endswith("It is not trained.")
            failed = [line for line in lines if f"] {name} · scratch · " in line]
            assert len(failed) == 2
            assert all("  failed: " in line for line in failed)
    assert "ValueError: a bad day (<string>:1)" in done.stdout
    assert "base vs ls" in done.stdout
    found = arm_scores(tracker)
    assert {name: scores for name, scores in found.items() if name in calm} == calm
    trained = {name.split("/")[1] for name in found}
    assert trained == {"base", "ls", "lingers", "closes", "moves", "forks"}
    assert statuses(tracker).count("RUNNING") == 0


ENDINGS = {
    "import sys; sys.exit()": "it ends the process (exit code None)",
    "import os; os._exit(0)": "it ends the process (exit code 0)",
    "raise SystemExit('enough')": "it ends the process (exit code enough)",
    "raise KeyboardInterrupt": "KeyboardInterrupt",
    "class Mine(BaseException): pass\nraise Mine('own')": "Mine: own",
}


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_study_file_that_ends_the_process_is_a_study_error(tmp_path, ending):
    path = tmp_path / "study.py"
    path.write_text(ending)
    with pytest.raises(StudyError) as refused:
        load_study(path)
    assert ENDINGS[ending] in str(refused.value)
    assert f"study.py:{1 + ending.count(chr(10))}: " in str(refused.value)


def test_a_study_file_leaves_the_process_as_it_was(tmp_path):
    path = tmp_path / "study.py"
    path.write_text(
        "import os, signal, sys, torch\n"
        "os.chdir('/')\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "torch.set_default_dtype(torch.float64)\n"
        "torch.set_grad_enabled(False)\n"
        "torch.set_num_threads(torch.get_num_threads() + 1)\n"
        "sys.stdout = None\n"
    )
    before = (
        os.getcwd(),
        signal.getsignal(signal.SIGTERM),
        torch.get_num_threads(),
        __import__("sys").stdout,
    )
    with pytest.raises(StudyError, match="must be bound to a Study"):
        load_study(path)
    after = (
        os.getcwd(),
        signal.getsignal(signal.SIGTERM),
        torch.get_num_threads(),
        __import__("sys").stdout,
    )
    assert after == before
    assert torch.get_default_dtype() is torch.float32
    assert torch.is_grad_enabled()


def test_a_study_that_closes_its_output_is_told_of_all_the_same(tmp_path):
    path = tmp_path / "study.py"
    path.write_text("import os, sys\nsys.stdout.close()\nos.close(2)\nos._exit(0)\n")
    done = subprocess.run(command("plan", path), capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "study.py:4: it ends the process (exit code 0)" in done.stderr


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ("check(self, model, task): raise ValueError('no')", "ValueError: no"),
        ("check(self, model, task): __import__('os')._exit(0)", "it ends the process"),
        ("phases(self, training): return None", "phases must return a tuple of Phase"),
        ("phases(self, training): return ()", "phases must return a tuple of Phase"),
        ("teacher_for(self, training): return 3", "teacher_for must return a Teacher"),
        ("specification(self): raise ValueError('no')", "ValueError: no"),
        ("specification(self): __import__('sys').exit(0)", "it ends the process"),
    ],
)
def test_a_hook_that_fails_before_anything_is_planned_is_told_with_its_line(
    tmp_path, bench, hook, told
):
    path = write(tmp_path, "lingers")
    path.write_text(
        path.read_text().replace(
            "    def loss(self, step):", f"    def {hook}\n    def x(self, step):"
        )
    )
    done = bench("plan", path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("bench: ")
    assert "wild.py:" in done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_whose_a_class_is_is_told_from_its_module():
    class Own(Base):
        name = "own"

    assert is_foreign(Own())
    assert is_foreign(Bert(), LS() + Own())
    assert not is_foreign(Bert(), LS())
