"""Which run is meant by an arm, a seed and a task."""

import pytest

from benchmark import Arm, Comparison, Judging, Study
from benchmark.errors import StudyError
from benchmark.model_export.asked import AskedRun
from trainers.methods import LS, Base
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits

SOURCE = Supervised(Digits(digits=(0, 1)))


def study(*models: ResNet) -> Study:
    return Study(
        name="two tasks",
        task=(Digits(digits=(2, 3)), Digits(digits=(4, 5))),
        arms=Arm.grid(models, ["pretrained", "scratch"], [Base(), LS()]),
        comparison=Comparison("base", "ls"),
        judging=Judging(margin=1.0),
        training=Training(),
        seeds=(0, 7),
        allow_underpowered=True,
    )


ONE = study(ResNet((8,), pretraining=SOURCE))
TWO = study(ResNet((8,), pretraining=SOURCE), ResNet((9,), pretraining=SOURCE))


def keys(of: Study) -> list[str]:
    return [f"{arm.place} {task.name} {seed}" for arm, task, seed in of.cells()]


@pytest.mark.parametrize("of", [ONE, TWO], ids=["one model", "two"])
def test_a_run_is_found_by_arm_task_and_seed(of):
    for (arm, task, seed), key in zip(of.cells(), keys(of), strict=True):
        called = f"{arm.label} · {arm.model.name}"
        assert AskedRun(called, seed, task.name).key(of, keys(of)) == key
        if of is ONE:
            assert AskedRun(arm.label, seed, task.name).key(of, keys(of)) == key


@pytest.mark.parametrize(
    ("of", "asked", "said"),
    [
        (
            ONE,
            AskedRun("ls", 7),
            'several arms "ls": name one of "ls · pretrained", "ls · scratch".',
        ),
        (
            TWO,
            AskedRun("ls · scratch", 7),
            'several arms "ls · scratch": name one of "ls · scratch · resnet-8", '
            '"ls · scratch · resnet-9".',
        ),
        (
            ONE,
            AskedRun("kd", 7),
            'no arm "kd"; its arms are "base · pretrained", "ls · pretrained", ',
        ),
        (
            ONE,
            AskedRun("ls · scratch", 7),
            "several tasks: add --task with one of digits/23, digits/45.",
        ),
        (
            ONE,
            AskedRun("ls · scratch", 7, "digits"),
            'no task "digits"; its tasks are digits/23, digits/45.',
        ),
        (ONE, AskedRun("ls · scratch", 1, "digits/23"), "no seed 1; its seeds are 0, 7."),
    ],
)
def test_what_is_none_or_several_is_refused_with_what_there_is(of, asked, said):
    with pytest.raises(StudyError) as refused:
        asked.key(of, keys(of))
    assert said in str(refused.value)


def test_an_arm_whose_search_found_nothing_has_no_run():
    with pytest.raises(StudyError, match="came to its end"):
        AskedRun("ls · scratch", 7, "digits/23").key(ONE, [""] * len(keys(ONE)))
