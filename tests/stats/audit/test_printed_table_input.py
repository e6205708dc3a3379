"""Tables of published results: what is read, and what is refused with its row and column."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from stats import ScoresError, audit_tables
from stats.audit import read_printed_tables

HEAD = "method,task,metric,mean,sd,n\n"
BASE = "base,rte,accuracy,68.66,1.28,5\n"


@pytest.fixture
def read(tmp_path: Path):
    def of(text: str) -> pd.DataFrame:
        path = tmp_path / "published.csv"
        path.write_text(text, encoding="utf-8")
        return read_printed_tables(path)

    return of


@pytest.mark.parametrize("cell", ["62.13 ± 0.67", "62.13±0.67", "62.13 +- 0.67", r"62.13 \pm 0.67"])
def test_mean_and_sd_may_share_a_cell(read, cell: str):
    together = audit_tables(read(f"method,task,mean,n\nbase,x,{cell},5\nkd,x,63.00 ± 0.50,5\n"))
    apart = "method,task,mean,sd,n\nbase,x,62.13,0.67,5\nkd,x,63.00,0.50,5\n"
    assert together == audit_tables(read(apart))
    (found,) = together.findings
    assert found.printed == "63.00 ± 0.50 against 62.13 ± 0.67 (base)"


LOOKS = {
    "62.13 (0.67)": "brackets",
    r"$62.13\pm0.67$": "mathematics",
    r"\textbf{62.13} {\scriptsize $\pm$ 0.67}": "bold",
    r"$\mathbf{62.13}_{\pm 0.67}^{\dagger}$": "a subscript and a dagger",
    "**62.13** ± 0.67*": "Markdown and a star",
}


@pytest.mark.parametrize("cell", LOOKS, ids=LOOKS.values())
def test_what_figures_look_like_is_no_part_of_them(read, cell: str):
    plain = audit_tables(read("method,task,mean,n\nbase,x,62.13 ± 0.67,5\nkd,x,63.00 ± 0.50,5\n"))
    assert (
        audit_tables(read(f"method,task,mean,n\nbase,x,{cell},5\nkd,x,63.00 ± 0.50,5\n")) == plain
    )


def test_columns_as_people_call_them_are_read(read):
    plain = read("method,task,mean,n\nbase,x,62.13 ± 0.67,5\nkd,x,63.00 ± 0.50,5\n")
    for head in ("method,dataset,score,runs", "method,dataset,score,seeds"):
        other = read(f"{head}\nbase,x,62.13 ± 0.67,n=5\nkd,x,63.00 ± 0.50,5 runs\n")
        assert audit_tables(other) == audit_tables(plain)
    (found,) = audit_tables(
        read("method,seed,score\nbase,5 seeds,62 ± 1\nkd,5 seeds,63 ± 1\n")
    ).findings
    assert found.recomputed.startswith("+1")


def test_seeds_of_single_runs_are_no_number_of_runs(read):
    with pytest.raises(ScoresError, match='unknown column "seed"'):
        read("method,seed,score\nbase,42,62.1\nkd,42,62.3\n")


def test_digits_in_brackets_without_their_point_are_refused(read):
    with pytest.raises(ScoresError, match="in units of the last digit"):
        read("method,task,mean,n\nbase,x,62.13(67),5\n")


ROWS = {
    '"62,13",0.67,5': 'line 3, column mean: "62,13" has a comma; decimals need a point',
    '62.13,"0,67",5': 'line 3, column sd: "0,67" has a comma',
    "62,13,0.67,5": 'line 3, column mean: "62,13" has a comma, which makes 7 fields under 6',
    "62.13,0,67,5": 'line 3, column sd: "0,67" has a comma',
    "62,13 ± 0,67,,5": 'line 3, column mean: "62,13 ± 0" has a comma',
    "62.13,0.67,5,kd": "line 3: 7 fields under 6 column names; decimals need a point",
    "62.13,0.67": "line 3: 5 fields under 6 column names",
    "62.13 ± 0.67,0.67,5": "line 3, column mean: .* has an sd, and column sd another",
    "± 0.67,,5": 'line 3, column mean: "± 0.67" is not of the form',
    "62.13 ±,,5": 'line 3, column mean: "62.13 ±" is not of the form',
    '62.13,"± 0.67",5': 'line 3, column sd: "± 0.67" is not a printed number',
    '"62,13 ± 0,67",,5': "line 3, column mean: .* has a comma",
    "62.13,0.67,": "line 3, column n: empty; give the number of runs",
    "62.13,0.67,0": 'line 3, column n: "0" is no whole number of at least 1',
    "62.13,0.67,5.0": 'line 3, column n: "5.0" is no whole number',
    "NaN,0.67,5": 'line 3, column mean: "NaN" is not a printed number',
    "62.13,nan,5": 'line 3, column sd: "nan" is not a printed number',
    f"{'9' * 400},0.67,5": "line 3, column mean: .* is not a printed number",
    "inf,0.67,5": "line 3, column mean: .* is not a printed number",
    "6e1,0.67,5": "line 3, column mean: .* is not a printed number",
    "62.13%,0.67,5": "line 3, column mean: .* has a percent sign",
    "62.13,-0.67,5": "line 3, column sd: -0.67 is negative",
    ",0.67,5": "line 3, column mean: empty",
}


@pytest.mark.parametrize(("row", "told"), ROWS.items())
def test_a_bad_cell_is_named(read, row: str, told: str):
    with pytest.raises(ScoresError, match=rf"published.csv, {told}") as caught:
        read(f"{HEAD}{BASE}kd,rte,accuracy,{row}\n")
    assert "\n" not in str(caught.value)


def test_zeros_that_a_spreadsheet_ate_are_noticed(read):
    head = "method,task,mean,sd,n,mean_decimals,sd_decimals\n"
    read(f"{head}base,rte,68.60,1.20,5,2,2\n")
    with pytest.raises(ScoresError, match=r"line 2, column mean: .* 1 decimals, and .* says 2"):
        read(f"{head}base,rte,68.6,1.20,5,2,2\n")
    with pytest.raises(ScoresError, match=r"line 2, column sd: .* 1 decimals, and .* says 2"):
        read(f"{head}base,rte,68.60,1.2,5,2,2\n")


WHOLE = {
    "method,task,mean,n,score\nbase,rte,1,5,1\n": 'unknown column "score"',
    "method,task,mean,n,metrics\nbase,rte,1,5,f1\n": 'unknown column "metrics" .is it "metric"',
    "method,task,mean\nbase,rte,60.1\n": "no column n; it has method, task, mean",
    "method,task,mean,n,n\nbase,rte,60.1,5,5\n": "column n occurs 2 times",
    "method;task;mean;n\nbase;rte;62,13;5\n": "line 1: columns are separated by commas",
    "method,task,mean,n,test,p\nbase,x,,1001,wilcoxon,0.1\n": "column n: tests are exact up to",
    "": "no column method or mean",
    HEAD: "no results in it",
    HEAD + BASE + BASE: "line 3: a second figure for base, task rte .the first is in line 2",
    HEAD + ",rte,accuracy,60.1,,5\n": "line 2, column method: empty",
    "method,task,mean,n,step\nbase,rte,60.1,5,0.3\n": "column step: 0.3 does not divide 100",
    "method,task,mean,n,examples\nbase,rte,60.1,5,many\n": 'column examples: "many" is no whole',
    "method,task,mean,n,test,p\nbase,x,,8,welch,0.1\n": 'column test: "welch" is not among',
    "method,task,mean,n,test,p\nbase,x,,8,sign,1.2\n": "column p: 1.2 is no probability",
    "method,task,mean,n,test,p\nbase,x,60.1,8,sign,0.2\n": "a mean and a p-value need a row each",
}


@pytest.mark.parametrize(("text", "told"), WHOLE.items())
def test_a_bad_table_is_refused(read, text: str, told: str):
    with pytest.raises(ScoresError, match=told):
        read(text)


def test_files_that_cannot_be_read(tmp_path: Path):
    with pytest.raises(ScoresError, match="No such file"):
        read_printed_tables(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("method,task,mean,n\nbase,x,1 ± 2,5\n".encode("latin-1"))
    with pytest.raises(ScoresError, match="not UTF-8"):
        read_printed_tables(tmp_path / "latin.csv")


def test_numbers_in_a_data_frame_have_lost_their_zeros():
    frame = pd.DataFrame({"method": ["base"], "task": ["x"], "mean": [60.1], "n": ["5"]})
    with pytest.raises(ScoresError, match=r"row 0, column mean: give text as printed, not 60\.1"):
        audit_tables(frame)


@pytest.mark.parametrize("test", ["wilcoxon", "sign", "permutation"])
@pytest.mark.parametrize("n", [2, 31, 300])
def test_p_values_of_many_pairs_are_checked_too(read, test: str, n: int):
    """With many pairs nearly every p exists; as papers print it, without the zero in front."""
    (found,) = audit_tables(read(f"method,task,mean,n,test,p\nkd,x,,{n},{test},<.90\n")).findings
    assert (found.severity, found.printed) == ("fine", "p <.90")


def test_fractions_are_told_from_percentages(read):
    """277 examples: 0.6939 is no share of them, 0.6931 is 192."""
    head = "method,task,metric,split,mean,n\n"
    found = audit_tables(
        read(f"{head}base,rte,accuracy,dev,0.6931,1\nkd,rte,accuracy,dev,0.6939,1\n")
    )
    assert [(each.row, each.severity) for each in found.findings] == [
        ("kd", "impossible"),
        ("base", "fine"),
    ]
