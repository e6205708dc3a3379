"""Gradient checkpointing: layers are computed again, and every bit stays as it was."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from tests.trainers.hub_places import TWENTY_STEPS
from tests.trainers.methods.test_every_method import METHODS, same
from tests.trainers.teachers import teacher_for
from trainers.errors import ModelError
from trainers.loop import Fit
from trainers.methods import R3F, Base, FreeLB, Method, Mixout, NEFTune, SelfKD
from trainers.methods.method import Teacher
from trainers.models import Bert, ResNet
from trainers.tasks import Digits, Examples

TEN_STEPS = replace(TWENTY_STEPS, epochs=2, lr=5e-3)
AGAIN = replace(TEN_STEPS, gradient_checkpointing=True)
#: SPD compares attention maps, which are not kept.
EVERY = [method for method, _ in METHODS if "spd" not in method.name]
KINDS = ("bert", "roberta", "distilbert", "gpt2", "deberta-v2", "vit")


@dataclass(frozen=True)
class OtherWeights(Method):
    """Learns through a pass with half of its weights, dropout and all."""

    name: ClassVar[str] = "other_weights"

    def penalty(self, step):
        halves = {name: p / 2 for name, p in step.model.named_parameters()}
        return step.forward(weights=halves).square().mean()


@pytest.fixture(scope="module")
def weights(text, images):
    """The weights that ten steps with dropout end with."""

    def weights(kind: str, method: Method, training, watch=lambda model: None):
        place = images if kind == "vit" else text
        examples = place.task.load("train", place.folder, 0)
        columns = {name: values[:40] for name, values in examples.inputs.items()}
        few = Examples(examples.ids[:40], examples.labels[:40], columns)
        model = place.model(kind)
        encoded, module = model.encode(few, place.folder, 32), place.build(model)
        watch(module)
        teacher = teacher_for(method, module, encoded)
        one = Fit(module, method, encoded, encoded, training, 1, metric="nll", teacher=teacher)
        return one.run(None).model.state_dict()

    return weights


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["float32", pytest.param("bf16", marks=pytest.mark.slow)])
def test_every_architecture_ends_with_the_same_bits(weights, kind, precision):
    plain, again = (replace(each, precision=precision) for each in (TEN_STEPS, AGAIN))
    method = Mixout(0.5) + R3F(epsilon=0.1)
    assert same(weights(kind, method, plain), weights(kind, method, again))


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize(
    "method",
    [
        *EVERY,
        OtherWeights(),
        FreeLB() + Mixout(0.3) + NEFTune(),
    ],
    ids=lambda m: m.name,
)
def test_every_method_ends_with_the_same_bits(weights, method):
    assert same(weights("bert", method, TEN_STEPS), weights("bert", method, AGAIN))


def test_hooks_within_a_layer_come_to_their_end(weights):
    # Without dropout the last that a layer of GPT-2 keeps is what its last matrix reads.
    method = Mixout(0.5, keep_dropout=False)
    assert same(weights("gpt2", method, TEN_STEPS), weights("gpt2", method, AGAIN))


def test_it_ends_with_the_same_bits_in_micro_batches(weights):
    plain, again = (replace(each, accumulate=3) for each in (TEN_STEPS, AGAIN))
    method = FreeLB() + Mixout(0.3)
    assert same(weights("bert", method, plain), weights("bert", method, again))


def passes_within_a_layer(weights, training) -> int:
    """How often the first matrix in a layer is computed with, of 10 steps and the evaluations."""
    passes = []

    def watch(model: nn.Module) -> None:
        inner = model.get_submodule("bert.encoder.layer.0.intermediate.dense")
        inner.register_forward_hook(lambda *_: passes.append(torch.is_grad_enabled()))

    weights("bert", Base(), training, watch)
    return sum(passes)


def test_layers_are_computed_again_in_the_backward_pass(weights):
    assert passes_within_a_layer(weights, TEN_STEPS) == 10
    assert passes_within_a_layer(weights, AGAIN) == 20


def test_what_a_layer_computes_is_not_kept(words):
    kept = {}
    for again in (False, True):
        training = replace(TEN_STEPS, gradient_checkpointing=again)
        model = Bert(layers=6, width=32, heads=2).build(words.task, words.folder, 1)
        train = words.encode("train")
        one = Fit(model, Base(), train, train, training, seed=1)
        one.model.train()
        one.prepare()
        sizes = []
        step = one.step(np.arange(16), phase=0, epoch=0, progress=0.0)
        with torch.autograd.graph.saved_tensors_hooks(
            lambda tensor, sizes=sizes: sizes.append(tensor.numel()) or tensor, lambda t: t
        ):
            _ = step.logits
        kept[again] = sum(sizes)
    assert kept[True] < kept[False] / 4


def test_models_whose_layers_cannot_be_computed_again_are_refused_by_name(words):
    digits = Digits(digits=(0, 1, 2), train=96, dev=48, test=60)
    with pytest.raises(ModelError, match=r"and resnet-16-32 has none: leave it out"):
        Base().check_training(ResNet(), digits, AGAIN)
    with pytest.raises(ModelError, match=r"resnet-16-32 has batch normalisation, .*accumulate=1"):
        Base().check_training(ResNet(), digits, replace(TEN_STEPS, accumulate=2))
    Base().check_training(ResNet(), digits, TEN_STEPS)
    Base().check_training(words.model, words.task, replace(AGAIN, accumulate=2))


@dataclass(frozen=True)
class Residual(Bert):
    """Has batch normalisation beside layers that can be computed again."""

    def rehearsal(self, task, rows, tokens):
        module, examples = super().rehearsal(task, rows, tokens)
        module.normalisation = nn.BatchNorm1d(4)
        return module, examples


def test_running_statistics_are_not_counted_twice(words):
    with pytest.raises(ModelError, match=r"running statistics gradient_checkpointing=True"):
        Base().check_training(Residual(), words.task, AGAIN)


@dataclass(frozen=True)
class TaughtBy(Base):
    name: ClassVar[str] = "taught_by"
    teacher: Teacher = None  # type: ignore[assignment]

    def teacher_for(self, training):
        return self.teacher


def test_a_teacher_is_asked_too_with_its_own_settings(words):
    student, task = Bert(), words.task
    split, teacher = replace(TEN_STEPS, accumulate=2), Teacher(Residual(), "scratch")
    with pytest.raises(ModelError, match="batch normalisation"):
        TaughtBy(teacher).check_training(student, task, split)
    TaughtBy(replace(teacher, training=TEN_STEPS)).check_training(student, task, split)
    SelfKD().check_training(student, task, split)
