"""Arms that differ in one number alone are a sweep, and are called by that number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmark import Arm, Comparison, Judging, Range, Search, Study
from benchmark.declare.swept import declared_sweeps
from benchmark.errors import StudyError
from trainers.methods import KD, LLRD, LS, R3F, Base, Magnitude, Movement
from trainers.models import Bert, ResNet
from trainers.settings import Training
from trainers.tasks import Docstrings

MODEL = Bert(layers=1, width=16)
WIDER = replace(MODEL, width=32)
SPARSITIES = (0.5, 0.8, 0.9, 0.95)


def study_of(*arms: Arm, candidates: list[str] | None = None) -> Study:
    names = dict.fromkeys(arm.name for arm in arms if arm.name != "base")
    return Study(
        name="swept",
        task=Docstrings(train=16, dev=16, test=16),
        arms=arms,
        comparison=Comparison("base", candidates or list(names)),
        judging=Judging(margin=1.0),
        training=Training(epochs=4, device="cpu"),
        allow_underpowered=True,
    )


def grid(*methods, init="scratch", **given) -> tuple[Arm, ...]:
    return Arm.grid(MODEL, init, [Base(), *methods], **given)


def swept(study: Study) -> dict[tuple[str, str], dict[str, float]]:
    return {
        (each.name, each.parameter): dict(zip(each.arms, each.values, strict=True))
        for each in declared_sweeps(study.arms, study.comparison.candidates)
    }


def pruned(method=Magnitude) -> list[Magnitude]:
    return [method(sparsity=each) for each in SPARSITIES]


def test_arms_of_a_grid_are_called_by_what_they_differ_in():
    arms = grid(*pruned(), LS(), Movement(sparsity=0.5), Movement(sparsity=0.5, soft=True))
    assert [arm.name for arm in arms] == [
        "base",
        *(f"magnitude(sparsity={each})" for each in SPARSITIES),
        *("ls", "movement(soft=False)", "movement(soft=True)"),
    ]
    composed = grid(*(each + R3F() for each in pruned()))
    assert composed[1].name == "magnitude+r3f(sparsity=0.5)"


@pytest.mark.parametrize("same", [[LS(), LS()], [KD(teacher=MODEL), KD(teacher=WIDER)]])
def test_arms_that_no_short_name_tells_apart_still_ask_for_one(same):
    with pytest.raises(StudyError, match="is declared twice; give one of them a name"):
        study_of(*grid(*same))


def test_what_is_no_method_is_still_refused():
    with pytest.raises(StudyError, match="must be an instance of a method"):
        grid(LS, LS)


def test_a_method_stands_for_its_arms_in_a_comparison():
    arms = grid(*pruned(), LS(), init=["scratch"])
    study = study_of(*arms, candidates=["magnitude", "ls"])
    assert study.comparison.candidates == (*(arm.name for arm in arms[1:5]), "ls")
    assert study.family_size == 5
    again = study_of(*arms, candidates=["magnitude(sparsity=0.8)", "magnitude"])
    assert again.comparison.candidates[:2] == ("magnitude(sparsity=0.8)", "magnitude(sparsity=0.5)")
    with pytest.raises(StudyError, match='there is no arm "movement"'):
        study_of(*arms, candidates=["movement"])


def test_arms_that_differ_in_one_number_are_a_sweep_of_it():
    found = swept(study_of(*grid(*pruned(), *pruned(Movement), LS())))
    assert found == {
        (name, "sparsity"): {f"{name}(sparsity={each})": each for each in SPARSITIES}
        for name in ("magnitude", "movement")
    }


def test_two_values_are_no_curve_and_the_baseline_is_no_candidate():
    assert not swept(study_of(*grid(*pruned()[:2])))
    arms = [Arm(MODEL, "scratch", each) for each in [Base()]]
    arms += [Arm(MODEL, "scratch", LS(e), name=f"ls {e}") for e in (0.1, 0.2, 0.3)]
    assert [*swept(study_of(*arms))] == [("ls", "epsilon")]
    assert not declared_sweeps(arms, ["ls 0.1", "ls 0.2"])


@pytest.mark.parametrize(
    ("declared", "order"),
    [
        ((0.9, 0.8, 0.7), (0.9, 0.8, 0.7)),
        ((0.7, 0.8, 0.9), (0.7, 0.8, 0.9)),
        ((0.8, 0.7, 0.9), (0.7, 0.8, 0.9)),
    ],
)
def test_the_order_is_that_of_the_declaration_if_it_is_one(declared, order):
    (found,) = swept(study_of(*grid(*(LLRD(decay=each) for each in declared)))).values()
    assert tuple(found.values()) == order


def test_what_else_differs_makes_sweeps_of_their_own():
    both = [Movement(sparsity=s, soft=soft) for soft in (False, True) for s in SPARSITIES]
    found = swept(study_of(*grid(*both)))
    assert [*found] == [(f"movement(soft={soft})", "sparsity") for soft in (False, True)]
    crossed = [Movement(sparsity=s, events=e) for e in (3, 5, 9) for s in SPARSITIES]
    found = swept(study_of(*grid(*crossed)))
    assert len(found) == 3 + 4
    assert found["movement(events=5)", "sparsity"]["movement(sparsity=0.9, events=5)"] == 0.9
    assert found["movement(sparsity=0.9)", "events"]["movement(sparsity=0.9, events=5)"] == 5


def test_arms_on_other_terms_are_no_sweep():
    arms = list(grid(*pruned()))
    other = Training(epochs=8, device="cpu")
    assert not swept(study_of(*arms[:3], *(replace(arm, training=other) for arm in arms[3:])))
    mixed = [Arm(MODEL, "scratch", Magnitude(sparsity=s), name=f"m {s}") for s in (0.5, 0.8)]
    mixed += [Arm(WIDER, "scratch", Magnitude(sparsity=0.9), name="m 0.9")]
    assert not swept(study_of(arms[0], *mixed))


def test_what_is_tuned_is_not_swept_and_beside_a_sweep_other_things_may_be():
    epsilons = [LS(epsilon=each) for each in (0.1, 0.2, 0.3)]
    tuned = grid(*epsilons, search=Search(epsilon=Range(0.1, 0.3)))
    assert not declared_sweeps(tuned, [arm.name for arm in tuned[1:]])
    beside = grid(*epsilons, search=Search(lr=[1e-3, 1e-4]))
    (found,) = declared_sweeps(beside, [arm.name for arm in beside[1:]])
    assert found.values == (0.1, 0.2, 0.3)


def test_a_sweep_on_several_models_is_one():
    small = ResNet((8,))
    arms = Arm.grid([small, ResNet((4,))], "scratch", [Base(), *map(LS, (0.1, 0.2, 0.4))])
    names = [arm.name for arm in arms[1:4]]
    (found,) = declared_sweeps(arms, names)
    assert found.arms == tuple(names)
