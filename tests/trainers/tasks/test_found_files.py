"""Which files a card, a pattern or a keyword gives to a split: those that `datasets` takes."""

import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from trainers.errors import TaskError
from trainers.tasks import ImageTask, Part, TextTask
from trainers.tasks.elsewhere.reading import layout

CARVED = {"dev": Part("train", 4), "test": Part("train", 4)}


def table(path: Path, rows: int = 12) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"text {i} of {path.parent.name} and {path.stem},{i % 2}" for i in range(rows)]
    path.write_text("\n".join(["text,label", *lines]))


def images(folder: Path, *classes: str) -> None:
    """Eight images of each class, in folders of its name."""
    for name in classes:
        (folder / name).mkdir(parents=True)
        for i in range(8):
            colour = (i, 30 * len(name), sum(map(ord, folder.name)) % 256)
            Image.new("RGB", (4, 4), colour).save(folder / name / f"{i}.png")


def card(folder: Path, *configs: dict[str, object]) -> None:
    (folder / "README.md").write_text(f"---\n{json.dumps({'configs': configs})}\n---\n# A card\n")


def of_datasets(folder: Path, cache: Path, config: str | None = None) -> dict[str, list[str]]:
    """The files of each split that `datasets` finds."""
    import datasets

    found = datasets.load_dataset_builder(str(folder), config, cache_dir=str(cache)).config
    return {
        str(split): sorted({str(Path(file).relative_to(folder)) for file in files})
        for split, files in found.data_files.items()
    }


def of_ours(folder: Path, config: str = "", asked: tuple[str, ...] = ()) -> dict[str, list[str]]:
    find = layout.image_splits if any(folder.rglob("*.png")) else layout.splits
    found = find(folder, config, asked) or {}
    return {name: [str(f.relative_to(folder)) for f in files] for name, files in found.items()}


SPLITS = [{"split": "train", "path": "x/train*"}, {"split": "test", "path": ["x/e*", "y/**/e*"]}]
CARDS = [
    {"data_files": "*.csv"},
    {"data_files": "**"},
    {"data_files": "**/train*.csv"},
    {"data_files": ["x/train-1.csv", "x/*.csv", "train.csv"]},
    {"data_files": SPLITS},
    {"data_files": "./x/*.csv"},
    {"data_files": "*.csv", "data_dir": "x"},
    {"data_files": [{"split": "train", "path": "*/??[1-9]/*"}], "data_dir": "y"},
]
FILES = (
    "train.csv",
    "faq.csv",
    "x/train-1.csv",
    "x/train-2.csv",
    "x/eval.csv",
    "y/deep/a/eval.csv",
)


@pytest.fixture
def files(tmp_path):
    folder = tmp_path / "data"
    for name in (*FILES, "y/z/no1/train.csv", ".hidden/train.csv", "__MACOSX/train.csv"):
        table(folder / name)
    return folder


@pytest.mark.parametrize("config", CARDS, ids=str)
def test_a_card_gives_a_split_the_files_that_datasets_takes(config, files, tmp_path):
    card(files, {"config_name": "b", "data_files": "faq.csv"}, {"config_name": "a", **config})
    if "./" not in str(config):  # which datasets takes for no folder
        assert of_ours(files, "a") == of_datasets(files, tmp_path / "cache", "a")
    assert of_ours(files, "a")["train"]


def test_a_folder_that_a_card_names_is_read_by_the_names_in_it(files):
    card(files, {"config_name": "a", "data_dir": "x"}, {"config_name": "b", "data_dir": "y"})
    assert of_ours(files, "a", ("train", "test")) == {
        "eval": ["x/eval.csv"],
        "train-1": ["x/train-1.csv"],
        "train-2": ["x/train-2.csv"],
        "train": ["x/train-1.csv", "x/train-2.csv"],
    }


def test_of_several_configurations_the_one_that_says_it_is_the_default_is_read(files, tmp_path):
    several = [{"config_name": n, "data_files": f"{n}.csv"} for n in ("train", "faq")]
    task = TextTask(files, **CARVED)
    card(files, *several)
    assert "it has the configurations train, faq" in task.requirements()[0].where
    card(files, several[0], several[1] | {"default": True})
    assert of_ours(files) == {"train": ["faq.csv"]} == of_datasets(files, tmp_path / "cache")
    assert sum(task.sizes.values()) == 12
    assert layout.wanted(FILES, (files / "README.md").read_text(), "", "o/n") == ["faq.csv"]
    card(files, *(each | {"default": True} for each in several))
    assert "it has the configurations train, faq" in task.requirements()[0].where


def test_a_pattern_takes_what_the_hub_lists_as_it_takes_what_is_here(files):
    card(files, {"config_name": "a", "data_files": "**/train*.csv"})
    text = (files / "README.md").read_text()
    listed = [*FILES, "y/z/no1/train.csv", ".hidden/train.csv", "README.md"]
    assert sorted(of_ours(files)["train"]) == layout.wanted(listed, text, "", "owner/name")


def test_a_folder_may_be_the_cards_own(files):
    card(files, {"config_name": "a", "data_dir": "."})
    assert of_ours(files, "a")["faq"] == ["faq.csv"]


def test_what_a_card_names_and_is_not_here_is_said(files):
    named = [{"split": "train", "path": "gone*.csv"}, {"split": "test", "path": "*.csv"}]
    for data_files in (named, named[:1]):
        card(files, {"config_name": "a", "data_files": data_files})
        (need,) = TextTask(files, **CARVED).requirements()
        said = 'no file is here of the split "train"; its README.md names "gone*.csv"'
        assert need.where == f"{files}: {said}"


@pytest.mark.parametrize(
    "path", ["/etc/*.csv", "../*.csv", "x/../../*.csv", "https://a.b/c.csv", "hf://datasets/o/n/*"]
)
@pytest.mark.parametrize("field", ["data_files", "data_dir"])
def test_a_card_leads_out_of_its_folder_nowhere(path, field, files):
    card(files, {"config_name": "a", "data_files": "*.csv", field: path})
    (need,) = TextTask(files, **CARVED).requirements()
    assert f'its README.md names the files "{path}", which are not in its folder' in need.where


@pytest.mark.parametrize(
    "config",
    [
        {"data_files": "*.csv"},
        {"config_name": "a", "data_files": {"train": "train.csv"}},
        {"config_name": "a", "data_files": [{"split": "train-one", "path": "train.csv"}]},
        {"config_name": "a", "data_files": [{"split": True, "path": "train.csv"}]},
        {"config_name": "a", "data_files": [{"split": "t", "path": p} for p in FILES[:2]]},
    ],
    ids=str,
)
def test_a_card_that_datasets_does_not_read_is_refused_in_a_sentence(config, files):
    card(files, config)
    (need,) = TextTask(files, **CARVED).requirements()
    assert f"{files}: its README.md lists configurations in a way that datasets" in need.where


@pytest.mark.parametrize(
    "text",
    ["---\nOur configs: see below: there\n---\n", "---\nconfigs\n---\n", "configs", "---\nconfigs"],
)
def test_a_readme_that_is_no_card_says_nothing_of_files(text, files):
    (files / "README.md").write_text(text)
    assert of_ours(files, asked=("train",))["train"] == ["train.csv", "y/z/no1/train.csv"]


def test_shards_of_one_split_in_several_folders_are_counted_folder_by_folder(tmp_path):
    for name in ("de/train-00000-of-00001", "en/train-00000-of-00002", "en/train-00001-of-00002"):
        table(tmp_path / f"{name}.csv")
    card(tmp_path, {"config_name": "all", "data_files": "*/train-*"})
    assert sum(TextTask(tmp_path, **CARVED).sizes.values()) == 36
    (tmp_path / "en" / "train-00001-of-00002.csv").unlink()
    assert "has 1 of 2 files" in TextTask(tmp_path, **CARVED).requirements()[0].where


@pytest.mark.parametrize(
    "names",
    [
        ("reviews_train.csv", "reviews_dev.csv", "reviews_test.csv"),
        ("data/train/a.csv", "data/train/b.csv", "data/val/one.csv", "data/test_set/one.csv"),
        ("my.train.csv", "my.validation.csv", "eval-2020.csv"),
    ],
)
def test_a_split_that_has_no_file_of_its_name_is_found_by_keyword(names, tmp_path):
    folder = tmp_path / "data"
    for name in names:
        table(folder / name)
    task = TextTask(folder)
    assert task.requirements() == ()
    theirs = of_datasets(folder, tmp_path / "cache")
    ours = {split: task._files()[split] for split in ("train", "validation", "test")}
    assert {s: [str(f.relative_to(folder)) for f in ours[s]] for s in ours} == theirs


def test_capitals_hide_no_keyword(tmp_path):
    for name in ("Reviews_TRAIN", "Reviews_Dev", "Reviews_Test"):
        table(tmp_path / f"{name}.csv")
    assert dict(TextTask(tmp_path).sizes) == {"train": 12, "dev": 12, "test": 12}


def test_a_file_of_the_splits_name_goes_before_those_with_a_keyword(tmp_path):
    for name in ("train", "train_small", "dev", "test", "test_hard"):
        table(tmp_path / f"{name}.csv")
    task = TextTask(tmp_path, test=Part("test_hard"))
    assert {s: [f.name for f in files] for s, files in task._files().items()} == {
        "train": ["train.csv"],
        "validation": ["dev.csv"],
        "test_hard": ["test_hard.csv"],
    }


def test_a_file_with_the_keywords_of_two_splits_is_refused(tmp_path):
    for name in ("my_train_val", "my_test"):
        table(tmp_path / f"{name}.csv")
    (need,) = TextTask(tmp_path).requirements()
    assert re.search(r'by its name my_train_val\.csv may be of "\w+" or of "\w+"', need.where)
    assert TextTask(tmp_path, dev=Part("train", 4)).requirements() == ()


def test_the_only_file_of_a_folder_is_train_and_of_several_the_names_are_asked_for(tmp_path):
    table(tmp_path / "reviews.csv")
    assert sum(TextTask(tmp_path, **CARVED).sizes.values()) == 12
    table(tmp_path / "reviews_old.csv")
    (need,) = TextTask(tmp_path, **CARVED).requirements()
    assert 'there is no split "train" among reviews, reviews_old' in need.where


@pytest.mark.sampled(test=3)
@pytest.mark.parametrize("around", ["archive", "archive/v1", "archive/v1/images"])
def test_images_are_found_at_any_depth_by_the_folders_of_their_splits(around, tmp_path):
    folder = tmp_path / "data"
    for split in ("train", "val", "test"):
        images(folder / around / split, "cat", "dog", "train")
    task = ImageTask(folder, shape=(3, 4, 4))
    assert task.requirements() == task.inspect() == ()
    assert dict(task.sizes) == {"train": 24, "dev": 24, "test": 24}
    assert task.classes == ("cat", "dog", "train")
    task.prepare(tmp_path)
    found = task.load("dev", tmp_path, 0)
    assert [task.classes[k] for k in found.labels] == ["cat"] * 8 + ["dog"] * 8 + ["train"] * 8
    near = ImageTask(folder / around, shape=(3, 4, 4))
    assert near.specification() == task.specification()


@pytest.mark.parametrize("around", ["PetImages", "data/PetImages"])
def test_images_below_folders_of_no_split_are_train(around, tmp_path):
    images(tmp_path / "data" / around, "cat", "dog")
    task = ImageTask(tmp_path / "data", shape=(3, 4, 4), **CARVED)
    assert sum(task.sizes.values()) == 16
    assert task.classes == ("cat", "dog")
    ours, theirs = of_ours(task.data, "", ("train",)), of_datasets(task.data, tmp_path / "cache")
    assert ours["train"] == theirs["train"]


@pytest.mark.parametrize(
    ("places", "named"),
    [
        (("cat/small", "dog/small"), "cat/small and dog/small"),
        (("a/train/cat/small", "a/train/dog/small"), "a/train/cat/small and a/train/dog/small"),
        (("a/train/cat", "a/train/cat/aged"), "a/train/cat and a/train/cat/aged"),
    ],
)
def test_images_whose_class_is_unclear_are_refused_with_the_way_they_must_lie(
    places, named, tmp_path
):
    for place in places:
        images(tmp_path / place, "")
    (need,) = ImageTask(tmp_path, **CARVED).requirements()
    assert "images must lie as class/image.png below the folder of their split" in need.where
    assert f"{named} leave open which folder is the class" in need.where


@pytest.mark.parametrize("place", ["figures", "docs/figures/of"])
def test_pictures_beside_a_table_of_images_are_no_data(place, tmp_path):
    images(tmp_path / "elsewhere", "cat", "dog")
    files = sorted((tmp_path / "elsewhere").glob("*/*"))
    rows = [{"image": {"bytes": f.read_bytes()}, "label": f.parent.name} for f in files]
    (tmp_path / "data").mkdir()
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "data" / "train.parquet")
    images(tmp_path / "data" / place, "results")
    task = ImageTask(tmp_path / "data", shape=(3, 4, 4), **CARVED)
    assert task.requirements() == ()
    assert task.classes == ("cat", "dog")


@pytest.mark.parametrize("around", ["train", "archive/train", "archive/v1/train"])
def test_a_table_beside_folders_of_images_is_no_data(around, tmp_path):
    images(tmp_path / around, "cat", "dog")
    table(tmp_path / "archive" / "submission.csv")
    task = ImageTask(tmp_path, shape=(3, 4, 4), **CARVED)
    assert task.requirements() == ()
    assert sum(task.sizes.values()) == 16


ALONE = """
import socket, sys
from pathlib import Path
def closed(*_, **__): raise AssertionError("a network is asked")
socket.socket.connect = socket.getaddrinfo = closed
from trainers.tasks import ImageTask, Part, TextTask
carved = {"dev": Part("train", 4), "test": Part("train", 4)}
plain, tables, images = map(Path, sys.argv[1:])
assert TextTask(plain).requirements() == ()
assert "datasets" not in sys.modules
for task in (TextTask(tables, **carved), ImageTask(images, shape=(3, 4, 4), **carved)):
    assert task.requirements() == (), task.requirements()
from fsspec.implementations.memory import MemoryFileSystem
assert "datasets" in sys.modules and not MemoryFileSystem.store
"""


def test_finding_writes_nothing_asks_no_network_and_takes_datasets_only_where_it_must(
    files, tmp_path
):
    for name in ("train", "dev", "test"):
        table(tmp_path / "plain" / f"{name}.csv")
    (tmp_path / "plain" / "README.md").write_text("# Our reviews\n")
    card(files, {"config_name": "a", "data_files": "**/train*.csv"})
    images(tmp_path / "images" / "deep" / "train", "cat", "dog")
    (tmp_path / "home").mkdir()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    environment |= {"HOME": str(tmp_path / "home"), "TMPDIR": str(tmp_path / "home")}
    before = sorted(tmp_path.rglob("*"))
    places = (tmp_path / "plain", files, tmp_path / "images")
    command = [sys.executable, "-c", ALONE, *map(str, places)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_a_configuration_that_a_card_lacks_is_named(files):
    card(files, {"config_name": "a", "data_files": "*.csv"})
    with pytest.raises(TaskError, match='no configuration "b" among a'):
        layout.splits(files, "b")
    assert replace(TextTask(files, **CARVED), config="a").requirements() == ()
