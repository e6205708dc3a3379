"""Handwritten digits."""

import re
from collections import Counter
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from trainers.errors import TaskError
from trainers.tasks import Digits

SPLITS = ("train", "dev", "test")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prepared = tmp_path_factory.mktemp("digits")
    Digits().prepare(prepared)
    return prepared


@pytest.mark.parametrize("digits", [(5, 6, 7, 8, 9), (0, 1, 2, 3, 4), (9, 3)])
def test_images_are_balanced_and_in_the_shape_of_a_vision_model(folder, digits):
    task = Digits(digits=digits, train=50, dev=80, test=120)
    for split, size in task.sizes.items():
        examples = task.load(split, folder, 0)
        pixels = examples.inputs["pixels"]
        assert pixels.shape == (size, 1, 8, 8)
        assert pixels.dtype == np.float32
        assert pixels.min() == 0
        assert pixels.max() == 1
        assert Counter(examples.labels.tolist()) == dict.fromkeys(
            range(len(digits)), size // len(digits)
        )


def test_images_and_labels_are_those_of_scikit_learn(folder):
    source = load_digits()
    examples = Digits(digits=(7, 1), test=100).load("dev", folder, 0)
    assert np.array_equal(examples.inputs["pixels"][:, 0] * 16, source.images[examples.ids])
    assert np.array_equal(np.array([7, 1])[examples.labels], source.target[examples.ids])


@pytest.mark.parametrize("splits", ["fixed", "per_seed"])
def test_no_image_is_in_two_splits(folder, splits):
    task = Digits(splits=splits)
    ids = [set(task.load(split, folder, 3).ids.tolist()) for split in SPLITS]
    assert len(set.union(*ids)) == sum(task.sizes.values())


def test_the_source_task_shares_no_image_with_the_target(folder):
    one = Digits(digits=(0, 1, 2, 3, 4), train=300).load("train", folder, 0)
    two = Digits().load("test", folder, 0)
    assert not set(one.ids) & set(two.ids)


def test_the_training_size_does_not_change_the_test_split(folder):
    small, large = Digits(train=50), Digits(train=250)
    assert np.array_equal(small.load("test", folder, 0).ids, large.load("test", folder, 0).ids)
    assert set(small.load("train", folder, 0).ids) < set(large.load("train", folder, 0).ids)


def test_only_per_seed_splits_depend_on_the_seed(folder):
    def drawn(task: Digits, seed: int) -> list[int]:
        return task.load("train", folder, seed).ids.tolist()

    assert drawn(Digits(), 1) == drawn(Digits(), 2)
    varied = Digits(splits="per_seed")
    assert drawn(varied, 1) != drawn(varied, 2)
    assert drawn(varied, 1) == drawn(varied, 1)


def test_the_fingerprint_is_of_the_data_and_the_specification_of_the_examples():
    one, two = Digits(), Digits(digits=(0, 1))
    assert one.fingerprint() == two.fingerprint()
    assert one.specification() != two.specification()
    assert one.name == "digits/56789"


def test_too_large_a_size_is_refused_with_the_count_of_every_digit(folder):
    with pytest.raises(TaskError, match=r"after test=400, after dev=150: train=.*5 72,") as error:
        Digits(train=600).load("train", folder, 0)
    largest = int(re.search(r"train=(\d+)\.$", str(error.value))[1])
    assert len(Digits(train=largest).load("train", folder, 0)) == largest


def test_a_missing_scikit_learn_is_named_with_the_command(monkeypatch):
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(TaskError, match="pip install"):
        Digits().fingerprint()


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"digits": (1,)}, "at least two different digits"),
        ({"digits": (1, 1)}, "at least two different digits"),
        ({"digits": (9, 10)}, "from 0 to 9"),
        ({"splits": "random"}, '"fixed", "per_seed"'),
        ({"train": 101}, "100 or 105"),
    ],
)
def test_a_wrong_field_is_refused_with_the_way_out(fields, message):
    with pytest.raises(TaskError, match=re.escape(message)):
        Digits(**fields)


def test_there_is_no_text_to_pretrain_on(folder):
    with pytest.raises(TaskError, match="other digits"):
        Digits().corpus(folder)
