"""What may be declared about tuning, and how what may not is refused before anything is trained."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark import Arm, Comparison, Range, Search, Study, Tuning
from benchmark.declare.arm import tuned
from benchmark.declare.search import FINALISTS
from benchmark.declare.tuned import searches
from benchmark.errors import StudyError
from benchmark.runs.plan import Planner, make_plan
from benchmark.tuning.results import unfair_arms
from stats import Judging
from trainers.methods import KD, LS, Base, SelfKD, Teacher
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

TRAINING = Training(epochs=4, device="cpu", precision="float32")
MODEL = ResNet((8,))
TEACHER = Teacher(MODEL, init="scratch")
DIGITS = Digits(digits=(5, 6, 7), train=60, dev=60, test=120)
OTHERS = Digits(digits=(1, 2, 3), train=60, dev=60, test=120)
LR = Search(lr=Range(1e-4, 1e-1, log=True))


def study_of(*arms, tuning=None, task=DIGITS, seeds=(1, 2, 3), **more):
    names = [arm.name for arm in arms]
    return Study(
        name="test",
        task=task,
        arms=arms,
        comparison=Comparison(names[0], names[1]),
        judging=Judging(margin=1.0),
        training=more.pop("training", TRAINING),
        seeds=seeds,
        tuning=tuning,
        allow_underpowered=True,
        **more,
    )


def base_and(search=LR, tuning=None, **more):
    return study_of(
        Arm(MODEL, "scratch", Base(), search=search.only({"lr", "batch_size"})),
        Arm(MODEL, "scratch", LS(), search=search),
        tuning=tuning,
        **more,
    )


@pytest.mark.parametrize(
    ("declare", "says"),
    [
        (lambda: Search(), "space is empty"),
        (lambda: Search(lr=[]), "the list is empty"),
        (lambda: Search(lr=[1e-3, 1e-3]), "twice"),
        (lambda: Search(lr="1e-3"), r"Range\(low, high\)"),
        (lambda: Search(lr=1e-3), r"Range\(low, high\)"),
        (lambda: Search(lr=[None]), "numbers or texts"),
        (lambda: Range(2, 1), "low must lie below high"),
        (lambda: Range(0.0, 1.0, log=True), "above 0"),
        (lambda: Range(0.0, float("inf")), "finite"),
        (lambda: Range("a", "b"), "finite numbers"),
        (lambda: Tuning(trials=0), "trials must be"),
        (lambda: Tuning(seeds=0), "at least one seed"),
        (lambda: Tuning(seeds=(1, 1)), "twice"),
        (lambda: Tuning(seeds=(-1,)), "whole numbers"),
        (lambda: Tuning(sampler="best"), "sampler must be one of"),
        (lambda: Tuning(pruner="median"), "pruner must be one of"),
        (lambda: Tuning(per="seed"), "per must be one of"),
        (lambda: Tuning(pruner="wilcoxon", seeds=3), "below 4 seeds"),
        (lambda: Tuning(seed=-1), "seed must be a whole number of at least 0"),
        (lambda: Tuning(seed="a"), "seed must be"),
        (lambda: Search(lr=[float("inf")]), "must be finite"),
        (lambda: Arm(MODEL, "scratch", Base(), search={"lr": [1e-3]}), "must be a Search"),
        (lambda: Tuning(protocol="paper", per="study"), "already shares"),
    ],
)
def test_what_can_never_be_searched_is_refused_where_it_is_written(declare, says):
    with pytest.raises(StudyError, match=says):
        declare()


@pytest.mark.parametrize(
    ("declare", "says"),
    [
        (lambda: base_and(Search(tau=[1.0, 2.0])), "names tau, which neither ls .* nor Training"),
        (lambda: base_and(Search(epsilon=[0.1, 1.5])), "tries epsilon=1.5: .* between 0 and 1"),
        (lambda: base_and(Search(lr=Range(-1.0, 1.0))), "tries lr=-1.0: lr must be"),
        (lambda: base_and(tuning=Tuning(seeds=(2, 7))), "seed 2 is a seed of the comparison"),
        (lambda: base_and(training=Training(epochs=1, device="cpu")), "one epoch is none"),
        (lambda: base_and(Search(epochs=[1, 4])), "one epoch is none"),
        (lambda: base_and(tuning=Tuning(sampler="grid")), "a Range has no grid"),
        (lambda: base_and(tuning={"trials": 3}), "tuning must be a Tuning"),
        (lambda: base_and(task=replace(DIGITS, splits="per_seed")), "holds test examples of the"),
        (lambda: base_and(tuning=Tuning(protocol="paper", lead="ls")), 'tunes "ls" alone'),
        (lambda: base_and(tuning=Tuning(protocol="paper", lead="kd")), 'tunes "kd" alone'),
        (
            lambda: study_of(
                Arm(MODEL, "scratch", Base()), Arm(MODEL, "scratch", LS()), tuning=Tuning()
            ),
            "no arm has a search",
        ),
        (
            lambda: study_of(
                Arm(MODEL, "scratch", Base(), search=LR),
                Arm(MODEL, "scratch", LS(), search=Search(lr=[1e-3, 1e-2])),
                tuning=Tuning(per="study"),
            ),
            "needs one space",
        ),
    ],
)
def test_what_a_study_cannot_search_is_refused_when_it_is_loaded(declare, says):
    with pytest.raises(StudyError, match=says):
        declare()


@given(st.lists(st.integers(0, 11_000), unique=True), st.integers(1, 9))
def test_seeds_of_tuning_are_never_those_of_the_comparison(comparison, count):
    seeds = Tuning(seeds=count).seeds_beside(comparison)
    assert len(set(seeds)) == count
    assert not set(seeds) & set(comparison)


def test_a_grid_gives_every_arm_what_it_has():
    arms = Arm.grid(
        MODEL, "scratch", [Base(), LS(), KD(teacher=TEACHER)],
        search=Search(lr=[1e-3, 1e-2], alpha=[0.4, 0.9], epsilon=[0.1, 0.2]),
    )  # fmt: skip
    assert [arm.search.names for arm in arms] == [("lr",), ("lr", "epsilon"), ("lr", "alpha")]
    with pytest.raises(StudyError, match="names depth"):
        study_of(*Arm.grid(MODEL, "scratch", [Base(), LS()], search=Search(depth=[1, 2])))


def test_every_tuned_arm_gets_the_same_number_of_settings():
    study = base_and(Search(lr=[1e-3, 1e-2], epsilon=[0.1, 0.2]), task=(DIGITS, OTHERS))
    assert [(s.name, s.trials, len(s.members)) for s in searches(study)] == [
        ("base · scratch", 20, 2),
        ("ls · scratch", 20, 2),
    ]


@pytest.mark.parametrize(
    ("per", "names"),
    [
        ("arm", ["base · scratch", "ls · scratch"]),
        (
            "task",
            [
                f"{arm} · scratch · {task.name}"
                for arm in ("base", "ls")
                for task in (DIGITS, OTHERS)
            ],
        ),
        ("study", ["all arms"]),
    ],
)
def test_per_says_what_shares_a_setting(per, names):
    study = base_and(tuning=Tuning(per=per), task=(DIGITS, OTHERS))
    found = searches(study)
    assert [s.name for s in found] == names
    assert {(a.name, t.name) for s in found for a, t in s.members} == {
        (arm, task.name) for arm in ("base", "ls") for task in (DIGITS, OTHERS)
    }


def test_budgets_that_differ_are_warned_of():
    grid = base_and(Search(lr=[1e-3, 1e-2], epsilon=[0.1, 0.2]), tuning=Tuning(sampler="grid"))
    assert "base · scratch: 2, ls · scratch: 4" in unfair_arms(grid)
    longer = study_of(
        Arm(MODEL, "scratch", Base(), search=LR),
        Arm(MODEL, "scratch", LS(), search=Search(epochs=[4, 40])),
    )
    assert "base · scratch: 4, ls · scratch: 40" in unfair_arms(longer)
    assert unfair_arms(base_and()) == ""


def test_the_papers_protocol_searches_one_arm_and_tries_its_best_for_all():
    kd = Arm(
        MODEL, "scratch", KD(teacher=TEACHER), search=Search(lr=[1e-3, 1e-2], alpha=[0.4, 0.9])
    )
    arms = (Arm(MODEL, "scratch", Base()), kd, Arm(MODEL, "scratch", LS()))
    lead, finals = searches(study_of(*arms, tuning=Tuning(protocol="paper")))
    assert [a.name for a, _ in lead.members] == ["kd"]
    assert [a.name for a, _ in finals.members] == ["base", "kd", "ls"]
    assert (lead.trials, finals.trials, finals.lead) == (20, FINALISTS, lead.name)


def test_a_setting_goes_to_method_and_training_and_nothing_else_is_touched():
    arm = Arm(MODEL, "scratch", LS(convention="yuan"), name="mine", search=LR)
    made = tuned(arm, TRAINING, {"lr": 0.5, "epsilon": 0.3, "tau": 4.0})
    assert made == Arm(
        MODEL,
        "scratch",
        LS(0.3, "yuan"),
        name="mine",
        training=Training(epochs=4, lr=0.5, device="cpu", precision="float32"),
    )


def test_one_teacher_serves_every_setting():
    arm = Arm(MODEL, "scratch", SelfKD(), search=LR)
    planner = Planner(study_of(Arm(MODEL, "scratch", Base()), arm))
    keys = [k for lr in (1e-3, 1e-2) for k in planner.arm_runs(arm, DIGITS, [9], {"lr": lr})]
    first, second = (planner.runs[k].needs["teacher"].key for k in keys)
    assert first == second
    assert keys[0] != keys[1]


def test_what_tuning_found_is_in_the_plan_and_an_arm_without_a_setting_is_left_out():
    study = base_and()
    base, ls = (arm.place for arm in study.arms)
    plan = make_plan(study, {(base, DIGITS.name): {"lr": 0.02}, (ls, DIGITS.name): None})
    assert {plan.runs[k].training.lr for k in plan.cells if k} == {0.02}
    assert plan.cells.count("") == len(study.seeds)


@dataclass(frozen=True)
class Sharp(LS):
    """A method of the user's own, whose hyper-parameter is a text."""

    name: ClassVar[str] = "sharp"
    shape: str = "round"


def test_hyper_parameters_may_be_texts():
    arms = (
        Arm(MODEL, "scratch", Base(), search=LR),
        Arm(MODEL, "scratch", Sharp(), search=Search(shape=["round", "square"])),
    )
    assert searches(study_of(*arms))[1].space.size == 2
