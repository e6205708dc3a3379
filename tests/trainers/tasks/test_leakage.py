"""What is judged on and was seen: kept apart by carving, and named where the splits are given."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from trainers.tasks import ImageTask, Part, TextTask, banking77, glue, sst5, trec
from trainers.tasks.duplicates.clusters import clusters
from trainers.tasks.duplicates.near_duplicates import shingles, words
from trainers.tasks.elsewhere.leakage import twins
from trainers.tasks.elsewhere.survey import assign

HUB = Path(__file__).parents[3].parent / "shared" / "data" / "hub"
on_copies = pytest.mark.skipif(not HUB.is_dir(), reason=f"there are no copies in {HUB}")


def jaccard(one, other):
    return len(one & other) / len(one | other)


@given(
    st.lists(st.lists(st.sampled_from("abc"), min_size=1, max_size=9).map(" ".join), max_size=25),
    st.sampled_from([0.3, 0.5, 0.8, 1.0]),
)
def test_clusters_are_the_components_of_all_pairs_that_resemble_each_other(texts, threshold):
    """Against every pair, one by one."""
    sets = [shingles(text) for text in texts]
    expected = list(range(len(texts)))
    for i in range(len(texts)):
        for j in range(i):
            if jaccard(sets[i], sets[j]) >= threshold:
                old, new = expected[i], expected[j]
                expected = [new if k == old else k for k in expected]
    found = clusters(texts, threshold).tolist()
    pairs = [(i, j) for i in range(len(texts)) for j in range(i)]
    assert [found[i] == found[j] for i, j in pairs] == [
        expected[i] == expected[j] for i, j in pairs
    ]
    assert sorted(set(found)) == list(range(len(set(found))))


def split_into_files(folder, **rows):
    for split, texts in rows.items():
        labels = [i % 2 for i in range(len(texts))]
        pd.DataFrame({"text": texts, "label": labels}).to_csv(folder / f"{split}.csv", index=False)
    return TextTask(folder, vocabulary=300)


LONG = "the old house by the river was sold to a man from the north last winter"
TRAIN = ["A fine film!", "so it goes", LONG, "one more", "!", "and one", "the last of all"]


def test_copies_and_near_duplicates_are_named_with_their_rows(tmp_path):
    task = split_into_files(
        tmp_path,
        train=TRAIN,
        dev=["a new text here", "one more"],
        test=["something else", "a fine FILM", f"{LONG} again", "?", "a new text, here"],
    )
    assert task.remarks() == (
        "1 of 5 examples of test are copies of examples of train: test.csv, row 2 (like row 1 of "
        "train.csv)",
        "1 of 5 examples of test are near duplicates (80% of their runs of three words are the "
        "same) of examples of train: test.csv, row 3 (like row 3 of train.csv)",
        "1 of 2 examples of dev are copies of examples of train: dev.csv, row 2 (like row 4 of "
        "train.csv)",
        "1 of 5 examples of test are copies of examples of dev: test.csv, row 5 (like row 1 of "
        "dev.csv)",
    )


def test_of_many_the_first_are_named_and_the_others_counted(tmp_path):
    many = [f"number {i}" for i in range(25)]
    task = split_into_files(tmp_path, train=many, dev=["x", "y"], test=many[::-1])
    assert "rows 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 (like rows 25, 24" in task.remarks()[0]
    assert task.remarks()[0].endswith("; and 15 more")


def test_where_nothing_is_shared_nothing_is_said(tmp_path):
    task = split_into_files(tmp_path, train=TRAIN, dev=["x", "y"], test=["u v", "w"])
    assert task.remarks() == ()


def test_images_of_the_same_bytes_are_named(tmp_path):
    for i in range(12):
        folder = tmp_path / ("train", "dev", "test")[i % 3] / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), (0 if i in (0, 5) else i + 1, 0, 0)).save(folder / f"{i}.png")
    (remark,) = ImageTask(tmp_path, shape=(3, 4, 4)).remarks()
    assert remark.startswith("1 of 4 examples of test are copies of examples of train: 5.png")


@given(st.data())
def test_near_duplicates_are_carved_to_one_side_whatever_their_labels(data):
    from trainers.tasks.parts import carve

    n = data.draw(st.integers(20, 60))
    groups = np.array(data.draw(st.lists(st.integers(0, n), min_size=n, max_size=n)))
    singles = np.arange(n, n + 30)  # enough to fill up with
    groups = np.concatenate([groups, singles])
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=n, max_size=n)))
    labels = np.concatenate([labels, np.arange(30) % 3])
    digests = np.arange(len(groups), dtype=np.uint64)
    parts = {"test": Part("train", 6), "dev": Part("train", 3), "train": Part("train")}
    found = carve(digests, labels, groups, parts, ("a", "b", "c"), data.draw(st.integers(0, 99)))
    assert [len(found[split]) for split in ("test", "dev")] == [6, 3]
    assert sorted(np.concatenate(list(found.values())).tolist()) == list(range(len(groups)))
    sides = [set(groups[rows].tolist()) for rows in found.values()]
    assert sum(map(len, sides)) == len(set.union(*sides))


@pytest.fixture
def hub(monkeypatch, tmp_path):
    monkeypatch.setenv("ARMBENCH_DATA", str(HUB))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "nothing"))


def found_in(task, judged_on, seen, rows=None):
    """Copies, and all that are alike, of what is judged on."""
    source, survey = task.rows(), task._survey()
    rows = rows or assign(survey, task.parts, 0, task.name)
    groups = task.groups(source, survey.digests)
    alike = twins(groups, rows[judged_on], rows[seen], task.likeness(source))
    return sum(twin.likeness == 1 for twin in alike), len(alike)


@pytest.mark.sampled(test=3)
@on_copies
@pytest.mark.parametrize(
    ("task", "judged_on", "copies", "alike"),
    [
        (sst5(), "test", 2, 2),
        (sst5(), "dev", 3, 3),
        (trec(6), "test", 9, 9),
        (banking77(), "test", 22, 71),
        (glue("mrpc"), "test", 6, 43),
        (glue("cola"), "test", 0, 0),
        (glue("rte"), "test", 0, 0),
        (trec(50), "dev", 0, 0),
        (banking77(), "dev", 0, 0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_the_data_sets_of_the_hub_share_between_their_splits(
    hub, task, judged_on, copies, alike
):
    """Official splits share what they share; where one is carved nothing is shared."""
    assert found_in(task, judged_on, "train") == (copies, alike)
    assert len(task.remarks()) >= (copies > 0) + (alike > copies)


@on_copies
def test_a_test_set_of_cola_that_only_keeps_equal_texts_together_would_share_more(hub):
    """7 copies and 30 near duplicates, as carving was before."""
    task = glue("cola")
    survey = task._survey()
    equal = replace(survey, groups=np.unique(survey.digests, return_inverse=True)[1])
    rows = assign(equal, task.parts, 0, task.name)
    assert found_in(task, "test", "train", rows) == (7, 30)


@on_copies
def test_no_judged_sentence_is_in_the_corpus_of_sst5(hub, tmp_path):
    """Every one of three words or more, looked for word by word."""
    task = replace(sst5(), vocabulary=1000)
    task.prepare(tmp_path)
    told = {
        split: {" ".join(words(text)) for text in task.load(split, tmp_path, 0).inputs["text"]}
        for split in ("train", "dev", "test")
    }

    def said_in(lines, split):
        joined = "\n".join(f" {line} " for line in lines)
        return [t for t in told[split] if len(t.split()) > 2 and f" {t} " in joined]

    corpus = [" ".join(words(line)) for line in task.corpus(tmp_path)]
    assert [len(said_in(corpus, split)) for split in ("dev", "test")] == [0, 0]
    assert [len(said_in(told["train"], split)) for split in ("dev", "test")] == [4, 2]
    assert len(corpus) == 8544 - 16


def test_pairs_with_a_judged_sentence_are_not_pre_trained_on(tmp_path):
    common = "the premise that both of them share"
    for split, first in (("train", common), ("dev", "another one of them"), ("test", common)):
        rows = [(first, f"hypothesis {i} {split}", i % 2) for i in range(3)]
        rows += [(f"one of its own {split} {i}", f"so {split} {i}", i % 2) for i in range(3)]
        table = pd.DataFrame(rows, columns=["a", "b", "label"])
        table.to_csv(tmp_path / f"{split}.csv", index=False)
    task = TextTask(tmp_path, text=("a", "b"), vocabulary=300)
    (tmp_path / "p").mkdir()
    task.prepare(tmp_path / "p")
    corpus = list(task.corpus(tmp_path / "p"))
    assert len(corpus) == 3
    assert not re.search(common, "\n".join(corpus))
