"""Classifiers in folders of their own: transformers loads them, and they read as in their run."""

import json
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn
from transformers import (
    AutoImageProcessor,
    AutoModelForImageClassification,
    AutoModelForSequenceClassification,
    AutoTokenizer,
)

from tests.trainers import tiny_hub
from trainers.inputs.batches import Encoded
from trainers.models import Bert, HubModel, ResNet
from trainers.models.stored.classifier_folder import load_classifier, save_classifier
from trainers.models.text import read_otherwise
from trainers.settings import Training
from trainers.steps.predicting import predict
from trainers.tasks import Examples

FLOAT32 = Training(device="cpu", precision="float32")
SHORT = 12


@dataclass(frozen=True)
class Exported:
    """A model as it was built, and the folder that it is written into."""

    module: nn.Module
    encoded: Encoded
    folder: object


def export(model, place, examples, folder, **training) -> Exported:
    folder.mkdir()
    module = model.build(place.task, place.folder, 1)
    encoded = model.encode(examples, place.folder, SHORT)
    assert save_classifier(module, place.task.classes, folder) == ""
    assert model.save_reader(place.folder, SHORT, folder)
    return Exported(module, encoded, folder)


def in_pairs(examples: Examples) -> Examples:
    """Each text beside the one before it."""
    texts = list(examples.inputs["text"])
    return Examples(
        examples.ids, examples.labels, {"text": texts, "text_pair": [*texts[1:], *texts[:1]]}
    )


def models(text):
    """One of every architecture that reads text."""
    yield "own", Bert(layers=1, width=32, heads=2)
    for kind in tiny_hub.TEXT:
        yield kind, text.model(kind)


@pytest.mark.parametrize("paired", [False, True], ids=["texts", "pairs"])
def test_texts_give_the_very_numbers_and_logits_of_the_run(text, tmp_path, paired):
    examples = text.task.load("test", text.folder, 0)
    examples = in_pairs(examples) if paired else examples
    columns = [list(each) for each in examples.inputs.values()]
    for kind, model in models(text):
        made = export(model, text, examples, tmp_path / kind)
        if paired and kind == "gpt2":  # puts nothing between two texts, where a run puts their end
            assert read_otherwise(made.folder, examples, made.encoded) == len(examples)
            continue
        assert read_otherwise(made.folder, examples, made.encoded) == 0
        loaded = AutoModelForSequenceClassification.from_pretrained(made.folder).eval()
        tokenizer = AutoTokenizer.from_pretrained(made.folder)
        inputs = tokenizer(*columns, truncation=True, padding=True, return_tensors="pt")
        assert inputs["input_ids"].shape[1] <= SHORT
        with torch.inference_mode():
            logits = loaded(**inputs).logits.numpy()
        before = predict(made.module, made.encoded, FLOAT32)
        np.testing.assert_allclose(logits, before, atol=1e-5)
        again = predict(load_classifier(made.folder), made.encoded, FLOAT32)
        np.testing.assert_array_equal(again, before)


def test_the_configuration_names_the_classes_and_no_place(text, tmp_path):
    for kind, model in models(text):
        examples = text.task.load("test", text.folder, 0)
        folder = export(model, text, examples, tmp_path / kind).folder
        config = json.loads((folder / "config.json").read_text())
        assert config["id2label"] == {"0": "fruit", "1": "tools", "2": "birds"}
        assert config["label2id"] == {"fruit": 0, "tools": 1, "birds": 2}
        assert config["problem_type"] == "single_label_classification"
        assert config["architectures"][0].endswith("ForSequenceClassification")
        names = {path.name for path in folder.iterdir()}
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= names
        assert not [name for name in names if name.endswith((".bin", ".pt", ".pkl"))]
        for path in folder.glob("*.json"):
            assert str(text.models) not in path.read_text(), path


def test_a_text_that_is_read_otherwise_is_counted(text, tmp_path):
    examples = text.task.load("test", text.folder, 0)
    made = export(text.model("bert"), text, examples, tmp_path / "bert")
    texts = list(examples.inputs["text"])
    changed = Examples(examples.ids, examples.labels, {"text": ["plum", *texts[1:]]})
    assert read_otherwise(made.folder, changed, made.encoded) == 1


@pytest.mark.parametrize("size", [None, 16], ids=["its own way", "stretched"])
def test_images_pass_through_the_processor_beside_the_model(images, tmp_path, size):
    """Its pixels may be a grey level away, which it rounds to; the model is the same."""
    examples = images.task.load("test", images.folder, 0)
    grey = (255 * np.asarray(examples.inputs["pixels"])).round().astype(np.uint8)[:, 0]
    exact = Examples(
        examples.ids, examples.labels, {"pixels": grey[:, None].astype(np.float32) / 255}
    )
    for kind in tiny_hub.IMAGES:
        model = images.model(kind, image_size=size)
        made = export(model, images, exact, tmp_path / kind)
        before = predict(made.module, made.encoded, FLOAT32)
        finished = model.finish(load_classifier(made.folder))
        np.testing.assert_array_equal(predict(finished, made.encoded, FLOAT32), before)
        loaded = AutoModelForImageClassification.from_pretrained(made.folder).eval()
        processor = AutoImageProcessor.from_pretrained(made.folder)
        pictures = [Image.fromarray(each).convert("RGB") for each in grey]
        with torch.inference_mode():
            logits = loaded(**processor(pictures, return_tensors="pt")).logits.numpy()
        np.testing.assert_allclose(logits, before, atol=0.05 * before.std())


def test_a_model_that_transformers_would_not_build_is_told_from_others(images, tmp_path):
    small = HubModel(images.models / "resnet", stem="small")
    for model in (ResNet((8,)), small):
        module = model.build(images.task, images.folder, 1)
        folder = tmp_path / model.name
        folder.mkdir()
        said = save_classifier(module, images.task.classes, folder)
        assert said == (
            "its ResNetForImageClassification has another "
            "resnet.embedder.embedder.convolution.weight"
        )
        assert [path.name for path in folder.iterdir()] == ["model.safetensors"]
    assert not ResNet((8,)).save_reader(images.folder, 0, tmp_path)
    assert "is none of its classifiers" in save_classifier(nn.Linear(2, 2), "ab", tmp_path)
