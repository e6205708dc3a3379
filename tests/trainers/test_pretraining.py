"""Masked language modelling: what is hidden, what is learned, and that it repeats."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import BertForMaskedLM

from trainers.errors import ModelError, SettingsError
from trainers.masked_language_modelling import _gradient, _Masking, packed_blocks, pretrain
from trainers.models import Bert, ResNet, load_body
from trainers.pretraining import MaskedLanguageModelling
from trainers.seeding import initialising
from trainers.settings import Training

TRAINING = Training(device="cpu").resolved()
PLAIN = replace(TRAINING, precision="float32")


def test_blocks_are_packed_without_padding(words):
    blocks = packed_blocks(words.task, words.folder, 16)
    assert blocks.shape[1] == 16
    assert (blocks[:, 0] == 2).all()
    assert (blocks != 0).all()


def test_fifteen_percent_are_chosen_of_which_eighty_are_masked_ten_changed_ten_kept(words):
    masking = _Masking.of(words.folder, 0.15)
    blocks = np.full((400, 64), 20)
    blocks[:, 0] = 2
    masked, chosen, original = masking.apply(blocks, np.random.default_rng(0))
    assert not chosen[:, 0].any()
    assert chosen[:, 1:].mean() == pytest.approx(0.15, abs=0.01)
    fates = masked[chosen]
    assert (fates == masking.mask).mean() == pytest.approx(0.8, abs=0.02)
    assert (fates == 20).mean() == pytest.approx(0.1, abs=0.02)
    assert (masked[~chosen] == original[~chosen]).all()


def test_pretraining_learns_and_repeats_bit_for_bit(words):
    settings = MaskedLanguageModelling(steps=60, batch_size=16, length=16, lr=3e-3)
    losses = []
    runs = [
        pretrain(
            words.model,
            settings,
            words.task,
            words.folder,
            TRAINING,
            lambda step, loss: losses.append((step, loss)),
        )
        for _ in range(2)
    ]
    assert losses[: len(losses) // 2] == losses[len(losses) // 2 :]
    assert losses[0][1] > losses[len(losses) // 2 - 1][1]
    assert losses[-1][0] == 60
    a, b = (run.model.state_dict() for run in runs)
    assert all(torch.equal(a[name], b[name]) for name in a)
    assert runs[0].tokens == 60 * 16 * 16


def masked(words, rows: int):
    """Blocks to learn from, of which the second half has nothing to predict."""
    blocks = packed_blocks(words.task, words.folder, 16)[:rows]
    masked, chosen, original = _Masking.of(words.folder, 0.3).apply(
        blocks, np.random.default_rng(0)
    )
    chosen[rows // 2 :] = False
    return masked, chosen, original


def test_micro_batches_of_blocks_weigh_what_they_have_to_predict(words):
    blocks, gradients, losses = masked(words, 7), [], []
    for accumulate in (1, 3, 7, 20):
        config = Bert(1, 32, 2, dropout=0.0).config(600, 2)
        with initialising(3):
            module = BertForMaskedLM(config)
        losses.append(_gradient(module, blocks, replace(PLAIN, accumulate=accumulate), 0, 0))
        gradients.append([p.grad for p in module.parameters() if p.grad is not None])
    for loss, gradient in zip(losses[1:], gradients[1:], strict=True):
        torch.testing.assert_close(loss, losses[0])
        torch.testing.assert_close(gradient, gradients[0], rtol=1e-4, atol=1e-7)


def test_pretraining_has_the_same_bits_with_layers_that_are_computed_again(words):
    settings = MaskedLanguageModelling(steps=10, batch_size=8, length=16, lr=3e-3)
    bodies = [
        pretrain(words.model, settings, words.task, words.folder, training).model.state_dict()
        for training in (TRAINING, replace(TRAINING, gradient_checkpointing=True))
    ]
    assert all(torch.equal(bodies[0][name], bodies[1][name]) for name in bodies[0])


def test_pretraining_in_micro_batches_learns_as_well(words):
    settings = MaskedLanguageModelling(steps=60, batch_size=16, length=16, lr=3e-3)
    losses = [
        pretrain(words.model, settings, words.task, words.folder, training).loss
        for training in (TRAINING, replace(TRAINING, accumulate=4))
    ]
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


def test_a_body_of_another_architecture_is_refused_by_name(words, tmp_path: Path):
    from safetensors.torch import save_model

    save_model(
        Bert(1, 64).module(words.task, words.folder).bert, str(tmp_path / "model.safetensors")
    )
    with pytest.raises(ModelError, match="does not fit BertModel"):
        load_body(words.model.module(words.task, words.folder), tmp_path)


def test_only_a_bert_can_be_pretrained_on_text(words):
    with pytest.raises(ModelError, match="needs a Bert"):
        pretrain(ResNet(), MaskedLanguageModelling(), words.task, words.folder, TRAINING)


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"length": 4}, {"probability": 1.0}, {"lr": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(SettingsError):
        MaskedLanguageModelling(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"batch_size": 2.5},
        {"lr": 0},
        {"warmup": 1},
        {"clip": -1},
        {"weight_decay": -0.1},
        {"select": "first"},
        {"precision": "fp8"},
        {"threads": True},
    ],
)
def test_training_settings_out_of_range_name_the_field(wrong):
    with pytest.raises(SettingsError, match=next(iter(wrong))):
        Training(**wrong)
