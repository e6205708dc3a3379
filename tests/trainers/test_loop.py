"""What the training loop promises: pairing, repeatability, selection, and honest endings."""

import math
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest
import torch

from trainers.errors import Diverged
from trainers.loop import Fit
from trainers.methods import KD, LS, Base, Method, Phase
from trainers.models import Checkpoint
from trainers.settings import Training
from trainers.steps.predicting import predict
from trainers.teacher import TeacherLogits

TRAINING = Training(epochs=2, batch_size=16, lr=1e-3, max_length=32, device="cpu").resolved()


def fit(words, method, training=TRAINING, seed=1, teacher=None):
    model = words.model.build(words.task, words.folder, seed)
    return Fit(
        model, method, words.encode("train"), words.encode("dev"), training, seed, teacher=teacher
    )


def run(words, method, **options):
    return fit(words, method, **options).run(lambda: words.encode("test"))


def same_weights(a, b) -> bool:
    return all(
        torch.equal(x, y)
        for x, y in zip(a.model.state_dict().values(), b.model.state_dict().values(), strict=True)
    )


def live_teacher(words):
    """A teacher's logits on the training set."""
    teacher = words.model.build(words.task, words.folder, seed=9)
    examples = words.encode("train")
    return TeacherLogits(examples.ids, predict(teacher, examples, TRAINING))


@dataclass(frozen=True)
class Spy(Base):
    """Base that notes the batches and the dropout it sees."""

    name: ClassVar[str] = "spy"
    seen: list = None  # type: ignore[assignment]

    def loss(self, step):
        loss = super().loss(step)
        self.seen.append((step.inputs["input_ids"].clone(), step.logits.detach().clone()))
        return loss


@dataclass(frozen=True)
class Greedy(Spy):
    """Draws from every stream that a method has, and runs the model twice more."""

    name: ClassVar[str] = "greedy"

    def loss(self, step):
        loss = super().loss(step)
        step.forward()
        torch.rand(7)
        torch.rand(3, generator=step.generator)
        return loss


def test_the_same_run_twice_is_bitwise_equal(words):
    a, b = run(words, LS()), run(words, LS())
    assert same_weights(a, b)
    assert np.array_equal(a.logits["test"], b.logits["test"])
    assert a.scores == b.scores


def test_kd_without_weight_is_the_base_run_bit_for_bit(words):
    kd = run(words, KD(alpha=0.0, tau=2.0), teacher=live_teacher(words))
    base = run(words, Base())
    assert same_weights(kd, base)
    assert kd.scores == base.scores


def test_another_seed_is_another_run(words):
    assert not same_weights(run(words, Base(), seed=1), run(words, Base(), seed=2))


def test_two_arms_of_one_seed_see_the_same_batches_and_dropout(words):
    plain, greedy = [], []
    run(words, Spy(seen=plain))
    run(words, Greedy(seen=greedy))
    assert len(plain) == 2 * math.ceil(96 / 16)
    for (ids, logits), (other_ids, other_logits) in zip(plain, greedy, strict=True):
        assert torch.equal(ids, other_ids)
        assert torch.equal(logits, other_logits)


def test_a_pass_with_the_same_dropout_repeats_it_and_one_without_does_not(words):
    one = fit(words, Base())
    one.model.train()
    step = one.step(np.arange(8), phase=0, epoch=0, progress=0.0)
    step.restart_dropout()
    first = step.logits
    assert torch.equal(step.forward(same_dropout=True), first)
    assert not torch.equal(step.forward(), first)


def test_every_example_is_seen_once_an_epoch_in_an_order_of_its_own(words):
    seen = []
    run(words, Spy(seen=seen))
    half = len(seen) // 2
    epochs = [seen[:half], seen[half:]]
    rows = [sorted(tuple(r[r > 0].tolist()) for ids, _ in e for r in ids) for e in epochs]
    assert rows[0] == rows[1]
    assert not all(
        a.shape == b.shape and torch.equal(a, b) for (a, _), (b, _) in zip(*epochs, strict=True)
    )


def test_the_best_epoch_on_dev_is_scored_and_the_earlier_one_wins_a_tie(words):
    epochs = []
    training = replace(TRAINING, epochs=5, lr=3e-3)
    trained = fit(words, Base(), training).run(lambda: words.encode("test"), epochs.append)
    curve = [e.dev["accuracy"] for e in epochs]
    assert trained.best_epoch == 1 + int(np.argmax(curve))
    assert trained.scores["dev"]["accuracy"] == pytest.approx(max(curve))


@pytest.mark.parametrize("metric", ["nll", "brier", "ece"])
def test_a_metric_of_which_less_is_better_selects_its_least_epoch(words, metric):
    epochs = []
    one = fit(words, Base(), replace(TRAINING, epochs=4, lr=3e-3))
    one.metric = metric
    trained = one.run(lambda: words.encode("test"), epochs.append)
    assert trained.best_epoch == 1 + int(np.argmin([e.dev[metric] for e in epochs]))
    assert trained.best_epoch > 1


def test_the_last_epoch_is_scored_on_request(words):
    trained = run(words, Base(), training=replace(TRAINING, select="last"))
    assert trained.best_epoch == 2


def test_a_small_model_learns_the_words(words):
    trained = run(words, Base(), training=replace(TRAINING, epochs=30, lr=5e-3))
    assert trained.scores["test"]["accuracy"] > 90
    assert trained.steps == 30 * 6


def test_the_test_split_is_opened_once_and_only_after_training(words):
    events = []

    def open_test_set():
        events.append("test")
        return words.encode("test")

    fit(words, Base()).run(open_test_set, lambda e: events.append(e.number))
    assert events == [1, 2, "test"]


@dataclass(frozen=True)
class Exploding(Base):
    name: ClassVar[str] = "exploding"

    def loss(self, step):
        return super().loss(step) * (float("nan") if step.number > 2 else 1.0)


def test_a_loss_that_is_no_number_ends_the_run_as_diverged(words):
    with pytest.raises(Diverged, match="epoch 1"):
        run(words, Exploding())


@dataclass(frozen=True)
class TwoPhases(Method):
    """Notes what a second phase starts with."""

    name: ClassVar[str] = "two phases"
    seen: list = None  # type: ignore[assignment]

    def phases(self, training):
        return (Phase(3), Phase(2))

    def loss(self, step):
        first_of_second = step.phase == 1 and step.epoch == 0 and step.progress == 0.0
        if first_of_second:
            weights = {k: v.clone() for k, v in step.model.state_dict().items()}
            self.seen.append(weights)
        return Base().loss(step)


def test_a_second_phase_starts_from_the_selected_checkpoint_with_a_fresh_schedule(words):
    seen, epochs = [], []
    two = fit(words, TwoPhases(seen=seen), replace(TRAINING, lr=3e-3))
    trained = two.run(lambda: words.encode("test"), epochs.append)
    best = 1 + int(np.argmax([e.dev["accuracy"] for e in epochs[:3]]))
    alone = fit(words, Base(), replace(TRAINING, lr=3e-3, epochs=3))
    one_phase = alone.run(lambda: words.encode("test"))
    assert len(epochs) == 5
    assert one_phase.best_epoch == best
    assert all(torch.equal(seen[0][k], v) for k, v in one_phase.model.state_dict().items())
    assert trained.best_epoch in (4, 5)


def test_cached_and_live_teacher_logits_give_the_same_run(words, tmp_path):
    live = live_teacher(words)
    live.save(tmp_path)
    cached = TeacherLogits.open(tmp_path)
    assert isinstance(cached.logits, np.memmap)
    assert same_weights(
        run(words, KD(0.5, 2.0), teacher=live), run(words, KD(0.5, 2.0), teacher=cached)
    )


def test_a_pretrained_and_a_scratch_student_of_one_seed_have_the_same_head(words, tmp_path):
    from safetensors.torch import save_model

    body = words.model.build(words.task, words.folder, seed=77).bert
    save_model(body, str(tmp_path / "model.safetensors"))
    scratch = words.model.build(words.task, words.folder, seed=1)
    pretrained = words.model.build(words.task, words.folder, seed=1, start=Checkpoint(tmp_path))
    assert torch.equal(scratch.classifier.weight, pretrained.classifier.weight)
    assert torch.equal(
        pretrained.bert.embeddings.word_embeddings.weight, body.embeddings.word_embeddings.weight
    )


def test_what_few_runs_need_is_imported_by_none_of_them_at_its_start():
    code = "import sys, trainers.loop, trainers.methods; print('transformers' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
