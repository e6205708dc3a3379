"""A residual network of the hub on small images: its stem keeps their size, and is the seed's."""

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_model

from tests.trainers import tiny_hub
from trainers.errors import ModelError
from trainers.models import HubModel
from trainers.models.stem import SMALL_STEM
from trainers.tasks import Digits


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder, models = tmp_path_factory.mktemp("digits"), tmp_path_factory.mktemp("hub")
    task = Digits(digits=(0, 1, 2), train=30, dev=30, test=30)
    task.prepare(folder)
    for kind in tiny_hub.IMAGES:
        (models / kind).mkdir()
        tiny_hub.save(kind, [], models / kind)
    return task, folder, models


def build(place, init, seed=1, **fields):
    task, folder, models = place
    model = HubModel(models / "resnet", image_size=8, **fields)
    return model.build(task, folder, seed, model.start(init))


def sides(module) -> list[int]:
    """Pixels a side, after the stem and after the last block."""
    seen = []
    for part in (module.resnet.embedder, module.resnet.encoder):
        part.register_forward_hook(
            lambda _m, _a, out: seen.append(getattr(out, "last_hidden_state", out).shape[-1])
        )
    module.eval()(pixel_values=torch.zeros(2, 1, 8, 8))
    return seen


def test_a_small_stem_keeps_the_size_that_the_own_one_quarters(place):
    assert sides(build(place, "pretrained"))[0] == 2
    assert sides(build(place, "pretrained", stem="small"))[0] == 8


def test_above_a_small_stem_the_weights_are_those_of_the_file(place):
    saved = load_file(place[2] / "resnet" / "model.safetensors")
    body = build(place, "pretrained", stem="small").base_model.state_dict()
    assert body.keys() == saved.keys()
    differing = [name for name in body if not torch.equal(body[name], saved[name])]
    assert differing == [SMALL_STEM]


def test_the_small_stem_comes_from_the_seed_whatever_the_init(place):
    stems = [
        build(place, init, seed, stem="small").base_model.state_dict()[SMALL_STEM]
        for init, seed in (("pretrained", 1), ("scratch", 1), ("pretrained", 2))
    ]
    assert torch.equal(stems[0], stems[1])
    assert not torch.equal(stems[0], stems[2])


def test_the_weights_of_a_run_with_a_small_stem_are_started_from_with_it(place, tmp_path):
    run = build(place, "scratch", seed=5, stem="small")
    save_model(run, str(tmp_path / "model.safetensors"))
    again = build(place, tmp_path, seed=6, stem="small").base_model.state_dict()
    assert all(torch.equal(again[n], w) for n, w in run.base_model.state_dict().items())


def test_the_stem_is_part_of_a_key_only_where_it_is_not_the_own_one(place):
    own = HubModel(place[2] / "resnet")
    small = HubModel(place[2] / "resnet", stem="small")
    assert "stem" not in own.specification()
    assert small.specification() == own.specification() | {"stem": "small"}
    assert own.name != small.name


def test_a_model_without_such_a_stem_is_refused(place):
    task, folder, models = place
    with pytest.raises(ModelError, match="for a ResNet"):
        HubModel(models / "vit", stem="small").build(task, folder, 1)
    with pytest.raises(ModelError, match='"own" or "small"'):
        HubModel(models / "vit", stem="tiny")


def test_black_is_zero_before_the_models_own_normalisation(place):
    task, folder, models = place
    encoded = HubModel(models / "resnet").encode(task.load("train", folder, 0), folder, 8)
    assert encoded.padding.get("pixel_values", 0) == 0
    assert np.min(encoded.dense["pixel_values"]) == 0
