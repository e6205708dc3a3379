"""Code of a study may do anything, and costs no more than the runs that it belongs to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from benchmark.declare.loading import load_study
from benchmark.errors import StudyError
from benchmark.record.query import Query
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from benchmark.user_code.foreign import is_foreign
from tests.benchmark.commands.test_running_a_study import arm_scores, statuses
from tests.benchmark.conftest import command
from trainers.methods import LS, Base
from trainers.models import Bert

STUDY = """
import ctypes, os, sys, threading, time
from dataclasses import dataclass
from typing import ClassVar

import torch

from benchmark import Arm, Comparison, Judging, Study
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
    judging=Judging(margin=2.0),
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


@pytest.mark.long
@pytest.mark.slow
def test_an_arm_that_misbehaves_is_named_and_changes_no_other(bench, query, tmp_path):
    assert bench("run", write(tmp_path), "--store", "calm").returncode == 0
    calm = arm_scores(Query(Connection(Store(str(tmp_path / "calm")))))

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
    assert "ValueError: a bad day (wild.py:21)" in done.stdout
    assert "base vs ls" in done.stdout
    found = arm_scores(query)
    assert {name: scores for name, scores in found.items() if name in calm} == calm
    trained = {name.split("/")[1] for name in found}
    assert trained == {"base", "ls", "lingers", "closes", "moves", "forks"}
    assert statuses(query).count("RUNNING") == 0


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


def hooked(folder: Path, hook: str) -> Path:
    """A study of which one arm's method has that hook."""
    path = write(folder, "lingers")
    with_hook = f"    def {hook}\n    def x(self, step):"
    path.write_text(path.read_text().replace("    def loss(self, step):", with_hook))
    return path


@pytest.mark.parametrize(
    ("hook", "told"),
    [
        ("phases(self, training): return None", "phases must return a tuple of Phase"),
        ("phases(self, training): return ()", "phases must return a tuple of Phase"),
        ("teacher_for(self, training): return 3", "teacher_for must return a Teacher"),
    ],
)
def test_a_hook_that_says_what_it_may_not_is_refused_with_the_line(tmp_path, bench, hook, told):
    done = bench("plan", hooked(tmp_path, hook))
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("bench: ")
    assert "wild.py:" in done.stderr
    assert told in done.stderr
    assert "Traceback" not in done.stderr


FAULTS = {
    "check(self, model, task): raise ValueError('no')": "ValueError: no",
    "check(self, model, task): __import__('os')._exit(0)": "it ends the process",
    "phases(self, training): raise ValueError('no')": "ValueError: no",
    "phases(self, training): return self.phases(training)": "RecursionError",
    "teacher_for(self, training): raise ValueError('no')": "ValueError: no",
    "specification(self): raise ValueError('no')": "ValueError: no",
    "specification(self): __import__('sys').exit(0)": "it ends the process",
}


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("hook", FAULTS)
def test_a_hook_that_fails_where_runs_are_laid_out_costs_its_own_arm_alone(tmp_path, bench, hook):
    done = bench("plan", hooked(tmp_path, hook))
    assert done.returncode == 0, done.stdout + done.stderr
    (note,) = [line for line in done.stdout.splitlines() if line.startswith("Note: lingers")]
    assert FAULTS[hook] in note
    assert "(wild.py:19)" in note
    assert note.endswith("It is not trained.")
    assert "base · scratch" in done.stdout


def test_the_arms_beside_one_whose_hook_fails_are_trained(tmp_path, bench, query):
    done = bench("run", hooked(tmp_path, "phases(self, training): raise ValueError('no')"))
    assert done.returncode == 1, done.stdout + done.stderr
    for seed in (1, 2):
        assert f"lingers · scratch · {seed}: failed: ValueError: no (wild.py:19)" in done.stdout
    assert {name.split("/")[1] for name in arm_scores(query)} == {"base", "ls"}
    assert "base vs ls" in done.stdout


def test_whose_a_class_is_is_told_from_its_module():
    class Own(Base):
        name = "own"

    assert is_foreign(Own())
    assert is_foreign(Bert(), LS() + Own())
    assert not is_foreign(Bert(), LS())


OWN = """
import ctypes, os, signal, sys, threading, time
from dataclasses import dataclass

import torch

from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

ACTS = dict(
    leaves="os._exit(0)",
    exits="sys.exit(0)",
    dies="ctypes.string_at(0)",
    killed="os.kill(os.getpid(), signal.SIGKILL)",
    eats="bytearray(2**62)",
    loops="while True: pass",
    lingers="threading.Thread(target=time.sleep, args=(900,)).start()",
    nothing="value = None",
    wrong="value.labels[0] = 99",
)

class Doing:
    def do(self, hook, value):
        here = dict(globals(), value=value)
        if self.act.startswith(hook):
            exec(ACTS[self.act.removeprefix(hook + " ")], here)
        return here["value"]

class Module(torch.nn.Module):
    def __init__(self, inner, do):
        super().__init__()
        self.inner, self.do = inner, do

    def forward(self, *given, **named):
        return self.do("forward", self.inner(*given, **named))

@dataclass(frozen=True)
class Net(Doing, ResNet):
    act: str = ""

    @property
    def name(self):
        return f"net {self.act}"

    def module(self, task, folder):
        return Module(super().module(task, folder), self.do)

    def build(self, *given):
        return self.do("build", super().build(*given))

    def encode(self, *given):
        return self.do("encode", super().encode(*given))

@dataclass(frozen=True)
class Own(Doing, Digits):
    act: str = ""

    @property
    def name(self):
        return f"own {self.act}"

    def prepare(self, folder):
        return self.do("prepare", super().prepare(folder))

    def load(self, *given):
        return self.do("load", super().load(*given))

SIZES = dict(digits=(5, 6, 7), train=60, dev=60, test=120)
study = Study(
    name="own",
    task=(Digits(**SIZES), *(Own(**SIZES, act=act) for act in TASKS)),
    arms=Arm.grid([ResNet((8,)), *(Net((8,), act=act) for act in NETS)], "scratch", [Base(), LS()]),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=2.0),
    training=Training(epochs=1, batch_size=60, lr=3e-3, device="cpu", precision="float32"),
    seeds=(1,),
    allow_underpowered=True,
)
"""
NO_RUN = "not started, for want of preparing own "
#: What becomes of the runs of each task and model; those that are empty train to their end.
TASKS = {
    "prepare dies": NO_RUN,
    "load exits": "failed: it ends the process (exit code 0)",
    "load killed": "killed: its worker was ended by SIGKILL; the system may have run out of memory",
    "load eats": "out of memory: MemoryError",
    "load nothing": "failed: Own.load returned None in place of Examples",
    "load wrong": "failed: Own.load, train: label 99 of 1 examples stands for none of the 3",
    "load lingers": "",
}
NETS = {
    "build nothing": "failed: Net.build returned None in place of Module",
    "encode leaves": "failed: it ends the process (exit code 0)",
    "forward dies": "failed: its worker was ended by SIGSEGV",
    "forward lingers": "",
}


def own(folder: Path, tasks=(), nets=()) -> Path:
    path = folder / "own.py"
    path.write_text(OWN.replace("in TASKS", f"in {[*tasks]}").replace("in NETS", f"in {[*nets]}"))
    return path


@pytest.mark.long
@pytest.mark.slow
def test_tasks_that_misbehave_cost_their_own_runs_alone(bench, query, tmp_path):
    done = bench("run", own(tmp_path, tasks=TASKS), "--workers", 2)
    check_ends(done, query, TASKS, "own")


def test_models_that_misbehave_cost_their_own_runs_alone(bench, query, tmp_path):
    done = bench("run", own(tmp_path, nets=NETS), "--workers", 2)
    check_ends(done, query, NETS, "net")


def check_ends(done, query, told: dict[str, str], kind: str) -> None:
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    failed = done.stdout.split(" runs failed:")[1].replace("\n", " ")
    failed = " ".join(failed.split())
    for act, what in told.items():
        if what.startswith(NO_RUN):
            assert f"{NO_RUN}{act}: base · scratch · own {act} · 1" in failed
        elif what:
            for method in ("base", "ls"):
                assert f"{method} · scratch · {kind} {act} · 1: {what}" in failed, act
        else:
            assert f"{kind} {act} · 1:" not in failed
    fine = 2 * (1 + sum(not what for what in told.values()))
    assert statuses(query).count("FINISHED") == fine
    assert statuses(query).count("RUNNING") == 0


@pytest.mark.long
@pytest.mark.slow
def test_a_rehearsal_goes_on_when_code_of_the_study_hangs_or_dies(bench, tmp_path, monkeypatch):
    monkeypatch.setattr("benchmark.session.session._REHEARSED", 8.0)
    done = bench("run", own(tmp_path, nets=["encode loops", "encode dies"]), "--smoke")
    assert done.returncode == 1, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert "net encode loops · 1: timed out: it goes on for more than 8 s (own.py:" in told
    assert "net encode dies · 1: died: its worker was ended by SIGSEGV" in told
    assert "base · scratch · resnet-8 · 1: " not in told


LOOPS = {
    "while True: pass": 1,
    "import time\ntime.sleep(900)": 2,
    "while True:\n try: __import__('time').sleep(9)\n except Exception: pass": 2,
}


@pytest.mark.parametrize(
    "loop",
    [
        each if i == 0 else pytest.param(each, marks=pytest.mark.slow)
        for i, each in enumerate(LOOPS)
    ],
)
def test_a_study_file_that_never_ends_is_given_up(bench, tmp_path, monkeypatch, loop):
    impatient(monkeypatch)
    (tmp_path / "study.py").write_text(loop)
    done = bench("plan", "study.py")
    assert done.returncode == 2
    line = f"study.py:{LOOPS[loop]}: it goes on for more than 3 s. What takes long belongs into"
    assert line in done.stderr
    assert "bench: waiting for study.py:" in done.stderr
    assert "Ctrl-C ends it" in done.stderr


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    "hook",
    [
        "check(self, model, task)",
        pytest.param("specification(self)", marks=pytest.mark.slow),
        pytest.param("phases(self, training)", marks=pytest.mark.slow),
    ],
)
def test_a_hook_that_never_ends_is_given_up_for_its_arm_alone(bench, tmp_path, monkeypatch, hook):
    impatient(monkeypatch)
    done = bench("plan", hooked(tmp_path, f"{hook}:\n        while True: pass"))
    assert done.returncode == 0, done.stdout + done.stderr
    (note,) = [line for line in done.stdout.splitlines() if line.startswith("Note: lingers")]
    assert "it goes on for more than 3 s" in note
    assert "(wild.py:20)" in note


def impatient(monkeypatch) -> None:
    for name, seconds in (("SAID_AFTER", 0.5), ("LIMIT", 3.0), ("_TICK", 0.2)):
        monkeypatch.setattr(f"benchmark.user_code.waiting.{name}", seconds)


@pytest.mark.sampled(test=2)
@pytest.mark.parametrize("kept", ["", "\n except BaseException: pass"], ids=["told", "told twice"])
def test_ctrl_c_while_a_study_file_never_ends_is_one_sentence(tmp_path, kept):
    path = tmp_path / "study.py"
    endless = "print('here', flush=True); time.sleep(9)"
    loop = f"while True:\n try: {endless}{kept}" if kept else f"while True: {endless}"
    path.write_text(f"import sys, time\n\n{loop}\n")
    started = subprocess.Popen(command("plan", path), stdout=-1, stderr=-1, text=True)
    for _ in range(2 if kept else 1):  # the file prints again where it has kept the first
        assert started.stdout.readline() == "here\n"
        started.send_signal(signal.SIGINT)
    _, said = started.communicate(timeout=60)
    assert started.returncode == 130
    (line,) = said.splitlines()
    assert line.startswith("bench: stopped")
    assert kept or f"{path}:3" in line


def test_what_looks_at_the_clock_imports_nothing(tmp_path):
    """It may stand within an import, whose lock another one by the same thread would lose."""
    script = tmp_path / "script.py"
    script.write_text(
        "import builtins, signal\n"
        "from benchmark.user_code.waiting import impatient\n"
        "with impatient():\n"
        "    builtins.__import__ = None\n"
        "    signal.raise_signal(signal.SIGALRM)\n"
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_of_which_a_library_makes_another_error_is_one(signum, tmp_path):
    """As numpy does, which is left half imported."""
    script = (
        "import signal\n"
        "from benchmark import cli\n"
        "from benchmark.commands import status as command\n"
        "def status(options):\n"
        "    try:\n"
        f"        signal.raise_signal({int(signum)})\n"
        "    except BaseException:\n"
        "        raise RecursionError from None\n"
        "command.status = status\n"
        "cli.entry()\n"
    )
    told = [sys.executable, "-c", script, "status", "study.py"]
    done = subprocess.run(told, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "bench: stopped.\n")
