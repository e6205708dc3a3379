"""Which labels are one class: the same rule for every format, and what is no class at all."""

import re
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from trainers.errors import TaskError
from trainers.tasks import ImageTask, Part, TextTask
from trainers.tasks.elsewhere.reading.class_labels import name_of

PARTS = {"dev": Part("train", 4), "test": Part("train", 4)}
WORDS = np.random.default_rng(0).permutation(1000)


def task_of(labels, ending, folder, **fields):
    """A task on texts of random words with these labels, over and over, in a file of that kind."""
    rows = 24 // len(labels) * len(labels)
    table = {
        "text": [" ".join(f"w{WORDS[(7 * i + k) % 1000]}" for k in range(5)) for i in range(rows)],
        "label": list(labels) * (rows // len(labels)),
    }
    path = folder / f"data{ending}"
    if ending == ".parquet":
        parquet.write_table(pa.table(table), path)
    elif ending == ".csv":
        pd.DataFrame(table, dtype=object).to_csv(path, index=False)
    else:
        pd.DataFrame(table, dtype=object).to_json(path, orient="records", lines=True)
    return TextTask(path, **(PARTS | fields))


def found(task):
    return [task.classes[k] for k in task._survey().labels]


NUMBERS = {"0": 0, "0.0": 0, "-0": 0, "00": 0, "0e0": 0, "1": 1, "1.0": 1, "1e0": 1, "+1": 1}
SPELLINGS = NUMBERS | {
    " 1": 1,
    "1 ": 1,
    "01": 1,
    "\u00a01": 1,
    "１": 1,
    "1.": 1,
    "10e-1": 1,
    "٠": 0,
}


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
def test_a_whole_number_is_one_class_however_it_is_spelt(ending, tmp_path):
    task = task_of(SPELLINGS, ending, tmp_path)
    assert task.classes == ("0", "1")
    assert found(task)[: len(SPELLINGS)] == [str(value) for value in SPELLINGS.values()]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([True, False], ("0", "1")),
        ([1.0, 0.0, 2.0], ("0", "1", "2")),
        ([10, 9, -1], ("-1", "9", "10")),
        (["True", "false", "true"], ("0", "1")),
        (["neg", " neg", "pos ", "pos\u00a0", "\ufeffneg"], ("neg", "pos")),
        (["cafe\u0301", "caf\u00e9", "tea"], ("caf\u00e9", "tea")),
        (["ｎｅｇ", "neg", "pos"], ("neg", "pos")),
        (["two  stars", "two\u2009stars", "one star"], ("one star", "two stars")),
        (["1", "1.0", "other"], ("1", "other")),
        (["true", "half-true", "false"], ("false", "half-true", "true")),
        (["1,000", "1"], ("1", "1,000")),
    ],
)
def test_the_classes_are_the_same_from_every_format(labels, classes, ending, tmp_path):
    assert task_of(labels, ending, tmp_path).classes == classes


@pytest.mark.parametrize(
    "labels",
    [
        pa.array(["1", "0", "1.0"]).dictionary_encode(),
        pa.array([True, False, True]),
        pa.array([1.0, 0.0, 1.0], pa.float32()),
        pa.array([1, 0, 1], pa.uint8()),
        pa.array([Decimal("1.00"), Decimal("0"), Decimal("1")]),
        pa.array(["1", "0", "true"], pa.large_string()),
    ],
    ids=str,
)
def test_numbers_of_every_type_are_the_same_classes(labels, tmp_path):
    texts = [f"text {WORDS[i]} of {WORDS[i + 100]}" for i in range(24)]
    path = tmp_path / "data.parquet"
    parquet.write_table(pa.table({"text": texts, "label": pa.concat_arrays([labels] * 8)}), path)
    task = TextTask(path, **PARTS)
    assert task.classes == ("0", "1")
    assert found(task)[:3] == ["1", "0", "1"]


def test_splits_of_several_types_share_their_classes(tmp_path):
    texts = [f"text {number}" for number in WORDS[:12]]
    parquet.write_table(pa.table({"text": texts, "label": [1, 0] * 6}), tmp_path / "train.parquet")
    (tmp_path / "dev.jsonl").write_text('{"text": "a b", "label": true}\n')
    (tmp_path / "test.csv").write_text("text,label\nc d,1.0\n")
    task = TextTask(tmp_path)
    assert task.classes == ("0", "1")
    assert found(task)[-2:] == ["1", "1"]


@given(st.integers(-(10**17), 10**17), st.sampled_from(["{}", "{}.0", " {} ", "{}e0", "{}.00"]))
def test_a_spelling_keeps_the_value(value, spelling):
    assert name_of(spelling.format(value)).value == value


@given(st.text())
def test_a_name_is_its_own_name(text):
    name = name_of(text).key
    assert name_of(name).key == name


CASES = [
    (["neg", "pos", "Neg"], r'data\.\w+, column "label": labels differ in case alone: "neg" '),
    (
        ["0.5", "1", "0"],
        r'row 1, column "label": .* not a whole one; it reads "0\.5"\. .*give each',
    ),
    (["2,5", "1", "0"], r"row 1, .* not a whole one"),
    (["good", "1.5", "bad"], r"row 2, .* not a whole one"),
    ([0.25, 1.0, 0.0], r"row 1, .* not a whole one"),
    (["a", "nan", "b"], r'row 2, .*missing values are; it reads "nan".*class_names='),
    (["a", "b", "None"], r"row 3, .*missing values are"),
    (["a", "b", " \u200b"], r"row 3, .*the label is empty"),
]


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet"])
@pytest.mark.parametrize(("labels", "message"), CASES)
def test_what_is_no_class_is_refused_with_its_row(labels, message, ending, tmp_path):
    (need,) = task_of(labels, ending, tmp_path).requirements()
    assert re.search(message, need.where)


def test_numbers_that_are_not_whole_are_refused_where_classes_are_named(tmp_path):
    task = task_of(["0.5", "1", "0"], ".csv", tmp_path, class_names=("0", "1"))
    assert "not a whole one" in task.requirements()[0].where
    for names in (("0", "0.5"), (0, 0.5)):
        with pytest.raises(TaskError, match=r'class_names: the class "0\.5" is not a whole number'):
            task_of(["0", "1"], ".csv", tmp_path, class_names=names)


def test_lists_are_no_labels(tmp_path):
    (need,) = task_of([[1, 2], [3]], ".parquet", tmp_path).requirements()
    assert "it holds list" in need.where
    assert "a word or a whole number" in need.where


def test_named_classes_settle_what_case_means_and_what_is_missing(tmp_path):
    mixed = ["neg", "POS", "Neg", "pos"]
    one = task_of(mixed, ".csv", tmp_path, class_names=("pos", "neg"))
    assert found(one)[:4] == ["neg", "pos", "neg", "pos"]
    several = task_of(["us", "US"], ".csv", tmp_path, class_names=("US", "us"))
    assert found(several)[:2] == ["us", "US"]
    none = task_of(["none", "some"], ".csv", tmp_path, class_names=("some", "none"))
    assert found(none)[:2] == ["none", "some"]


@pytest.mark.parametrize(
    ("names", "labels", "expected"),
    [
        ((1, 0), ["true", "false"], ["1", "0"]),
        (("1", "0"), ["1.0", "0.0"], ["1", "0"]),
        (("no", "yes"), [True, False], ["yes", "no"]),
        (("no", "yes"), ["1.0", "0"], ["yes", "no"]),
        ((False, True), [1, 0], ["True", "False"]),
        ((0.0, 1.0), ["1", "0"], ["1", "0"]),
    ],
)
def test_labels_are_values_of_named_classes_or_their_positions(names, labels, expected, tmp_path):
    assert found(task_of(labels, ".parquet", tmp_path, class_names=names))[:2] == expected


@pytest.mark.parametrize("names", [("0", "0.0"), ("neg", "neg "), ("caf\u00e9", "cafe\u0301")])
def test_one_class_is_not_named_twice(names):
    with pytest.raises(TaskError, match="are one class; name each class once"):
        TextTask("nowhere.csv", class_names=names)


def test_folders_of_images_are_classes_by_the_same_rule(tmp_path):
    for i in range(24):
        folder = tmp_path / ("cat", "dog", "Cat")[i % 3]
        folder.mkdir(exist_ok=True)
        Image.new("RGB", (4, 4), (i, 0, 0)).save(folder / f"{i}.png")
    task = ImageTask(tmp_path, shape=(3, 4, 4), **PARTS)
    assert "differ in case alone" in task.requirements()[0].where
    named = ImageTask(tmp_path, shape=(3, 4, 4), class_names=("cat", "dog"), **PARTS)
    assert np.bincount(named._survey().labels).tolist() == [16, 8]
