"""The parts of a stack: what may be one, masks, losses, optimisers, weights."""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import trainers.methods as known
from tests.trainers.stacked.runs import TRAINING, classifier, fits, stacked, texts
from trainers.errors import MethodError
from trainers.inputs.augmentation import Augmentation
from trainers.loop import Fit
from trainers.methods import (
    KD,
    LS,
    R3F,
    AnnealingKD,
    Base,
    ConfidencePenalty,
    Method,
    SelfKD,
    TFReg,
)
from trainers.models import Bert
from trainers.seeding import seed_dropout
from trainers.settings import Training
from trainers.stacked.fitting import apart, misfit
from trainers.stacked.losses import Losses, Moment, TeachersLogits
from trainers.stacked.model import StackedModel
from trainers.stacked.optimiser import StackedOptimiser
from trainers.stacked.streams import Streams
from trainers.stacked.weights import lay_out
from trainers.steps.learner import Learner
from trainers.steps.optimiser import decay_groups

CPU = torch.device("cpu")
OF_LABELS = (
    Base(),
    LS(0.1),
    LS(0.3, "yuan"),
    TFReg(),
    TFReg(variant="yuan"),
    ConfidencePenalty(0.3),
    KD(0.7, 2.0, teacher=Bert()),
    KD(0.2, 3.0, scale="paper", teacher=Bert()),
    SelfKD(0.4),
    AnnealingKD(t_max=2, teacher=Bert()),
)


def test_the_methods_of_labels_and_logits_may_be_stacked_and_no_others():
    methods = [getattr(known, name) for name in known.__all__]
    made = [
        m() for m in methods if isinstance(m, type) and issubclass(m, Method) and hasattr(m, "name")
    ]
    assert {m.name for m in made if not m.apart()} == {m.name for m in OF_LABELS}


def test_what_a_method_does_beside_is_said_where_it_may_not():
    assert R3F().apart() == "it does more than compare logits (penalty)"
    assert (LS() + R3F()).apart() == R3F().apart()
    assert apart(LS(), TRAINING) == ""
    assert apart(LS(), replace(TRAINING, accumulate=2)) == "it saves memory by accumulate"
    assert apart(LS(), replace(TRAINING, augmentation=Augmentation())) != ""


def change_settings(fit: Fit, **settings) -> None:
    fit.training = replace(fit.training, **settings)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            lambda made: setattr(made[1], "training", replace(made[1].training, batch_size=10)),
            "settings",
        ),
        (
            lambda made: setattr(made[1], "training", replace(made[1].training, optimiser="sgd")),
            "settings",
        ),
        (lambda made: setattr(made[1], "train_set", texts(90, types=True)), "numbers of steps"),
        (lambda made: setattr(made[1], "train_set", texts(50)), "encoded in several ways"),
        (lambda made: setattr(made[1], "model", classifier("Roberta", 1)), "several architectures"),
        (lambda made: setattr(made[0], "model", nn.Linear(2, 2)), "not one of the encoders"),
        (lambda made: made[1].model.bert.requires_grad_(False), "frozen"),
        (lambda made: made[1].model.bfloat16(), "float32"),
        (lambda made: made[1].model.classifier.register_forward_hook(lambda *_: None), "builds"),
    ],
)
def test_runs_that_cannot_be_one_are_told_why(change, why):
    made = fits([(1, Base(), {}), (2, LS(), {})])
    assert misfit(made) == ""
    change(made)
    assert why in misfit(made)


@given(
    seeds=st.lists(st.integers(0, 9), min_size=1, max_size=4, unique=True),
    rows=st.integers(1, 4),
    width=st.integers(1, 6),
    p=st.sampled_from([0.1, 0.5, 0.9]),
)
def test_masks_are_those_that_each_run_draws_alone(seeds, rows, width, p):
    """One draw after the other within a step, each in the shape of the run's own batch."""
    streams = Streams(seeds, torch.arange(len(seeds)))
    sizes = [(1 + (rows + i) % 4, 1 + (width + i) % 6) for i in range(len(seeds))]
    streams.begin(3, sizes)
    hidden = streams.noise(torch.ones(4 * len(seeds), 6, 5), p).view(-1, 4, 6, 5)
    weights = streams.noise(torch.ones(4 * len(seeds), 2, 6, 6), p).view(-1, 4, 2, 6, 6)
    tops = streams.noise(torch.ones(4 * len(seeds), 5), p).view(-1, 4, 5)
    for i, (seed, (b, w)) in enumerate(zip(seeds, sizes, strict=True)):
        seed_dropout(seed, 3)
        assert torch.equal(hidden[i, :b, :w], F.dropout(torch.ones(b, w, 5), p))
        assert torch.equal(weights[i, :b, :, :w, :w], F.dropout(torch.ones(b, 2, w, w), p))
        assert torch.equal(tops[i, :b], F.dropout(torch.ones(b, 5), p))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("method", OF_LABELS, ids=repr)
def test_losses_and_gradients_of_a_group_are_those_of_each_model(method, step_of):
    draws = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 6, 4, generator=draws, requires_grad=True)
    labels = torch.randint(0, 4, (3, 6), generator=draws)
    teacher = torch.randn(20, 4, generator=draws)
    rows = torch.randint(0, 20, (3, 6), generator=draws)
    has_teacher = bool(method.teacher_for(TRAINING))
    taught = TeachersLogits(teacher, [0 if has_teacher else None] * 3)
    moments = [Moment(size, 0, 0, 0, 1, 0.0) for size in (6, 4, 6)]
    found = Losses([method, method, method], taught)(moments, logits, rows, labels)
    (gradient,) = torch.autograd.grad(found.sum(), logits)
    for i, moment in enumerate(moments):
        own = logits[i, : moment.rows].detach().requires_grad_()
        step = step_of(own, labels[i, : moment.rows], teacher[rows[i, : moment.rows]])
        loss = method.loss(step)
        (expected,) = torch.autograd.grad(loss, own)
        torch.testing.assert_close(found[i], loss)
        torch.testing.assert_close(gradient[i, : moment.rows], expected)
        assert not gradient[i, moment.rows :].any()


class Curious(Base):
    """Draws numbers in its loss, and does not say that it may not be stacked."""

    name: ClassVar[str] = "curious"

    def loss(self, step):
        return super().loss(step) + 0 * torch.rand((), generator=step.generator)


def test_a_loss_that_takes_more_of_a_step_than_logits_is_refused():
    with pytest.raises(MethodError, match=r"curious takes more .* let its apart\(\) say so"):
        stacked(fits([(1, Curious(), {})]))


@given(
    optimiser=st.sampled_from(["adamw", "sgd"]),
    settings=st.lists(
        st.tuples(
            st.floats(1e-4, 1e-1),
            st.floats(0, 0.5),
            st.sampled_from([None, 0.1, 1.0, 100.0]),
            st.sampled_from([0.0, 0.5]),
            st.sampled_from(["linear", "constant"]),
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_the_optimiser_moves_weights_as_torchs_do_one_by_one(optimiser, settings):
    trainings = [
        Training(
            lr=lr,
            weight_decay=decay,
            clip=clip,
            warmup=warmup,
            schedule=schedule,
            optimiser=optimiser,
            device="cpu",
        )
        for lr, decay, clip, warmup, schedule in settings
    ]
    torch.manual_seed(0)
    singles = [nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)) for _ in trainings]
    shapes = {name: weight.shape for name, weight in singles[0].named_parameters()}
    tables, weights = lay_out(shapes, ["2.weight"], len(singles), CPU)
    ours = StackedOptimiser(tables, trainings)
    learners = []
    for i, (single, training) in enumerate(zip(singles, trainings, strict=True)):
        ours.begin(i, steps=8, an_epoch=4)
        groups = decay_groups(single, training.weight_decay)
        learners.append(Learner.of(single, groups, training, 8, 4))
        for name, weight in single.named_parameters():
            weights[name].values.data[i] = weight.detach()
    for _ in range(2):
        for move in ours.next_steps(4):
            assert [ours.progress(i) for i in range(len(singles))] == [x.progress for x in learners]
            for i, single in enumerate(singles):
                for name, weight in single.named_parameters():
                    weight.grad = torch.randn_like(weight)
                    weights[name].gradient[i] = weight.grad
            move()
            for learner, training in zip(learners, trainings, strict=True):
                learner.step(training.clip)
    for i, single in enumerate(singles):
        for name, weight in single.named_parameters():
            torch.testing.assert_close(
                weights[name].values[i], weight.detach(), rtol=1e-4, atol=1e-6
            )


def test_logits_gradients_and_what_fills_up_are_those_of_each_model():
    """Words that fill up stand within these texts, where their embedding would learn."""
    models = [classifier("Bert", seed, dropout=0.0) for seed in range(3)]
    stack = StackedModel(models, Streams([0], torch.zeros(3, dtype=torch.long)), TRAINING)
    words = torch.randint(0, 8, (6, 9), generator=torch.Generator().manual_seed(0))
    mask = torch.ones_like(words).bool()
    logits = stack.logits({"input_ids": words, "attention_mask": mask}, learns=False)
    assert (words == 0).any()
    stack.backward(logits.square().sum((1, 2)))
    for i, model in enumerate(models):
        own = model.eval()(input_ids=words[2 * i : 2 * i + 2]).logits
        torch.testing.assert_close(logits[i], own, rtol=1e-4, atol=1e-5)
        own.square().sum().backward()
        for name, weight in model.named_parameters():
            found = stack._weights[name].gradient[i]
            torch.testing.assert_close(found, weight.grad, rtol=1e-3, atol=1e-5)
        assert not stack._weights["bert.embeddings.word_embeddings.weight"].gradient[i, 0].any()


def test_a_stack_leaves_the_models_that_it_was_made_of_as_they_are():
    models = [classifier("DistilBert", seed) for seed in range(2)]
    before = [{k: v.clone() for k, v in model.state_dict().items()} for model in models]
    stack = StackedModel(models, Streams([0], torch.zeros(2, dtype=torch.long)), TRAINING)
    stack.put_into(models[0], 1)
    assert models[0].config._attn_implementation == "sdpa"
    for name, weight in models[0].state_dict().items():
        assert torch.equal(weight, before[1][name])
        assert torch.equal(models[1].state_dict()[name], before[1][name])


def test_a_teachers_logits_are_looked_up_once_for_runs_that_share_them():
    made = fits([(seed, KD(teacher=Bert()), {}) for seed in (1, 2, 3)])
    taught = TeachersLogits.of([f.teacher for f in made], [f.train_set for f in made], CPU)
    assert taught.starts == [0, 0, 0]
    assert taught.logits is not None
    assert len(taught.logits) == len(made[0].train_set)
    np.testing.assert_array_equal(taught.logits.numpy(), made[0].teacher.logits)
