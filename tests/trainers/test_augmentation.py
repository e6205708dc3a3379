"""Augmented images: what they are, that arms of a seed see the same ones, and dev never does."""

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from trainers.errors import SettingsError
from trainers.inputs.augmentation import Augmentation, _rotated
from trainers.loop import Fit
from trainers.methods import LS, Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.steps.predicting import predict
from trainers.tasks import Digits

MODEL = ResNet((4,))
TRAINING = Training(epochs=2, batch_size=16, lr=1e-3, device="cpu", precision="float32")
AUGMENTED = replace(TRAINING, augmentation=Augmentation(padding=1, rotation=15))


@dataclass(frozen=True)
class Watching(LS):
    """Label smoothing that keeps what it was shown, and draws numbers of its own."""

    name: ClassVar[str] = "watching"
    shown: list = field(default_factory=list, compare=False)

    def loss(self, step):
        torch.rand(3, generator=step.generator)
        self.shown.append((step.inputs["pixel_values"].clone(), step.labels.clone()))
        return super().loss(step)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    task, folder = Digits(digits=(0, 1, 2), train=30, dev=30, test=30), tmp_path_factory.mktemp("d")
    task.prepare(folder)
    sets = [MODEL.encode(task.load(s, folder, 0), folder, 8) for s in ("train", "dev")]
    return task, folder, *sets


def shown(digits, training, epsilon=0.1, seed=1):
    task, folder, train, dev = digits
    method = Watching(epsilon)
    fit = Fit(MODEL.build(task, folder, seed), method, train, dev, training, seed)
    fit.run(None)
    return method.shown, fit


def test_a_crop_is_a_piece_of_the_padded_image_and_every_piece_occurs():
    images = torch.rand(600, 2, 5, 6, generator=torch.Generator().manual_seed(0))
    images[:] = images[0]
    seen = Augmentation(padding=1).apply(images, black=-1, seed=3, step=0)
    padded = F.pad(images[0], (1, 1, 1, 1), value=-1)
    pieces = [padded[:, y : y + 5, x : x + 6] for y in range(3) for x in range(3)]
    pieces += [piece.flip(-1) for piece in pieces]
    counts = [sum(torch.equal(image, piece) for image in seen) for piece in pieces]
    assert sum(counts) == 600
    # Eighteen equally likely pieces: 33 of each on average, with a standard deviation of 5.6.
    assert min(counts) > 10
    assert max(counts) < 60


def test_a_sure_flip_is_the_mirror_image():
    images = torch.rand(3, 1, 4, 4)
    seen = Augmentation(padding=0, flip=1.0).apply(images, 0, seed=1, step=1)
    assert torch.equal(seen, images.flip(-1))


def test_rotations_turn_about_the_centre_and_leave_black_corners():
    images = torch.rand(2, 3, 6, 6)
    quarter = _rotated(images, np.full(2, np.pi / 2), -1)
    assert torch.equal(quarter, images.rot90(1, (2, 3))) or torch.equal(
        quarter, images.rot90(-1, (2, 3))
    )
    wide = torch.rand(2, 3, 4, 8)
    torch.testing.assert_close(_rotated(wide, np.full(2, np.pi), -1), wide.flip(-1, -2))
    eighth = _rotated(images, np.full(2, np.pi / 4), -1)
    assert (eighth[:, :, [0, 0, -1, -1], [0, -1, 0, -1]] == -1).all()
    assert torch.isin(eighth[:, :, 2:4, 2:4], images).all()


def test_arms_of_one_seed_see_the_same_pixels_and_other_seeds_see_others(digits):
    one, _ = shown(digits, AUGMENTED)
    arm, _ = shown(digits, replace(AUGMENTED, lr=5e-3), epsilon=0.3)
    other, _ = shown(digits, AUGMENTED, seed=2)
    assert len(one) == 4
    for (pixels, labels), (same, same_labels) in zip(one, arm, strict=True):
        assert torch.equal(pixels, same)
        assert torch.equal(labels, same_labels)
    assert not torch.equal(one[0][0], other[0][0])
    assert not torch.equal(one[0][0], one[2][0])


def test_an_arm_without_augmentation_sees_the_same_batches_as_they_are(digits):
    augmented, _ = shown(digits, AUGMENTED)
    plain, _ = shown(digits, TRAINING)
    train = digits[2].dense["pixel_values"]
    for (pixels, labels), (changed, same_labels) in zip(plain, augmented, strict=True):
        assert torch.equal(labels, same_labels)
        assert not torch.equal(pixels, changed)
        assert all(any(np.array_equal(image, row) for row in train) for image in pixels.numpy())


def test_dev_is_scored_as_it_is(digits):
    task, folder, train, dev = digits
    fit = Fit(MODEL.build(task, folder, 1), Base(), train, dev, AUGMENTED, seed=1)
    trained = fit.run(None)
    assert np.array_equal(trained.logits["dev"], predict(trained.model, dev, TRAINING))


def test_free_pixels_are_black_whatever_a_model_calls_black(digits):
    train = digits[2]
    assert train.padding["pixel_values"] == train.dense["pixel_values"].min() == -1
    moved = replace(TRAINING, epochs=1, augmentation=Augmentation(padding=8, flip=0.0))
    seen = torch.cat([pixels for pixels, _ in shown(digits, moved)[0]])
    assert seen.min() == -1
    assert (seen == -1).flatten(1).all(1).any()  # moved out of sight altogether


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"padding": -1}, "whole number of pixels"),
        ({"padding": 1.5}, "whole number of pixels"),
        ({"flip": 2.0}, "probability"),
        ({"rotation": 200.0}, "angle"),
        ({"padding": 0, "flip": 0.0}, "nothing would be changed"),
    ],
)
def test_what_cannot_be_is_refused(fields, message):
    with pytest.raises(SettingsError, match=message):
        Augmentation(**fields)


def test_text_and_teachers_are_refused():
    with pytest.raises(SettingsError, match="for images"):
        AUGMENTED.check("text", taught=False)
    with pytest.raises(SettingsError, match="as they are"):
        AUGMENTED.check("images", taught=True)
    AUGMENTED.check("images", taught=False)
    TRAINING.check("text", taught=True)
