"""Images are read as the image processor of the model reads them, or the model is refused."""

import json
import shutil

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_images
from transformers import AutoImageProcessor

from trainers.errors import ModelError
from trainers.models import HubModel
from trainers.models.images import Preprocessing

#: What files say of which classes; what they leave out is the class's own.
DONE = {
    "vit": {"image_processor_type": "ViTImageProcessor"},
    "vit, of two sides": {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": 96, "width": 160},
    },
    "vit, nearest": {"image_processor_type": "ViTImageProcessor", "resample": 0},
    "vit, not rescaled": {"image_processor_type": "ViTImageProcessor", "do_rescale": False},
    "vit, not resized": {"image_processor_type": "ViTImageProcessor", "do_resize": False},
    "deit": {"image_processor_type": "DeiTImageProcessor"},
    "clip": {"image_processor_type": "CLIPImageProcessor"},
    "convnext": {"image_processor_type": "ConvNextImageProcessor"},
    "resnet": {"feature_extractor_type": "ConvNextFeatureExtractor", "size": 224},
    "efficientnet": {"image_processor_type": "EfficientNetImageProcessor"},
    "efficientnet, offset": {
        "image_processor_type": "EfficientNetImageProcessor",
        "rescale_factor": 1 / 127.5,
        "rescale_offset": True,
    },
    "beit": {"image_processor_type": "BeitImageProcessor"},
    "mobilenet": {"image_processor_type": "MobileNetV1ImageProcessor"},
    "poolformer": {"image_processor_type": "PoolFormerImageProcessor"},
}
SIDE = {"size": {"shortest_edge": 288}}


def declared(folder, said):
    """A folder of a model whose file says this of images."""
    (folder / "preprocessor_config.json").write_text(json.dumps(said))
    return folder


def photographs():
    """Wide ones and high ones, of three channels of whole grey levels."""
    wide = [image[60:300, 40:400] for image in load_sample_images().images]
    return [*wide, *(np.ascontiguousarray(image.transpose(1, 0, 2)) for image in wide)]


@pytest.mark.parametrize("name", DONE)
def test_photographs_are_what_the_class_makes_of_them(name, tmp_path):
    folder = declared(tmp_path, DONE[name])
    Preprocessing.check(folder, None)
    ours = Preprocessing.of(folder, None, torch.float32)
    processor = AutoImageProcessor.from_pretrained(folder)
    for image in photographs():
        theirs = processor(images=[image], return_tensors="pt")["pixel_values"]
        found = ours.apply(torch.tensor(image).permute(2, 0, 1)[None] / 255)
        assert found.shape == theirs.shape
        levels = (found - theirs).abs() * torch.tensor(ours.std)[:, None, None] * 255
        # The class rounds to whole levels, and cuts to 0 … 255 between its two directions.
        assert float(levels.mean()) < 0.5
        assert float(levels.quantile(0.999)) < (4 if ours.resampling == "bicubic" else 1.01)
        if ours.resampling == "nearest-exact" or ours.resize is None:
            assert float(levels.max()) < 0.01


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"resample": 1}, "the resampling lanczos"),
        ({"do_pad": True, "pad_size": {"height": 32, "width": 32}}, "a frame around images"),
        ({"do_center_crop": True, "crop_size": {"height": 32, "width": 32}}, "larger than the"),
        (SIDE | {"image_processor_type": "LevitImageProcessor"}, "what LevitImageProcessor"),
        (SIDE | {"image_processor_type": "MobileViTImageProcessor"}, "what MobileViTImageProc"),
        ({"image_processor_type": "None"}, "does not say how images are read"),
        ({"size": "large"}, "does not say how images are read"),
    ],
)
def test_images_that_a_model_would_see_otherwise_are_refused_at_load(said, why, images, tmp_path):
    folder = shutil.copytree(images.models / "vit", tmp_path / "vit")
    processor = folder / "preprocessor_config.json"
    declared(folder, json.loads(processor.read_text()) | said)
    with pytest.raises(ModelError, match=why) as refused:
        HubModel(folder).check(images.task, 64)
    assert str(processor) in str(refused.value)
    if "crop" in why or "larger" in why:
        HubModel(folder, image_size=16).check(images.task, 64)


def test_a_size_of_ones_own_leaves_crops_out_and_keeps_the_rest_of_the_class(tmp_path):
    folder = declared(tmp_path, DONE["clip"])
    Preprocessing.check(folder, 32)
    found = Preprocessing.of(folder, 32, torch.float32)
    assert (found.resize, found.crop, found.resampling) == ((32, 32), None, "bicubic")
    assert found.mean == (0.48145466, 0.4578275, 0.40821073)


def test_what_a_file_leaves_to_its_class_is_in_the_key_and_what_it_says_is_there_already(images):
    folder = images.models / "vit"
    assert Preprocessing.in_key(folder, None) == {}
    assert "images" not in HubModel(folder).specification()


@pytest.mark.parametrize("name", [name for name in DONE if name != "vit, not resized"])
def test_the_key_tells_how_a_file_is_read_that_was_read_otherwise(name, tmp_path):
    folder = declared(tmp_path, DONE[name])
    told = Preprocessing.in_key(folder, None)
    assert told["resize"] == Preprocessing.of(folder, None, torch.float32).resize
