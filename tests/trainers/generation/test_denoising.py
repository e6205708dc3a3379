"""The pre-training of an encoder with a decoder: what is hidden, and that it helps."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.trainers.generation.conftest import TRAINING
from trainers.errors import ModelError, SettingsError
from trainers.generation.denoising import Infilling, pretrain
from trainers.models import Bert
from trainers.pretraining import Denoising

HOW = Denoising(steps=60, batch_size=8, length=16, lr=5e-3, span=2.0)


@pytest.fixture(scope="module")
def pretrained(place):
    return pretrain(place.model("own"), HOW, place.task, place.folder, TRAINING)


def test_spans_are_hidden_behind_one_mask_each_and_the_block_is_the_target(place):
    noise, draws = Infilling.of(place.folder, HOW), np.random.default_rng(0)
    blocks = draws.integers(10, 200, (300, 41))
    blocks[:, 0] = noise.codec.marks.start
    noised, shares = noise.apply(blocks, np.random.default_rng(1)), []
    for i, block in enumerate(blocks):
        read = noised.ragged["input_ids"].joined(np.array([i])).tolist()
        assert read[0] == block[0]
        kept = [token for token in read if token != noise.mask]
        rest = iter(block.tolist())
        assert all(token in rest for token in kept)  # in their order
        masks = [j for j, token in enumerate(read) if token == noise.mask]
        assert all(b - a > 1 for a, b in pairwise(masks))
        shares.append(1 - (len(kept) - 1) / 40)
        written = noised.targets.joined(np.array([i])).tolist()
        assert written == [*block[1:].tolist(), noise.codec.marks.end]
    assert np.mean(shares) == pytest.approx(HOW.probability, abs=0.05)


def test_it_learns_and_repeats_itself(place, pretrained):
    again = pretrain(place.model("own"), HOW, place.task, place.folder, TRAINING)
    weights = pretrained.model.state_dict()
    assert all(torch.equal(weights[n], w) for n, w in again.model.state_dict().items())
    short = replace(HOW, steps=2)
    start = pretrain(place.model("own"), short, place.task, place.folder, TRAINING)
    assert pretrained.loss < start.loss - 0.5


def test_micro_batches_change_nothing_without_dropout(place):
    model, short = place.model("own", dropout=0.0), replace(HOW, steps=3)
    whole, split = (
        pretrain(model, short, place.task, place.folder, replace(TRAINING, accumulate=parts))
        for parts in (1, 3)
    )
    assert split.loss == pytest.approx(whole.loss, rel=1e-4)


def test_what_cannot_be_is_refused(place):
    with pytest.raises(SettingsError, match="span=5"):
        Denoising(length=16, span=5.0)
    with pytest.raises(SettingsError, match="probability"):
        Denoising(probability=1.0)
    with pytest.raises(ModelError, match="needs an EncoderDecoder, not bert"):
        pretrain(Bert(), HOW, place.task, place.folder, TRAINING)
