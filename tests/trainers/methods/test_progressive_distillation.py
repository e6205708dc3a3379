"""Layers of a student among its teacher's: whose they are, what they learn, what is left of it."""

from copy import copy, deepcopy
from dataclasses import dataclass, replace
from itertools import pairwise
from types import SimpleNamespace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from tests.trainers.hub_places import TWENTY_STEPS
from tests.trainers.methods.test_pruning import weights
from tests.trainers.teachers import teacher_for
from tests.trainers.test_loop import TRAINING, same_weights
from trainers.errors import MethodError, ModelError
from trainers.loop import Fit
from trainers.methods import (
    KD,
    L2SP,
    R3F,
    R4F,
    SMART,
    SPD,
    BitFit,
    Magnitude,
    Mixout,
    Movement,
    RDrop,
    Reinit,
    SelfKD,
    Teacher,
    Theseus,
)
from trainers.methods.pruning.maps import map_loss, unwatched, watch
from trainers.methods.pruning.masks import sparsity_at, zeros
from trainers.models import Bert, ResNet
from trainers.models.anatomy import layers
from trainers.steps.predicting import predict
from trainers.tasks import Digits
from trainers.teacher import LiveTeacher

MODEL = Bert(layers=3, width=32, heads=2, initializer_range=0.1)
SIX = replace(TRAINING, epochs=6, lr=2e-3)


@pytest.fixture(scope="module")
def dense(words):
    """A fine-tuned model, and the examples it learned from."""
    seen = words.encode("train")
    built = MODEL.build(words.task, words.folder, 9)
    return Fit(built, Magnitude(0.0), seen, words.encode("dev"), SIX, 9).run(None).model


@pytest.fixture
def fit(words, dense):
    def make(method, training=SIX, dropout=True, teacher=None):
        model, its = MODEL.build(words.task, words.folder, 1), deepcopy(teacher or dense)
        for part in () if dropout else [*model.modules(), *its.modules()]:
            if isinstance(part, nn.Dropout):
                part.p = 0.0
        seen, dev = words.encode("train"), words.encode("dev")
        return Fit(model, method, seen, dev, training, 1, teacher=LiveTeacher(its))

    return make


def first_step(one: Fit, rows: int = 16):
    one.prepare()
    one.model.train()
    step = one.step(np.arange(rows), 0, 0, 0.0)
    one.method.before_step(step)
    return step


def learning(one: Fit) -> set[str]:
    return {name for name, p in one.model.named_parameters() if p.grad is not None}


# -- whose the layers are


def test_with_p_0_a_pass_is_the_teachers(fit, dense):
    one = fit(SPD(0.5, p=0.0), dropout=False)
    step = first_step(one)
    assert [a is b for a, b in zip(layers(step.model), layers(one.teacher.model), strict=True)]
    assert torch.equal(step.logits, step.teacher_logits)
    assert not (weights(dense)[0] == 0).any()


def test_with_p_1_and_no_sparsity_it_is_the_teacher_at_the_start(fit):
    step = first_step(fit(SPD(0.0, p=1.0), dropout=False))
    assert torch.equal(step.logits, step.teacher_logits)
    shares = step.teacher_logits.softmax(-1)
    entropy = -(shares * shares.log()).sum(-1).mean()
    assert step.method.loss(step).item() == pytest.approx(entropy.item(), abs=1e-6)


@pytest.mark.parametrize(
    "method", [SPD(0.5, p=0.6), Theseus(0.5, p=0.6, growth=6e-4)], ids=lambda m: m.name
)
def test_the_share_of_steps_in_which_a_layer_is_the_students_is_p(fit, method):
    one = fit(method)
    one.prepare()
    own = []
    for number in range(400):
        one.at.steps = number
        step = one.step(np.arange(2), 0, 0, 0.0)
        one.method.before_step(step)
        own += [a is b for a, b in zip(layers(one.model), one.state.students, strict=True)]
        one.method.after_step(step)
    spread = np.sqrt(0.6 * 0.4 / len(own))
    growth = 6e-4 * 200 if method.name == "theseus" else 0.0
    assert np.mean(own) == pytest.approx(0.6 + growth, abs=4 * spread)


def test_p_may_rise_to_1_at_the_end_of_the_first_phase_and_stays_there():
    method = SPD(p=0.6, rise=0.25)

    def p(epoch: float, phase: int = 0) -> float:
        return method.p_at(SimpleNamespace(phase=phase, progress=epoch / 8))

    found = [p(0), p(5), p(6), p(7), p(7.5), p(0, phase=1)]
    assert found == pytest.approx([0.6, 0.6, 0.6, 0.8, 0.9, 1.0])


def test_p_of_theseus_reaches_1_with_the_last_event_or_grows_as_published():
    steps = [SimpleNamespace(phase=0, progress=x) for x in (0.0, 0.2, 0.4, 0.9)]
    found = [Theseus(until=0.4).p_at(step) for step in steps]
    assert found == pytest.approx([0.3, 0.65, 1.0, 1.0])
    steps = [SimpleNamespace(number=t) for t in (0, 100, 10_000)]
    published = Theseus(growth=6e-4)
    assert [published.p_at(step) for step in steps] == pytest.approx([0.3, 0.36, 1.0])


@pytest.mark.parametrize(
    ("method", "epochs", "until", "events"),
    [
        *((m, 1, 0.97, 1) for m in (Magnitude(0.6), Theseus(0.6))),  # SPD takes two epochs
        *((m, 1, 0.5, 50) for m in (Magnitude(0.6), Theseus(0.6))),
        *((m, 2, 0.99, 11) for m in (Magnitude(0.6), Theseus(0.6), SPD(0.6))),
    ],
    ids=lambda each: getattr(each, "name", str(each)),
)
def test_all_that_is_claimed_is_gone_however_short_the_training(fit, method, epochs, until, events):
    method = replace(method, until=until, events=events)
    trained = fit(method, replace(SIX, epochs=epochs, batch_size=48)).run(None)
    found = weights(trained.model)
    assert [(each == 0).sum() for each in found] == [zeros(0.6, w.numel()) for w in found]
    assert trained.best_epoch > 0


# -- what learns


@pytest.mark.parametrize("method", [SPD(0.5), Theseus(0.5, p=0.8)], ids=lambda m: m.name)
def test_no_gradient_reaches_what_is_not_a_layer_of_the_students(fit, method):
    one = fit(method)
    one.prepare()
    one.model.train()
    for number in range(20):
        one.at.steps = number
        step = one.step(np.arange(8), 0, 0, 0.0)
        one.method.before_step(step)
        own = [a is b for a, b in zip(layers(one.model), one.state.students, strict=True)]
        one.gradient(step)
        one.method.after_step(step)
        learned = {name.split(".layer.")[1].split(".")[0] for name in learning(one)}
        assert learned == {str(i) for i, mine in enumerate(own) if mine}
        assert all(p.grad is None for p in one.teacher.model.parameters())
        one.model.zero_grad()


@pytest.mark.parametrize("method", [SPD(0.5), Theseus(0.5)], ids=lambda m: m.name)
def test_all_but_the_layers_stays_the_teachers_to_the_last_bit(fit, dense, method):
    one = fit(method)
    before = deepcopy(one.teacher.model.state_dict())
    found = one.run(None).model.state_dict()
    outside = {name for name in found if ".layer." not in name}
    assert {name for name in found if torch.equal(found[name], before[name])} == outside
    after = one.teacher.model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


@pytest.mark.parametrize("method", [SPD(0.0, p=0.0), Theseus(0.0, p=0.0, growth=0.0)])
def test_steps_whose_layers_are_all_the_teachers_move_nothing(fit, dense, method):
    trained = fit(method, replace(SIX, weight_decay=0.1)).run(None)
    assert same_weights(trained, SimpleNamespace(model=dense))


@dataclass(frozen=True)
class LayersAlone(Magnitude):
    """Magnitude pruning of which layers learn, and nothing else."""

    name: ClassVar[str] = "theseus"

    def prepare(self, model, state):
        model.requires_grad_(False)
        for layer in layers(model):
            layer.requires_grad_(True)
        super().prepare(model, state)


def test_theseus_at_p_1_is_the_successor_alone(fit, dense):
    alone = fit(LayersAlone(0.5))
    alone.model.load_state_dict(dense.state_dict())
    assert same_weights(fit(Theseus(0.5, p=1.0)).run(None), alone.run(None))


def test_a_student_comes_closer_to_its_teacher(fit, dense, words):
    seen = words.encode("train")
    theirs = predict(dense, seen, SIX)
    far = []
    for training in (replace(SIX, epochs=2), replace(SIX, epochs=16)):
        own = predict(fit(SPD(0.8), training).run(None).model, seen, SIX)
        far.append(np.square(own - theirs).mean())
    assert far[1] < 0.5 * far[0]


# -- what is compared


def test_differences_are_summed_over_layers_and_averaged_within_examples():
    draws = torch.Generator().manual_seed(0)
    sizes = torch.tensor([3, 5])
    mask = (torch.arange(5) < sizes[:, None]).long()

    def made() -> SimpleNamespace:
        scores = [torch.randn(2, 4, 5, 5, generator=draws) for _ in range(2)]
        hidden = [torch.randn(2, 5, 6, generator=draws) for _ in range(2)]
        return SimpleNamespace(scores=scores, hidden=hidden)

    one, other = made(), made()
    expected = 0.0
    for i, size in enumerate(sizes.tolist()):
        for a, b in zip(one.scores, other.scores, strict=True):
            within = (a - b)[i, :, :size, :size]
            expected += within.square().mean().item() / 2
        for a, b in zip(one.hidden, other.hidden, strict=True):
            expected += (a - b)[i, :size].square().mean().item() / 2
    assert map_loss(one, other, mask).item() == pytest.approx(expected, rel=1e-5)
    one.scores[0][0, :, 3:] += 100.0  # padding
    assert map_loss(one, other, mask).item() == pytest.approx(expected, rel=1e-5)
    whole = map_loss(one, other, None).item()
    assert whole == pytest.approx(map_loss(one, other, torch.ones(2, 5)).item(), rel=1e-6)


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert", "gpt2", "vit"])
def test_what_is_kept_is_what_transformers_computes(text, images, kind):
    place = images if kind == "vit" else text
    model = place.build(place.model(kind)).eval()
    inputs = place.encode(place.model(kind), "dev").batch(np.arange(6), torch.device("cpu")).inputs
    with torch.no_grad():
        expected = model(**inputs)
        seen = watch(model, always=True)
        found = model(**inputs)
    torch.testing.assert_close(found.logits, expected.logits, atol=1e-5, rtol=1e-4)
    assert len(seen.hidden) == len(seen.scores) == len(layers(model))
    own = copy(seen)
    unwatched(model, seen)
    assert torch.equal(model(**inputs).logits, expected.logits)
    assert model.config._attn_implementation == "sdpa"
    model.set_attn_implementation("eager")
    its = model(**inputs, output_hidden_states=True, output_attentions=True)
    tokens = inputs["attention_mask"].bool() if "attention_mask" in inputs else slice(None)
    for kept, told in zip(own.hidden[:-1], its.hidden_states[1:-1], strict=True):
        torch.testing.assert_close(kept[tokens], told[tokens], atol=1e-5, rtol=1e-4)
    for scores, shares in zip(own.scores, its.attentions, strict=True):
        attended = scores.masked_fill(shares == 0, -torch.inf).softmax(-1)
        torch.testing.assert_close(attended, shares, atol=1e-5, rtol=1e-4)


# -- how many weights are gone, and when


@pytest.mark.parametrize("method", [SPD(0.6, events=4), SPD(0.6, events=4, rise=0.5)])
def test_all_weights_are_given_up_within_the_first_phase_and_stay_away(fit, method):
    one, seen = fit(method), []

    class Seeing(SPD):
        def after_step(self, step):
            super().after_step(step)
            masks = [each != 0 for each in weights(step.model)]
            seen.append((step.phase, step.progress, masks))

    one.method = Seeing(**{name: getattr(method, name) for name in vars(method)})
    one.run(None)
    for phase, progress, masks in seen:
        event = 4 if phase else min(4, int(progress * 5))
        share = sparsity_at(event, 4, 0.6)
        assert [(~mask).sum() for mask in masks] == [zeros(share, m.numel()) for m in masks]
    for (before, _, first), (after, _, second) in pairwise(seen):
        if before == after:  # a phase begins at the epoch that the one before selected
            assert all((now <= then).all() for then, now in zip(first, second, strict=True))
    assert {phase for phase, _, _ in seen} == {0, 1}
    later = [masks for phase, _, masks in seen if phase]
    assert all(torch.equal(a, b) for m in later for a, b in zip(m, later[0], strict=True))


def test_the_learning_rate_starts_again(fit):
    first, second = SPD(until=0.5).phases(replace(SIX, epochs=7))
    assert (first.epochs, second.epochs) == (4, 3)
    assert [p.epochs for p in SPD(until=0.01).phases(replace(SIX, epochs=2))] == [1, 1]


# -- what is left


@pytest.mark.parametrize("method", [SPD(0.8), Theseus(0.8), SPD(0.0), SPD(0.5) + R3F()])
def test_a_finished_model_is_an_ordinary_one(fit, words, method):
    one = fit(method)
    trained = one.run(lambda: words.encode("test"))
    made, fresh = trained.model, MODEL.build(words.task, words.folder, 1)
    assert {**made.state_dict()}.keys() == {**fresh.state_dict()}.keys()
    assert not any(map(parametrize.is_parametrized, made.modules()))
    hooks = [m for m in made.modules() if m._forward_hooks or m._forward_pre_hooks]
    assert hooks == []
    assert made.config._attn_implementation == "sdpa"
    again = fresh.load_state_dict(made.state_dict())
    assert not again.missing_keys
    assert np.array_equal(predict(fresh, words.encode("test"), SIX), trained.logits["test"])
    masked = predict(one.model, words.encode("test"), SIX)
    assert np.abs(masked - trained.logits["test"]).max() < (
        0.05 if SIX.precision == "bf16" else 1e-5
    )


@pytest.mark.parametrize("method", [SPD(0.5), Theseus(0.5), Magnitude(0.5)], ids=lambda m: m.name)
def test_an_encoder_of_images_is_pruned_alike(images, method):
    model = images.model("vit")
    method.check(model, images.task)
    seen = images.encode(model, "dev")
    teacher = teacher_for(method, images.build(model), seen)
    training = replace(TWENTY_STEPS, epochs=4, lr=2e-3)
    one = Fit(images.build(model), method, seen, seen, training, 1, metric="nll", teacher=teacher)
    found = weights(one.run(None).model)
    assert found
    assert [(each == 0).sum() for each in found] == [zeros(0.5, w.numel()) for w in found]


# -- bad input


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: SPD(1.0), r"SPD\(sparsity=1.0\): the share of weights that go must lie in"),
        (lambda: SPD(p=1.5), r"SPD\(p=1.5\): a probability"),
        (lambda: SPD(rise=-1), r"SPD\(rise=-1\): p rises within the first phase"),
        (lambda: SPD(rise=1.5), r"SPD\(rise=1.5\): p rises within the first phase"),
        (lambda: Theseus(p=-0.1), r"Theseus\(p=-0.1\)"),
        (lambda: Theseus(growth=-1.0), "growth must be a number from 0"),
        (lambda: SPD().phases(replace(SIX, epochs=1)), "at least two epochs"),
        (
            lambda: SPD().phases(replace(SIX, gradient_checkpointing=True)),
            "gradient_checkpointing=True does not keep",
        ),
        (lambda: SPD() + Magnitude(), "spd already does what magnitude does"),
        (lambda: SPD() + Theseus(), "each prunes the same matrices"),
        (lambda: SPD() + RDrop(), "r_drop has a loss of each of two passes"),
        (lambda: Magnitude() + Reinit(), "from which masks keep it away"),
        (lambda: SPD(p="mixed"), r"SPD\(p='mixed'\): a probability .*rise=1/3"),
        (lambda: SPD(rise="x"), r"SPD\(rise='x'\): p rises within"),
        (lambda: Magnitude("0.9"), r"Magnitude\(sparsity='0.9'\): the share"),
        (lambda: Magnitude(until="half"), r"Magnitude\(until='half'\): the share"),
        (lambda: Movement(score_lr="x"), "score_lr must be a number from 0"),
        (lambda: Movement(soft="no"), r"Movement\(soft='no'\): True or False"),
        (lambda: SPD(teacher="base"), r"SPD\(teacher='base'\): the teacher is the student's own"),
        (lambda: Theseus(teacher=MODEL), r"the teacher is the student's own model"),
        (lambda: SPD() + KD(), "each compares the logits|each brings a teacher"),
        (lambda: Theseus() + SelfKD(), "each compares the logits|each brings a teacher"),
        (lambda: SPD() + BitFit(), "bitfit freezes the matrices"),
        (lambda: Theseus() + Mixout(), "mixout would bring back"),
        (lambda: SPD() + SMART(), "smart compares with earlier weights"),
        (lambda: Reinit() + SPD(), "reinit draws some of them anew"),
        (lambda: L2SP() + SPD(), "which do not learn here"),
        (lambda: R4F() + Theseus(), "r4f normalises the head"),
    ],
)
def test_what_makes_no_sense_is_refused(make, said):
    with pytest.raises(MethodError, match=said):
        make()


def test_a_model_without_attention_maps_and_a_teacher_built_otherwise_are_refused(words, text):
    digits = Digits(digits=(0, 1, 2), train=96, dev=48, test=60)
    with pytest.raises(MethodError, match="prunes linear layers of an encoder"):
        SPD().check(ResNet((4,)), digits)
    with pytest.raises(MethodError, match=r"compares attention maps, and .* gives none away"):
        SPD().check(text.model("deberta-v2"), text.task)
    Theseus().check(text.model("deberta-v2"), text.task)
    deeper = Teacher(replace(MODEL, layers=4), "scratch")
    with pytest.raises(MethodError, match=r"has 3 for the 4 of .*of its own depth"):
        SPD(teacher=deeper).check(MODEL, words.task)
    wider = Teacher(replace(MODEL, width=64), "scratch")
    heads = Teacher(replace(MODEL, heads=1), "scratch")
    for other in (wider, heads):
        with pytest.raises(MethodError, match="built otherwise than"):
            Theseus(teacher=other).check(MODEL, words.task)
    with pytest.raises(ModelError, match="reads images"):
        SPD(teacher=Teacher(ResNet((4,)), "scratch")).check(MODEL, words.task)
    SPD(teacher=Teacher(MODEL, "scratch")).check(MODEL, words.task)


def test_a_teacher_whose_weights_are_others_is_one_sentence(fit, words):
    wider = replace(MODEL, width=64).build(words.task, words.folder, 1)
    with pytest.raises(MethodError, match="starts as a copy of its teacher, whose weights"):
        fit(SPD(), teacher=wider).prepare()
