"""What a model reads: one text, two texts, images; and what it refuses."""

import numpy as np
import pytest
import torch

from trainers.errors import ModelError
from trainers.models import Bert, ResNet
from trainers.tasks import Digits, Examples


def pairs() -> Examples:
    texts = {"text": ["the apple", "near the old saw"], "text_pair": ["a robin with a drill", "a"]}
    return Examples(np.array([3, 7]), np.array([0, 1]), texts)


def test_two_texts_are_told_apart_by_their_types(words):
    encoded = words.model.encode(pairs(), words.folder, 32)
    batch = encoded.batch(np.array([0, 1]), torch.device("cpu"))
    ids, types = batch.inputs["input_ids"][0], batch.inputs["token_type_ids"][0]
    separators = (ids == 3).nonzero().flatten().tolist()
    assert len(separators) == 2
    assert types[: separators[0] + 1].sum() == 0
    assert types[separators[0] + 1 : separators[1] + 1].min() == 1
    assert words.model.build(words.task, words.folder, 0)(**batch.inputs).logits.shape == (2, 3)


def test_the_longer_of_two_texts_is_cut_first(words):
    encoded = words.model.encode(pairs(), words.folder, 8)
    assert encoded.lengths.tolist() == [8, 8]
    first = encoded.ragged["input_ids"].padded(np.array([0]), 0)[0].tolist()
    assert first.index(3) == 3  # both words of the shorter text are still there


def test_padding_does_not_change_what_the_model_says(words):
    model = words.model.build(words.task, words.folder, 0).eval()
    examples = words.encode("dev")
    device = torch.device("cpu")
    together = model(**examples.batch(np.arange(9), device).inputs).logits
    alone = [model(**examples.batch(np.array([i]), device).inputs).logits for i in range(9)]
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)


def test_texts_longer_than_the_model_are_refused_with_the_way_out(words):
    with pytest.raises(ModelError, match=r"give Bert\(positions=200\)"):
        words.model.encode(pairs(), words.folder, 200)


def test_a_model_is_not_given_what_it_cannot_read(words, tmp_path):
    digits = Digits()
    digits.prepare(tmp_path)
    with pytest.raises(ModelError, match="reads text"):
        words.model.encode(digits.load("dev", tmp_path, 0), tmp_path, 32)
    with pytest.raises(ModelError, match="reads images"):
        ResNet().encode(pairs(), tmp_path, 32)


def test_a_small_residual_network_keeps_small_images(tmp_path):
    module = ResNet((8, 16)).module(Digits(), tmp_path)
    assert module(torch.zeros(2, 1, 8, 8)).logits.shape == (2, 5)
    hidden = module.resnet(torch.zeros(2, 1, 8, 8)).last_hidden_state
    assert hidden.shape == (2, 16, 4, 4)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bert(layers=0),
        lambda: Bert(width=100, heads=3),
        lambda: Bert(dropout=1.0),
        lambda: ResNet(()),
        lambda: ResNet(blocks=0),
    ],
)
def test_impossible_architectures_are_refused(make):
    with pytest.raises(ModelError):
        make()
