"""What each perturbation is: how large, along what, where, and what of it a run can measure."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.trainers.methods.test_regularisers import one_step
from tests.trainers.test_loop import TRAINING, fit
from trainers.cost import relative_flops
from trainers.methods import LS, R3F, SMART, Base, FreeLB, NEFTune
from trainers.methods.smoothness.divergence import symmetric_kl
from trainers.methods.smoothness.perturbation import input_shape, perturbed, real_inputs, uniform
from trainers.models import Bert

TRAINED = replace(TRAINING, precision="float32", batch_size=32, epochs=3, lr=2e-3)
#: As far as the published perturbation of SMART goes, along the gradient.
ASCENT = SMART(ascent="paper", epsilon=1.0, eta=0.5, steps=3)


def cosine(a, b) -> float:
    return (a.flatten() @ b.flatten() / (a.norm() * b.norm())).item()


@pytest.fixture(scope="module")
def batches(words):
    """Makes the first step on 32 texts of a small BERT that has learned for three epochs."""
    student = Bert(layers=2, width=64, heads=2, initializer_range=0.05)
    one = fit(replace(words, model=student), Base(), TRAINED)
    one.run(None)

    def make(rows: int = 32):
        step = one.step(np.arange(rows), phase=0, epoch=0, progress=0.0)
        one.model.train()
        step.restart_dropout()
        assert step.logits.shape == (rows, 3)
        return step

    return make


def start_of(method, step):
    """δ₀ and the gradient of the summed divergence there."""
    delta = method.sigma * torch.randn(input_shape(step), generator=step.generator)
    return delta, method.slope(step, delta)


# SMART


def test_the_published_adversary_is_noise_for_the_most_part_and_averaged_it_is_nothing_else(
    batches,
):
    """The cosines of docs/methods.md."""
    method, step = SMART(), batches()
    start, g = start_of(method, step)
    noise, real = replace(method, steps=0).adversary(batches()), real_inputs(step)
    summed, averaged = method.climb(start, g), method.climb(start, g / 32)
    assert torch.equal(summed, method.adversary(batches()))
    assert cosine(summed * real, noise * real) == pytest.approx(0.97, abs=0.02)
    assert cosine(summed * real, g * real) == pytest.approx(0.2, abs=0.05)
    assert cosine(averaged * real, noise * real) == pytest.approx(1, abs=5e-4)
    assert abs(cosine(averaged * real, g * real)) < 0.03


def test_the_published_step_of_a_text_does_not_depend_on_how_many_others_there_are(words):
    quiet = replace(words, model=replace(words.model, dropout=0.0))
    one = fit(quiet, SMART(), TRAINED)
    large, small = (one.step(np.arange(n), phase=0, epoch=0, progress=0.0) for n in (32, 8))
    delta = 1e-5 * torch.randn(input_shape(large))
    width = input_shape(small)[1]
    g = [SMART().slope(step, d) for step, d in ((large, delta), (small, delta[:8, :width]))]
    torch.testing.assert_close(g[0][:8, :width], g[1], rtol=0.05, atol=1e-3 * g[1].abs().max())


@pytest.mark.parametrize("steps", [0, 1, 3])
def test_the_published_adversary_ends_at_size_one_in_each_token(batches, steps):
    largest = SMART(steps=steps).adversary(batches()).abs().amax(-1)
    assert largest.flatten().tolist() == pytest.approx([1.0] * largest.numel(), abs=0.2)
    assert largest.max().item() <= 1


def test_plain_noise_is_normal_and_knows_no_gradient(batches):
    noise, step = SMART(steps=0).adversary(batches()), batches()
    _, g = start_of(SMART(), step)
    assert abs(cosine(noise * real_inputs(step), g)) < 0.03
    again = SMART(steps=0, sigma=1.0).adversary(batches())
    draws = torch.randn(input_shape(step), generator=batches().generator)
    torch.testing.assert_close(again, draws / draws.abs().amax(-1, keepdim=True), atol=1e-5, rtol=0)


def test_the_paper_s_ascent_follows_the_gradient_within_its_bound(batches):
    step = batches()
    start, g = start_of(ASCENT, step)
    moved = ASCENT.climb(start, g) - start
    assert cosine(moved, g) > 0.8
    per_text = (cosine(a, b) for a, b in zip(moved, g, strict=True))
    assert min(per_text) > 0.98
    delta = ASCENT.adversary(batches())
    assert delta.abs().max().item() <= 1
    assert cosine(delta, g) > 0.5  # though each step has dropout of its own
    assert abs(cosine(delta, SMART(steps=0).adversary(batches()))) < 0.05
    near = SMART(ascent="paper").adversary(batches())
    assert near.abs().max().item() <= 1e-5 * (1 + 1e-6)


def test_an_adversary_does_more_than_noise_and_the_real_one_more_than_the_published(batches):
    methods = (SMART(steps=0), SMART(), ASCENT)
    noise, published, ascent = (m.adversarial(batches()).item() for m in methods)
    assert ascent > 1.5 * published > 3 * noise > 0


def test_a_vanishing_gradient_is_followed_as_any_other(words):
    draws = torch.randn(4, 6, 8)
    start = torch.zeros(4, 6, 8)
    one, other = (ASCENT.climb(start, scale * draws) for scale in (1.0, 1e-30))
    torch.testing.assert_close(one, other)
    assert torch.equal(ASCENT.climb(start, start), start)


# FreeLB


def test_each_step_of_freelb_has_its_length_along_the_gradient_and_leaves_padding(words):
    one = fit(words, FreeLB(passes=2, eta=0.3), TRAINED)
    step, seen = one.step(np.arange(32), phase=0, epoch=0, progress=0.0), []
    layer = one.model.get_input_embeddings()
    one.model.train()
    plain = layer(step.inputs["input_ids"]).detach()
    step.restart_dropout()
    original = step.run_model

    def watched(weights):
        hook = layer.register_forward_hook(lambda _, __, out: seen.append(out.detach() - plain))
        logits = original(weights)
        hook.remove()
        return logits

    step.run_model = watched
    one.method.backward(step)
    first, second = seen
    assert first.abs().max().item() < 1e-6
    assert second.flatten(1).norm(dim=1).tolist() == pytest.approx([0.3] * 32, rel=1e-3)
    assert (second * (1 - real_inputs(step))).abs().max().item() < 1e-6
    delta = torch.zeros(input_shape(step), requires_grad=True)
    step = one.step(np.arange(32), phase=0, epoch=0, progress=0.0)
    with perturbed(step, delta):
        step.restart_dropout()
        (g,) = torch.autograd.grad(Base().loss(step), delta)
    assert min(cosine(a, b) for a, b in zip(second, g, strict=True)) > 0.999


def test_freelb_climbs_from_examples_that_are_almost_certain(words):
    """Their gradient is small, and its direction is what counts."""
    method, g = FreeLB(), torch.randn(3, 4, 5)
    steps = [method.climb(torch.zeros(3, 4, 5), scale * g) for scale in (1.0, 1e-12)]
    torch.testing.assert_close(*steps)
    assert torch.equal(method.climb(g, torch.zeros(3, 4, 5)), g)


# R3F


@pytest.mark.parametrize("precision", ["float32", "bf16"])
@pytest.mark.parametrize(("dropout", "share"), [(0.1, True), (0.0, False)])
def test_where_noise_alone_divides_the_passes_r3f_measures_it_in_every_precision(
    words, precision, dropout, share
):
    method = R3F(epsilon=1e-5, share_dropout=share)
    student = replace(words, model=replace(words.model, dropout=dropout))
    one = fit(student, method, replace(TRAINED, precision=precision))
    one.model.train()
    step = one.step(np.arange(32), phase=0, epoch=0, progress=0.0)
    step.restart_dropout()
    found = method.penalty(step).item()
    exact = one.step(np.arange(32), phase=0, epoch=0, progress=0.0).in_float32()
    one.model.double()
    exact.restart_dropout()
    clean = one.model(**exact.inputs).logits
    with perturbed(exact, 1e-5 * uniform(exact)):
        exact.restart_dropout()
        noisy = one.model(**exact.inputs).logits
    assert found == pytest.approx(symmetric_kl(clean, noisy).item(), rel=0.3)
    assert 0 < found < 1e-8


def test_dropout_that_divides_the_passes_is_measured_in_the_precision_of_the_run(words):
    costs = {}
    for share in (False, True):
        one = fit(words, R3F(share_dropout=share), replace(TRAINED, precision="bf16"))
        costs[share] = relative_flops(one)
    assert costs == pytest.approx({False: 2.0, True: 3.0}, rel=0.05)


def test_what_is_computed_in_float32_is_the_same_in_a_composition(words):
    quiet = replace(words, model=replace(words.model, dropout=0.0))
    training = replace(TRAINED, precision="bf16", epochs=1)
    for method in (R3F(epsilon=0.1), SMART()):
        both, alone = (fit(quiet, m, training).run(None) for m in (LS(0.0) + method, method))
        assert np.array_equal(both.logits["dev"], alone.logits["dev"])


# NEFTune


def test_the_noise_of_neftune_is_uniform_and_its_length_is_that_of_no_neighbour(words):
    step, method = one_step(words), NEFTune(alpha=5.0)
    real, shape = real_inputs(step), input_shape(step)
    assert real.mean() < 1
    noise = method.noise(torch.zeros(shape), step)
    lengths = (noise * real).flatten(1).norm(dim=1)
    assert lengths.tolist() == pytest.approx([5 / 3**0.5] * len(lengths), rel=0.1)
    scaled = noise * (real.sum(1, keepdim=True) * shape[2]).sqrt() / 5
    assert scaled.abs().max().item() <= 1
    assert scaled.std().item() == pytest.approx(1 / 3**0.5, rel=0.02)
    assert scaled.mean().item() == pytest.approx(0, abs=0.03)
