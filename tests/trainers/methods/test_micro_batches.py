"""A batch in micro-batches: one step of the optimiser, along the gradient of the whole batch."""

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from tests.trainers.hub_places import TWENTY_STEPS
from tests.trainers.methods.test_every_method import METHODS
from tests.trainers.teachers import teacher_for
from tests.trainers.test_loop import TRAINING, Greedy, Spy, fit, live_teacher, run, same_weights
from trainers.errors import MethodError
from trainers.inputs.augmentation import Augmentation
from trainers.loop import Fit
from trainers.methods import LS, R3F, R4F, SMART, Base, FreeLB, Method, Mixout, NEFTune
from trainers.tasks import Examples

#: Batches of 14, 14 and 12 of forty examples. SGD, because AdamW takes full steps along gradients
#: that are nothing but rounding, as those of the biases of keys are.
SETTINGS = replace(TWENTY_STEPS, epochs=2, batch_size=14, lr=0.05, optimiser="sgd")
#: Methods that draw, at sizes at which what they draw decides on the weights.
DRAWING = [
    R3F(epsilon=0.5),
    R3F(epsilon=0.5, noise="normal"),
    R4F(epsilon=0.5),
    SMART(sigma=0.1, eta=0.5, epsilon=1.0, ascent="paper", steps=2),
    FreeLB(magnitude=0.5, max_norm=0.3),
    NEFTune(length="padded"),
    FreeLB(magnitude=0.5) + NEFTune() + Mixout(0.3) + R3F(epsilon=0.5),
]
EVERY = [Base(), *(method for method, _ in METHODS), *DRAWING]


@pytest.fixture(scope="module")
def trained(text, images):
    """The weights and losses that a run ends with, dropout off."""

    def trained(kind: str, method: Method, settings):
        place = images if kind == "vit" else text
        examples = place.task.load("train", place.folder, 0)
        columns = {name: values[:40] for name, values in examples.inputs.items()}
        few = Examples(examples.ids[:40], examples.labels[:40], columns)
        model = place.model(kind)
        encoded, module = model.encode(few, place.folder, 32), place.build(model)
        for part in module.modules():
            if isinstance(part, nn.Dropout):
                part.p = 0.0
        teacher = teacher_for(method, module, encoded)
        one = Fit(module, method, encoded, encoded, settings, 1, metric="nll", teacher=teacher)
        losses = []
        done = one.run(None, lambda epoch: losses.append(epoch.loss))
        assert done.steps == 6
        return done.model.state_dict(), losses

    return trained


def assert_close(trained, kind, method, settings, accumulate):
    whole, losses = trained(kind, method, settings)
    split, others = trained(kind, method, replace(settings, accumulate=accumulate))
    assert whole.keys() == split.keys()
    farthest = max(
        float((whole[name].double() - split[name].double()).abs().max()) for name in whole
    )
    assert farthest <= 1e-5
    assert others == pytest.approx(losses, abs=1e-5)


@pytest.mark.sampled(test=3, test_all=2)
@pytest.mark.parametrize("kind", ["bert", pytest.param("gpt2", marks=pytest.mark.slow)])
@pytest.mark.parametrize("method", EVERY, ids=lambda m: m.name)
def test_every_method_ends_with_the_weights_of_whole_batches(trained, kind, method):
    assert not method.whole_batch()
    assert_close(trained, kind, method, SETTINGS, 4)


def test_so_it_does_where_a_batch_is_smaller_than_the_micro_batches_are_many(trained):
    assert_close(trained, "bert", R3F(epsilon=0.5), replace(SETTINGS, batch_size=18), 7)  # 18 18 4


def test_images_are_changed_at_random_before_they_are_split(trained):
    augmented = replace(SETTINGS, augmentation=Augmentation(padding=2, flip=0.5, rotation=15))
    assert_close(trained, "vit", R3F(epsilon=0.1), augmented, 4)


def test_the_gradient_of_unequal_micro_batches_is_that_of_their_batch(words):
    gradients = []
    for accumulate in (1, 2, 3, 5):
        training = replace(TRAINING, precision="float32", accumulate=accumulate)
        one = fit(words, LS(), training)
        one.model.eval()  # no dropout
        loss = one.gradient(one.step(np.arange(5), phase=0, epoch=0, progress=0.0))
        gradients.append((loss, [p.grad for p in one.model.parameters()]))
    for loss, found in gradients[1:]:
        torch.testing.assert_close(loss, gradients[0][0])
        torch.testing.assert_close(found, gradients[0][1], rtol=1e-5, atol=1e-7)


@dataclass(frozen=True)
class Watching(Method):
    """Notes how it is called, and what it is given."""

    name: ClassVar[str] = "watching"
    seen: list = None  # type: ignore[assignment]

    def before_step(self, step):
        self.seen.append(("step", len(step.labels)))

    def before_micro_batch(self, step):
        self.seen.append(("micro", len(step.labels)))

    def penalty(self, step):
        assert torch.equal(step.forward(same_dropout=True), step.logits)
        self.seen.append((step.logits.detach(), step.draw(torch.rand, step.logits.shape)))
        self.seen.append(torch.rand(3, generator=step.generator))
        return 0.0

    def after_step(self, step):
        self.seen.append(("after", step.logits))


def test_a_step_is_one_of_the_optimiser_and_its_hooks_see_the_batch(words):
    parts, whole = [], []
    for seen, accumulate in ((whole, 1), (parts, 4)):
        training = replace(TRAINING, epochs=1, accumulate=accumulate)
        assert run(words, Watching(seen), training=training).steps == 6
    a_step = parts[: len(parts) // 6]
    sizes = [each[1] for each in a_step if isinstance(each[0], str) and each[0] != "after"]
    assert sizes == [16, 4, 4, 4, 4]
    assert [each[1] for each in whole[:2]] == [16, 16]
    said = [each for each in a_step if isinstance(each, tuple) and not isinstance(each[0], str)]
    kind, logits = a_step[-1]
    assert kind == "after"
    assert torch.equal(logits, torch.cat([z for z, _ in said]))
    # Numbers for rows are those of the whole batch; the stream itself is another in each part.
    assert torch.equal(torch.cat([numbers for _, numbers in said]), whole[2][1])
    streams = [each for each in a_step if isinstance(each, torch.Tensor)]
    assert not any(torch.equal(streams[0], other) for other in streams[1:])


def test_two_arms_of_one_seed_see_the_same_micro_batches_and_dropout(words):
    plain, greedy = [], []
    training = replace(TRAINING, accumulate=3)
    run(words, Spy(seen=plain), training=training)
    run(words, Greedy(seen=greedy), training=training)
    assert len(plain) == 2 * 6 * 3
    for (ids, logits), (other_ids, other_logits) in zip(plain, greedy, strict=True):
        assert torch.equal(ids, other_ids)
        assert torch.equal(logits, other_logits)


def test_a_run_in_micro_batches_repeats_bit_for_bit_and_has_other_dropout(words):
    training = replace(TRAINING, accumulate=4)
    method, teacher = FreeLB() + NEFTune(), live_teacher(words)
    a, b = (run(words, method, training=training, teacher=teacher) for _ in range(2))
    assert same_weights(a, b)
    assert not same_weights(a, run(words, method, teacher=teacher))


@dataclass(frozen=True)
class OwnBackward(Method):
    """Makes its gradient itself."""

    name: ClassVar[str] = "own_backward"

    def backward(self, step):
        loss = step.objective()
        loss.backward()
        return loss.detach()


@dataclass(frozen=True)
class Freer(FreeLB):
    """Another gradient than that of FreeLB, which does without the whole batch."""

    name: ClassVar[str] = "freer"
    backward = OwnBackward.backward


@dataclass(frozen=True)
class Looking(Base):
    """Asks for the logits of the whole batch."""

    name: ClassVar[str] = "looking"

    def before_step(self, step):
        step.state.before = step.logits.detach()


@pytest.mark.parametrize("method", [OwnBackward(), Freer(), OwnBackward() + LS()])
def test_a_gradient_of_its_own_needs_the_whole_batch_unless_it_says_otherwise(words, method):
    training = replace(TRAINING, accumulate=4)
    with pytest.raises(MethodError, match=r"needs the whole batch at once: .* accumulate=1"):
        method.check_training(words.model, words.task, training)
    method.check_training(words.model, words.task, TRAINING)


def test_a_pass_over_all_of_a_split_batch_is_refused(words):
    run(words, Looking(), training=replace(TRAINING, epochs=1))
    with pytest.raises(MethodError, match=r"looking runs the model on the whole batch"):
        run(words, Looking(), training=replace(TRAINING, epochs=1, accumulate=4))
