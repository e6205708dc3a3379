"""Settings of some tasks, and settings that only some tasks and methods can have."""

from dataclasses import replace

import pytest

from benchmark import Arm, Comparison, Judging, Range, Search, Study, Tuning
from benchmark.errors import StudyError
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import make_plan
from trainers.inputs.augmentation import Augmentation
from trainers.methods import KD, LS, Base, SelfKD
from trainers.models import Bert, ResNet
from trainers.settings import Training
from trainers.tasks import Digits, Docstrings

MODEL = ResNet((4,))
TRAINING = Training(epochs=4, lr=1e-3, device="cpu", precision="float32")
SIZES = {"train": 30, "dev": 30, "test": 30}
TASKS = (Digits(digits=(0, 1, 2), **SIZES), Digits(digits=(3, 4, 5), **SIZES))
LOW = replace(TRAINING, lr=1e-4)


def study(**fields) -> Study:
    declared = {
        "name": "by task",
        "task": TASKS,
        "arms": Arm.grid(MODEL, "scratch", [Base(), SelfKD()]),
        "comparison": Comparison("base", "self_kd"),
        "judging": Judging(margin=1.0),
        "training": TRAINING,
        "seeds": (1, 2),
        "task_training": {TASKS[1].name: LOW},
        "allow_underpowered": True,
    }
    return Study(**(declared | fields))


def rates(made) -> set[tuple[str, str, float]]:
    trained = [run for run in made.runs.values() if isinstance(run, TrainRun)]
    return {(run.task.name, run.method_name, run.training.lr) for run in trained}


def test_a_task_with_settings_of_its_own_is_trained_with_them_teachers_included():
    first, second = (task.name for task in TASKS)
    assert rates(make_plan(study())) == {
        (first, "base", 1e-3),
        (first, "self_kd", 1e-3),
        (second, "base", 1e-4),
        (second, "self_kd", 1e-4),
    }


def test_the_settings_of_an_arm_come_before_those_of_a_task():
    own = replace(TRAINING, lr=1e-2)
    arms = (Arm(MODEL, "scratch", Base()), Arm(MODEL, "scratch", LS(), training=own))
    made = make_plan(study(arms=arms, comparison=Comparison("base", "ls")))
    assert {lr for _, method, lr in rates(made) if method == "ls"} == {1e-2}
    assert {lr for _, method, lr in rates(made) if method == "base"} == {1e-3, 1e-4}


def test_runs_of_other_tasks_keep_their_keys():
    with_it, without = make_plan(study()), make_plan(study(task_training={}))
    shared = set(with_it.runs) & set(without.runs)
    first = [k for k, r in with_it.runs.items() if getattr(r, "task", None) == TASKS[0]]
    assert shared == set(first)


def test_tuning_leaves_what_it_does_not_search_as_the_task_has_it():
    arms = Arm.grid(MODEL, "scratch", [Base(), LS()], search=Search(warmup=Range(0.0, 0.2)))
    tuned = study(
        arms=arms, comparison=Comparison("base", "ls"), tuning=Tuning(trials=2, per="task")
    )
    chosen = {(a.place, t.name): {"warmup": 0.1} for a in tuned.arms for t in tuned.tasks}
    trained = [r for r in make_plan(tuned, chosen).runs.values() if isinstance(r, TrainRun)]
    assert {(r.task, r.training.lr, r.training.warmup) for r in trained} == {
        (TASKS[0], 1e-3, 0.1),
        (TASKS[1], 1e-4, 0.1),
    }


def test_settings_of_a_task_that_is_not_there_are_refused():
    with pytest.raises(StudyError, match='names "mrpc", and the tasks are'):
        study(task_training={"mrpc": LOW})
    with pytest.raises(StudyError, match=r"must be a Training"):
        study(task_training={TASKS[0].name: 1e-4})


def test_augmentation_is_refused_for_text_and_for_students_of_a_teacher():
    augmented = replace(TRAINING, augmentation=Augmentation())
    with pytest.raises(StudyError, match='arm "self_kd · scratch": a teacher'):
        study(training=augmented, task_training={})
    taught = Arm.grid(MODEL, "scratch", [Base(), KD(teacher=ResNet((8,)))])
    with pytest.raises(StudyError, match="a teacher's logits"):
        study(arms=taught, comparison=Comparison("base", "kd"), training=augmented)
    with pytest.raises(StudyError, match="for images"):
        study(
            task=Docstrings(),
            arms=Arm.grid(Bert(), "scratch", [Base(), LS()]),
            comparison=Comparison("base", "ls"),
            training=augmented,
            task_training={},
        )
    arms = Arm.grid(MODEL, "scratch", [Base(), LS()])
    fine = study(arms=arms, comparison=Comparison("base", "ls"), training=augmented)
    assert fine.training.augmentation == Augmentation()
