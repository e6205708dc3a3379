"""What a plan shows of the data: classes with their counts by split, and what splits share."""

import pandas as pd
import pytest

from benchmark.checks.class_table import class_table
from benchmark.cli import main
from trainers.tasks import Digits, Docstrings, Part, TextTask

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Part, TextTask

study = Study(
    name="reviews",
    task=TextTask("data", vocabulary=300),
    arms=Arm.grid(Bert(layers=1, width=16), "scratch", [Base(), LS()]),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=1.0),
    seeds=(1, 2),
    allow_underpowered=True,
    training=Training(epochs=1, max_length=16, device="cpu", precision="float32"),
)
"""


def cells(table):
    return list(zip(*(column.cells for column in table.columns), strict=True))


def shown(*tasks):
    return [" | ".join(map(str, row)) for row in cells(class_table(tasks))]


def write(folder, counts, name="train"):
    """A file with so many examples of each class."""
    labels = [label for label, count in counts.items() for _ in range(count)]
    texts = [f"{name} {label} {i}" for i, label in enumerate(labels)]
    folder.mkdir(exist_ok=True)
    pd.DataFrame({"text": texts, "label": labels}).to_csv(folder / f"{name}.csv", index=False)
    return folder


def test_every_class_has_a_row_with_its_counts(tmp_path):
    write(tmp_path, {"neg": 1200, "pos": 600})
    task = TextTask(tmp_path, dev=Part("train", 30), test=Part("train", 60), name="t")
    assert shown(task) == ["t | neg | 1,140 | 20 | 40", "t | pos | 570 | 10 | 20"]


def test_balanced_classes_share_a_row():
    assert shown(Digits(), Docstrings()) == [
        "digits/56789 | each of 5 | 20 | 30 | 80",
        "docstrings/package | each of 8 | 300 | 100 | 200",
    ]


def test_of_many_classes_the_last_share_a_row(tmp_path):
    write(tmp_path, {f"c{k:02}": 10 + 10 * k for k in range(20)})
    task = TextTask(tmp_path, dev=Part("train", 0.1), test=Part("train", 0.2), name="t")
    rows = shown(task)
    assert len(rows) == 12
    assert rows[0] == "t | c00 | 7 | 1 | 2"
    assert rows[-1] == "t | 9 others, each | 84 to 140 | 12 to 20 | 24 to 40"


def test_a_plan_shows_classes_and_names_what_test_shares_with_train(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("train", "dev", "test"):
        write(tmp_path / "data", {"neg": 4, "pos": 2}, name)
    test = pd.read_csv("data/test.csv")
    test.loc[4, "text"] = "Train NEG 2"
    test.to_csv("data/test.csv", index=False)
    (tmp_path / "study.py").write_text(STUDY)
    assert main(["plan", "study.py", "--store", "runs"]) == 0
    said = capsys.readouterr().out
    assert next(line.split() for line in said.splitlines() if " neg " in f"{line} ") == [
        *("data", "neg", "4", "4", "4")
    ]
    copied = "1 of 6 examples of test are copies of examples of train"
    assert f"Note: data: {copied}: test.csv, row 5 (like row 3 of train.csv)." in said


@pytest.mark.parametrize("task", [Digits(train=10**7), Digits(test=2000), Digits(dev=10**6)])
def test_more_images_than_there_are_is_one_sentence(task):
    (need,) = task.requirements()
    assert "examples of each class, but there are: 5 " in need.where
    assert "\n" not in need.where
