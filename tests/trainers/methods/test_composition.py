"""Methods at once: what is added to what, what is refused, and what nobody notices."""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from benchmark.declare.arm import Arm, share, tuned
from benchmark.declare.loading import load_study
from benchmark.declare.search import Search
from benchmark.errors import StudyError
from benchmark.runs.key import key
from benchmark.runs.reach import reach
from tests.trainers import test_loop
from tests.trainers.test_loop import live_teacher, same_weights
from trainers import methods
from trainers.errors import MethodError
from trainers.loop import Fit
from trainers.methods import (
    KD,
    L2SP,
    LS,
    Base,
    BitFit,
    Composition,
    Method,
    Mixout,
    Phase,
    RDrop,
    Reinit,
    SelfKD,
    Teacher,
    TFReg,
)
from trainers.models import Bert
from trainers.settings import Training
from trainers.steps.optimiser import decay_groups
from trainers.tasks import Examples
from trainers.teacher import LiveTeacher, TeacherLogits

TRAINING = replace(test_loop.TRAINING, precision="float32")


def run(words, method, training=TRAINING, **options):
    return test_loop.run(words, method, training=training, **options)


@dataclass(frozen=True)
class Noisy(Method):
    """Pulls two passes together and adds noise of its own to their distance."""

    name: ClassVar[str] = "noisy"
    alpha: float = 1.0

    def penalty(self, step):
        noise = torch.rand(step.logits.shape, generator=step.generator)
        return self.alpha * (step.logits - step.forward() + 0.01 * noise).square().mean()


@dataclass(frozen=True)
class Twice(Method):
    """Half the loss of each of two passes, R-Drop's first term."""

    name: ClassVar[str] = "twice"

    def penalty(self, step):
        return (step.label_loss(step.forward(same_dropout=True)) - step.label_loss(step.logits)) / 2


@dataclass(frozen=True)
class Counting(Method):
    """Keeps a number from step to step, and one of before the first."""

    name: ClassVar[str] = "counting"
    seen: list = None  # type: ignore[assignment]

    def prepare(self, model, state):
        state.steps, state.drawn = 0, torch.rand(1).item()

    def before_step(self, step):
        step.state.steps += 1

    def after_step(self, step):
        self.seen.append((step.state.steps, step.state.drawn, step.generator.initial_seed()))


@dataclass(frozen=True)
class Recounting(Counting):
    name: ClassVar[str] = "recounting"


@dataclass(frozen=True)
class OwnBackward(Method):
    name: ClassVar[str] = "own_backward"

    def backward(self, step):
        losses = []
        for again in (step, step.repeated()):
            losses.append(again.objective() / 2)
            losses[-1].backward()
        return sum(losses).detach()


@dataclass(frozen=True)
class OwnGroups(Method):
    name: ClassVar[str] = "own_groups"

    def parameter_groups(self, model, training):
        return decay_groups(model, 0.0)


@dataclass(frozen=True)
class OwnPhases(Method):
    name: ClassVar[str] = "own_phases"

    def phases(self, training):
        return (Phase(1), Phase(1))


@dataclass(frozen=True)
class OwnTeacher(Method):
    name: ClassVar[str] = "own_teacher"

    def teacher_for(self, training):
        return Teacher()


def logits_of(*shape):
    draws = torch.Generator().manual_seed(0)
    return [torch.randn(*shape, generator=draws, dtype=torch.float64) for _ in range(2)]


def test_a_penalty_is_added_to_the_loss_of_the_other_part(step_of):
    z, z_t = logits_of(8, 3)
    y = torch.arange(8) % 3
    both = KD(0.7, 2.0) + Noisy(0.5)
    one = replace(step_of(z, y, z_t), method=both)
    alone = KD(0.7, 2.0).loss(step_of(z, y, z_t))
    added = Noisy(0.5).penalty(step_of(z, y))
    assert torch.equal(both.objective(one), alone + added)


def test_further_passes_are_compared_with_the_labels_as_the_composition_does(step_of):
    z, other = logits_of(8, 3)
    y = torch.arange(8) % 3
    step = replace(step_of(z, y), method=LS(0.3) + Noisy())
    part = step.seen_by(step.method.parts[1])
    assert torch.equal(part.label_loss(other), F.cross_entropy(other, y, label_smoothing=0.3))
    taught = replace(step_of(z, y, z), method=KD(0.4) + Noisy())
    assert torch.equal(taught.label_loss(other), KD(0.4).loss(step_of(other, y, z)))


@pytest.mark.parametrize(
    ("first", "second", "reason"),
    [
        (KD(), LS(), "kd and ls cannot be composed: each compares the logits with the labels"),
        (TFReg(), Base(), "base and tf_reg cannot be composed: each compares"),
        (SelfKD(), OwnTeacher(), "self_kd and own_teacher .* each brings a teacher"),
        (OwnGroups(), replace(OwnGroups()), "own_groups cannot be composed with itself"),
        (Counting(), Recounting(), "recounting already does what counting does"),
        (BitFit(), Mixout(), "bitfit freezes the matrices, and mixout would mix each with itself"),
        (Reinit(), BitFit(), "bitfit freezes the matrices, and those that reinit draws"),
        (RDrop(), Mixout(keep_dropout=False), "mixout switches dropout off, and r_drop's two"),
    ],
)
def test_what_makes_no_sense_together_is_refused_with_the_reason(first, second, reason):
    with pytest.raises(MethodError, match=reason):
        first + second
    with pytest.raises(MethodError, match=reason):
        (Noisy() + first) + second


@pytest.mark.parametrize("own", [OwnBackward, OwnGroups, OwnPhases, OwnTeacher])
def test_two_owners_of_what_has_one_owner_are_refused(own):
    @dataclass(frozen=True)
    class Other(Method):
        name: ClassVar[str] = "other"

    hook = next(hook for hook in vars(own) if hook in vars(Method) and not hook.startswith("_"))
    setattr(Other, hook, getattr(own, hook))
    with pytest.raises(MethodError, match=r"other cannot be composed: each .*\. Leave one out"):
        own() + Other()


def test_what_is_no_method_is_refused_and_a_class_gets_its_parentheses():
    with pytest.raises(MethodError, match=r"must be a method: write LS\(\)"):
        Noisy() + LS
    with pytest.raises(MethodError, match="must be a method"):
        Noisy() + "ls"


def test_base_adds_nothing():
    assert Base() + Noisy() == Noisy() + Base() == Noisy()
    assert Base() + Base() == Base()


def test_a_composition_of_compositions_is_flat_and_named_after_its_parts():
    one, other = (LS() + Noisy()) + OwnGroups(), LS() + (Noisy() + OwnGroups())
    assert one == other
    assert one.name == "ls+noisy+own_groups"
    assert repr(LS(0.2) + Noisy()).startswith("LS(epsilon=0.2, convention='torch') + Noisy(")


def test_each_part_brings_its_own_hook():
    training = Training(epochs=4)
    one = KD(teacher=Bert()) + OwnPhases() + OwnGroups() + OwnBackward()
    assert isinstance(one, Composition)
    assert one.teacher_for(training) == Teacher(Bert())
    assert one.phases(training) == (Phase(1), Phase(1))
    model = torch.nn.Linear(2, 2)
    assert {g["weight_decay"] for g in one.parameter_groups(model, training)} == {0.0}
    assert (LS() + Noisy()).phases(training) == (Phase(4),)
    assert (LS() + Noisy()).teacher_for(training) is None


@pytest.mark.parametrize("neutral", [LS(0.0), TFReg(alpha=0.0), KD(alpha=0.0)])
def test_a_neutral_part_changes_no_bit_of_the_other(words, neutral):
    teacher = live_teacher(words)
    both = run(words, neutral + Noisy(0.5), teacher=teacher)
    assert same_weights(both, run(words, Noisy(0.5)))
    assert not same_weights(both, run(words, Base()))


def test_a_part_that_runs_the_model_again_changes_no_bit_if_it_adds_nothing(words):
    assert same_weights(run(words, Twice()), run(words, Base()))
    assert same_weights(run(words, LS(0.3) + Twice()), run(words, LS(0.3)))


def test_a_backward_of_two_passes_with_one_mask_is_that_of_one_whatever_the_loss(words):
    plain = replace(TRAINING, epochs=1)
    halves = run(words, OwnBackward() + LS(0.3), training=plain)
    assert same_weights(halves, run(words, LS(0.3), training=plain))


@pytest.mark.slow
def test_every_pair_of_methods_trains_or_is_refused(words):
    rows = words.task.load("dev", words.folder, 0)
    few = Examples(rows.ids[:8], rows.labels[:8], {"text": rows.inputs["text"][:8]})
    examples, refused = words.model.encode(few, words.folder, 32), []
    teacher = TeacherLogits(examples.ids, np.zeros((8, 3), np.float32))
    known = [getattr(methods, name) for name in methods.__all__]
    known = [m for m in known if issubclass(m, Method) and m not in (Composition, Method, Base)]
    assert len(known) > 15
    for first, second in combinations(known, 2):
        try:
            both = second() + first()
        except MethodError:
            refused.append({first.name, second.name})
            with pytest.raises(MethodError):
                first() + second()
            continue
        model = words.model.build(words.task, words.folder, 1)
        live = both.needs_from_teacher() == "weights"
        taught_by = LiveTeacher(words.model.build(words.task, words.folder, 2)) if live else teacher
        one = Fit(model, both, examples, examples, TRAINING, seed=1, teacher=taught_by)
        trained = one.run(None)
        assert np.isfinite(trained.logits["dev"]).all(), both
    labels = ("kd", "ls", "tf_reg", "self_kd", "confidence_penalty", "annealing_kd")
    expected = [set(pair) for pair in combinations(labels, 2)] + [{"r3f", "r4f"}]
    expected += [{"bitfit", "mixout"}, {"bitfit", "reinit"}]
    pruning = ("magnitude", "movement", "spd", "theseus")
    expected += [{a, b} for a in ("bitfit", "mixout") for b in pruning]
    expected += [set(pair) for pair in combinations(pruning, 2)] + [{"llrd", "movement"}]
    expected += [{"reinit", name} for name in ("magnitude", "movement")] + [{"r_drop", "spd"}]
    grafting = ("spd", "theseus")
    expected += [{a, b} for a in (*labels, "smart", "reinit", "l2_sp", "r4f") for b in grafting]
    taught = ("kd", "self_kd", "annealing_kd", *grafting)  # each brings a teacher of its own
    expected += [{"sequence_kd", name} for name in taught]
    assert [pair for pair in expected if pair not in refused] == []
    assert [pair for pair in refused if pair not in expected] == []


def test_what_l2_sp_remembers_is_what_the_parts_before_it_prepared(words):
    def penalty(method):
        one = test_loop.fit(words, method)
        method.prepare(one.model, one.state)
        step = one.step(np.arange(8), phase=0, epoch=0, progress=0.0)
        return method.penalty(step).detach().item()

    assert penalty(Reinit() + L2SP()) == 0.0
    assert penalty(L2SP() + Reinit()) > 0.0


def test_every_part_has_a_state_and_draws_of_its_own(words):
    alone, first, second = [], [], []
    run(words, Noisy() + Counting(seen=alone))
    run(words, Counting(seen=first) + _Second(seen=second))
    assert [steps for steps, _, _ in first] == list(range(1, 13))
    assert first == alone
    assert all(a[2] != b[2] for a, b in zip(first, second, strict=True))


@dataclass(frozen=True)
class _Second(Method):
    """Another class with the hooks of Counting."""

    name: ClassVar[str] = "second"
    seen: list = None  # type: ignore[assignment]
    prepare = Counting.prepare
    before_step = Counting.before_step
    after_step = Counting.after_step


def test_the_key_holds_every_part_and_the_source_of_those_of_the_user():
    keys = {
        key(method.specification())
        for method in (LS(), Noisy(), LS() + Noisy(), LS(0.2) + Noisy(), LS() + Noisy(0.1))
    }
    assert len(keys) == 5
    assert "teacher" not in str((KD(teacher=Bert()) + Noisy()).specification())
    assert reach(LS() + Noisy()).digest != reach(LS() + Twice()).digest
    assert reach(LS() + OwnGroups()).digest
    assert reach(LS()).digest is None


def test_a_search_names_the_hyper_parameters_of_the_parts():
    both = KD(teacher=Bert()) + Noisy()
    assert set(both.hyper_parameters()) == {"kd__alpha", "tau", "scale", "teacher", "noisy__alpha"}
    changed = both.with_hyper_parameters({"noisy__alpha": 0.25, "tau": 4.0})
    assert changed == KD(tau=4.0, teacher=Bert()) + Noisy(0.25)
    arms = [Arm(Bert(), "scratch", m) for m in (Base(), Noisy(), LS() + Noisy())]
    search = Search(epsilon=[0.1, 0.2], alpha=[0.5, 1.0], lr=[1e-3, 1e-4])
    shared = share(search, arms)
    assert [arm.search.names for arm in shared] == [
        ("lr",),
        ("alpha", "lr"),
        ("epsilon", "alpha", "lr"),
    ]
    arm = tuned(shared[2], Training(), {"epsilon": 0.2, "alpha": 0.5, "lr": 1e-3})
    assert arm.method == LS(0.2) + Noisy(0.5)
    with pytest.raises(MethodError, match="epsilon must lie between 0 and 1"):
        tuned(shared[2], Training(), {"epsilon": 2})


def test_a_study_with_an_impossible_composition_says_so_with_its_line(tmp_path):
    path = tmp_path / "mixed.py"
    path.write_text("from trainers.methods import KD, LS\n\nmethod = KD() + LS()\nstudy = None\n")
    with pytest.raises(StudyError, match=r"mixed\.py:3: kd and ls cannot be composed"):
        load_study(path)
