"""Parts of a split: disjoint, repeatable, and drawn by content rather than by position."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainers.errors import TaskError
from trainers.tasks.parts import Part, carve

CLASSES = ("a", "b", "c")


def drawn(digests, labels, parts, classes, seed):
    """What is carved where copies stay together, and nothing else does."""
    groups = np.unique(digests, return_inverse=True)[1]
    return carve(digests, labels, groups, parts, classes, seed)


@st.composite
def splits(draw):
    """Digests and labels of a split with copies, and three parts that fit into it."""
    labels = np.array(draw(st.lists(st.integers(0, 2), min_size=12, max_size=60)), np.int64)
    copies = draw(st.integers(0, 5))
    digests = np.arange(len(labels), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    digests[:copies] = digests[0]
    parts = {
        "test": Part("train", draw(st.integers(1, 3))),
        "dev": Part("train", draw(st.sampled_from([1, 2, 0.1, 0.2]))),
        "train": Part("train"),
    }
    return digests, labels, parts


@given(splits(), st.integers(0, 2**31))
def test_parts_are_disjoint_and_leave_nothing(split, seed):
    digests, labels, parts = split
    found = drawn(digests, labels, parts, CLASSES, seed)
    everything = np.concatenate(list(found.values()))
    assert sorted(everything.tolist()) == list(range(len(labels)))
    for name in ("test", "dev"):
        size = parts[name].size
        assert len(found[name]) == (round(size * len(labels)) if size < 1 else size)


@given(splits(), st.integers(0, 2**31))
def test_no_example_is_in_one_part_and_its_copy_in_another(split, seed):
    digests, labels, parts = split
    found = drawn(digests, labels, parts, CLASSES, seed)
    where = {}
    for name, rows in found.items():
        for content in digests[rows].tolist():
            assert where.setdefault(content, name) == name


@given(splits(), st.integers(0, 2**31), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(split, seed, shuffle):
    digests, labels, parts = split
    moved = np.array(shuffle.sample(range(len(labels)), len(labels)))
    one = drawn(digests, labels, parts, CLASSES, seed)
    two = drawn(digests[moved], labels[moved], parts, CLASSES, seed)
    for name in parts:
        assert sorted(digests[one[name]]) == sorted(digests[moved][two[name]])


def test_only_the_seed_changes_what_is_drawn():
    digests, labels = np.arange(300, dtype=np.uint64), np.arange(300) % 3
    parts = {"test": Part("train", 30), "train": Part("train")}
    found = [drawn(digests, labels, parts, CLASSES, seed)["test"].tolist() for seed in (1, 1, 2)]
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_the_training_size_does_not_change_what_is_judged_on():
    digests, labels = np.arange(300, dtype=np.uint64), np.arange(300) % 3
    small, large = (
        drawn(digests, labels, {"test": Part("t", 30), "train": Part("t", n)}, CLASSES, 0)
        for n in (60, 150)
    )
    assert small["test"].tolist() == large["test"].tolist()
    assert set(small["train"]) < set(large["train"])


def test_classes_keep_their_proportions_or_get_equally_many():
    labels = np.repeat([0, 1, 2], [70, 20, 10])
    digests = np.arange(100, dtype=np.uint64)
    shares = drawn(digests, labels, {"dev": Part("train", 0.1)}, CLASSES, 0)["dev"]
    assert np.bincount(labels[shares]).tolist() == [7, 2, 1]
    equal = drawn(digests, labels, {"dev": Part("train", 5, per_class=True)}, CLASSES, 0)["dev"]
    assert np.bincount(labels[equal]).tolist() == [5, 5, 5]


def test_draws_are_spread_evenly():
    """In 4,000 seeds, each of ten examples is drawn about 400 times."""
    digests, labels = np.arange(10, dtype=np.uint64), np.zeros(10, np.int64)
    counts = np.zeros(10)
    for seed in range(4_000):
        counts[drawn(digests, labels, {"dev": Part("t", 1)}, ("a",), seed)["dev"]] += 1
    chi_square = ((counts - 400) ** 2 / 400).sum()
    assert chi_square < 27.9  # the .999 quantile at 9 degrees of freedom


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Part("train", 11, per_class=True), 'needs 11 examples of class "c", and 10 are left'),
        (Part("train", 3, per_class=True), "which are not divided between parts"),
    ],
)
def test_what_cannot_be_drawn_is_refused(part, message):
    labels = np.repeat([0, 1, 2], [70, 20, 10])
    digests = np.arange(100, dtype=np.uint64)
    digests[90:] = [5000] * 5 + [6000] * 5
    with pytest.raises(TaskError, match=re.escape(message)):
        drawn(digests, labels, {"dev": part}, CLASSES, 0)


@pytest.mark.parametrize("size", [0, -1, 1.0, 1.5, True, "10"])
def test_a_size_out_of_range_is_refused(size):
    with pytest.raises(TaskError, match="whole number of at least 1"):
        Part("train", size)


def test_a_share_of_every_class_is_refused():
    with pytest.raises(TaskError, match="without per_class"):
        Part("train", 0.1, per_class=True)
