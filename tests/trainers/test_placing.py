"""Where tensors lie, of a model that is trained on another device than it was made on."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

from tests.trainers import tiny_hub
from trainers.methods import L2SP, Mixout, Reinit
from trainers.seeding import method_stream, torch_stream
from trainers.steps.passes import expanded
from trainers.steps.placing import copy_to_host, move

META = torch.device("meta")


def test_what_a_method_keeps_goes_where_the_model_is_at_any_depth():
    weight, start = nn.Parameter(torch.ones(2)), torch.zeros(2)
    inner = SimpleNamespace(start=start)
    state = SimpleNamespace(
        pairs=[(weight, start)],
        by_module={"a": start, 3: [start]},
        part=inner,
        teacher=nn.Linear(2, 2),
        count=4,
        name="kept",
    )
    move(state, META)
    ((same, moved),) = state.pairs
    assert same is weight, "the model moves its weights itself"
    assert moved.device == META
    assert state.by_module["a"].device == state.by_module[3][0].device == META
    assert state.part is inner
    assert inner.start.device == META
    assert state.teacher.weight.device == META
    assert (state.count, state.name) == (4, "kept")


def test_on_a_cpu_nothing_is_touched():
    state = SimpleNamespace(start=(start := torch.zeros(2)))
    move(state, torch.device("cpu"))
    assert state.start is start


@pytest.mark.parametrize("method", [L2SP(), Mixout(), Reinit() + L2SP()])
def test_methods_that_prepare_a_model_keep_what_can_be_moved(method, tmp_path):
    tiny_hub.save("bert", ["a text"], tmp_path)
    import transformers

    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path)
    state = SimpleNamespace()
    method.prepare(model, state)
    model.to(META)
    move(state, META)
    kept = [tensor for tensor in tensors(state) if not isinstance(tensor, nn.Parameter)]
    assert kept
    assert all(tensor.device == META for tensor in kept)


def tensors(value):
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, SimpleNamespace):
        yield from tensors([*vars(value).values()])
    elif isinstance(value, dict):
        yield from tensors([*value.values()])
    elif isinstance(value, list | tuple):
        for each in value:
            yield from tensors(each)


def test_the_best_weights_are_a_copy_that_later_steps_leave_alone():
    weight = nn.Parameter(torch.ones(3))
    kept = copy_to_host(weight)
    with torch.no_grad():
        weight.zero_()
    assert kept.tolist() == [1.0, 1.0, 1.0]
    assert kept.device.type == "cpu"
    assert not kept.requires_grad


def test_numbers_of_a_method_are_drawn_where_the_model_is(step_of):
    drawn = []

    def sample(shape, generator, device):
        drawn.append((tuple(shape), generator.device.type, torch.device(device).type))
        return torch.zeros(shape)

    step = step_of(torch.zeros(4, 3), torch.tensor([0, 1, 2, 0]))
    step.draw(sample, (4, 5))
    assert drawn == [((4, 5), "cpu", "cpu")]
    assert (
        method_stream(1, "r3f", 2, device="cpu").initial_seed()
        == method_stream(1, "r3f", 2).initial_seed()
    )
    assert torch_stream(1, "x", device="cpu").device.type == "cpu"


@pytest.mark.parametrize("kind", ["bert", "roberta", "distilbert"])
def test_a_mask_for_each_pair_of_tokens_says_what_one_for_tokens_says(kind, tmp_path):
    import transformers

    texts = ["one text of some length", "another", "a third that is a little longer than those"]
    tiny_hub.save(kind, texts, tmp_path)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(tmp_path).eval()
    length = 12
    lengths = np.array([12, 3, 7])
    mask = torch.from_numpy((np.arange(length) < lengths[:, None]).astype(np.int64))
    draws = torch.Generator().manual_seed(0)
    ids = torch.randint(2, model.config.vocab_size, (3, length), generator=draws)
    inputs = {"input_ids": ids, "attention_mask": mask}
    seen = expanded(model, inputs)
    assert seen["attention_mask"].shape == (3, 1, length, length)
    with torch.inference_mode():
        torch.testing.assert_close(model(**seen).logits, model(**inputs).logits)
    without = {"input_ids": ids, "attention_mask": torch.ones_like(mask)}
    with torch.inference_mode():
        given = model(**expanded(model, without)).logits
        torch.testing.assert_close(given, model(**without).logits)
    eager = transformers.AutoModelForSequenceClassification.from_pretrained(
        tmp_path, attn_implementation="eager"
    )
    assert expanded(eager, inputs) is inputs
