"""What `bench stats --input` makes of tables as people have them."""

import json
from pathlib import Path

import pytest

CASES = Path(__file__).resolve().parents[3].parent / "shared" / "cases" / "scores"
ASK = ("--compare", "base", "kd")
SEEDS = (13, 21, 42, 87, 100, 123, 512, 1337)
BASE = (87.41, 87.92, 86.75, 88.1, 87.33, 87.6, 87.05, 88.08)
KD = (88.02, 88.47, 87.51, 88.6, 88.12, 88.05, 87.81, 88.7)


def case(name: str) -> Path:
    if not (CASES / name).exists():
        pytest.skip("the tables of scores are not beside the repository")
    return CASES / name


@pytest.fixture
def table(tmp_path):
    """Write a table of both arms, with further columns that are the same in every row."""

    def write(base=BASE, kd=KD, **columns: str) -> Path:
        path = tmp_path / "scores.csv"
        rows = [("base", *pair) for pair in zip(SEEDS, base, strict=True)]
        rows += [("kd", *pair) for pair in zip(SEEDS, kd, strict=True)]
        lines = [",".join(map(str, (*row, *columns.values()))) for row in rows]
        path.write_text("\n".join([",".join(("method", "seed", "score", *columns)), *lines]))
        return path

    return write


def verdict(answer, path, *options):
    told = json.loads(answer("stats", "--input", path, *ASK, *options, "--format", "json"))
    return told["comparisons"][0]["verdict"], told


def test_a_flag_declares_the_direction(answer, table):
    path = table(metric="zeal")
    assert verdict(answer, path)[0] == "better"
    assert "more is better; taken so" in answer("stats", "--input", path, *ASK).replace("\n", " ")
    found, told = verdict(answer, path, "--lower-is-better")
    assert (found, told["lower_is_better"]) == ("worse", True)
    assert not any("zeal" in each for each in told["warnings"])


def test_a_metric_of_which_less_may_be_better_is_asked_about(answer, table):
    path = table(metric="custom_loss")
    for question in ([*ASK], [*ASK, "--bayes"], ["--rank"]):
        told = answer("stats", "--input", path, *question, code=2)
        assert 'less of "custom_loss" may be better' in told
        assert "--lower-is-better or --higher-is-better" in told
        assert len(told.splitlines()) == 1
    assert verdict(answer, path, "--higher-is-better")[0] == "better"
    assert verdict(answer, table(metric="custom_loss", direction="lower"))[0] == "worse"


def test_flag_and_column_may_not_contradict_each_other(answer, table):
    path = table(metric="zeal", direction="lower")
    told = answer("stats", "--input", path, *ASK, "--higher-is-better", code=2)
    assert "higher is better as declared, but lower by the column direction" in told


def test_scores_without_a_metric_say_how_they_were_taken(answer, table):
    assert "more is taken as better" in verdict(answer, table())[1]["notes"][0]
    assert "notes" not in verdict(answer, table(), "--higher-is-better")[1]


def test_a_tracker_s_export_is_read_by_the_columns_that_the_message_proposes(answer, table):
    path = table()
    path.write_text(path.read_text().replace("method,seed,score", "Name,config.seed,test/accuracy"))
    told = answer("stats", "--input", path, *ASK, code=2)
    proposed = told.partition("--columns ")[2].partition(";")[0].split()
    assert proposed == ["method=Name", "seed=config.seed", "score=test/accuracy"]
    assert verdict(answer, path, "--columns", *proposed)[0] == "better"
    shown = answer("stats", "--input", path, *ASK, "--columns", *proposed)
    assert "test/accuracy (higher is better)" in shown


def test_files_of_a_pattern_are_one_table(answer, table, tmp_path):
    rows = table().read_text().splitlines()[1:]
    (tmp_path / "scores.csv").unlink()
    for row in rows:
        method, seed, score = row.split(",")
        record = {"method": method, "seed": int(seed), "score": float(score)}
        (tmp_path / f"{method}-{seed}.json").write_text(json.dumps(record))
    found, told = verdict(answer, tmp_path / "*.json")
    assert (found, told["comparisons"][0]["n_pairs"]) == ("better", 8)
    assert "no file is called so" in answer("stats", "--input", tmp_path / "*.tsv", *ASK, code=2)


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (["--columns", "method=a", "method=b"], "names one column of scores twice"),
        (["--columns", "arm=method"], '"arm" is no column of scores'),
    ],
)
def test_columns_that_cannot_be_are_refused(asked, says, answer, table):
    assert says in answer("stats", "--input", table(), *ASK, *asked, code=2)
