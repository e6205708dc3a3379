"""The paper's data sets, read from real copies in the hub's layout."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score, matthews_corrcoef

from trainers import metrics
from trainers.tasks import FewRel, Part, banking77, cifar100, glue, sst5, trec
from trainers.tasks.elsewhere.places import CORRECT

HUB = Path(__file__).parents[3].parent / "shared" / "data" / "hub"
pytestmark = pytest.mark.skipif(not HUB.is_dir(), reason=f"there are no copies in {HUB}")

#: A share of FewRel is there: 137 to 406 instances of each class, in a configuration of its own.
FEW_REL = FewRel(
    config="train_wiki_part",
    train=Part("train", 100, per_class=True),
    dev=Part("train", 18, per_class=True),
    test=Part("train", 18, per_class=True),
    vocabulary=1000,
)


@pytest.fixture(autouse=True)
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("ARMBENCH_DATA", str(HUB))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def prepared(task, folder, seed=0):
    task.prepare(folder)
    return {split: task.load(split, folder, seed) for split in task.sizes}


@pytest.mark.parametrize(
    ("task", "sizes", "classes"),
    [
        (sst5(), (8544, 1101, 2210), 5),
        (trec(6), (4952, 500, 500), 6),
        (trec(50), (4952, 500, 500), 50),
        (banking77(), (9003, 1000, 3080), 77),
        (glue("cola"), (7508, 1043, 1043), 2),
        (glue("sst2"), (66477, 872, 872), 2),
        (glue("mrpc"), (3668, 408, 1725), 2),
        (glue("rte"), (2213, 277, 277), 2),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_sizes_and_classes_are_those_of_the_data_set(task, sizes, classes):
    assert task.requirements() == ()
    assert tuple(task.sizes[split] for split in ("train", "dev", "test")) == sizes
    assert len(task.classes) == classes


def test_sst5_is_the_official_split_with_its_balance(tmp_path):
    found = prepared(replace(sst5(), vocabulary=1000), tmp_path)
    balance = Counter(found["train"].labels.tolist())
    # Socher et al. 2013, train: 1,092, 2,218, 1,624, 2,322, 1,288
    assert [balance[k] for k in range(5)] == [1092, 2218, 1624, 2322, 1288]
    assert found["test"].inputs["text"][0] == "Effective but too-tepid biopic"


def test_a_carved_test_set_keeps_the_proportions_and_shares_no_text_with_train(tmp_path):
    found = prepared(replace(glue("cola"), vocabulary=1000), tmp_path)
    shares = {split: examples.labels.mean() for split, examples in found.items()}
    assert abs(shares["test"] - shares["train"]) < 0.001
    pairs = {
        split: set(zip(e.inputs["text"], e.labels.tolist(), strict=True))
        for split, e in found.items()
    }
    assert not pairs["test"] & pairs["train"]


@pytest.mark.slow
def test_few_rel_is_split_anew_by_every_seed(tmp_path):
    found = prepared(FEW_REL, tmp_path, seed=42)
    assert {split: len(examples) for split, examples in found.items()} == {
        "train": 6400,
        "dev": 1152,
        "test": 1152,
    }
    assert set(Counter(found["train"].labels.tolist()).values()) == {100}
    ids = [set(examples.ids.tolist()) for examples in found.values()]
    assert len(set.union(*ids)) == 6400 + 2 * 1152
    other = FEW_REL.load("test", tmp_path, 549)
    assert other.ids.tolist() != found["test"].ids.tolist()
    again = FEW_REL.load("test", tmp_path, 42)
    assert again.ids.tolist() == found["test"].ids.tolist()


def test_few_rel_text_ends_with_head_and_tail_or_marks_both(tmp_path):
    for form in ("concatenation", "markers"):
        (tmp_path / form).mkdir()
    plain = prepared(FEW_REL, tmp_path / "concatenation", 1)["dev"]
    marked = prepared(replace(FEW_REL, form="markers"), tmp_path / "markers", 1)["dev"]
    assert all(text.count(" $") + text.startswith("$") >= 2 for text in marked.inputs["text"])
    assert len(plain) == len(marked)


def test_cifar_images_are_those_of_their_classes(tmp_path):
    task = cifar100()
    found = prepared(task, tmp_path)
    assert {split: len(examples) for split, examples in found.items()} == {
        "train": 9000,
        "dev": 1000,
        "test": 2000,
    }
    assert (task.classes[0], task.classes[-1]) == ("apple", "worm")
    assert found["train"].inputs["pixels"].shape == (9000, 3, 32, 32)
    assert set(Counter(found["dev"].labels.tolist()).values()) == {10}


@pytest.mark.parametrize(
    ("task", "theirs"),
    [
        (glue("cola"), lambda y, p: matthews_corrcoef(y, p)),
        (glue("mrpc"), lambda y, p: f1_score(y, p)),
        (glue("rte"), lambda y, p: (y == p).mean()),
        (trec(50), lambda y, p: (y == p).mean()),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_the_metric_is_scikit_learns_on_real_labels(task, theirs, tmp_path):
    """Of guesses that are right two times in three."""
    labels = prepared(replace(task, vocabulary=1000), tmp_path)["test"].labels
    draws = np.random.default_rng(0)
    logits = draws.normal(size=(len(labels), len(task.classes)))
    logits[np.arange(len(labels)), labels] += 1.5
    ours = metrics.score(task.metric, logits, labels)
    assert ours == pytest.approx(100 * theirs(labels, logits.argmax(-1)), abs=1e-9)


def test_what_the_copies_lack_is_said_with_the_command():
    for task in (glue("qqp"), FewRel()):
        (needed,) = task.requirements()
        assert needed.get.startswith("bench fetch")
        assert needed.files
    (needed,) = glue("qnli").requirements()
    assert 'there is no split "train" among validation' in needed.where
    assert needed.get == CORRECT
