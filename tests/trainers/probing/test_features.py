"""Features are what feeds the head: of every architecture, in any batch, in the order given."""

import numpy as np
import pytest
import torch

from tests.trainers import tiny_hub
from trainers.errors import MethodError
from trainers.models import Bert, HubModel, ResNet
from trainers.models.anatomy import skeleton
from trainers.probing.features import Features, save_features, width
from trainers.settings import Training
from trainers.tasks import Digits, Docstrings, Examples

TRAINING = Training(device="cpu", precision="bf16", max_length=24)
TEXTS = [f"{'warm and bright ' * (1 + i % 4)}house by the river {i}" for i in range(12)]
TASK = Docstrings(label="pair")


def examples(n: int = 12) -> Examples:
    return Examples(np.arange(n), np.arange(n) % 2, {"text": TEXTS[:n]})


def saved(model, encode, folder) -> Features:
    save_features(model, encode, TRAINING, folder)
    return Features.open(folder)


@pytest.fixture(params=tiny_hub.TEXT)
def hub(request, tmp_path):
    (tmp_path / "model").mkdir()
    tiny_hub.save(request.param, TEXTS, tmp_path / "model")
    return HubModel(tmp_path / "model")


def test_the_head_makes_the_logits_of_them(hub, tmp_path):
    (tmp_path / "features").mkdir()
    module = hub.build(TASK, tmp_path, seed=1, start=hub.start("pretrained")).eval()
    encoded = hub.encode(examples(), tmp_path, 24)
    found = saved(module, lambda split: encoded, tmp_path / "features").values["test"]
    assert found.shape == (12, width(module)) == (12, 32)
    with torch.inference_mode():
        batch = encoded.batch(np.arange(12), torch.device("cpu"))
        logits = module(**batch.inputs).logits
        read = torch.from_numpy(np.array(found))
        assert torch.allclose(from_features(module, read), logits, atol=1e-4)


def from_features(module, features):
    """What transformers' heads make of what they read of a text."""
    if hasattr(module, "score"):
        return module.score(features)
    if hasattr(module, "pre_classifier"):
        return module.classifier(module.pre_classifier(features).relu())
    if pooler := getattr(module, "pooler", None) or getattr(module.base_model, "pooler", None):
        return module.classifier(pooler(features[:, None]))
    return module.classifier(features[:, None])


@pytest.mark.parametrize("kind", tiny_hub.IMAGES)
def test_images_are_read_where_the_head_reads_them(kind, tmp_path):
    for name in ("model", "features"):
        (tmp_path / name).mkdir()
    task = Digits(digits=(0, 1), train=20, dev=20, test=20)
    model = HubModel(tiny_hub.save(kind, (), tmp_path / "model"), image_size=16)
    module = model.build(task, tmp_path, seed=1, start=model.start("pretrained")).eval()
    task.prepare(tmp_path)
    encoded = model.encode(task.load("dev", tmp_path, 0), tmp_path, 0)
    found = saved(module, lambda split: encoded, tmp_path / "features").values["dev"]
    with torch.inference_mode():
        logits = module(**encoded.batch(np.arange(20), torch.device("cpu")).inputs).logits
        assert torch.allclose(
            module.classifier(torch.from_numpy(np.array(found))), logits, atol=1e-4
        )


def test_they_stay_on_disk_with_their_labels(tmp_path):
    task = Digits(digits=(0, 1), train=20, dev=20, test=20)
    model = ResNet((8,))
    task.prepare(tmp_path)
    (tmp_path / "features").mkdir()
    sets = {
        s: model.encode(task.load(s, tmp_path, 0), tmp_path, 0) for s in ("train", "dev", "test")
    }
    found = saved(model.build(task, tmp_path, seed=1), sets.__getitem__, tmp_path / "features")
    for split, values in found.values.items():
        assert isinstance(values, np.memmap)
        assert values.dtype == np.float32
        assert not values.flags.writeable
        assert (found.labels[split] == sets[split].labels).all()


def test_an_encoder_says_the_same_whoever_is_beside_an_example(tmp_path):
    (tmp_path / "model").mkdir()
    hub = HubModel(tiny_hub.save("roberta", TEXTS, tmp_path / "model"))
    module = hub.build(TASK, tmp_path, seed=1, start=hub.start("pretrained"))
    found = []
    for n in (12, 5):
        (tmp_path / str(n)).mkdir()
        encoded = hub.encode(examples(n), tmp_path, 24)
        found.append(saved(module, lambda split, e=encoded: e, tmp_path / str(n)).values["dev"])
    assert np.array(found[0][:5]) == pytest.approx(np.array(found[1]), abs=1e-5)


def test_the_width_is_known_before_anything_is_computed():
    assert width(skeleton(Bert(width=64), TASK)) == 64
    assert width(skeleton(ResNet((8, 16)), Digits())) == 16


def test_a_module_that_names_no_body_is_refused(tmp_path):
    module = torch.nn.Linear(2, 2)
    encoded = ResNet((8,)).encode(
        Examples(np.arange(2), np.arange(2), {"pixels": np.zeros((2, 1, 8, 8), np.float32)}),
        tmp_path,
        0,
    )
    with pytest.raises(MethodError, match="base_model"):
        save_features(module, lambda split: encoded, TRAINING, tmp_path)
