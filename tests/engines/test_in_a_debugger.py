"""`bench run --engine inline`: code of the study has the terminal for itself."""

import os
import pty
import signal
import subprocess

import pytest

from tests.benchmark.conftest import command
from tests.slurm.studies import is_training, query, statuses, wait_until

STUDY = """
from dataclasses import dataclass
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

@dataclass(frozen=True)
class Own(Base):
    name = "own"

    def loss(self, step):
        looked = step.epoch + 41
        STOP
        return super().loss(step)

study = Study(
    name="debugged",
    task=Digits(digits=(5, 6), train=20, dev=20, test=20),
    arms=[Arm(ResNet((4,)), "scratch", Base()), Arm(ResNet((4,)), "scratch", Own())],
    comparison=Comparison("base", "own"),
    judging=Judging(margin=2.0),
    training=Training(epochs=EPOCHS, batch_size=20, device="cpu", precision="float32"),
    seeds=(1,),
    allow_underpowered=True,
)
"""


class Terminal:
    """The command on a terminal of its own, and what is seen there."""

    def __init__(self, folder, stop: str, epochs: int = 1) -> None:
        study = folder / "debugged.py"
        study.write_text(STUDY.replace("STOP", stop).replace("EPOCHS", str(epochs)))
        self.screen, inside = pty.openpty()
        self.process = subprocess.Popen(
            command("run", study, "--engine", "inline", "--store", folder / "mlruns"),
            **dict.fromkeys(("stdin", "stdout", "stderr"), inside),
            cwd=folder,
            start_new_session=True,
        )
        os.close(inside)
        self.seen = ""

    def read_until(self, word: str) -> str:
        """What is printed up to a word, which must come."""
        while word not in self.seen:
            try:
                self.seen += os.read(self.screen, 4096).decode()
            except OSError:  # the command has ended
                break
        before, found, self.seen = self.seen.partition(word)
        assert found, before
        return before

    def type(self, line: str) -> None:
        """Answer the debugger."""
        os.write(self.screen, f"{line}\n".encode())


@pytest.fixture
def terminal(tmp_path):
    opened = []

    def open_(stop: str, epochs: int = 1) -> Terminal:
        opened.append(Terminal(tmp_path, stop, epochs))
        return opened[-1]

    yield open_
    for each in opened:
        each.process.kill()
        each.process.wait()
        os.close(each.screen)


@pytest.mark.slow
def test_a_breakpoint_stops_in_a_method_and_quitting_leaves_a_closed_record(terminal, tmp_path):
    shown = terminal("breakpoint()", epochs=2)
    before = shown.read_until("(Pdb) ")
    assert "-> return super().loss(step)" in before
    assert "\x1b[" not in before, "something paints on the terminal"
    shown.type("p looked * 2")
    assert "82" in shown.read_until("(Pdb) ")
    shown.type("continue")
    shown.read_until("(Pdb) ")
    shown.type("quit")
    shown.read_until("the same command goes on from there.")
    assert shown.process.wait(60) == 130
    assert statuses(tmp_path / "mlruns") == ["FINISHED", "KILLED"]


@pytest.mark.slow
@pytest.mark.long
def test_one_ctrl_c_stops_the_run_and_closes_its_record(terminal, tmp_path):
    shown, store = terminal("import time; time.sleep(0.1)", epochs=3000), tmp_path / "mlruns"
    wait_until(lambda: is_training(store) and "FINISHED" in statuses(store))
    os.kill(shown.process.pid, signal.SIGINT)
    shown.read_until("the same command goes on from there.")
    assert shown.process.wait(60) == 130
    assert statuses(store) == ["FINISHED", "KILLED"]
    [stopped] = query(store).runs("tags.key != '' and attributes.status = 'KILLED'")
    assert "own" in stopped.called
