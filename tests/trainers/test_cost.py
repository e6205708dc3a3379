"""What a step of each method costs: the ratios that its docstring promises."""

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from tests.trainers.test_loop import TRAINING, fit, live_teacher, same_weights
from trainers.cost import Products, relative_flops
from trainers.loop import Fit
from trainers.methods import (
    KD,
    L2SP,
    LLRD,
    LS,
    R3F,
    R4F,
    SMART,
    SPD,
    AnnealingKD,
    Base,
    BitFit,
    ConfidencePenalty,
    FreeLB,
    Magnitude,
    Method,
    Mixout,
    Movement,
    NEFTune,
    Phase,
    RDrop,
    Reinit,
    SelfKD,
    SequenceKD,
    TFReg,
    Theseus,
)
from trainers.models import ResNet
from trainers.tasks import Digits
from trainers.teacher import LiveTeacher

RATIOS = [
    (Base(), 1.0),
    (LS(), 1.0),
    (TFReg(), 1.0),
    (KD(), 1.0),
    (Mixout(), 1.0),
    (LLRD(), 1.0),
    (Reinit(), 1.0),
    (L2SP(), 1.0),
    (BitFit(), 2 / 3),
    (Magnitude(), 1.0),
    (Movement(), 1.0),
    (SelfKD(), 1.0),
    (SequenceKD(), 1.0),
    (AnnealingKD(), 1.0),
    (ConfidencePenalty(), 1.0),
    (NEFTune(), 1.0),
    (R3F(), 2.0),
    (R4F(), 2.0),
    (RDrop(), 2.0),
    (SMART(mu=0.0), 8 / 3),
    (SMART(), 3.0),
    (SMART(steps=0), 7 / 3),
    (SMART(steps=3), 13 / 3),
    (SMART(alpha=0.0), 4 / 3),
    (FreeLB(passes=1), 1.0),
    (FreeLB(passes=3), 3.0),
    (KD() + R3F(), 2.0),
    (R3F() + SMART(), 4.0),
]


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize(
    ("method", "ratio"),
    [(Theseus(p=1.0), 35 / 36), (SPD(p=1.0), 47 / 36), (SPD(p=1.0) + R3F(), 82 / 36)],
    ids=lambda value: str(value)[:30],
)
def test_a_teacher_that_is_asked_in_every_step_costs_its_passes(words, method, ratio):
    # Of three layers with 12 products each the lowest needs none for the inputs of three of them.
    one = fit(replace(words, model=replace(words.model, layers=3)), method)
    one.teacher = LiveTeacher(deepcopy(one.model))
    before = deepcopy(one.teacher)
    assert relative_flops(one) == pytest.approx(ratio, rel=0.05)
    assert same_weights(one.teacher, before)


@pytest.mark.parametrize(("method", "ratio"), RATIOS, ids=lambda value: str(value)[:30])
def test_a_step_costs_what_the_docstring_says(words, method, ratio):
    one = fit(words, method, teacher=live_teacher(words))
    assert relative_flops(one) == pytest.approx(ratio, rel=0.05)


@dataclass(frozen=True)
class Passes(Method):
    """Forward passes without a gradient, beside base's."""

    name: ClassVar[str] = "passes"
    number: int = 1

    def penalty(self, step):
        with torch.no_grad():
            return 0.0 * sum(step.forward().sum() for _ in range(self.number))


@pytest.mark.parametrize("number", [1, 3])
def test_a_forward_pass_is_a_third_of_a_step(words, number):
    assert relative_flops(fit(words, Passes(number))) == pytest.approx(1 + number / 3, rel=0.01)


@dataclass(frozen=True)
class InPhases(Passes):
    """One epoch with the passes and three without."""

    name: ClassVar[str] = "in_phases"

    def phases(self, training):
        return (Phase(1), Phase(3))

    def penalty(self, step):
        return super().penalty(step) if step.phase == 0 else 0.0


def test_each_phase_counts_by_its_epochs(words):
    assert relative_flops(fit(words, InPhases(3))) == pytest.approx(1.25, rel=0.01)


@pytest.mark.parametrize("method", [Base(), R3F(), R4F(), SMART(), FreeLB(), BitFit()])
def test_micro_batches_cost_what_their_batch_costs(words, method):
    split = fit(words, method, replace(TRAINING, accumulate=2))
    assert relative_flops(split) == relative_flops(fit(words, method))


@pytest.mark.parametrize(
    ("method", "ratio"), [(Base(), 4 / 3), (R3F(), 8 / 3), (BitFit(), 1.0), (FreeLB(), 4.0)]
)
def test_layers_that_are_computed_again_count_again(words, method, ratio):
    again = fit(words, method, replace(TRAINING, gradient_checkpointing=True))
    assert relative_flops(again) == pytest.approx(ratio, rel=0.05)


def test_counting_leaves_a_run_as_it_was(words):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    counted, plain = fit(words, Mixout(0.5)), fit(words, Mixout(0.5))
    torch.manual_seed(3)
    relative_flops(counted)
    assert torch.equal(torch.rand(1), expected)
    assert not vars(counted.state)
    assert same_weights(counted.run(None), plain.run(None))


def test_images_and_other_precisions_are_counted_alike():
    task = Digits(digits=(0, 1, 2), train=96, dev=48, test=60)
    module, examples = ResNet(widths=(8, 16)).rehearsal(task, 4, 1)
    for precision in ("float32", "bf16"):
        training = replace(TRAINING, precision=precision)
        for method, ratio in ((LS(), 1.0), (Passes(), 4 / 3)):
            one = Fit(module, method, examples, examples, training, seed=0)
            assert relative_flops(one) == pytest.approx(ratio, rel=0.05)


@pytest.mark.parametrize("passes", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_products_are_those_that_torch_counts(passes):
    image, word = torch.randn(2, 3, 8, 8), torch.randint(9, (2, 5))
    convolution, embedding = torch.nn.Conv2d(3, 4, 3), torch.nn.Embedding(9, 16)
    layer = torch.nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    def compute() -> None:
        total = convolution(image).sum() + layer(embedding(word)).sum()
        if total.requires_grad:
            total.backward()

    with passes(), FlopCounterMode(display=False) as torchs:
        compute()
    with passes(), Products() as ours:
        compute()
    assert ours.flops == torchs.get_total_flops() > 0
