"""Reading and checking the tidy table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from stats import ScoresError, analyse, read_scores, validate_scores
from stats.table.scores import COLUMNS


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
        ("method,score\nbase,1\n", r"scores\.csv: no column seed; it has method, score\. Say what"),
        ("[]", "no scores in it"),
        ("[1, 2]", "record 1: not a record such as"),
        ('{"method": "base"}\n', "no column seed or score"),
        ('{"method": {"0": "base"}}', 'line 1: "method" is no single value'),
        ('[{"method": "base", ]', "not JSON"),
        ("method,seed,acc,loss\na,1,90,.1\n", "no column score; if one of acc, loss is the metric"),
        ("method,seed,score\na,1,1e-200\n", "line 2, column score: no score is larger than 1e-200"),
        ("method,seed,score\na,1,0x10\n", 'line 2, column score: "0x10" is not a number'),
        ("method,seed,score\na,1,True\n", 'line 2, column score: "True" is not a number'),
        ("method,seed,score\na,1,1e400\n", "line 2, column score: infinite"),
        ("method;seed;score\na;1;1,5\na;2;1.5\n", 'line 2, column score: "1,5" is not a number'),
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
            r"scores\.csv: a second score of runs, 0 of them copies: line 4: method base, "
            r"task rte, seed 0 \(first in line 2, 62 after 60\)\. Leave one score of each run$",
        ),
        ('method,seed,score\n"base,1,60\n', "not CSV"),
        (b"method,seed,score\nb\xe9,1,60\n", "not UTF-8 text"),
    ],
)
def test_a_bad_file_gets_one_clear_line(tmp_path: Path, text: str | bytes, says: str):
    with pytest.raises(ScoresError, match=says) as caught:
        read_scores(written(tmp_path, text))
    assert "\n" not in str(caught.value)


SEEDS = (13, 21, 42, 87)
PLAIN = "method,seed,score\n" + "".join(f"base,{seed},8{seed % 7}.25\n" for seed in SEEDS)
COMMAS = PLAIN.replace(",", ";").replace(".", ",")


@pytest.mark.parametrize(
    "text",
    [
        COMMAS,
        "\ufeff" + COMMAS,
        "sep=;\n" + COMMAS,
        "\ufeffsep=;\r\n" + COMMAS.replace("\n", "\r\n"),
        PLAIN.replace(",", "\t"),
        COMMAS.replace(";", "\t"),
        PLAIN.replace(",", " | "),
        PLAIN.replace("method,seed,score", "Method, SEED ,Score"),
        PLAIN.encode("utf-16"),
        PLAIN.replace("base,", "base,seed_"),
        PLAIN.replace("base,", "base,Seed "),
        PLAIN.replace("base,42", "base,0x2A").replace(",13", ",0013"),
        PLAIN.replace(",21,", ",21.0,"),
    ],
)
def test_spreadsheets_and_programs_write_the_same_table_in_many_ways(tmp_path, text):
    plain = read_scores(written(tmp_path, PLAIN))
    assert read_scores(written(tmp_path, text)).equals(plain)
    assert plain["score"].tolist() == [86.25, 80.25, 80.25, 83.25]


def test_thousands_and_decimal_commas_are_told_apart(tmp_path):
    text = "method;seed;score\na;1;1.087,5\na;2;-12,25\na;3;3e2\na;4;\n"
    assert read_scores(written(tmp_path, text))["score"].tolist()[:3] == [1087.5, -12.25, 300]


def test_lines_are_counted_in_the_file_as_it_is(tmp_path):
    text = 'sep=;\nmethod;seed;score\n"a\nb";1;1,5\n\na;2;no\n'
    with pytest.raises(ScoresError, match='line 6, column score: "no" is not a number'):
        read_scores(written(tmp_path, text))


BIG = 2**63 + 1


@pytest.mark.parametrize(
    ("seeds", "known"),
    [
        ([BIG, BIG + 1], [BIG, BIG + 1]),
        ([2**53 + 1, 2**53 + 2], [2**53 + 1, 2**53 + 2]),
        ([f"seed_{BIG}", f"{BIG + 1}.0"], [BIG, BIG + 1]),
        ([10**300, 10**300 + 1], [10**300, 10**300 + 1]),
        ([42.0, 7.0], [42, 7]),
        (["0x2a", "-7"], [42, -7]),
        ([True, False], ["True", "False"]),
        ([1.5, 2.0], ["1.5", "2"]),
        (["run-1", 2], ["run-1", "2"]),
    ],
)
def test_a_seed_is_exact_however_large_and_however_it_is_written(tmp_path, seeds, known):
    frame = pd.DataFrame({"method": "a", "seed": pd.Series(seeds, dtype=object), "score": [1, 2]})
    assert validate_scores(frame)["seed"].tolist() == known
    text = "method,seed,score\n" + "".join(f"a,{seed},1\n" for seed in seeds)
    assert read_scores(written(tmp_path, text))["seed"].tolist() == known


def test_large_seeds_make_pairs():
    rows = [(m, BIG + s, 80 + s % 3 + (m == "kd")) for m in ("base", "kd") for s in range(8)]
    table = pd.DataFrame(rows, columns=["method", "seed", "score"])
    found = analyse(table.astype({"seed": object}), "base", ["kd"]).comparisons[0]
    assert (found.n_pairs, found.mean_difference) == (8, 1)


def test_a_metric_with_a_column_of_its_own_is_picked(tmp_path):
    path = written(tmp_path, "method,seed,accuracy,f1,note\na,1,90,80,x\na,2,91,,y\n")
    table = read_scores(path, metric="f1")
    assert table["score"].tolist()[0] == 80
    assert table["metric"].tolist() == ["f1", "f1"]
    with pytest.raises(ScoresError, match="no column score; if one of accuracy, f1 is the metric"):
        read_scores(path)


def test_all_duplicates_are_named_and_copies_told_from_contradictions(tmp_path):
    text = PLAIN + "base,13,86.25\nbase,21,12\nbase,21,80.25\nkd,1,2\nkd,1,\n"
    with pytest.raises(ScoresError) as caught:
        read_scores(written(tmp_path, text))
    said = str(caught.value)
    assert "4 second scores of runs, 2 of them copies" in said
    assert "line 6: method base, seed 13 (first in line 2, a copy)" in said
    assert "line 7: method base, seed 21 (first in line 3, 12 after 80.25)" in said
    assert "line 8: method base, seed 21 (first in line 3, a copy)" in said
    assert "line 10: method kd, seed 1 (first in line 9, nan after 2)" in said


def test_a_column_that_tells_runs_apart_is_named_or_read(tmp_path):
    text = "method,{},seed,score\na,x,1,2\na,y,1,3\n"
    told = read_scores(written(tmp_path, text.format("Dataset")))
    assert told["task"].tolist() == ["x", "y"]
    with pytest.raises(ScoresError, match="column corpus tells them apart, and is not read"):
        read_scores(written(tmp_path, text.format("corpus")))


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
    with pytest.raises(ScoresError, match="runs of RTE: a second score of runs, 0 of"):
        validate_scores(frame.assign(seed=3), source="runs of RTE")


def test_published_scores_are_read(reference):
    path = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "scores" / "setfit.csv"
    table = read_scores(path)
    assert len(table) == 600
    assert table["method"].nunique() == 5


@pytest.mark.parametrize("lines", [True, False])
def test_records_in_json_are_read_as_the_table_that_they_are(tmp_path, lines):
    rows = [
        {"method": m, "seed": s, "score": 87.25 + s if s != 3 else None, "Task": "rte"}
        for m in ("base", "kd")
        for s in range(4)
    ]
    path = tmp_path / ("scores.JSONL" if lines else "scores.json")
    whole = "\n".join(map(json.dumps, rows)) if lines else json.dumps(rows, indent=1)
    path.write_text(whole)
    pd.DataFrame(rows).to_csv(tmp_path / "same.csv", index=False)
    pd.testing.assert_frame_equal(read_scores(path), read_scores(tmp_path / "same.csv"))
    path.write_text(whole.replace("88.25", '"much"', 1))
    with pytest.raises(ScoresError, match="line 2" if lines else "record 2"):
        read_scores(path)


@pytest.mark.parametrize("column", ["model", "init", "method", "task", "split", "metric"])
def test_two_spellings_of_one_name_are_refused_with_their_lines(tmp_path: Path, column: str):
    names = {"method": "kd", column: "cafe\u0301"}
    other = names | {column: "Caf\u00e9"}
    lines = [f"{','.join(names)},seed,score"]
    lines += [f"{','.join(each.values())},{seed},60" for seed, each in enumerate((names, other))]
    with pytest.raises(ScoresError, match=rf'line 3, column {column}: "Café", and .* in line 2'):
        read_scores(written(tmp_path, "\n".join(lines) + "\n"))


def test_a_file_may_have_commas_in_its_name(tmp_path: Path):
    path = tmp_path / "base, kd.csv"
    path.write_text("method,seed,score\nbase,1,2\nbase,1,3\n")
    with pytest.raises(ScoresError, match=r"base, kd\.csv: a second .* line 3: .*first in line 2"):
        read_scores(path)
    frame = pd.DataFrame({"method": ["base"] * 2, "seed": [1] * 2, "score": [2.0, 3.0]})
    with pytest.raises(ScoresError, match=r"^mine, and yours: a second .* row 1: .*first in row 0"):
        validate_scores(frame, "mine, and yours")
