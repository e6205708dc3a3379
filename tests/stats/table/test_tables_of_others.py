"""Tables as other programs write them: their columns, their forms, and several of them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pandas as pd
import pytest

from stats import NotEnoughPairs, ScoresError, analyse, read_scores

TIDY = "method,seed,score\nbase,1,60.5\nbase,2,61\nkd,1,62\nkd,2,62.5\n"
CASES = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "scores"


@pytest.fixture
def tidy(tmp_path: Path) -> Path:
    path = tmp_path / "tidy.csv"
    path.write_text(TIDY)
    return path


def same(table: pd.DataFrame, other: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(table, other)


@pytest.mark.parametrize(
    ("header", "columns"),
    [
        ("Name,config.seed,test_loss", ("Name", "config.seed", "test_loss")),
        ("params.method,params.seed,metrics.f1", ("params.method", "params.seed", "metrics.f1")),
        ("Algorithm,random_state,Test Acc", ("Algorithm", "random_state", "Test Acc")),
    ],
)
def test_the_likely_columns_are_proposed_and_reading_them_gives_the_scores(
    header, columns, tidy, tmp_path
):
    path = tmp_path / "own.csv"
    path.write_text(TIDY.replace("method,seed,score", header))
    mapping = dict(zip(("method", "seed", "score"), columns, strict=True))
    with pytest.raises(ScoresError, match="Likely: --columns") as error:
        read_scores(path)
    for known, name in mapping.items():
        assert f"{known}={name}" in str(error.value)
    table = read_scores(path, columns=mapping)
    assert set(table["metric"]) == {columns[2]}  # by whose words the direction is known
    same(table.assign(metric=""), read_scores(tidy))


def test_a_column_that_means_something_else_is_not_read(tmp_path):
    path = tmp_path / "own.csv"
    path.write_text("method,arm,seed,score\nadamw,base,1,60\nadamw,kd,1,61\n")
    with pytest.raises(ScoresError, match="column arm tells them apart"):
        read_scores(path)
    assert list(read_scores(path, columns={"method": "arm"})["method"]) == ["base", "kd"]


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({"method": "Methode"}, 'no column "Methode" to be the method; did you mean "method"'),
        ({"method": "zzz"}, "it has method, seed, score"),
        ({"arm": "method"}, '"arm" is no column of scores; they are method, seed'),
        ({"method": "seed", "seed": "seed"}, "one column is said to be two"),
    ],
)
def test_columns_that_are_not_there_are_refused(columns, says, tidy):
    with pytest.raises(ScoresError, match=says):
        read_scores(tidy, columns=columns)


@pytest.mark.parametrize(
    ("wide", "text", "columns"),
    [
        ("seed", "arm,seed_1,seed_2\nbase,60.5,61\nkd,62,62.5\n", {"method": "arm"}),
        ("method", "seed,base,kd\n1,60.5,62\n2,61,62.5\n", {}),
    ],
)
def test_a_column_for_each_seed_or_arm_is_a_row_for_each_score(wide, text, columns, tidy, tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text(text)
    table = read_scores(path, columns=columns, wide=wide)
    order = ["method", "seed"]
    same(table.sort_values(order, ignore_index=True), read_scores(tidy))


def test_a_column_for_each_task_or_metric_tells_them_apart(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("method,seed,rte,mrpc,host\nbase,1,60,80,a\nkd,1,,81,b\n")
    table = read_scores(path, wide="task")
    assert table["task"].tolist() == ["rte", "rte", "mrpc", "mrpc"]
    assert table["score"].isna().tolist() == [False, True, False, False]
    assert set(read_scores(path, wide="metric")["metric"]) == {"rte", "mrpc"}


def test_a_fault_in_a_wide_table_names_line_and_column(tmp_path):
    path = tmp_path / "wide.csv"
    path.write_text("method,1,2\nbase,60,61\nbase,62,63\n")
    with pytest.raises(ScoresError, match=r"line 3, column 1: method base, seed 1 \(first in line"):
        read_scores(path, wide="seed")
    path.write_text("method,seed,score\nbase,1,2\n")
    with pytest.raises(ScoresError, match="leave out --wide"):
        read_scores(path, wide="seed")


def test_several_files_are_one_table_and_a_fault_names_its_own(tidy, tmp_path):
    parts = []
    for method in ("base", "kd"):
        parts.append(tmp_path / f"{method}.csv")
        rows = [line for line in TIDY.splitlines() if line.startswith(method)]
        parts[-1].write_text("\n".join(["method,seed,score", *rows]))
    same(read_scores(parts), read_scores(tidy))
    parts[1].write_text("seed,method,score\n1,base,3\n")
    twice = (
        r"2 files: a second score of runs, .*kd\.csv, line 2: method base, seed 1 \(first in .*base"
    )
    with pytest.raises(ScoresError, match=twice):
        read_scores(parts)
    parts[1].write_text("seed,method,score\n1,kd,high\n")
    with pytest.raises(ScoresError, match=r"kd\.csv, line 2, column score"):
        read_scores(parts)


def test_what_is_compressed_or_a_sheet_is_read_by_what_is_in_it(tidy, tmp_path):
    expected = read_scores(tidy)
    packed = tmp_path / "scores.txt"
    packed.write_bytes(gzip.compress(TIDY.encode()))
    same(read_scores(packed), expected)
    sheet = tmp_path / "scores.parquet"
    pd.read_csv(tidy).to_parquet(sheet)
    same(read_scores(sheet), expected)
    pd.read_csv(tidy).set_index(["method", "seed"]).to_parquet(sheet)
    same(read_scores(sheet), expected)


def test_a_workbook_is_read(tidy, tmp_path):
    book = tmp_path / "scores.xlsx"
    pd.read_csv(tidy).to_excel(book, index=False)
    same(read_scores(book), read_scores(tidy))


@pytest.mark.parametrize(
    ("held", "says"),
    [
        (gzip.compress(TIDY.encode())[:-9], "damaged, or cut short"),
        (b"PAR1 and nothing more", "cannot be read as Parquet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook of before 2007; save it as"),
    ],
    ids=["cut short", "no Parquet", "an old workbook"],
)
def test_what_is_damaged_or_unknown_says_so(held, says, tmp_path):
    path = tmp_path / "scores"
    path.write_bytes(held)
    with pytest.raises(ScoresError, match=says):
        read_scores(path)


def test_the_score_that_is_called_after_a_metric_is_proposed_before_a_runtime():
    path = CASES / "wandb_export.csv"
    if not path.is_file():
        pytest.skip(f"the cases are not beside the repository ({path.name})")
    with pytest.raises(ScoresError, match="say which: --metric test/accuracy"):
        read_scores(path)
    table = read_scores(path, metric="test/accuracy")
    assert table["score"].notna().sum() == len(table) - 1


def test_contradicting_scores_are_listed_before_copies(tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text("method,seed,score\nbase,1,60\nbase,2,61\nbase,1,60\nbase,2,62\n")
    with pytest.raises(ScoresError) as error:
        read_scores(path)
    assert str(error.value).index("62 after 61") < str(error.value).index("a copy")


def test_a_seed_that_one_arm_has_in_two_spellings_is_named_with_both(tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text('method,seed,score\nbase,"42 ",60\nbase,seed_42,61\n')
    with pytest.raises(ScoresError, match=r'seed 42 .first in line 2.*"42", here "seed_42"'):
        read_scores(path)


def test_seeds_that_may_be_one_in_two_spellings_are_named():
    rows = [("base", f"{i}", 60 + i) for i in range(4)] + [("base", "x1", 61)]
    rows += [("kd", f"run-{i}" if i > 1 else f"{i}", 61 + i) for i in range(4)] + [("kd", "x1", 62)]
    frame = pd.DataFrame(rows, columns=["method", "seed", "score"])
    (line,) = [each for each in analyse(frame, "base", ["kd"]).warnings if "apart" in each]
    assert 'seeds of base and of kd are spelled apart: "2" and "run-2", "3" and "run-3"' in line
    alike = frame.assign(seed=frame["seed"].str.replace("run-", ""))
    assert not any("apart" in each for each in analyse(alike, "base", ["kd"]).warnings)
    strangers = frame.assign(seed=frame["seed"] + frame["method"].map({"base": "", "kd": "9"}))
    with pytest.raises(NotEnoughPairs, match="unless the scores are declared unpaired"):
        analyse(strangers, "base", ["kd"])
