"""Reading and checking the tidy table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stats import ScoresError, read_scores, validate_scores
from stats.scores import COLUMNS


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "scores.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_three_columns_are_enough(tmp_path: Path):
    table = read_scores(written(tmp_path, "method,seed,score\nbase,1,60.5\nkd,1,61\n"))
    assert tuple(table.columns) == COLUMNS
    assert table["score"].tolist() == [60.5, 61.0]
    assert table["seed"].tolist() == [1, 1]
    assert set(table["model"]) == {""}


def test_a_failed_seed_stays_with_its_reason(tmp_path: Path):
    text = "method,seed,score,status\nbase,1,,out of memory\nbase,2,NaN,\nbase,3,n/a,diverged\n"
    table = read_scores(written(tmp_path, text))
    assert table["score"].isna().all()
    assert table["status"].tolist() == ["out of memory", "", "diverged"]


def test_blank_lines_a_byte_order_mark_and_other_columns_do_no_harm(tmp_path: Path):
    text = b"\xef\xbb\xbfmethod, seed ,score,note\r\n\r\nbase,1,60,x\r\n,,,\r\nbase,2,61,y\r\n"
    assert read_scores(written(tmp_path, text))["score"].tolist() == [60, 61]


def test_seeds_are_numbers_where_all_are_and_names_where_not(tmp_path: Path):
    table = read_scores(written(tmp_path, "method,seed,score\na,1,1\na,02,2\n"))
    assert table["seed"].tolist() == [1, 2]
    table = read_scores(written(tmp_path, "method,seed,score\na,1,1\na,fold-b,2\n"))
    assert table["seed"].tolist() == ["1", "fold-b"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", r"scores\.csv: the file is empty$"),
        ("method,seed,score\n", r"scores\.csv: no scores in it$"),
        ("method,score\nbase,1\n", r"scores\.csv: no column seed; it has method, score$"),
        ("method;seed;score\nbase;1;2\n", "separate columns with commas"),
        ("method,seed,score,score\na,1,2,3\n", "column score occurs 2 times"),
        (
            "method,seed,score\nbase,1,60\n\nkd,1,sixty\n",
            r'scores\.csv, line 4, column score: "sixty" is not a number; leave failed seeds',
        ),
        ("method,seed,score\nbase,1,61.2%\n", r'line 2, column score: "61\.2%" is not a number'),
        ("method,seed,score\nbase,1,inf\n", "line 2, column score: infinite"),
        ("method,seed,score\nbase,,61\n", "line 2, column seed: empty"),
        ("method,seed,score\n ,1,61\n", "line 2, column method: empty"),
        ("method,seed,score\nbase,1\n", "line 2: 2 fields under 3 column names"),
        (
            "method,seed,score,task\nbase,0,60,rte\nkd,0,61,rte\nbase,0,62,rte\n",
            r"line 4: a second score for method base, task rte, seed 0 "
            r"\(the first is in line 2\)$",
        ),
        ('method,seed,score\n"base,1,60\n', "not CSV"),
        (b"method,seed,score\nb\xe9,1,60\n", "not UTF-8 text"),
    ],
)
def test_a_bad_file_gets_one_clear_line(tmp_path: Path, text: str | bytes, says: str):
    with pytest.raises(ScoresError, match=says) as caught:
        read_scores(written(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ScoresError, match=r"nowhere\.csv: No such file"):
        read_scores(tmp_path / "nowhere.csv")
    with pytest.raises(ScoresError, match="directory"):
        read_scores(tmp_path)


def test_a_frame_is_checked_like_a_file_and_left_as_it_was():
    frame = pd.DataFrame({"method": ["a", "a"], "seed": [1.0, 2.0], "score": [1, np.nan]}, [9, 9])
    table = validate_scores(frame)
    assert table["seed"].tolist() == [1, 2]
    assert tuple(frame.columns) == ("method", "seed", "score")
    assert validate_scores(table).equals(table)
    with pytest.raises(ScoresError, match="runs of RTE, row 1: a second score for method a, seed"):
        validate_scores(frame.assign(seed=3), source="runs of RTE")


def test_published_scores_are_read(reference):
    path = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "scores" / "setfit.csv"
    table = read_scores(path)
    assert len(table) == 600
    assert table["method"].nunique() == 5
