"""How large a model is: counted by hand on small ones, and for what pruning leaves."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from trainers.methods.pruning.masks import kept, matrices, zeros
from trainers.models import Bert, ResNet
from trainers.sizes import PassFlops, Size, forward_flops
from trainers.tasks import Digits


class Named(nn.Module):
    """A part that is called by the name of its input."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part

    def forward(self, x):
        return self.part(x)


def pruned(model: nn.Module, share: float) -> int:
    """Make this share of every matrix of the layers zero; how many weights that are."""
    gone = 0
    with torch.no_grad():
        for part in matrices(model):
            count = zeros(share, part.weight.numel())
            part.weight[~kept(part.weight.abs(), count)] = 0
            gone += count
    return gone


def test_weights_that_two_parts_share_count_once():
    first, second = nn.Linear(3, 3, bias=False), nn.Linear(3, 3)
    second.weight = first.weight
    assert Size.of(nn.Sequential(first, second)) == Size(12, 12, 0, 0)


@given(st.integers(0, 35))
def test_products_with_zero_are_what_sparse_weights_would_spare(count):
    part = nn.Linear(6, 6)
    with torch.no_grad():
        part.weight[~kept(part.weight.abs(), count)] = 0
    assert Size.of(part).nonzero == 42 - count
    five = {"x": torch.ones(5, 6)}
    assert forward_flops(Named(part), five) == PassFlops(2 * 5 * 36, 2 * 5 * (36 - count))


def test_a_filter_is_multiplied_at_each_of_its_places():
    part = nn.Conv2d(4, 6, 3, stride=2, groups=2)
    with torch.no_grad():
        part.weight[0, 0] = 0
    found = forward_flops(Named(part), {"x": torch.ones(2, 4, 9, 9)})
    places = 2 * 4 * 4
    assert found == PassFlops(2 * places * 6 * 2 * 9, 2 * places * (6 * 2 * 9 - 9))


@pytest.mark.parametrize("share", [0.0, 0.8, 0.95])
def test_what_pruning_leaves_of_a_bert_is_counted(words, share):
    model = words.model.build(words.task, words.folder, 1)
    whole, inside = Size.of(model), sum(part.weight.numel() for part in matrices(model))
    gone = pruned(model, share)
    size = Size.of(model)
    assert size == Size(whole.parameters, whole.nonzero - gone, inside, gone)
    assert size.sparsity == pytest.approx(share, abs=1 / inside)
    assert whole.parameters - whole.nonzero >= 32  # the padding token's row, and biases
    batch = words.encode("test").batch(np.arange(3), torch.device("cpu"))
    tokens = batch.inputs["input_ids"].numel()
    found, before = forward_flops(model, batch.inputs), model.training
    assert found.dense - found.nonzero == 2 * tokens * gone
    assert model.training == before
    assert not any(part._forward_hooks for part in model.modules())


def test_what_has_no_layers_has_nothing_to_prune():
    task = Digits(digits=(0, 1), train=20, dev=10, test=10)
    module, _ = ResNet((4,)).rehearsal(task, 2, 0)
    assert Size.of(module).sparsity == 0
    assert Size.of(nn.Identity()) == Size(0, 0, 0, 0)


def test_a_model_is_as_large_as_it_is_declared(words):
    module, _ = Bert(layers=2, width=128).rehearsal(words.task, 2, 8)
    encoder = 2 * (12 * 128**2 + 13 * 128)
    embeddings = (30_522 + 128 + 2 + 2) * 128
    head = 128 * 128 + 128 + 3 * 128 + 3
    assert Size.of(module).parameters == encoder + embeddings + head
