"""The identities that label regularisers obey, in double precision."""

import math
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from trainers.errors import MethodError
from trainers.methods import KD, LS, Base, SelfKD, Teacher, TFReg
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Digits


def batch(rows: int = 16, classes: int = 5, seed: int = 0):
    draws = torch.Generator().manual_seed(seed)
    z = 3 * torch.randn(rows, classes, generator=draws, dtype=torch.float64)
    z_t = 3 * torch.randn(rows, classes, generator=draws, dtype=torch.float64)
    y = torch.randint(classes, (rows,), generator=draws)
    return z, y, z_t


def close(a: torch.Tensor, b: torch.Tensor | float, tolerance: float = 1e-12) -> bool:
    return torch.allclose(a, torch.as_tensor(b, dtype=a.dtype), rtol=0, atol=tolerance)


@pytest.mark.parametrize("epsilon", [0.05, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("classes", [2, 3, 64])
def test_ls_exceeds_the_kl_form_by_epsilon_log_k(step_of, epsilon, classes):
    z, y, _ = batch(classes=classes)
    uniform = torch.full_like(z, 1 / classes)
    kl = F.kl_div(z.log_softmax(-1), uniform, reduction="batchmean")
    other = (1 - epsilon) * F.cross_entropy(z, y) + epsilon * kl
    assert close(LS(epsilon).loss(step_of(z, y)) - other, epsilon * math.log(classes))


def test_ls_without_smoothing_is_base_bit_for_bit(step_of):
    z, y, _ = batch()
    assert torch.equal(LS(0.0).loss(step_of(z, y)), Base().loss(step_of(z, y)))


@pytest.mark.parametrize("epsilon", [0.1, 0.3])
@pytest.mark.parametrize("classes", [2, 8])
def test_ls_is_least_at_the_margin_log_on_over_off_where_it_is_the_entropy(
    step_of, epsilon, classes
):
    off = epsilon / classes
    on = 1 - epsilon + off
    y = torch.zeros(1, dtype=torch.long)
    z = torch.zeros(1, classes, dtype=torch.float64)
    z[0, 0] = math.log(on / off)
    z.requires_grad_()
    loss = LS(epsilon).loss(step_of(z, y))
    (gradient,) = torch.autograd.grad(loss, z)
    entropy = -on * math.log(on) - (classes - 1) * off * math.log(off)
    assert close(gradient, 0.0)
    assert close(loss.detach(), entropy)


@pytest.mark.parametrize("classes", [2, 3, 64])
def test_the_yuan_convention_puts_epsilon_on_the_other_classes(step_of, classes):
    z, y, _ = batch(classes=classes)
    target = torch.full_like(z, 0.2 / (classes - 1)).scatter(-1, y[:, None], 0.8)
    assert close(LS(0.2, convention="yuan").loss(step_of(z, y)), F.cross_entropy(z, target))


def test_too_much_yuan_smoothing_is_refused_when_the_study_is_loaded():
    task = Digits(digits=(0, 1), train=10, dev=10, test=10)
    with pytest.raises(MethodError, match=r"take epsilon ≤ 0\.5"):
        LS(0.9, convention="yuan").check(Bert(), task)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("classes", [2, 3, 64])
def test_tf_reg_is_label_smoothing_with_scaled_alpha(step_of, alpha, classes):
    z, y, _ = batch(classes=classes)
    a = 0.95
    epsilon = alpha * classes * (1 - a) / (classes - 1)
    assert close(TFReg(alpha, a).loss(step_of(z, y)), LS(epsilon).loss(step_of(z, y)))


@pytest.mark.parametrize(("classes", "epsilon"), [(2, 0.05), (3, 0.0375), (64, 0.0254)])
def test_the_papers_tf_reg_is_hardly_any_smoothing(step_of, classes, epsilon):
    z, y, _ = batch(classes=classes)
    assert close(TFReg().loss(step_of(z, y)), LS(epsilon).loss(step_of(z, y)), 1e-3)


def test_yuans_tf_reg_is_nearly_uniform_and_its_multiplier_restores_the_batch_mean(step_of):
    z, y, _ = batch(classes=100)
    method = TFReg(alpha=0.1, a=0.99, variant="yuan", temperature=20)
    target = (method.virtual_teacher(z, y) / 20).softmax(-1)
    assert target.max().item() == pytest.approx(0.0105, abs=5e-5)
    assert target.min().item() == pytest.approx(0.01, abs=5e-5)
    kl = F.kl_div(z.log_softmax(-1), target, reduction="batchmean")
    expected = 0.9 * F.cross_entropy(z, y) + 0.1 * kl
    assert close(method.loss(step_of(z, y)), expected)
    twice = replace(method, multiplier=200).loss(step_of(z, y))
    assert close(twice - expected, 0.1 * kl)


@pytest.mark.parametrize("variant", ["paper", "yuan"])
def test_tf_reg_without_weight_has_the_gradient_of_base_bit_for_bit(step_of, variant):
    z, y, _ = batch()
    z.requires_grad_()
    losses = [m.loss(step_of(z, y)) for m in (TFReg(alpha=0.0, variant=variant), Base())]
    (found,), (expected,) = (torch.autograd.grad(loss, z) for loss in losses)
    assert torch.equal(found, expected)


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_kd_at_temperature_one_is_cross_entropy_with_a_mixed_target(step_of, alpha):
    z, y, z_t = batch()
    p_t = z_t.softmax(-1)
    target = (1 - alpha) * F.one_hot(y, z.shape[1]).double() + alpha * p_t
    entropy = -(p_t * p_t.log()).sum(-1).mean()
    for scale in ("hinton", "paper"):
        loss = KD(alpha, tau=1, scale=scale).loss(step_of(z, y, z_t))
        assert close(loss, F.cross_entropy(z, target) - alpha * entropy)


@pytest.mark.parametrize("tau", [1.0, 2.0, 10.0])
def test_the_gradient_of_kd(step_of, tau):
    z, y, z_t = batch()
    z.requires_grad_()
    (gradient,) = torch.autograd.grad(KD(0.7, tau).loss(step_of(z, y, z_t)), z)
    p, q = z.detach().softmax(-1), F.one_hot(y, z.shape[1]).double()
    p_tau, t_tau = (z.detach() / tau).softmax(-1), (z_t / tau).softmax(-1)
    assert close(gradient, (0.3 * (p - q) + 0.7 * tau * (p_tau - t_tau)) / len(z))


def test_kd_at_high_temperature_matches_centred_logits(step_of):
    z, y, z_t = batch()
    centred = (z - z.mean(-1, keepdim=True)) - (z_t - z_t.mean(-1, keepdim=True))
    expected = centred.square().sum(-1).mean() / (2 * z.shape[1])
    assert close(KD(1.0, tau=1e4).loss(step_of(z, y, z_t)), expected, 2e-3)


def test_kd_without_weight_is_base_bit_for_bit(step_of):
    z, y, z_t = batch()
    assert torch.equal(KD(0.0, 4.0).loss(step_of(z, y, z_t)), Base().loss(step_of(z, y)))


def test_self_kd_has_the_loss_of_kd_and_the_base_run_of_its_own_seed_as_teacher(step_of):
    z, y, z_t = batch()
    assert torch.equal(
        SelfKD(0.4, 2.0).loss(step_of(z, y, z_t)), KD(0.4, 2.0).loss(step_of(z, y, z_t))
    )
    settings = Training()
    assert SelfKD().teacher_for(settings) == Teacher("student", "student", Base(), settings, None)


def test_generations_of_self_kd_learn_from_the_one_before():
    teacher = SelfKD(generations=3).teacher_for(Training())
    assert teacher.method == SelfKD(generations=2)


@pytest.mark.parametrize(
    "make",
    [
        lambda: LS(1.5),
        lambda: LS(0.1, convention="other"),
        lambda: TFReg(alpha=-1),
        lambda: TFReg(temperature=0),
        lambda: TFReg(temperature=math.nan),
        lambda: TFReg(multiplier=-1),
        lambda: KD(alpha=2),
        lambda: KD(tau=0),
        lambda: SelfKD(generations=0),
        lambda: SelfKD(generations=1.5),
    ],
)
def test_hyper_parameters_out_of_range_are_refused(make):
    with pytest.raises(MethodError):
        make()


def test_kd_asks_for_its_teacher():
    with pytest.raises(MethodError, match=r"give KD\(teacher=...\) a model"):
        KD().teacher_for(Training())
