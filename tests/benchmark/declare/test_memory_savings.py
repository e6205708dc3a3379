"""Settings that save memory: refused where they would change a result, and part of a run's key."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest

from benchmark import Arm, Comparison, Judging, Search, Study
from benchmark.errors import StudyError
from benchmark.execute.gpus.memory import shape
from benchmark.runs.kinds import PretrainRun, TrainRun
from benchmark.runs.plan import make_plan
from tests.trainers import tiny_hub
from trainers.methods import KD, LS, Base, Method, SelfKD, Teacher
from trainers.models import Bert, HubModel, ResNet
from trainers.pretraining import MaskedLanguageModelling, Supervised
from trainers.settings import Training
from trainers.tasks import Digits, Docstrings

TRAINING = Training(epochs=1, device="cpu", precision="float32")
SPLIT, AGAIN = replace(TRAINING, accumulate=4), replace(TRAINING, gradient_checkpointing=True)
DIGITS = Digits(digits=(0, 1, 2), train=30, dev=30, test=30)
TAUGHT = Teacher(ResNet((8,)), "scratch")
STUDENT = Bert(pretraining=MaskedLanguageModelling(steps=10))


@dataclass(frozen=True)
class Mine(Method):
    """Makes its gradient itself, for whole batches unless it is told otherwise."""

    name: ClassVar[str] = "mine"
    needs: str = "it compares every example with every other"

    def whole_batch(self):
        return self.needs


@dataclass(frozen=True)
class Own(Method):
    name: ClassVar[str] = "own"

    def backward(self, step):
        return Base().backward(step)


def study(method=None, model=STUDENT, init="scratch", task=None, **fields) -> Study:
    method = method or LS()
    declared = {
        "name": "savings",
        "task": task or Docstrings(),
        "arms": (Arm(model, init, Base()), Arm(model, init, method, **fields.pop("arm", {}))),
        "comparison": Comparison("base", method.name),
        "judging": Judging(margin=1.0),
        "training": SPLIT,
        "seeds": (1, 2),
        "allow_underpowered": True,
    }
    return Study(**(declared | fields))


def test_a_method_that_needs_the_whole_batch_is_refused_when_the_study_is_loaded():
    with pytest.raises(
        StudyError,
        match=r'arm "mine · scratch": mine needs the whole batch at once: it compares every '
        r"example with every other\. Train it with accumulate=1\.",
    ):
        study(Mine())
    with pytest.raises(StudyError, match="own needs the whole batch at once: it makes the grad"):
        study(Own())
    with pytest.raises(StudyError, match=r"own\+ls needs the whole batch"):
        study(Own() + LS())
    study(Mine(""))
    study(Mine(), training=TRAINING)
    study(Mine(), training=AGAIN)
    study(Mine(), arm={"training": TRAINING})


def test_so_is_a_model_with_batch_normalisation_wherever_it_is_trained():
    resnet = {"model": ResNet((4,)), "task": DIGITS}
    for training in (SPLIT, AGAIN):
        with pytest.raises(StudyError, match=r'arm "base · scratch": .*resnet-4 has'):
            study(**resnet, training=training)
    study(**resnet, training=TRAINING)
    taught = {**resnet, "method": KD(teacher=TAUGHT), "training": TRAINING}
    study(**taught)
    with pytest.raises(StudyError, match="resnet-8 has batch normalisation"):
        study(**taught | {"method": KD(teacher=replace(TAUGHT, training=SPLIT))})
    before = ResNet((4,), pretraining=Supervised(DIGITS, SPLIT))
    taught = study(model=before, init="pretrained", task=DIGITS, training=TRAINING)
    with pytest.raises(StudyError, match=r'arm "base · pretrained": .* has batch normalisation'):
        make_plan(taught)


def test_so_is_a_teacher(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for kind in ("vit", "resnet"):
        (tmp_path / kind).mkdir()
        tiny_hub.save(kind, [], tmp_path / kind)
    vit, teacher = HubModel("vit"), HubModel("resnet")
    study(SelfKD(), model=vit, task=DIGITS)
    with pytest.raises(StudyError, match=r'arm "kd · scratch": resnet has batch normalisation'):
        study(KD(teacher=teacher), model=vit, task=DIGITS)


def test_a_search_may_not_reach_what_is_refused():
    longer = replace(TRAINING, epochs=4)
    with pytest.raises(StudyError, match=r"tries accumulate=4: mine needs the whole batch"):
        study(Mine(), training=longer, arm={"search": Search(accumulate=[1, 4])})
    with pytest.raises(StudyError, match=r"tries batch_size=2: accumulate=4 would split"):
        study(arm={"search": Search(batch_size=[2, 8])})


def test_both_are_in_the_keys_of_trainings_and_of_the_pre_trainings_before_them():
    plans = [
        make_plan(study(init="pretrained", training=training))
        for training in (TRAINING, SPLIT, replace(SPLIT, accumulate=2), AGAIN)
    ]
    for kind in (TrainRun, PretrainRun):
        keys = [{k for k, run in plan.runs.items() if isinstance(run, kind)} for plan in plans]
        assert all(keys)
        assert len(set().union(*keys)) == sum(map(len, keys))
        shapes = [{shape(plan.runs[k]) for k in of} for plan, of in zip(plans, keys, strict=True)]
        assert len(set().union(*shapes)) == sum(map(len, shapes))
    runs = [run for run in plans[1].runs.values() if isinstance(run, TrainRun)]
    assert {run.parameters["training.accumulate"] for run in runs} == {4}
    assert not any("gradient_checkpointing" in name for run in runs for name in run.parameters)
    (before,) = (run for run in plans[3].runs.values() if isinstance(run, PretrainRun))
    assert before.parameters["gradient_checkpointing"] is True
