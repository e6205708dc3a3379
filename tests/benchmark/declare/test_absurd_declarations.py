"""Numbers that are none, or that no machine could take, are refused where they are declared."""

import pytest

from benchmark.cli import main
from benchmark.declare.loading import load_study
from benchmark.errors import StudyError
from trainers.errors import TrainerError

STUDY = """
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from benchmark import Arm, Comparison, Judging, Range, Search, Study, Tuning
from trainers.inputs.augmentation import Augmentation
from trainers.methods import *
from trainers.methods import Base, Teacher
from trainers.models import Bert, HubModel, ResNet
from trainers.pretraining import MaskedLanguageModelling, Supervised
from trainers.schedules import StepDecay
from trainers.settings import Training
from trainers.tasks import Digits, Docstrings

nan, inf = float("nan"), float("inf")

@dataclass(frozen=True)
class Mine(Base):
    name: ClassVar[str] = "mine"
    strength: float = 1.0
    several: tuple = ()

class Undecorated(Base):
    name: ClassVar[str] = "undecorated"
    strength: float = 1.0

exec('''
@dataclass(frozen=True)
class Dynamic(Base):
    name: ClassVar[str] = "dynamic"
    strength: float = 1.0
''')

def mlm(**declared):
    model = Bert(pretraining=MaskedLanguageModelling(**declared))
    return dict(model=model, init="pretrained", task=Docstrings())

settings = dict(
    task=Digits(),
    model=ResNet((8,)),
    method=LS(),
    training=Training(epochs=1),
    search=None,
    init="scratch",
    judging=Judging(margin=1.0),
    tuning=None,
)
settings |= dict(DECLARED)
model = settings.pop("model")
study = Study(
    name="absurd",
    arms=[
        Arm(model, settings["init"], Base()),
        Arm(model, settings["init"], settings["method"], search=settings["search"]),
    ],
    comparison=Comparison("base", METHOD),
    seeds=(1, 2),
    allow_underpowered=True,
    **{k: settings[k] for k in ("task", "training", "judging", "tuning")},
)
"""

ABSURD = [
    "training=Training(batch_size=10**12)",
    "training=Training(epochs=10**12)",
    "training=Training(threads=10**6)",
    "training=Training(max_length=10**12)",
    "training=Training(lr=1e30)",
    "training=Training(weight_decay=inf)",
    "training=Training(weight_decay=nan)",
    "training=Training(lr=nan)",
    "training=Training(clip=nan)",
    "training=Training(warmup=nan)",
    "training=Training(momentum=nan)",
    "training=Training(schedule=StepDecay(at=(1,), divide_by=nan))",
    "training=Training(schedule=StepDecay(at=(10**12,)))",
    "training=Training(augmentation=Augmentation(rotation=nan))",
    "training=Training(augmentation=Augmentation(padding=10**12))",
    "model=ResNet((60_000,))",
    "model=ResNet((8,) * 10_000)",
    "model=ResNet((8,), blocks=10**6)",
    "model=ResNet((nan,))",
    "model=ResNet((12_000, 12_000))",
    "model=Bert(layers=10**9), task=Docstrings()",
    "model=Bert(width=64 * 10**9), task=Docstrings()",
    "model=Bert(positions=10**12), task=Docstrings()",
    "model=Bert(initializer_range=nan), task=Docstrings()",
    "model=Bert(heads=10**9, width=10**9), task=Docstrings()",
    "task=Docstrings(vocabulary=10**12), model=Bert()",
    "task=Docstrings(train=10**12), model=Bert()",
    pytest.param("task=Digits(train=10**7)", marks=pytest.mark.slow),
    "task=Digits(test=10**30)",
    "task=Digits(train=nan)",
    "**mlm(steps=10**12)",
    "**mlm(lr=inf)",
    "**mlm(weight_decay=nan)",
    "**mlm(batch_size=10**9)",
    "**mlm(steps=10**8, batch_size=10**6)",
    "method=LS(nan)",
    "method=KD(alpha=nan, teacher=ResNet((8,)))",
    "method=KD(tau=inf, teacher=ResNet((8,)))",
    "method=R3F(weight=nan)",
    "method=L2SP(inf)",
    "method=FreeLB(passes=10**9)",
    "method=LLRD(nan)",
    "method=LS() + RDrop(nan)",
    "method=Mine(nan)",
    "method=Mine(several=(1.0, (2.0, inf)))",
    "method=Undecorated()",
    "judging=Judging(margin=nan)",
    "judging=Judging(margin=inf)",
    "method=LS(), search=Search(epsilon=[0.1, nan])",
    "method=LS(), search=Search(lr=Range(1e-5, inf))",
    "tuning=Tuning(trials=10**12), method=LS(), search=Search(epsilon=[0.1, 0.2])",
]


def write(folder, declared):
    method = "settings['method'].name" if "method=" in declared else "'ls'"
    path = folder / "absurd.py"
    text = STUDY.replace("DECLARED", declared)
    path.write_text(
        text.replace("METHOD", "name").replace(
            "model = settings.pop", f"name = {method}\nmodel = settings.pop"
        )
    )
    return path


@pytest.mark.sampled(test=4, test_all=2)
@pytest.mark.parametrize("declared", ABSURD)
def test_a_number_that_is_none_or_absurd_is_refused_in_a_sentence(
    tmp_path, declared, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, declared)
    assert main(["plan", str(path)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("bench: ")
    assert "absurd.py" in said
    assert "Traceback" not in said
    assert len(said) < 600


def test_what_is_not_absurd_is_taken(tmp_path):
    for declared in ("", "method=Mine(2.0, (1.0, 3))", "method=Dynamic()"):
        load_study(write(tmp_path, declared))


@pytest.mark.parametrize("length", [300, 4000, 100_000])
def test_paths_that_are_too_long_are_told_in_a_sentence(tmp_path, length, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study, long = str(write(tmp_path, "")), "x" * length
    for arguments in (
        ["plan", f"{long}.py"],
        ["plan", study, "--data", long],
        ["plan", study, "--store", long],
        ["report", "--store", long],
        ["stats", "--input", long, "--compare", "a", "b"],
    ):
        code, said = main(arguments), capsys.readouterr().err
        assert code == 2
        assert said.startswith("bench: ")
        assert "Traceback" not in said
        assert said.count("\n") <= 2


def test_refusals_are_errors_of_ours_in_python_too(tmp_path):
    with pytest.raises((StudyError, TrainerError)):
        load_study(write(tmp_path, "method=LS(nan)"))
