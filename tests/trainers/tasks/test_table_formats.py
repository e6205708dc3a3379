"""Texts in the files that people have: read alike, or one message with the way out."""

import csv
import json
import re
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from trainers.tasks import Part, TextTask

CASES = Path(__file__).parents[3].parent / "shared" / "cases" / "text"
PARTS = {"dev": Part("train", 4), "test": Part("train", 4)}
WORDS = np.random.default_rng(1).permutation(1000)
RECORDS = [
    {
        "text": f'the {WORDS[i]} "tea", {WORDS[i + 99]}; so {WORDS[i + 199]} | \u00e9',
        "label": ("neg", "pos")[i % 2],
    }
    for i in range(30)
]
TABLE = pd.DataFrame(RECORDS)


def read(path):
    """Texts and names of classes, row by row."""
    task = TextTask(path, **PARTS)
    survey = task._survey()
    texts = task.texts(task.rows())[0].to_pylist()
    return [
        {"text": text, "label": survey.classes[k]}
        for text, k in zip(texts, survey.labels, strict=True)
    ]


def said(path):
    (need,) = TextTask(path, **PARTS).requirements()
    return need.where


@pytest.mark.skipif(not CASES.is_dir(), reason=f"there are no cases in {CASES}")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("int_and_float_labels.csv", ("0", "1")),
        ("half_float_labels.csv", r'row 8, .* not a whole one; it reads "0\.5"'),
        ("mixed_case_labels.csv", r'"neg" \(row 1\) and "Neg" \(row 3\).*class_names='),
        ("regression_label.csv", r"row 1, .* not a whole one.* 118 further rows.*give each range"),
        ("semicolon.csv", ("neg", "pos")),
        ("glue.tsv", ("neg", "pos")),
        ("array.json", ("neg", "pos")),
        ("utf16.csv", r"it is not in UTF-8\. Convert it: iconv -f UTF-16 -t UTF-8"),
        ("agnews_noheader.csv", r"the file has no header: write a line above it"),
    ],
)
def test_files_that_people_have_are_read_or_refused_with_the_way_out(name, expected):
    task = TextTask(CASES / name, dev=Part("train", 12), test=Part("train", 24))
    if isinstance(expected, tuple):
        assert task.classes == expected
        assert dict(task.sizes) == {"test": 24, "dev": 12, "train": 84}
    else:
        (need,) = task.requirements()
        assert re.search(expected, need.where)


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_any_separator_is_read(separator, quoting, ending, tmp_path):
    path = tmp_path / f"data{ending}"
    TABLE.to_csv(path, index=False, sep=separator, quoting=quoting)
    assert read(path) == RECORDS


def test_the_line_in_which_excel_names_the_separator_is_no_row(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("\ufeffsep=;\n" + TABLE.to_csv(index=False, sep=";"))
    assert read(path) == RECORDS


def test_between_tabs_an_unpaired_quote_swallows_no_lines(tmp_path):
    path = tmp_path / "data.tsv"
    texts = ['"quoted at first', 'ends with "', '"both"', "none"] * 8
    lines = [f"{text} {i}\t{i % 2}" for i, text in enumerate(texts)]
    path.write_text("text\tlabel\n" + "\n".join(lines))
    assert [row["text"] for row in read(path)] == [f"{text} {i}" for i, text in enumerate(texts)]


@pytest.mark.parametrize("ending", [".csv", ".tsv", ".jsonl"])
def test_rows_of_any_length_are_read(ending, tmp_path):
    path = tmp_path / f"data{ending}"
    long = [{**RECORDS[0], "text": "a very long text " * k} for k in (1, 10**5, 3 * 10**5, 1)]
    table = pd.DataFrame([*RECORDS, *long, *RECORDS[:8]])
    if ending == ".jsonl":
        table.to_json(path, orient="records", lines=True)
    else:
        table.to_csv(path, index=False, sep="," if ending == ".csv" else "\t")
    assert [row["text"] for row in read(path)] == table["text"].tolist()


NUMBERS = [{"text": row["text"], "label": (0, 1.0)[i % 2]} for i, row in enumerate(RECORDS)]


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(RECORDS),
        "\ufeff" + json.dumps(RECORDS, indent=1, ensure_ascii=False),
        json.dumps({"version": "1.1", "data": RECORDS}, indent=1),
        json.dumps({"meta": {"n": 30}, "rows": RECORDS}),
        "\n\n".join(json.dumps(record) for record in RECORDS),
        "\ufeff" + "\n".join(json.dumps(record) for record in RECORDS),
    ],
    ids=["array", "indented", "under a key", "beside others", "lines", "lines with a mark"],
)
@pytest.mark.parametrize("ending", [".json", ".jsonl"])
def test_json_is_read_as_lines_or_as_one_list(written, ending, tmp_path):
    path = tmp_path / f"data{ending}"
    path.write_text(written)
    assert read(path) == RECORDS


@pytest.mark.parametrize("written", [json.dumps(NUMBERS), "\n".join(map(json.dumps, NUMBERS))])
def test_whole_numbers_and_fractions_of_them_are_the_same_labels(written, tmp_path):
    path = tmp_path / "data.json"
    path.write_text(written)
    assert [row["label"] for row in read(path)] == ["0", "1"] * 15


def test_a_list_is_not_mixed_of_kinds(tmp_path):
    path = tmp_path / "data.json"
    path.write_text(json.dumps([*NUMBERS, {"text": "so", "label": "1"}]))
    assert 'row 31: "label" is text, and a number before' in said(path)
    path.write_text(json.dumps([*RECORDS, ["so", "neg"]]))
    assert "row 31: it is a list, and every row must be an object" in said(path)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (json.dumps({"train": RECORDS, "test": RECORDS}), '"train", "test".* a file of its own'),
        (TABLE.to_json(), r'one JSON object with "text", "label".*orient="records"'),
        (json.dumps(RECORDS)[:-40], "no whole list in JSON: .* line 1 column"),
        (json.dumps([{"body": 1}]), 'no column "label", "text"; it has body'),
        ("[" * 100_000, "no whole list in JSON"),
        ("[]", 'no column "label", "text"; it has none'),
        ("null", "line 1: it is no JSON object, and every line must be one"),
        ("null\n" + json.dumps(RECORDS[0]), "line 1: it is no JSON object"),
        ("[1]\n[2]", "line 1: it is no JSON object"),
    ],
)
def test_other_json_is_refused_with_the_way_out(written, message, tmp_path):
    path = tmp_path / "data.json"
    path.write_text(written)
    assert re.search(message, said(path))


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".json", ".tsv"])
@pytest.mark.parametrize(
    ("codec", "encoding"),
    [
        ("utf-16", "UTF-16"),
        ("utf-16-le", "UTF-16LE"),
        ("utf-16-be", "UTF-16BE"),
        ("utf-32", "UTF-32"),
        ("utf-32-le", "UTF-32LE"),
        ("utf-32-be", "UTF-32BE"),
        ("latin-1", "LATIN1"),
    ],
)
def test_another_encoding_is_named_with_the_command_that_converts_it(
    codec, encoding, ending, tmp_path
):
    path = tmp_path / f"data{ending}"
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in RECORDS)
    written = TABLE.to_csv(index=False) if ending in (".csv", ".tsv") else lines
    path.write_bytes(written.encode(codec))
    new = f"data.utf8{ending}"
    assert f"Convert it: iconv -f {encoding} -t UTF-8 data{ending} > {new}" in said(path)


def test_the_signs_of_windows_are_told_from_latin_1(tmp_path):
    path = tmp_path / "data.csv"
    path.write_bytes("text,label\nso \u2026 well,neg\n".encode("cp1252"))
    assert "line 2: it is not in UTF-8. Convert it: iconv -f WINDOWS-1252" in said(path)


@pytest.mark.parametrize(
    "first",
    ['"1","Title","a fine film"', "neg,a fine film of some length", "1,fine", "neg;so;so"],
)
def test_a_file_without_a_header_is_known_by_its_first_line(first, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("\n".join([first] * 10))
    assert re.search(r"its first line reads .* has no header: write a line above", said(path))


def test_names_of_other_columns_are_listed_whatever_separates_them(tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("review;stars\nfine;1\n")
    assert "it has review, stars" in said(path)


WHOLE = {
    **{str(kind): kind for kind in (pa.float16(), pa.float32(), pa.uint64(), pa.bool_())},
    **{f"decimal{w}": getattr(pa, f"decimal{w}")(5, 2) for w in (32, 64, 128, 256)},
}


@pytest.mark.parametrize("kind", WHOLE)
def test_whole_numbers_of_every_width_are_labels(kind, tmp_path):
    whole = [Decimal(i % 2) if "decimal" in kind else np.float16(i % 2) for i in range(30)]
    values = pa.array(whole, None if "decimal" in kind else pa.float16())
    values = values.cast(WHOLE[kind]) if "decimal" in kind else values.cast(pa.float32())
    path = tmp_path / "data.parquet"
    texts = pa.array(TABLE["text"])
    parquet.write_table(pa.table({"text": texts, "label": values.cast(WHOLE[kind])}), path)
    assert TextTask(path, **PARTS).classes == ("0", "1")


def test_half_floats_that_are_no_classes_are_named_with_their_row(tmp_path):
    path = tmp_path / "data.parquet"
    for wrong, told in ((0.5, "not a whole one"), (np.nan, "the label is missing")):
        labels = pa.array(np.array([0, 1, wrong] * 10, np.float16))
        parquet.write_table(pa.table({"text": TABLE["text"], "label": labels}), path)
        assert 'data.parquet, row 3, column "label": ' in said(path)
        assert told in said(path)


OTHERS = {
    "duration": pa.array(range(30), pa.duration("s")),
    "date32": pa.array(range(30), pa.date32()),
    "list": pa.array([[i] for i in range(30)]),
    "struct": pa.array([{"a": i} for i in range(30)]),
    "map": pa.array([[("a", i)] for i in range(30)], pa.map_(pa.string(), pa.int64())),
    "binary": pa.array([b"a"] * 30),
    "None": pa.nulls(30),
}


@pytest.mark.parametrize("column", ["text", "label"])
@pytest.mark.parametrize("kind", OTHERS)
def test_a_column_of_no_words_and_no_numbers_is_named(kind, column, tmp_path):
    path = tmp_path / "data.parquet"
    columns = {"text": TABLE["text"], "label": TABLE["label"], column: OTHERS[kind]}
    parquet.write_table(pa.table(columns), path)
    assert re.search(rf'data\.parquet, row 1, column "{column}": .*{kind}', said(path))


@pytest.mark.parametrize("kind", [pa.string_view(), pa.dictionary(pa.int32(), pa.string())])
def test_texts_and_labels_of_every_type_of_text_are_read(kind, tmp_path):
    path = tmp_path / "data.parquet"
    columns = {name: pa.array(TABLE[name]).cast(kind) for name in ("text", "label")}
    parquet.write_table(pa.table(columns), path, store_schema=True)
    assert read(path) == RECORDS
