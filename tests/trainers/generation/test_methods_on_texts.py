"""Methods on tokens of texts: their identities, what accumulates, and what a teacher leaves."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainers.generation.conftest import TRAINING
from trainers.errors import MethodError
from trainers.generation import teaching
from trainers.generation.teaching import token_distributions
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
    Mixout,
    Movement,
    NEFTune,
    RDrop,
    Reinit,
    SelfKD,
    SequenceKD,
    TFReg,
    Theseus,
)
from trainers.methods.smoothness.perturbation import embedding_layer, perturbed
from trainers.models import anatomy
from trainers.teacher import LiveTeacher, TeacherTokens

NEUTRAL = [
    LS(0.0),
    TFReg(alpha=0.0),
    ConfidencePenalty(beta=0.0),
    R3F(weight=0.0),
    SMART(alpha=0.0, mu=0.0),
    FreeLB(passes=1),
    NEFTune(alpha=0.0),
    Mixout(p=0.0),
    LLRD(decay=1.0),
    Reinit(layers=0),
    L2SP(alpha=0.0),
    KD(alpha=0.0),
    LS(0.0) + LLRD(1.0) + Mixout(0.0),
]
LEARNING = [
    *(LS(), TFReg(), ConfidencePenalty(), R3F(noise="normal"), RDrop(), SMART(), FreeLB()),
    *(NEFTune(), Mixout(), LLRD(), Reinit(), L2SP(), BitFit(), KD(), SelfKD(), LS() + R3F()),
]
ONE_EPOCH = replace(TRAINING, epochs=1)


def weights(fit):
    fit.model.train()
    return fit.run(None).model.state_dict()


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def a_fit(place, kind, method, **fields):
    fit = place.fit(kind, method, **fields)
    if "kd" in method.name:
        fit.teacher = token_distributions(fit.model, fit.train_set, fit.training)
    return fit


@pytest.fixture(scope="module")
def base(place):
    return {kind: weights(place.fit(kind, training=ONE_EPOCH)) for kind in ("own", "gpt2")}


@pytest.mark.parametrize("kind", ["own", pytest.param("gpt2", marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", NEUTRAL, ids=lambda m: m.name)
def test_a_method_is_base_bit_for_bit_at_its_neutral_setting(place, base, kind, method):
    assert same(weights(a_fit(place, kind, method, training=ONE_EPOCH)), base[kind])


@pytest.mark.parametrize(
    "kind", ["own", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("bart", "gpt2"))]
)
@pytest.mark.parametrize("method", LEARNING, ids=lambda m: m.name)
def test_a_method_learns_and_is_not_base(place, kind, method):
    method.check(place.model(kind), place.task)
    fit = a_fit(place, kind, method, training=replace(TRAINING, epochs=4))
    trained = fit.run(None)
    reports = fit.at.reports
    assert reports[-1].dev["nll"] < reports[0].dev["nll"]
    assert trained.scores["dev"]["nll"] == pytest.approx(min(r.dev["nll"] for r in reports))


def gradient(fit):
    fit.prepare()
    fit.model.train()
    step = fit.step(np.arange(7), 0, 0, 0.0)
    fit.method.before_step(step)
    loss = fit.gradient(step)
    return loss, {n: p.grad for n, p in fit.model.named_parameters() if p.grad is not None}


def close(a, b):
    return all(torch.allclose(a[name], b[name], atol=1e-6, rtol=1e-4) for name in a)


WITHOUT_DROPOUT = {"model": {"dropout": 0.0}}


@pytest.mark.parametrize(
    "method",
    [Base(), LS(), KD(), R3F(epsilon=0.1, noise="normal"), ConfidencePenalty()],
    ids=lambda m: m.name,
)
def test_micro_batches_of_unlike_numbers_of_tokens_add_up_to_the_batch(place, method):
    whole = a_fit(place, "own", method, **WITHOUT_DROPOUT)
    split = replace(TRAINING, accumulate=3)
    parts = a_fit(place, "own", method, training=split, **WITHOUT_DROPOUT)
    lengths = whole.train_set.targets.lengths[:7]
    assert len(set(lengths)) > 1  # so that a mean of means would be another one
    (loss, one), (other, several) = gradient(whole), gradient(parts)
    assert loss.item() == pytest.approx(other.item(), rel=1e-5)
    assert close(one, several)


def test_noise_of_size_nothing_has_the_gradient_of_base_without_dropout(place):
    noisy = gradient(place.fit("own", R3F(epsilon=0.0, noise="normal"), **WITHOUT_DROPOUT))
    plain = gradient(place.fit("own", Base(), **WITHOUT_DROPOUT))
    assert noisy[0].item() == pytest.approx(plain[0].item(), abs=1e-6)
    assert close(noisy[1], plain[1])


def test_with_dropout_r3f_of_no_noise_is_the_divergence_of_r_drop(place):
    noisy, dropped = place.fit("own", R3F(epsilon=0.0)), place.fit("own", RDrop())
    losses = []
    for fit in (noisy, dropped):
        fit.prepare()
        fit.model.train()
        step = fit.step(np.arange(7), 0, 0, 0.0)
        step.restart_dropout()
        losses.append((fit.method.penalty(step).item(), step))
    step = losses[1][1]
    step.restart_dropout()
    again = step.repeated()
    first, second = again.logits, again.forward()
    half = (again.label_loss(second) - again.label_loss(first)).item() / 2
    assert losses[0][0] / 2 + half == pytest.approx(losses[1][0], rel=1e-4)


@pytest.mark.parametrize("kind", ["own", "bart", "t5", "marian", "gpt2"])
def test_noise_is_added_to_what_is_read_and_not_to_padding(place, kind):
    fit = place.fit(kind)
    fit.model.eval()
    batch = fit.train_set.batch(np.arange(6), torch.device("cpu"))
    step = fit.step(np.arange(6), 0, 0, 0.0)
    width = embedding_layer(fit.model).embedding_dim
    delta = torch.randn((*batch.inputs["input_ids"].shape, width))
    padding = 1 - batch.inputs["attention_mask"][..., None].float()
    assert padding.sum() > 0
    with torch.no_grad():
        plain = step.forward()
        with perturbed(step, delta * padding):
            on_padding = step.forward()
        with perturbed(step, delta):
            everywhere = step.forward()
    assert torch.allclose(plain, on_padding, atol=1e-5)
    assert not torch.allclose(plain, everywhere, atol=1e-3)


def test_a_teacher_on_disk_says_what_a_live_one_does(place, tmp_path, monkeypatch):
    student, master = place.fit("own", KD(tau=2.0)), place.fit("own", seed=5)
    vocabulary = student.model.config.vocab_size
    monkeypatch.setattr(teaching, "KEPT", vocabulary)  # of which all but one are kept
    said = token_distributions(master.model, student.train_set, TRAINING)
    said.save(tmp_path)
    losses = []
    for teacher in (TeacherTokens.open(tmp_path), LiveTeacher(master.model)):
        student.teacher = teacher
        student.model.eval()
        step = student.step(np.arange(5, 13), 0, 0, 0.0)
        losses.append(student.method.loss(step).item())
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)


def test_what_is_kept_of_a_teacher_bounds_the_divergence_from_below(place, monkeypatch):
    fit, found = place.fit("own", KD(alpha=1.0)), []
    master = place.fit("own", seed=5, model={"initializer_range": 0.5}).model
    for kept in (1, 8, 10_000):
        monkeypatch.setattr(teaching, "KEPT", kept)
        fit.teacher = token_distributions(master, fit.train_set, TRAINING)
        fit.model.eval()
        found.append(fit.method.loss(fit.step(np.arange(8), 0, 0, 0.0)).item())
    assert 0 < found[0] < found[1] < found[2]


@pytest.mark.parametrize(
    "method",
    [R4F(), AnnealingKD(), Magnitude(), Movement(), SPD(), Theseus(), LS() + Magnitude()],
    ids=lambda m: m.name,
)
def test_what_makes_no_sense_is_refused_with_the_reason(place, method):
    with pytest.raises(MethodError, match="is not for tasks from text to text such as things: "):
        method.check_training(place.model("own"), place.task, TRAINING)


def test_a_teacher_of_other_tokens_is_refused(place):
    with pytest.raises(MethodError, match=r"gpt2 writes other tokens than bart.* or SequenceKD"):
        KD(teacher=place.model("gpt2")).check(place.model("bart"), place.task)
    KD(teacher=place.model("bart")).check(place.model("bart"), place.task)
    KD(teacher=place.model("own", width=64)).check(place.model("own"), place.task)
    SequenceKD(teacher=place.model("gpt2")).check(place.model("bart"), place.task)


@pytest.mark.parametrize("kind", ["own", "bart", "t5", "marian", "gpt2"])
def test_every_weight_has_one_level_with_the_decoder_on_top(place, kind):
    module = place.build(place.model(kind))
    levels = anatomy.levels(module)
    assert sorted(id(p) for level in levels for p in level) == sorted(map(id, module.parameters()))
    names = {id(p): name for name, p in module.named_parameters()}
    below = [names[id(p)] for p in levels[-1]]
    assert any("shared" in name or "embed" in name or "wte" in name for name in below)
    assert len(levels) - 2 == len(anatomy.layers(module))
    if kind != "gpt2":
        assert all("decoder" in names[id(p)] for p in levels[1])
        assert all("encoder" in names[id(p)] for p in levels[-2])
