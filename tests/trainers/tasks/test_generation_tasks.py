"""Tasks from text to text: columns, parts, what is refused, and how they are told apart."""

import json
from dataclasses import replace

import pytest

from trainers.errors import TaskError
from trainers.tasks import (
    Decoding,
    DocstringSummary,
    GenerationTask,
    Part,
    cnn_dailymail,
    gigaword,
    reddit_tifu,
)
from trainers.tasks.embedded.summaries import first_sentence
from trainers.tasks.paper.published import training_examples


def write(path, rows):
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def rows():
    return [{"long": f"a text of number {i} in words", "short": f"number {i}"} for i in range(60)]


@pytest.fixture
def task(tmp_path, rows):
    data = write(tmp_path / "things.jsonl", rows)
    parts = {"dev": Part("train", 10), "test": Part("train", 20)}
    return GenerationTask(data, source="long", target="short", vocabulary=300, **parts)


def test_examples_are_sources_with_their_targets(task, tmp_path):
    folder = tmp_path / "prepared"
    folder.mkdir()
    task.prepare(folder)
    assert task.sizes == {"train": 30, "dev": 10, "test": 20}
    assert (task.writes, task.classes, task.class_counts()) == ("text", (), {})
    seen = []
    for split in ("train", "dev", "test"):
        examples = task.load(split, folder, 0)
        assert set(examples.inputs) == {"text", "target"}
        for source, target in zip(*examples.inputs.values(), strict=True):
            assert source == f"a text of {target} in words"
        seen += examples.ids.tolist()
    assert sorted(seen) == list(range(60))


def test_how_it_is_written_is_in_the_key_and_not_in_the_prepared_folder(task):
    other = replace(task, decoding=Decoding(beams=4))
    assert other.specification() != task.specification()
    assert other.fingerprint() == task.fingerprint()


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"long": "a text", "short": " "}, 'row 4, column "short": the text is empty'),
        ({"long": None, "short": "one"}, 'row 4, column "long": the text is missing'),
        ({"long": "a text"}, 'row 4, column "short": the text is missing'),
    ],
)
def test_a_row_at_fault_is_named(task, tmp_path, rows, row, message):
    write(tmp_path / "things.jsonl", [*rows[:3], row, *rows[3:]])
    (need,) = task.requirements()
    assert f"things.jsonl, {message}" in need.where


def test_a_number_is_no_source(task, tmp_path, rows):
    write(tmp_path / "things.jsonl", [{**row, "long": i} for i, row in enumerate(rows)])
    (need,) = task.requirements()
    assert 'things.jsonl, row 1, column "long": it holds int64, not text' in need.where


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"source": "short"}, "source and target are both 'short'"),
        ({"target": ""}, "must be the name of a column"),
        ({"decoding": 4}, "must be a Decoding"),
        ({"dev": Part("train", 2, per_class=True)}, "there are no classes"),
    ],
)
def test_what_makes_no_sense_is_refused(task, fields, message):
    with pytest.raises(TaskError, match=message):
        replace(task, **fields)


@pytest.mark.parametrize(
    "fields",
    [{"longest": 0}, {"beams": 0}, {"top_p": 0.0}, {"temperature": 0.5}, {"beams": 2, "draws": 2}],
)
def test_a_decoding_out_of_range_is_refused(fields):
    with pytest.raises(TaskError, match="Decoding"):
        Decoding(**fields)


def test_named_data_sets_are_declared_by_their_columns_and_published_sizes():
    tasks = [cnn_dailymail(), gigaword(), reddit_tifu()]
    columns = [("article", "highlights"), ("document", "summary"), ("documents", "tldr")]
    assert [task.columns for task in tasks] == columns
    assert [training_examples(task) for task in tasks] == [287_113, 3_803_957, 37_925]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("One sentence", "One sentence"),
        ("Sorts in place. It is stable.", "Sorts in place."),
        ("A rate of 0.5 per item, e.g. Of this. More.", "A rate of 0.5 per item, e.g. Of this."),
    ],
)
def test_a_summary_is_the_first_sentence(text, sentence):
    assert first_sentence(text) == sentence


def test_sizes_of_the_embedded_task_are_counts():
    with pytest.raises(TaskError, match="dev=0"):
        DocstringSummary(dev=0)
    with pytest.raises(TaskError, match="too small for the alphabet"):
        DocstringSummary(vocabulary=10)
