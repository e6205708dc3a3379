"""Pruning: exactly as many weights go as is claimed, those that are worth least, and when."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.trainers.test_loop import TRAINING, fit, run, same_weights
from trainers.errors import MethodError
from trainers.methods import KD, LLRD, LS, R3F, Base, BitFit, Magnitude, Mixout, Movement
from trainers.methods.pruning.masks import kept, matrices, sparsity_at, zeros
from trainers.methods.pruning.movement import Scored
from trainers.models import Bert, ResNet
from trainers.models.anatomy import layers
from trainers.tasks import Digits

PRUNERS = [Magnitude(0.6), Movement(0.6), Movement(0.6, soft=True)]


def names(method) -> str:
    return f"{method.name}{'-soft' if getattr(method, 'soft', False) else ''}"


def weights(model) -> list[torch.Tensor]:
    """Those of the layers, as a pass sees them."""
    parts = [part for layer in layers(model) for part in layer.modules()]
    return [part.weight.detach() for part in parts if isinstance(part, nn.Linear)]


def sparsity(model) -> list[float]:
    return [(each == 0).float().mean().item() for each in weights(model)]


# -- how many, and which


@given(st.integers(1, 30), st.floats(0, 0.99))
def test_sparsity_rises_from_none_to_all_and_most_of_it_early(events, share):
    found = [sparsity_at(j, events, share) for j in range(events + 1)]
    assert found[0] == 0
    assert found[-1] == pytest.approx(share)
    steps = np.diff(found)
    assert (steps >= 0).all()
    assert (np.diff(steps) <= 1e-12).all()


@given(st.lists(st.floats(-9, 9), min_size=1, max_size=40), st.data())
def test_the_weights_that_are_worth_least_go(values, data):
    worth = torch.tensor(values, dtype=torch.float64)
    count = data.draw(st.integers(0, len(values)))
    mask = kept(worth, count)
    assert (~mask).sum() == count
    if 0 < count < len(values):
        assert worth[~mask].max() <= worth[mask].min()


def test_the_matrices_are_those_of_the_layers(words):
    model = words.model.build(words.task, words.folder, 1)
    named = dict(model.named_modules())
    found = {name for name, part in named.items() if any(part is each for each in matrices(model))}
    layer = "bert.encoder.layer.0."
    assert found == {
        f"{layer}attention.self.query",
        f"{layer}attention.self.key",
        f"{layer}attention.self.value",
        f"{layer}attention.output.dense",
        f"{layer}intermediate.dense",
        f"{layer}output.dense",
    }


@pytest.mark.parametrize("method", PRUNERS, ids=names)
@pytest.mark.parametrize("events", [1, 11])
def test_exactly_the_share_that_is_claimed_is_zero_at_the_end(words, method, events):
    model = run(words, replace(method, events=events)).model
    found = weights(model)
    if getattr(method, "soft", False):
        together = torch.cat([each.flatten() for each in found])
        assert (together == 0).sum() == zeros(0.6, together.numel())
        assert len(set(sparsity(model))) > 1, "one threshold for all has matrices differ"
    else:
        assert [(each == 0).sum() for each in found] == [zeros(0.6, w.numel()) for w in found]
    assert not (model.classifier.weight == 0).any()
    assert not (model.bert.embeddings.word_embeddings.weight[1:] == 0).all(-1).any()


class Watched:
    """A method of which each step leaves what it sees."""

    def __init__(self, words, method, **changed) -> None:
        self.fit = fit(words, method, training=replace(TRAINING, **changed))
        self.seen: list[tuple[float, list[torch.Tensor]]] = []
        watched, method = self, self.fit.method

        class Seeing(type(method)):
            def after_step(self, step):
                super().after_step(step)
                masks = [each != 0 for each in weights(step.model)]
                watched.seen.append((step.progress, masks))

        fields = {name: getattr(method, name) for name in vars(method)}
        self.fit.method = Seeing(**fields)


@pytest.mark.parametrize("method", PRUNERS[:2], ids=names)
def test_the_share_is_exact_after_every_event(words, method):
    method = replace(method, events=4)
    watched = Watched(words, method, epochs=4)
    watched.fit.run(None)
    shares = set()
    for progress, masks in watched.seen:
        event = min(4, int(progress / 0.5 * 4))
        share = sparsity_at(event, 4, 0.6)
        shares.add(share)
        assert [(~mask).sum() for mask in masks] == [zeros(share, m.numel()) for m in masks]
    assert len(shares) == 5


def test_what_magnitude_gives_up_stays_away_and_what_movement_does_may_come_back(words):
    back = {}
    for method in PRUNERS[:2]:
        watched = Watched(words, method, epochs=6, lr=5e-3)
        watched.fit.run(None)
        pairs = zip(watched.seen, watched.seen[1:], strict=False)
        back[method.name] = sum(
            int((~before & now).sum())
            for (_, first), (_, second) in pairs
            for before, now in zip(first, second, strict=True)
        )
    assert back["magnitude"] == 0
    assert back["movement"] > 0


def test_magnitude_keeps_the_largest(words):
    one = fit(words, Magnitude(0.5, events=1, until=0.5))
    one.prepare()
    before = [each.clone() for each in weights(one.model)]
    step = one.step(np.arange(4), 0, 0, 0.5)
    one.method.before_step(step)
    for old, new in zip(before, weights(one.model), strict=True):
        cut = old.abs().flatten().median()
        assert torch.equal(new, torch.where(old.abs() > cut, old, 0.0))


def test_no_gradient_reaches_what_magnitude_gave_up(words):
    one = fit(words, Magnitude(0.5, events=1))
    one.prepare()
    step = one.step(np.arange(8), 0, 0, 0.9)
    one.method.before_step(step)
    one.gradient(step)
    for part, mask in one.state.masks:
        gradient = part.parametrizations.weight.original.grad
        assert (gradient[~mask.mask] == 0).all()
        assert (gradient[mask.mask] != 0).any()


# -- movement's scores


def test_scores_learn_by_the_gradient_of_the_masked_weight_times_the_weight():
    draws = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 4, generator=draws, dtype=torch.float64, requires_grad=True)
    x = torch.randn(5, 4, generator=draws, dtype=torch.float64)
    part = Scored(weight).double()
    part.mask = torch.rand(3, 4, generator=draws) > 0.5
    (x @ part(weight).T).square().sum().backward()
    masked = (weight.detach() * part.mask).requires_grad_()
    (x @ masked.T).square().sum().backward()
    torch.testing.assert_close(part.scores.grad, masked.grad * weight.detach())
    torch.testing.assert_close(weight.grad, masked.grad * part.mask)


def test_a_weight_that_moves_away_from_zero_gains_in_score():
    weight = torch.tensor([[1.0, -1.0, 1.0, -1.0]], requires_grad=True)
    part = Scored(weight)
    away = torch.tensor([[-1.0, 1.0, 1.0, -1.0]])  # gradients: descent moves the first two away
    part(weight).backward(away)
    assert (-part.scores.grad).sign().tolist() == [[1.0, 1.0, -1.0, -1.0]]


def test_scores_have_a_rate_of_their_own_and_no_decay(words):
    one = fit(words, Movement(0.5, score_lr=0.03))
    one.prepare()
    groups = one.method.parameter_groups(one.model, replace(TRAINING, weight_decay=0.1))
    *others, own = groups
    assert (own["lr"], own["weight_decay"]) == (0.03, 0.0)
    assert {id(p) for p in own["params"]} == {id(each.scores) for each in one.state.scored}
    inside = {id(p) for group in others for p in group["params"]}
    assert not inside & {id(p) for p in own["params"]}
    assert len(inside) + len(own["params"]) == len([*one.model.parameters()])


def test_the_soft_variant_adds_the_mean_of_the_scores_through_a_sigmoid(step_of):
    scored = [Scored(torch.ones(2, 3)), Scored(torch.ones(4))]
    with torch.no_grad():
        scored[0].scores.fill_(1.0)
    step = step_of(torch.zeros(2, 2), torch.tensor([0, 1]))
    step.state = SimpleNamespace(scored=scored)
    sigmoid = 1 / (1 + np.exp(-1.0))
    expected = 0.3 * (6 * sigmoid + 4 * 0.5) / 10
    penalty = Movement(0.5, soft=True, weight=0.3).penalty(step)
    assert penalty.item() == pytest.approx(expected)
    assert Movement(0.5).penalty(step) == 0.0


# -- with the rest


@pytest.mark.parametrize("method", [Magnitude(0.0), Movement(0.0), Movement(0.0, soft=True)])
def test_a_sparsity_of_nought_is_base_bit_for_bit(words, method):
    assert same_weights(run(words, method), run(words, Base()))
    assert same_weights(run(words, LS(0.3) + method), run(words, LS(0.3)))


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("method", PRUNERS, ids=names)
def test_only_epochs_behind_the_last_event_are_selected(words, method):
    training = replace(TRAINING, epochs=6)
    for seed in (1, 2, 3):
        assert run(words, method, training=training, seed=seed).best_epoch > 3
    ends = []
    one = fit(words, replace(method, until=0.9), training=training)
    one.run(None, lambda epoch: ends.append(one.method.is_selectable(one.state)))
    assert ends == [False] * 5 + [True]


@pytest.mark.parametrize("other", [R3F(), LS(), KD()], ids=lambda m: m.name)
def test_pruning_goes_with_other_losses_and_penalties(words, other):
    composed = Magnitude(0.5) + other
    assert composed.name == f"magnitude+{other.name}"
    assert (Movement(0.5) + other).name == f"movement+{other.name}"
    if other.name == "kd":
        return  # its teacher is another run's
    assert set(np.round(sparsity(run(words, composed).model), 3)) == {0.5}


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Magnitude(1.0), r"Magnitude\(sparsity=1.0\): the share of weights that go"),
        (lambda: Movement(-0.1), r"Movement\(sparsity=-0.1\)"),
        (lambda: Magnitude(0.5, events=0), r"events=0\): a whole number of at least 1"),
        (lambda: Magnitude(0.5, events=True), "events=True"),
        (lambda: Movement(0.5, until=1.0), r"until=1.0\): the share of the training"),
        (lambda: Movement(0.5, score_lr=-1.0), "score_lr must be a number from 0"),
        (lambda: Magnitude(0.5) + Movement(0.5), "each prunes the same matrices"),
        (lambda: Magnitude(0.5) + BitFit(), "bitfit freezes the matrices"),
        (lambda: Mixout() + Movement(0.5), "mixout would bring back the weights"),
        (lambda: Movement(0.5) + LLRD(), "each divides the parameters into groups"),
    ],
)
def test_what_makes_no_sense_is_refused(make, said):
    with pytest.raises(MethodError, match=said):
        make()


def test_a_model_without_matrices_in_layers_is_refused():
    digits = Digits(digits=(0, 1, 2), train=96, dev=48, test=60)
    with pytest.raises(MethodError, match="Magnitude prunes linear layers of an encoder"):
        Magnitude().check(ResNet((4,)), digits)


def test_every_encoder_of_the_package_can_be_pruned(words):
    Magnitude().check(words.model, words.task)
    Movement().check(Bert(layers=2), words.task)
