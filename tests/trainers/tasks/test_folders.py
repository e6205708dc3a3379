"""Folders as people have them: what is hidden, links that lead nowhere, and names of splits."""

import os
import re
from dataclasses import replace

import pandas as pd
import pytest
from PIL import Image

from trainers.errors import TaskError
from trainers.tasks import ImageTask, Part, Texts, TextTask
from trainers.tasks.elsewhere.reading.layout import wanted

CARVED = {"dev": Part("train", 4), "test": Part("train", 4)}
HIDDEN = (
    *(".ipynb_checkpoints", "__MACOSX", ".git", ".cache/huggingface", "__pycache__"),
    *("$RECYCLE.BIN", "@eaDir", ".Trash-1000", "System Volume Information", "lost+found"),
    *(".Trashes", ".Spotlight-V100", "#recycle", "@Recycle", "RECYCLER", "Thumbs.db"),
)


def image(path, brightness=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (brightness, 0, 0)).save(path)


def table(path, rows=12):
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{path.stem} text {i} of {path.parent.name},{i % 2}" for i in range(rows)]
    path.write_text("\n".join(["text,label", *lines]))


@pytest.fixture(params=["", "train/"])
def images(request, tmp_path):
    """24 images of two classes, below a folder for the split or not."""
    for i in range(24):
        image(tmp_path / f"{request.param}{'ab'[i % 2]}" / f"{i}.png", i)
    return ImageTask(tmp_path, shape=(3, 4, 4), **CARVED)


@pytest.mark.parametrize("hidden", HIDDEN)
def test_hidden_folders_of_images_are_no_classes_and_no_splits(images, hidden):
    before = images.fingerprint()
    for place in (hidden, f"a/{hidden}", f"train/{hidden}", f"{hidden}/a"):
        image(images.data / place / "1.png")
    assert images.classes == ("a", "b")
    assert images.fingerprint() == before
    assert images.requirements() == images.inspect() == ()


@pytest.mark.parametrize(
    "name", ["._3.png", ".hidden.png", "Thumbs.db", "Desktop.ini", ".DS_Store", "__x.png"]
)
def test_hidden_files_are_no_images(images, name):
    before = images.fingerprint()
    for folder in (images.data, *{f.parent for f in images.data.rglob("*.png")}):
        (folder / name).write_bytes(b"no image")
    assert images.fingerprint() == before
    assert images.requirements() == images.inspect() == ()


def test_hidden_tables_are_no_splits(tmp_path):
    for split in ("train", "dev", "test"):
        table(tmp_path / f"{split}.csv")
    task = TextTask(tmp_path, further=Texts(tmp_path))
    before = task.fingerprint()
    for hidden in HIDDEN:
        table(tmp_path / hidden / "train.csv")
    (tmp_path / "._train.csv").write_bytes(b"\x00\x05\x16\x07")
    assert task.fingerprint() == before
    assert task.requirements() == ()


def test_what_is_hidden_is_not_fetched():
    files = ["__MACOSX/train.csv", "data/train.csv", "._train.csv", ".ipynb_checkpoints/a.csv"]
    assert wanted(files, "", "", "owner/data") == ["data/train.csv"]


def test_data_may_lie_in_a_hidden_folder_that_is_named(tmp_path):
    table(tmp_path / ".cache" / "train.csv")
    assert sum(TextTask(tmp_path / ".cache", **CARVED).sizes.values()) == 12


NAMES = [
    *(("val", "val"), ("validation", "val"), ("val", "validation"), ("dev", "valid")),
    *(("validation", "Val"), ("valid", "dev"), ("dev", "DEV"), ("validation", "development")),
]


@pytest.mark.parametrize(("asked", "there"), NAMES)
def test_a_part_finds_its_split_whatever_it_is_called(asked, there, tmp_path):
    for split in ("Training", there, "eval"):
        table(tmp_path / "texts" / f"{split}.csv")
        for i in range(12):
            image(tmp_path / "images" / split / "ab"[i % 2] / f"{i}.png", i)
    for task in (TextTask(tmp_path / "texts"), ImageTask(tmp_path / "images", shape=(3, 4, 4))):
        found = replace(task, dev=Part(asked))
        assert found.requirements() == ()
        assert dict(found.sizes) == {"train": 12, "dev": 12, "test": 12}


def test_a_split_that_has_two_names_is_asked_for(tmp_path):
    for split in ("train", "dev", "val", "test"):
        table(tmp_path / f"{split}.csv")
    (need,) = TextTask(tmp_path).requirements()
    assert '"validation" may be dev or val here; name the one that is meant' in need.where
    assert TextTask(tmp_path, dev=Part("val")).requirements() == ()


def test_two_names_of_one_split_are_no_two_parts_of_it(tmp_path):
    for split in ("train", "val"):
        table(tmp_path / f"{split}.csv")
    (need,) = TextTask(tmp_path, dev=Part("val", 4), test=Part("dev")).requirements()
    assert 'val and dev are one split; call it "val"' in need.where


def dangling(place):
    (place / "a" / "99.png").symlink_to(place / "gone.png")


def looping(place):
    (place / "a" / "99.png").symlink_to(place / "a" / "99.png")


def dangling_folder(place):
    (place / "c").symlink_to(place / "gone")


def looping_folder(place):
    (place / "a" / "again").symlink_to(place, target_is_directory=True)


def two_that_loop(place):
    (place / "c").mkdir()
    (place / "a" / "x").symlink_to(place / "c", target_is_directory=True)
    (place / "c" / "y").symlink_to(place / "a", target_is_directory=True)


@pytest.mark.parametrize(
    ("link", "message"),
    [
        (dangling, r"99\.png is a link to .*gone\.png, which is not there\. Restore"),
        (looping, r"99\.png is a link that leads back to itself\. Remove"),
        (dangling_folder, r"c is a link to .*gone, which is not there"),
        (looping_folder, r"again is a link to .*, a folder in which it lies"),
        (two_that_loop, r"[xy] is a link to .*, a folder in which it lies"),
    ],
)
def test_a_link_that_leads_nowhere_is_one_sentence(link, message, tmp_path):
    for i in range(24):
        image(tmp_path / "ab"[i % 2] / f"{i}.png", i)
        table(tmp_path / "ab"[i % 2] / f"{i}.csv")
    link(tmp_path)
    for task in (ImageTask(tmp_path, **CARVED), TextTask(tmp_path, **CARVED)):
        (need,) = task.requirements()
        assert re.search(message, need.where)
        assert task.inspect() == ()


@pytest.mark.parametrize("target", ["gone.csv", "data.csv"])
def test_a_link_in_place_of_a_file_is_named(target, tmp_path):
    (tmp_path / "data.csv").symlink_to(tmp_path / target)
    (need,) = TextTask(tmp_path / "data.csv", **CARVED).requirements()
    assert f"there is no {tmp_path / 'data.csv'}" in need.where


def test_links_that_lead_somewhere_are_followed(tmp_path):
    for i in range(24):
        image(tmp_path / "elsewhere" / "ab"[i % 2] / f"{i}.png", i)
    (tmp_path / "data").mkdir()
    for name in "ab":
        (tmp_path / "data" / name).symlink_to(tmp_path / "elsewhere" / name)
    task = ImageTask(tmp_path / "data", shape=(3, 4, 4), **CARVED)
    assert sum(task.sizes.values()) == 24


def test_an_image_that_goes_while_it_is_looked_at_is_named(images):
    rows = images.rows()
    os.remove(rows.files[0])
    with pytest.raises(TaskError, match=f"{re.escape(str(rows.files[0]))} cannot be read"):
        images.digests(rows)


@pytest.mark.parametrize("kind", ["CSV", "JSONL", "Parquet", "Tsv"])
def test_tables_whose_endings_are_in_capitals_are_read_like_others(tmp_path, kind):
    texts = pd.DataFrame({"text": [f"text {i}" for i in range(12)], "label": [0, 1] * 6})
    for split in ("Train", "Dev", "Test"):
        path, of_split = tmp_path / f"{split}.{kind}", texts.assign(text=split + texts["text"])
        match kind:
            case "Parquet":
                of_split.to_parquet(path)
            case "JSONL":
                of_split.to_json(path, orient="records", lines=True)
            case _:
                of_split.to_csv(path, index=False, sep="\t" if kind == "Tsv" else ",")
    task = TextTask(tmp_path)
    assert task.requirements() == ()
    assert task.sizes == {"train": 12, "dev": 12, "test": 12}
    alone = TextTask(tmp_path / f"Train.{kind}", **CARVED)
    assert alone.requirements() == ()
    assert alone.classes == ("0", "1")


def test_damage_is_found_in_files_whose_endings_are_in_capitals(tmp_path):
    (tmp_path / "X.CSV").write_bytes(b"text,label\ntea,0\n\xe9t\xe9,1\n")
    (need,) = TextTask(tmp_path / "X.CSV", **CARVED).requirements()
    assert "X.CSV, line 3" in need.where


def test_a_split_in_two_endings_is_refused_in_capitals_too(tmp_path):
    table(tmp_path / "train.csv")
    table(tmp_path / "train.CSV")
    (need,) = TextTask(tmp_path, **CARVED).requirements()
    assert 'the split "train" is there twice: train.CSV, train.csv' in need.where
