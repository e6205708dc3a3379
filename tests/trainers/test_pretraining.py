"""Masked language modelling: what is hidden, what is learned, and that it repeats."""

from pathlib import Path

import numpy as np
import pytest
import torch

from trainers.errors import ModelError, SettingsError
from trainers.masked_language_modelling import _Masking, packed_blocks, pretrain
from trainers.models import Bert, ResNet, load_body
from trainers.pretraining import MaskedLanguageModelling
from trainers.settings import Training

TRAINING = Training(device="cpu").resolved()


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
