"""Texts and images of the user's own: the same examples from every format, and what is refused."""

import json
import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from PIL import Image
from pyarrow import parquet

from trainers.errors import TaskError
from trainers.tasks import ImageTask, Part, TextTask

ROWS = [(f"review number {i}, {'good' if i % 3 else 'bad'}", i % 3 % 2) for i in range(60)]
CARVED = {"dev": Part("train", 10), "test": Part("train", 12)}


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame(ROWS, columns=["review", "stars"])


def write(table: pd.DataFrame, ending: str, folder):
    """The table as a file of that format, or as what ``datasets`` saves."""
    path = folder / f"reviews{ending}"
    match ending:
        case ".csv":
            table.to_csv(path, index=False)
        case ".jsonl":
            table.to_json(path, orient="records", lines=True)
        case ".parquet":
            table.to_parquet(path)
        case ".saved":
            saving = "import sys, pandas, datasets; datasets.Dataset.from_pandas(pandas.read_json("
            saving += "sys.argv[1], lines=True)).save_to_disk(sys.argv[2])"
            source = write(table, ".jsonl", folder)
            command = [sys.executable, "-c", saving, str(source), str(path)]
            subprocess.run(command, check=True, capture_output=True)
    return path


def prepared(task, folder):
    folder.mkdir()
    task.prepare(folder)
    return {split: task.load(split, folder, 0) for split in task.sizes}


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".saved"])
def test_every_format_gives_the_same_examples(table, ending, tmp_path):
    path = write(table, ending, tmp_path)
    task = TextTask(path, text="review", label="stars", vocabulary=300, **CARVED)
    found = prepared(task, tmp_path / "prepared")
    assert {split: len(examples) for split, examples in found.items()} == task.sizes
    assert dict(task.sizes) == {"train": 38, "dev": 10, "test": 12}
    for examples in found.values():
        for i, label, text in zip(
            examples.ids, examples.labels, examples.inputs["text"], strict=True
        ):
            assert (text, label) == ROWS[i]
    other = TextTask(write(table, ".csv", tmp_path), text="review", label="stars", **CARVED)
    same = prepared(replace(other, vocabulary=300), tmp_path / "other")
    assert [found[s].ids.tolist() for s in found] == [same[s].ids.tolist() for s in same]


def test_splits_lie_in_files_of_their_names(table, tmp_path):
    for name, rows in (("train", table[:40]), ("dev", table[40:50]), ("test", table[50:])):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    task = TextTask(tmp_path, text="review", label="stars", vocabulary=300)
    assert dict(task.sizes) == {"train": 40, "dev": 10, "test": 10}
    folder = tmp_path / "prepared"
    found = prepared(task, folder)
    assert found["dev"].inputs["text"] == table.review[40:50].tolist()
    assert list(task.corpus(folder)) == table.review[:40].tolist()


def test_pairs_have_two_texts(table, tmp_path):
    table["answer"] = [f"answer {i}" for i in range(60)]
    path = write(table, ".csv", tmp_path)
    task = TextTask(path, text=("review", "answer"), label="stars", vocabulary=300, **CARVED)
    train = prepared(task, tmp_path / "prepared")["train"]
    assert train.inputs["text_pair"] == [f"answer {i}" for i in train.ids]


def test_labels_are_names_or_positions_or_the_classes_themselves(table, tmp_path):
    names = TextTask(write(table, ".csv", tmp_path), text="review", label="stars", **CARVED)
    assert names.classes == ("0", "1")
    named = replace(names, class_names=("one", "two"))
    assert named.classes == ("one", "two")
    table["stars"] += 1
    table.to_csv(tmp_path / "from_one.csv", index=False)
    assert replace(names, data=tmp_path / "from_one.csv").classes == ("1", "2")
    backwards = replace(names, data=tmp_path / "from_one.csv", class_names=("2", "1"))
    found = prepared(replace(backwards, vocabulary=300), tmp_path / "prepared")["train"]
    assert [2 - label for label in found.labels] == [ROWS[i][1] + 1 for i in found.ids]


def test_the_fingerprint_is_of_content_and_declaration_not_of_paths(table, tmp_path):
    task = TextTask(write(table, ".csv", tmp_path), text="review", label="stars", **CARVED)
    (tmp_path / "moved").mkdir()
    moved = replace(task, data=write(table, ".csv", tmp_path / "moved"), name="other")
    assert task.fingerprint() == moved.fingerprint()
    assert task.specification() == moved.specification()
    assert replace(task, vocabulary=300).fingerprint() != task.fingerprint()
    before = task.fingerprint()
    table.loc[3, "review"] = "changed since"
    write(table, ".csv", tmp_path)
    assert task.fingerprint() != before


def test_per_seed_splits_differ_by_seed_and_have_no_corpus(table, tmp_path):
    path = write(table, ".csv", tmp_path)
    task = TextTask(path, text="review", label="stars", vocabulary=300, splits="per_seed", **CARVED)
    prepared(task, tmp_path / "prepared")
    one, two = (task.load("test", tmp_path / "prepared", seed).ids.tolist() for seed in (1, 2))
    assert one != two
    with pytest.raises(TaskError, match="no text to pre-train on"):
        next(task.corpus(tmp_path / "prepared"))


def broken(table: pd.DataFrame, case: str) -> pd.DataFrame:
    """The table with one thing wrong, in row 5 of the file."""
    table = table.astype({"stars": object})
    match case:
        case "blank":
            table.loc[4, "review"] = "  "
        case "missing label":
            table.loc[4, "stars"] = None
        case "outside":
            table.loc[4, "stars"] = 7
        case "hidden":
            table["stars"] = -1
        case "one class":
            table["stars"] = 1
        case "column":
            table = table.rename(columns={"review": "body"})
        case "no rows":
            table = table[:0]
    return table


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("blank", r'row 5, column "review": the text is empty'),
        ("missing label", r'row 5, column "stars": the label is'),
        ("outside", r'row 5, column "stars": the label is outside the classes 0 … 1; it reads "7"'),
        ("hidden", r'row 1, column "stars": .* the hub hides labels as -1.* 59 further rows'),
        ("one class", r'no example of class "no"'),
        ("column", r'no column "review"; it has'),
    ],
)
def test_unfit_data_are_named_with_file_and_row(table, case, message, ending, tmp_path):
    path = tmp_path / f"reviews{ending}"
    bad = broken(table, case)
    if ending == ".csv":
        bad.to_csv(path, index=False)
    else:
        bad.to_json(path, orient="records", lines=True)
    task = TextTask(path, text="review", label="stars", class_names=("no", "yes"), **CARVED)
    (needed,) = task.requirements()
    assert re.search(message, needed.where)
    assert needed.where.startswith(str(path)) or task.name in needed.where
    with pytest.raises(TaskError, match=message):
        task.prepare(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "review,stars\nfine,1\ncaf\xe9,0\n".encode("latin-1"),
            r"line 3: it is not in UTF-8.*iconv",
        ),
        (
            b'review,stars\n"fine\nfilm",1\nand,so,0\n',
            r"line 4: the row has 3 fields, and the header 2\. Correct or remove the line",
        ),
        (b"review,stars,review\nfine,1,x\n", 'more than one column is called "review"'),
        (b"", "cannot be read: Empty CSV file"),
        (b"review,stars\n", 'the split "train" has no examples'),
    ],
)
def test_damaged_files_are_named(content, message, tmp_path):
    (tmp_path / "reviews.csv").write_bytes(content)
    task = TextTask(tmp_path / "reviews.csv", text="review", label="stars", **CARVED)
    assert re.search(message, task.requirements()[0].where)


LINES = [json.dumps({"review": f"{'long ' * 20}{i}", "stars": i % 2}) for i in range(30_000)]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"review": "unclosed, "stars": 1}', "it is no JSON object on a line of its own"),
        ('["review", 1]', "it is no JSON object, and every line must be one"),
        ('{"review": 4, "stars": 1}', '"review" is a number, and text before'),
    ],
)
def test_a_broken_line_of_a_long_file_is_named(line, message, tmp_path):
    path = tmp_path / "reviews.jsonl"
    path.write_text("\n".join([*LINES[:20_000], line, *LINES[20_000:]]))
    (needed,) = TextTask(path, text="review", label="stars", **CARVED).requirements()
    assert needed.where.startswith(f"{path}, line 20001: {message}")


def not_utf8(kind: str):
    """Three values of a type, in the second of which there is a byte that is not UTF-8."""
    offsets = pa.py_buffer(np.array([0, 1, 3, 4], np.int32))
    texts = pa.Array.from_buffers(pa.string(), 3, [None, offsets, pa.py_buffer(b"aa\xe9b")])
    match kind:
        case "list":
            return pa.ListArray.from_arrays([0, 1, 2, 3], texts)
        case "struct":
            return pa.StructArray.from_arrays([texts], ["text"])
    return texts


@pytest.mark.parametrize("kind", ["text", "list", "struct"])
def test_the_row_of_bytes_that_are_no_utf8_is_named_in_parquet(kind, tmp_path):
    path = tmp_path / "reviews.parquet"
    parquet.write_table(pa.table({"review": not_utf8(kind), "stars": [0, 1, 0]}), path)
    (needed,) = TextTask(path, text="review", label="stars", **CARVED).requirements()
    assert needed.where.startswith(f'{path}, row 2, column "review": it is not in UTF-8')


def test_what_is_wrong_with_every_file_column_and_split_is_said_at_once(table, tmp_path):
    task = TextTask(tmp_path, text="review", label="stars")
    table.to_csv(tmp_path / "train.csv", index=False)
    (splits,) = task.requirements()
    assert 'there is no split "validation" or "test" among train' in splits.where
    for name in ("dev", "test"):
        table.rename(columns={"review": "body"}).to_csv(tmp_path / f"{name}.csv", index=False)
    found = [need.where for need in task.requirements()]
    assert [where.split(":")[0] for where in found] == [
        str(tmp_path / "dev.csv"),
        str(tmp_path / "test.csv"),
    ]
    table["answer"] = table.review
    table.loc[3, "review"], table.loc[5, "answer"], table.loc[7, "stars"] = " ", " ", 2
    pairs = replace(task, data=write(table, ".csv", tmp_path), text=("review", "answer"), **CARVED)
    found = [need.where for need in replace(pairs, class_names=("a", "b")).requirements()]
    assert [re.search(r'row \d+, column "\w+"', where)[0] for where in found] == [
        'row 8, column "stars"',
        'row 4, column "review"',
        'row 6, column "answer"',
    ]


def test_a_class_that_train_lacks_is_said_with_the_file(table, tmp_path):
    for name, rows in (("train", table[table.stars == 1]), ("dev", table), ("test", table)):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    (needed,) = TextTask(tmp_path, text="review", label="stars", name="t").requirements()
    assert needed.where.startswith(f't ({tmp_path / "train.csv"}): no example of class "0"')


def test_a_missing_file_hub_name_or_split_is_named_with_the_way_out(table, tmp_path, monkeypatch):
    monkeypatch.setenv("ARMBENCH_DATA", str(tmp_path))
    (file,) = TextTask("./nowhere.csv").requirements()
    assert "nowhere.csv" in file.where
    assert "fetch" not in file.get
    (hub,) = TextTask("owner/absent").requirements()
    assert hub.get.startswith("bench fetch")
    assert str(tmp_path) in hub.where
    (split,) = TextTask(write(table, ".csv", tmp_path), text="review").requirements()
    assert re.search(r'no split "validation" or "test" among.*Part\("train", 500\)', split.where)


def test_a_split_with_a_missing_shard_is_refused(table, tmp_path):
    parquet.write_table(pa.Table.from_pandas(table), tmp_path / "train-00000-of-00002.parquet")
    (needed,) = TextTask(tmp_path, text="review", label="stars", **CARVED).requirements()
    assert "has 1 of 2 files" in needed.where


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"text": ("a", "b", "c")}, "one column, or two"),
        ({"vocabulary": 10}, "at least 261"),
        ({"class_names": ("a", "a")}, "once each"),
        ({"dev": 500}, 'must be a Part, such as Part("train", 500)'),
        ({"dev": Part("train")}, "both take all"),
        ({"splits": "random"}, '"fixed" or "per_seed"'),
        ({"splits": "per_seed"}, "no part has a size"),
        ({"data": ""}, "data is empty"),
    ],
)
def test_a_wrong_declaration_is_refused_before_anything_is_read(fields, message):
    with pytest.raises(TaskError, match=re.escape(message)):
        TextTask(**({"data": "nowhere.csv"} | fields))


@pytest.fixture
def photographs(tmp_path):
    """Twenty images of 6 × 4 pixels in two folders, each of one brightness."""
    for i in range(20):
        kind = tmp_path / "photographs" / ("dark", "light")[i % 2]
        kind.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 4), (i, 100 * (i % 2), 0)).save(kind / f"{i:02}.png")
    return tmp_path / "photographs"


def test_folders_and_tables_of_images_give_the_same_pixels(photographs, tmp_path):
    parts = {"dev": Part("train", 4), "test": Part("train", 6)}
    task = ImageTask(photographs, shape=(3, 4, 6), **parts)
    files = sorted(photographs.glob("*/*"))
    rows = [
        {"image": {"bytes": f.read_bytes(), "path": None}, "label": f.parent.name} for f in files
    ]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "images.parquet")
    found = prepared(task, tmp_path / "one")
    same = prepared(replace(task, data=tmp_path / "images.parquet"), tmp_path / "two")
    assert task.classes == ("dark", "light")
    for split, examples in found.items():
        pixels = examples.inputs["pixels"]
        assert pixels.shape == (task.sizes[split], 3, 4, 6)
        assert pixels.dtype == np.float32
        assert np.array_equal(pixels, same[split].inputs["pixels"])
        red = [int(files[i].stem) / 255 for i in examples.ids]
        assert np.allclose(pixels[:, 0, 0, 0], red)
        assert [("dark", "light")[k] for k in examples.labels] == [
            files[i].parent.name for i in examples.ids
        ]


def test_moving_an_image_to_another_class_changes_the_fingerprint(photographs):
    parts = {"dev": Part("train", 4), "test": Part("train", 6)}
    task = ImageTask(photographs, shape=(3, 4, 6), **parts)
    before = task.fingerprint()
    (photographs / "dark" / "18.png").rename(photographs / "light" / "18.png")
    assert task.fingerprint() != before


def test_an_image_that_does_not_decode_is_named(photographs, tmp_path):
    parts = {"dev": Part("train", 4), "test": Part("train", 6)}
    (photographs / "dark" / "04.png").write_bytes(b"no image")
    with pytest.raises(TaskError, match=r"dark/04\.png: the image does not decode"):
        prepared(ImageTask(photographs, **parts), tmp_path / "prepared")


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_sixteen_bits_of_grey_are_scaled_to_eight(photographs, ending, tmp_path):
    values = np.array([[0, 257, 0x8080, 0xFFFF]], np.uint16)
    for kind in ("dark", "light"):
        Image.fromarray(values).save(photographs / kind / f"deep.{ending}")
    parts = {"dev": Part("train", 4), "test": Part("train", 6)}
    task = ImageTask(photographs, shape=(3, 1, 4), **parts)
    rows = task.rows()
    row = rows.table.column("image").to_pylist().index(str(photographs / f"dark/deep.{ending}"))
    task.prepare(tmp_path)
    pixels = np.load(tmp_path / "pixels.npy")
    assert pixels[row, :, 0].tolist() == [[0, 1, 128, 255]] * 3


def test_images_of_unknown_range_are_refused(photographs):
    Image.fromarray(np.array([[0.0, 0.5]], np.float32)).save(photographs / "dark" / "f.tif")
    Image.fromarray(np.array([[0, 70_000]], np.int32)).save(photographs / "dark" / "i.tif")
    parts = {"dev": Part("train", 4), "test": Part("train", 6)}
    fractions, integers = ImageTask(photographs, **parts).inspect()
    assert "f.tif: the image does not decode: its pixels are fractions" in fractions.where
    assert "i.tif: the image does not decode: its pixels have more than 16 bits" in integers.where


@pytest.mark.parametrize("ending", ["gif", "tif", "tiff", "ppm", "pgm", "PNG"])
def test_folders_of_every_format_are_read(ending, tmp_path):
    for i in range(20):
        (tmp_path / "p" / "ab"[i % 2]).mkdir(parents=True, exist_ok=True)
        kind = "L" if ending == "pgm" else "RGB"
        image = Image.new(kind, (4, 4), 10 * i if kind == "L" else (10 * i, 0, 0))
        image.save(tmp_path / "p" / "ab"[i % 2] / f"{i:02}.{ending}")
    task = ImageTask(tmp_path / "p", dev=Part("train", 4), test=Part("train", 4))
    assert sum(task.sizes.values()) == 20
    assert task.inspect() == ()


def test_of_a_moving_picture_the_first_frame_is_read(photographs, tmp_path):
    first, second = (Image.new("RGB", (6, 4), colour) for colour in ("red", "blue"))
    first.save(photographs / "dark" / "a.gif", save_all=True, append_images=[second])
    task = ImageTask(photographs, dev=Part("train", 4), test=Part("train", 6))
    row = task.rows().table.column("image").to_pylist().index(str(photographs / "dark/a.gif"))
    task.prepare(tmp_path)
    assert np.load(tmp_path / "pixels.npy")[row, :, 0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("nested", [False, True])
def test_a_table_of_paths_is_refused(photographs, nested, tmp_path):
    files = [str(f) for f in sorted(photographs.glob("*/*"))]
    images = [{"bytes": None, "path": f} for f in files] if nested else files
    kinds = [f.split("/")[-2] for f in files]
    parquet.write_table(pa.table({"image": images, "label": kinds}), tmp_path / "images.parquet")
    parts = {"dev": Part("train", 4), "test": Part("train", 6)}
    (needed,) = ImageTask(tmp_path / "images.parquet", **parts).requirements()
    assert re.search(r"images\.parquet, row 1, .*paths are not followed.*bytes", needed.where)


def test_images_without_a_folder_are_refused_with_the_way_they_must_lie(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "1.png")
    (needed,) = ImageTask(tmp_path, dev=Part("train", 4), test=Part("train", 4)).requirements()
    assert "images must lie as class/image.png, or as train/class/image.png" in needed.where
    assert "here is 1.png" in needed.where


def test_images_are_resized_and_made_grey_as_declared(photographs, tmp_path):
    parts = {"dev": Part("train", 4), "test": Part("train", 6)}
    found = prepared(ImageTask(photographs, shape=(1, 8, 8), **parts), tmp_path / "prepared")
    assert found["train"].inputs["pixels"].shape == (10, 1, 8, 8)


def test_a_card_decides_which_files_are_read(table, tmp_path):
    (tmp_path / "a").mkdir()
    for name, rows in (("one", table[:40]), ("two", table[40:])):
        rows.to_json(tmp_path / "a" / f"{name}.jsonl", orient="records", lines=True)
    card = {"configs": [{"config_name": "x", "data_files": [{"split": "train", "path": "a/one*"}]}]}
    (tmp_path / "README.md").write_text(f"---\n{json.dumps(card)}\n---\n# A card\n")
    task = TextTask(tmp_path, text="review", label="stars", **CARVED)
    assert sum(task.sizes.values()) == 40
    assert replace(task, config="x").sizes == task.sizes
    assert "no configuration" in replace(task, config="y").requirements()[0].where


def test_of_several_configurations_the_one_called_default_is_read(table, tmp_path):
    table[:40].to_csv(tmp_path / "one.csv", index=False)
    table[40:].to_csv(tmp_path / "two.csv", index=False)
    configs = [{"config_name": n, "data_files": f"{n[:3]}.csv"} for n in ("two", "one")]
    task = TextTask(tmp_path, text="review", label="stars", **CARVED)
    card = tmp_path / "README.md"
    card.write_text(f"---\n{json.dumps({'configs': configs})}\n---\n")
    assert "it has the configurations two, one" in task.requirements()[0].where
    configs[1]["config_name"] = "default"
    card.write_text(f"---\n{json.dumps({'configs': configs})}\n---\n")
    assert sum(task.sizes.values()) == 40
