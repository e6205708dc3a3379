"""The identities that noise, adversarial, consistency and two-phase methods obey."""

import math
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from safetensors.torch import load_model, save_model
from torch.nn import functional as F

from benchmark.declare.arm import Arm
from benchmark.declare.study import Comparison, Study
from benchmark.errors import StudyError
from stats import Judging
from tests.trainers import test_loop, tiny_hub
from tests.trainers.methods.test_label_regularisers import batch, close
from tests.trainers.test_loop import fit, live_teacher, same_weights
from trainers.errors import MethodError
from trainers.loop import Fit
from trainers.methods import (
    KD,
    LS,
    R3F,
    R4F,
    SMART,
    AnnealingKD,
    Base,
    ConfidencePenalty,
    FreeLB,
    Method,
    NEFTune,
    RDrop,
)
from trainers.methods.smoothness.divergence import symmetric_kl
from trainers.methods.smoothness.perturbation import input_shape, perturbed, real_inputs
from trainers.models import Bert, HubModel, ResNet
from trainers.settings import Training
from trainers.steps.passes import Passes
from trainers.tasks import Digits, Docstrings

TRAINING = replace(test_loop.TRAINING, precision="float32")
NEUTRAL = [
    R3F(weight=0.0),
    SMART(alpha=0.0, mu=0.0),
    FreeLB(passes=1, magnitude=0.0),
    NEFTune(alpha=0.0),
    ConfidencePenalty(beta=0.0),
]
ACTIVE = [R3F(epsilon=0.1), R4F(), RDrop(), SMART(), FreeLB(), NEFTune(), ConfidencePenalty()]
DIGITS = Digits(digits=(0, 1, 2), train=48, dev=24, test=24)


def run(words, method, training=TRAINING, **options):
    return test_loop.run(words, method, training=training, **options)


def name_of(method) -> str:
    return method.name


@pytest.fixture(scope="session")
def base(words):
    return run(words, Base())


@pytest.fixture
def step(words):
    """The first step of a run on eight texts of unequal length, with dropout."""
    return one_step(words)


def one_step(words, dropout: float = 0.1, method: Method | None = None):
    plain = replace(words, model=replace(words.model, dropout=dropout))
    one = fit(plain, method or Base(), TRAINING)
    one.model.train()
    step = one.step(np.arange(8), phase=0, epoch=0, progress=0.0)
    one.method.prepare(one.model, step.state)
    one.method.before_step(step)
    step.restart_dropout()
    return step


def gradient(step, loss) -> list[torch.Tensor]:
    return list(torch.autograd.grad(loss, [*step.model.parameters()], retain_graph=True))


def all_close(first, second, tolerance: float = 1e-6) -> bool:
    return all(
        torch.allclose(a, b, rtol=1e-4, atol=tolerance) for a, b in zip(first, second, strict=True)
    )


# At its neutral setting each of them is base


@pytest.mark.parametrize("method", NEUTRAL, ids=name_of)
def test_at_its_neutral_setting_a_method_is_base_bit_for_bit(words, base, method):
    assert same_weights(run(words, method), base)


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("method", NEUTRAL, ids=name_of)
def test_at_its_neutral_setting_a_part_of_a_composition_is_not_there(words, method):
    if not isinstance(method, ConfidencePenalty):
        teacher = live_teacher(words)
        both = run(words, KD(0.5, 2.0) + method, teacher=teacher)
        assert same_weights(both, run(words, KD(0.5, 2.0), teacher=teacher))
    other = RDrop() if isinstance(method, NEFTune) else NEFTune()
    assert same_weights(run(words, other + method), run(words, other))


@pytest.mark.parametrize("method", ACTIVE, ids=name_of)
def test_at_its_default_a_method_is_not_base_and_repeats_itself_bit_for_bit(words, base, method):
    first, second = run(words, method), run(words, method)
    assert first.model.state_dict().keys() == second.model.state_dict().keys()
    assert same_weights(first, second)
    assert not np.array_equal(first.logits["test"], base.logits["test"])


@pytest.mark.parametrize("method", ACTIVE, ids=name_of)
def test_a_neutral_label_smoothing_changes_no_bit_of_a_method(words, method):
    if not isinstance(method, ConfidencePenalty):
        assert same_weights(run(words, LS(0.0) + method), run(words, method))


def test_methods_compose_across_families(words):
    teacher = live_teacher(words)
    together = KD(0.5, 2.0) + R3F(epsilon=0.1) + FreeLB(passes=2) + NEFTune()
    trained = run(words, together, teacher=teacher)
    assert np.isfinite(trained.logits["test"]).all()
    assert not same_weights(trained, run(words, KD(0.5, 2.0), teacher=teacher))


@pytest.mark.parametrize("method", [R3F(), SMART(), FreeLB(), R4F()], ids=name_of)
def test_bf16_autocast_leaves_the_perturbed_embeddings_in_float32(words, method):
    seen = []
    one = fit(words, method, replace(TRAINING, epochs=1, precision="bf16"))
    layer = one.model.get_input_embeddings()
    layer.register_forward_hook(lambda _, __, out: seen.append(out.dtype))
    trained = one.run(lambda: words.encode("test"))
    assert set(seen) == {torch.float32}
    assert np.isfinite(trained.logits["test"]).all()


# Images


def on_digits(method, folder):
    DIGITS.prepare(folder)
    model = ResNet(widths=(8,))
    examples = model.encode(DIGITS.load("train", folder, 0), folder, 32)
    fitted = Fit(model.build(DIGITS, folder, 1), method, examples, examples, TRAINING, seed=1)
    return fitted.run(None)


def test_a_second_look_at_images_leaves_the_running_statistics_alone(tmp_path):
    base = on_digits(Base(), tmp_path)
    for method in (R3F(weight=0.0), SMART(0.0, 0.0), FreeLB(passes=1)):
        assert same_weights(on_digits(method, tmp_path), base)
    examples = ResNet().rehearsal(DIGITS, 8, 0)[1].batch(np.arange(8), torch.device("cpu"))
    model = ResNet().module(DIGITS, tmp_path).train()
    passes = Passes(model, examples.inputs, TRAINING)
    before = deepcopy(model.state_dict())
    first, after_one = passes(None), deepcopy(model.state_dict())
    second, after_two = passes(None), model.state_dict()
    assert torch.equal(first, second)
    assert not all(torch.equal(before[n], after_one[n]) for n in before)
    assert all(torch.equal(after_one[n], after_two[n]) for n in before)


@pytest.mark.parametrize("method", [R3F(epsilon=0.1), SMART(), FreeLB(magnitude=0.1)], ids=name_of)
def test_the_pixels_of_images_are_perturbed(tmp_path, method):
    trained = on_digits(method, tmp_path)
    assert not same_weights(trained, on_digits(Base(), tmp_path))
    assert np.isfinite(trained.logits["dev"]).all()


# Perturbation


@pytest.mark.parametrize("kind", ["gpt2", "roberta", "deberta-v2"])
def test_what_is_added_to_padding_changes_nothing_and_to_a_text_something(words, tmp_path, kind):
    texts = list(words.task.corpus(words.folder))
    hub = HubModel(tiny_hub.save(kind, texts, tmp_path))
    model = hub.build(words.task, words.folder, 1, hub.start("pretrained"))
    examples = hub.encode(words.task.load("dev", words.folder, 0), words.folder, 32)
    step = Fit(model, Base(), examples, examples, TRAINING, seed=1).step(
        np.arange(8), phase=0, epoch=0, progress=0.0
    )
    model.eval()
    plain = step.forward()
    delta = torch.linspace(-1, 1, input_shape(step).numel()).sin().view(input_shape(step))
    assert real_inputs(step).mean() < 1
    for where, same in ((1 - real_inputs(step), True), (real_inputs(step), False)):
        with perturbed(step, delta * where):
            assert torch.allclose(step.forward(), plain, atol=1e-6) is same
    assert torch.equal(step.forward(), plain)


# R3F and R4F


def test_without_dropout_and_noise_r3f_has_no_penalty_and_the_gradient_of_base(words):
    step = one_step(words, dropout=0.0)
    penalty = R3F(epsilon=0.0).penalty(step)
    assert penalty.item() == pytest.approx(0.0, abs=1e-7)
    assert all_close(gradient(step, Base().loss(step) + penalty), gradient(step, Base().loss(step)))


def test_with_dropout_and_without_noise_r3f_is_the_symmetric_kl_of_r_drop(words):
    r3f = R3F(weight=1.0, epsilon=0.0).penalty(one_step(words))
    r_drop = RDrop(1.0).penalty(one_step(words)) - RDrop(0.0).penalty(one_step(words))
    assert r3f.item() > 1e-3
    assert r3f.item() == pytest.approx(2 * r_drop.item(), rel=1e-4)


def test_shared_dropout_leaves_r3f_the_noise_alone(words):
    shared = R3F(epsilon=1e-5, share_dropout=True).penalty(one_step(words)).item()
    apart = R3F(epsilon=1e-5).penalty(one_step(words)).item()
    assert abs(shared) < 1e-4 * apart
    assert R3F(epsilon=0.3, share_dropout=True).penalty(one_step(words)).item() > 1e-4


@pytest.mark.parametrize("noise", ["uniform", "normal"])
def test_the_noise_of_r3f_has_the_size_it_says(step, noise):
    seen = []
    layer = step.model.get_input_embeddings()
    layer.register_forward_hook(lambda _, __, out: seen.append(out.detach()))
    _ = step.logits
    hook = layer._forward_hooks.popitem()[1]  # it must look behind the noise
    original, method = step.run_model, R3F(epsilon=0.5, noise=noise)

    def watched(weights):
        layer.register_forward_hook(hook)
        return original(weights)

    step.run_model = watched
    method.penalty(step)
    delta = seen[1] - seen[0]
    spread = 0.5 / math.sqrt(3) if noise == "uniform" else 0.5
    assert delta.std().item() == pytest.approx(spread, rel=0.03)
    assert (delta.abs().max().item() <= 0.5 + 1e-6) is (noise == "uniform")


def test_r4f_keeps_the_largest_singular_value_of_the_head_at_one(words, tmp_path):
    for lr in (1e-3, 1e-2):
        trained = run(words, R4F(), training=replace(TRAINING, lr=lr, epochs=3))
        head = trained.model.classifier.weight
        assert torch.linalg.svdvals(head).max().item() == pytest.approx(1, abs=1e-3)


def test_r4f_normalises_in_float32_whatever_the_run_computes_in(words):
    one = fit(words, R4F())
    one.prepare()
    one.model.train()
    for _ in range(50):  # the power iteration goes on with each look
        with torch.autocast("cpu", dtype=torch.bfloat16):
            head = one.model.classifier.weight
    assert head.dtype == torch.float32
    assert torch.linalg.svdvals(head).max().item() == pytest.approx(1, abs=1e-5)


def test_what_r4f_leaves_is_an_ordinary_model_that_predicts_what_the_normalised_one_does(
    words, tmp_path
):
    one = fit(words, R4F())
    trained = one.run(None).model
    save_model(trained, str(tmp_path / "model.safetensors"))
    other = words.model.build(words.task, words.folder, 2)
    load_model(other, tmp_path / "model.safetensors")
    examples = words.encode("dev").batch(np.arange(8), torch.device("cpu")).inputs
    expected = one.model.eval()(**examples).logits
    for model in (trained, other, deepcopy(one.model), deepcopy(trained)):
        assert torch.equal(model.eval()(**examples).logits, expected)


# R-Drop


def test_r_drop_is_half_of_both_losses_and_divergences(step_of):
    z, y, other = batch()
    passes = iter([z, other])
    step = replace(step_of(z, y), method=RDrop(0.7), run_model=lambda _: next(passes))
    expected = (F.cross_entropy(z, y) + F.cross_entropy(other, y)) / 2
    expected += 0.7 * symmetric_kl(z, other) / 2
    assert close(step.objective(), expected)


def test_without_dropout_r_drop_is_base(words):
    plain = replace(words, model=replace(words.model, dropout=0.0))
    assert same_weights(run(plain, RDrop(0.0)), run(plain, Base()))
    step = one_step(plain, dropout=0.0)
    assert all_close(
        gradient(step, Base().loss(step) + RDrop().penalty(step)), gradient(step, Base().loss(step))
    )


# SMART


def test_the_targets_of_smart_have_no_gradient(words):
    """Through z alone flows (p − p′)/B, through x + δ the rest."""
    step = one_step(words, dropout=0.0)
    z = step.logits.detach().requires_grad_()
    step.logits = z
    method = SMART(sigma=0.1, epsilon=0.1, ascent="paper")
    loss = method.adversarial(step)
    (found,) = torch.autograd.grad(loss, z)
    again = one_step(words, dropout=0.0)
    again.logits = z
    worst = []
    original = again.run_model
    again.run_model = lambda weights: worst.append(original(weights)) or worst[-1]
    method.adversarial(again)
    expected = (z.softmax(-1) - worst[-1].softmax(-1)) / len(z)
    assert torch.allclose(found, expected.detach(), atol=1e-7)


def test_smart_is_proximal_to_the_moving_average_of_its_weights(words):
    method = SMART(alpha=0.0)
    step = one_step(words, method=method)
    assert method.penalty(step).item() == pytest.approx(0.0, abs=1e-6)
    before = {n: p.detach().clone() for n, p in step.model.named_parameters()}
    with torch.no_grad():
        for parameter in step.model.parameters():
            parameter.add_(0.1 * torch.sign(parameter) + 0.1)
    for progress, beta in ((0.05, 0.99), (0.1, 0.999)):
        step.progress = progress
        method.after_step(step)
        for name, parameter in step.model.named_parameters():
            expected = beta * before[name] + (1 - beta) * parameter.detach()
            assert torch.allclose(step.state.average[name], expected, atol=1e-6)
        before = {n: a.clone() for n, a in step.state.average.items()}
    del step.logits
    assert method.penalty(step).item() > 1e-4


# FreeLB


@dataclass(frozen=True)
class Losses(LS):
    """Label smoothing that notes what it was."""

    name: ClassVar[str] = "losses"
    seen: list = None  # type: ignore[assignment]

    def loss(self, step):
        loss = super().loss(step)
        self.seen.append(loss.item())
        return loss


def test_freelb_climbs_under_one_mask(words):
    seen = []
    run(words, FreeLB(passes=3, eta=0.02) + Losses(seen=seen))
    climbs = np.array(seen).reshape(-1, 3)
    assert (np.diff(climbs, axis=1) > 0).mean() > 0.95


def test_passes_of_freelb_that_do_not_move_have_the_gradient_of_one(words):
    gradients = []
    for method in (Base(), FreeLB(passes=3, eta=0.0)):
        step = one_step(words, method=method)
        loss = method.backward(step)
        gradients.append(([p.grad for p in step.model.parameters()], loss))
    (base, base_loss), (three, three_loss) = gradients
    assert all_close(base, three)
    assert three_loss.item() == pytest.approx(base_loss.item(), rel=1e-6)


def test_the_perturbation_of_freelb_starts_and_stays_within_its_bounds(step):
    real, method = real_inputs(step), FreeLB(magnitude=0.4, max_norm=0.2)
    delta = method.start(step)
    bound = 0.4 / (real.sum(1, keepdim=True) * delta.shape[2]).sqrt()
    assert (delta.abs() <= bound * real + 1e-9).all()
    assert delta.abs().amax((1, 2)).tolist() == pytest.approx(bound.flatten().tolist(), rel=0.05)
    norms = method.project(delta).flatten(1).norm(dim=1)
    assert norms.max().item() <= 0.2 + 1e-6
    assert torch.equal(FreeLB().project(delta), delta)


# NEFTune


@pytest.mark.parametrize("length", ["own", "padded"])
def test_the_noise_of_neftune_has_the_size_it_says(step, length):
    x = torch.zeros(input_shape(step))
    delta = NEFTune(alpha=5.0, length=length).noise(x, step)
    tokens = real_inputs(step).sum(1) if length == "own" else torch.full((8, 1), x.shape[1])
    bound = 5.0 / (tokens * x.shape[2]).sqrt().flatten()
    assert (delta.abs().amax((1, 2)) <= bound).all()
    assert delta.abs().amax((1, 2)).tolist() == pytest.approx(bound.tolist(), rel=0.05)


def test_neftune_adds_to_embeddings_in_bf16_what_they_can_hold(words, tmp_path):
    texts = list(words.task.corpus(words.folder))
    hub = HubModel(tiny_hub.save("bert", texts, tmp_path), dtype="bfloat16")
    model = hub.build(words.task, words.folder, 1, hub.start("pretrained"))
    examples = hub.encode(words.task.load("dev", words.folder, 0), words.folder, 32)
    training = replace(TRAINING, epochs=1)
    trained = Fit(model, NEFTune(), examples, examples, training, seed=1).run(None)
    assert np.isfinite(trained.logits["dev"]).all()


def test_neftune_leaves_a_model_that_reads_its_embeddings_as_they_are(words):
    model = run(words, NEFTune()).model
    examples = words.encode("dev").batch(np.arange(8), torch.device("cpu")).inputs
    plain = words.model.build(words.task, words.folder, 1)
    plain.load_state_dict(model.state_dict())
    assert torch.equal(model.eval()(**examples).logits, plain.eval()(**examples).logits)
    assert not model.get_input_embeddings()._forward_hooks


# The confidence penalty


@pytest.mark.parametrize("beta", [0.1, 1.0])
@pytest.mark.parametrize("classes", [2, 64])
def test_the_confidence_penalty_is_kl_to_uniform_the_other_way_round(step_of, beta, classes):
    z, y, _ = batch(classes=classes)
    kl = symmetric_kl(z, torch.zeros_like(z)) - F.kl_div(
        z.log_softmax(-1), torch.full_like(z, 1 / classes), reduction="batchmean"
    )
    expected = F.cross_entropy(z, y) + beta * (kl - math.log(classes))
    assert close(ConfidencePenalty(beta).loss(step_of(z, y)), expected, 1e-11)


# Annealing distillation


@pytest.mark.parametrize(
    ("epochs", "t_max", "tenths"),
    [
        (20, 10, [1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10]),
        (14, 7, [f * 10 / 7 for f in (1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7)]),
        (13, 5, [2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 10, 10, 10]),
        (2, 10, [5, 10]),
    ],
)
def test_the_factors_of_annealing_distillation(epochs, t_max, tenths):
    factors = [AnnealingKD(t_max=t_max).factor(epoch, epochs) for epoch in range(epochs)]
    assert factors == pytest.approx([tenth / 10 for tenth in tenths], abs=1e-12)
    assert factors[-1] == 1.0


def test_at_the_end_of_phase_one_the_target_is_the_teacher_and_then_the_label(step_of):
    z, y, z_t = batch()
    last = replace(step_of(z, y, z_t), epoch=19, epochs=20)
    assert torch.equal(AnnealingKD().loss(last), F.mse_loss(z, z_t))
    first = replace(step_of(z, y, z_t), epoch=0, epochs=20)
    assert close(AnnealingKD().loss(first), (z - z_t / 10).square().mean())
    labels = replace(step_of(z, y, z_t), phase=1)
    assert torch.equal(AnnealingKD().loss(labels), F.cross_entropy(z, y))


@pytest.mark.parametrize(
    ("method", "epochs", "expected"),
    [
        (AnnealingKD(), 30, (20, 10)),
        (AnnealingKD(phase_one=14 / 18, t_max=7), 18, (14, 4)),
        (AnnealingKD(), 2, (1, 1)),
    ],
)
def test_the_phases_share_the_epochs_of_the_training(method, epochs, expected):
    assert tuple(p.epochs for p in method.phases(Training(epochs=epochs))) == expected


def test_annealing_distillation_trains_in_two_phases(words):
    epochs, teacher = [], live_teacher(words)
    one = fit(words, AnnealingKD() + R3F(), replace(TRAINING, epochs=5), teacher=teacher)
    trained = one.run(lambda: words.encode("test"), epochs.append)
    assert [e.number for e in epochs] == [1, 2, 3, 4, 5]
    assert trained.best_epoch in (4, 5)


# What is refused when the study is loaded


def study(model, task, method, init="scratch", **training):
    return Study(
        name="refused",
        task=task,
        arms=(Arm(model, init, Base()), Arm(model, init, method)),
        comparison=Comparison("base", method.name),
        judging=Judging(),
        training=Training(max_length=32, **training),
    )


@pytest.mark.parametrize(
    ("model", "task", "method", "reason"),
    [
        (Bert(dropout=0.0), Docstrings(), RDrop(), "RDrop needs dropout, and bert-2x128 has none"),
        (ResNet(), DIGITS, LS() + RDrop(), "RDrop needs dropout, and resnet-16-32 has none"),
        (ResNet(), DIGITS, NEFTune(), "NEFTune needs an embedding layer, and resnet-16-32 has non"),
        (Bert(), Docstrings(), AnnealingKD(), r"AnnealingKD needs a teacher: give AnnealingKD\(te"),
    ],
)
def test_a_method_that_needs_what_the_model_lacks_is_refused_at_load(model, task, method, reason):
    with pytest.raises(
        StudyError, match=rf'arm "{method.name} · scratch": {reason}'.replace("+", r"\+")
    ):
        study(model, task, method)


def test_two_phases_in_one_epoch_are_refused_at_load():
    with pytest.raises(StudyError, match="AnnealingKD has two phases: train for 2 epochs or more"):
        study(Bert(), Docstrings(), AnnealingKD(teacher=Bert()), epochs=1)


def test_embeddings_in_bf16_are_refused_and_models_that_are_not_there_are_not(words, tmp_path):
    hub = HubModel(tiny_hub.save("bert", list(words.task.corpus(words.folder)), tmp_path))
    for method in (R3F(), SMART(), FreeLB()):
        method.check(hub, words.task)
        with pytest.raises(MethodError, match=r"float32 weights; .* computes in bfloat16"):
            method.check(replace(hub, dtype="bfloat16"), words.task)
        method.check(HubModel("nobody/nothing"), words.task)
    RDrop().check(hub, words.task)
    RDrop().check(HubModel("nobody/nothing"), words.task)


@pytest.mark.parametrize(
    "make",
    [
        lambda: R3F(weight=-1),
        lambda: R4F(noise="pink"),
        lambda: RDrop(alpha=-0.1),
        lambda: SMART(mu=-1),
        lambda: SMART(ascent="round"),
        lambda: SMART(steps=-1),
        lambda: SMART(steps=1.5),
        lambda: FreeLB(passes=0),
        lambda: FreeLB(eta=float("nan")),
        lambda: NEFTune(alpha=-5),
        lambda: NEFTune(length="long"),
        lambda: ConfidencePenalty(beta=-1),
        lambda: AnnealingKD(t_max=0),
        lambda: AnnealingKD(phase_one=1.0),
    ],
)
def test_hyper_parameters_out_of_range_are_refused(make):
    with pytest.raises(MethodError):
        make()
