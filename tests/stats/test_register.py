"""A test, an effect size or a correction is one record, with which one compares, plans, writes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

import stats
from benchmark.cli import main
from benchmark.declare.loading import load_study
from benchmark.errors import StoreError
from benchmark.record.of_study import study_record
from benchmark.record.query import Query
from benchmark.record.studies import record_study, recorded_study
from benchmark.record.study_record import StudyRecord
from benchmark.record.writer import Writer
from benchmark.runs.plan import make_plan
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from stats import InvalidSetting, Judging, analyse, compare
from stats.attainable import seeds_needed_for_alpha, smallest_attainable_p
from stats.inputs import FloatArray
from stats.power.planning import strictest_level
from stats.power.sample_size import seeds_for_test
from stats.register import (
    CORRECTIONS,
    PAIRED_EFFECTS,
    PAIRED_TESTS,
    UNPAIRED_EFFECTS,
    UNPAIRED_TESTS,
    Bounds,
    Correction,
    PairedEffect,
    PairedTest,
    RowsTested,
    correction_named,
    paired_effect,
    paired_test,
    register,
    unpaired_effect,
    unpaired_test,
    withdraw,
)
from stats.report import render
from stats.verdicts.claims import adjust_claims
from tests.stats.long_tables import long_table

BASE = {1: 61.2, 2: 60.4, 3: 62.0, 4: 60.9, 5: 61.7, 6: 60.8}
KD = {1: 62.9, 2: 61.5, 3: 63.1, 4: 62.8, 5: 63.0, 6: 62.1}


def extremes(differences: FloatArray, zeros: str) -> RowsTested:
    """A test by the largest and the smallest difference alone: by chance n of one sign."""
    n = differences.shape[1]
    up, down = (differences > 0).all(axis=1), (differences < 0).all(axis=1)
    p_value = np.where(up | down, 2.0 ** (1 - n), 1.0)
    return RowsTested(up - 1.0 * down, np.where(up, 0.0, 1.0), np.where(down, 0.0, 1.0), p_value)


@pytest.fixture
def unanimous() -> Iterator[str]:
    register(
        PairedTest(
            name="unanimous",
            words="unanimity of all seeds",
            rows=extremes,
            smallest_p=lambda n, _: 2.0 ** (1 - n),
            efficiency=0.5,
            by_size=False,
        )
    )
    yield "unanimous"
    withdraw("unanimous")


def test_it_decides_comparisons(unanimous: str):
    found = compare(BASE, KD, margin=0.5, test=unanimous)
    assert found.p_value == 2 / 2**6
    assert found.verdict == "better"
    assert compare(KD, BASE, margin=0.5, test=unanimous).verdict == "worse"
    assert compare(BASE, KD | {6: 60.0}, margin=0.5, test=unanimous).p_value == 1


def test_it_is_planned_for(unanimous: str):
    t, other = (int(seeds_for_test(0.5, test=test)) for test in ("t", unanimous))
    assert other == pytest.approx(2 * t, abs=2)
    # All of six normal differences with mean 1 and sd 1 are positive with probability Φ(1)⁶.
    assert stats.power_of(unanimous, 1.0, 6) == pytest.approx(0.8413**6, abs=0.02)
    assert stats.power_of(unanimous, 1.0, 4) == 0
    assert smallest_attainable_p(8, family=4, test=unanimous) == 4 * 2 / 2**8
    assert seeds_needed_for_alpha(0.05, family=4, test=unanimous) == 8
    assert unanimous in str(stats.plan_power(6, sd=0.6, margin=0.5, test=unanimous))


@pytest.mark.parametrize("form", ["table", "markdown", "latex"])
def test_it_is_written_about(unanimous: str, form: str):
    table = long_table(60 + np.random.default_rng(0).normal(0, 1, (1, 8, 2)))
    found = analyse(table, "m0", ["m1"], Judging(test=unanimous))
    assert "unanimity of all seeds" in render(found, form)
    tasks = long_table(60 + np.random.default_rng(1).normal(0, 1, (6, 1, 3)))
    ranking = stats.rank(tasks, post_hoc=unanimous)
    assert "unanimity of all seeds of every pair" in render(ranking, form)


def test_a_test_that_goes_by_no_size_ranks_over_tasks_on_unlike_scales(unanimous: str):
    tasks = long_table(60 + np.random.default_rng(1).normal(0, 1, (6, 1, 3)))
    tasks.loc[tasks["task"] == tasks["task"].iloc[0], "score"] *= 1000
    assert stats.rank(tasks, post_hoc=unanimous).settings.post_hoc == unanimous
    with pytest.raises(InvalidSetting, match="unlike scales"):
        stats.rank(tasks, post_hoc="t")


def test_commands_take_it(unanimous: str, tmp_path, capsys):
    scores = tmp_path / "scores.csv"
    rows = [f"{m},{s},{v}" for m, arm in (("base", BASE), ("kd", KD)) for s, v in arm.items()]
    scores.write_text("\n".join(["method,seed,score", *rows]) + "\n")
    asked = ["--input", str(scores), "--compare", "base", "kd", "--test", unanimous]
    assert main(["stats", *asked, "--format", "json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["comparisons"]
    assert row["test"] == unanimous
    assert row["p_value"] == 2 / 2**6
    assert (
        main(["power", "--pairs", "8", "--sd", "0.6", "--margin", "0.5", "--test", unanimous]) == 0
    )
    assert "unanimity of all seeds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("printed", "severity"), [("0.02", "impossible"), ("0.04", "fine"), ("0.031", "fine")]
)
def test_an_audit_knows_its_smallest_p(
    unanimous: str, printed: str, severity: str, tmp_path, capsys
):
    table = tmp_path / "table.csv"
    table.write_text(f"method,task,mean,n,p,test\nkd,rte,,6,{printed},{unanimous}\n")
    assert main(["audit", str(table), "--format", "json"]) in (0, 1)
    (finding,) = json.loads(capsys.readouterr().out)["findings"]
    assert (finding["kind"], finding["severity"]) == ("p_value", severity)
    assert "6 pairs: smallest two-sided p 0.031" in finding["detail"]


STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import ResNet
from trainers.settings import Training
from trainers.tasks import Digits

study = Study(
    name="unanimous",
    task=Digits(train=20, dev=40, test=1000),
    arms=(Arm(ResNet((8,)), "scratch", Base()), Arm(ResNet((8,)), "scratch", LS())),
    comparison=Comparison("base", ("ls",)),
    judging=Judging(margin=2.0, test="unanimous", effect="gains", correction="sidak"),
    training=Training(epochs=1, batch_size=16, device="cpu", precision="float32"),
    seeds=(1, 2, 3, 4, 5, 6),
)
"""


def recorded(tmp_path: Path) -> Path:
    """The file of a study that is judged by all three, with its runs in the record beside it."""
    path = tmp_path / "unanimous.py"
    path.write_text(STUDY)
    plan = make_plan(load_study(path))
    writer = Writer(Connection(Store(str(tmp_path / "mlruns"))))
    experiment = writer.experiment(plan.study.name)
    for (arm, _, seed), key in zip(plan.study.cells(), plan.cells, strict=True):
        run = writer.start(
            experiment, key, {"key": key, "role": "arm", **plan.runs[key].tags()}, {}
        )
        writer.log(run, {"test/accuracy": (BASE if arm.name == "base" else KD)[seed]})
        writer.end(run, "FINISHED", "finished")
    record_study(writer, study_record(plan, path))
    return path


@pytest.mark.slow
def test_a_report_and_its_page_write_about_all_three(
    unanimous: str, gains: str, sidak: str, tmp_path
):
    path = recorded(tmp_path)
    out = tmp_path / "out"
    asked = ["report", str(path), "--store", str(tmp_path / "mlruns"), "--out", str(out)]
    assert main(asked) == 0
    for written in [out / "report.html", *out.glob("*.md"), *out.glob("*.tex")]:
        text = written.read_text()
        assert "unanimity of all seeds" in text, written
        assert "share of gains" in text, written


def test_where_a_study_registered_its_own_and_this_process_has_not_that_is_said(
    unanimous: str, gains: str, sidak: str, tmp_path, capsys
):
    path, store = recorded(tmp_path), ["--store", str(tmp_path / "mlruns")]
    for name in (unanimous, gains, sidak):
        withdraw(name)
    for command in (["stats"], ["report", "--out", str(tmp_path / "out")]):
        assert main([command[0], str(path), *command[1:], *store]) == 2
        assert capsys.readouterr().err == (
            'bench: study "unanimous" is judged by the test "unanimous", the effect "gains", the '
            'correction "sidak", which armbench itself does not have: if its study file registers '
            "that, bench run on the file judges by it, and trains nothing again; else another "
            "version of armbench may have it.\n"
        )
    assert main(["status", str(path), "--format", "json", *store]) == 0
    assert json.loads(capsys.readouterr().out)["counts"]["finished"] == 12


def test_a_plan_that_names_what_nobody_registered_is_kept_as_it_is_and_the_rest_is_checked(
    unanimous: str, gains: str, sidak: str, tmp_path
):
    recorded(tmp_path)
    query = Query(Connection(Store(str(tmp_path / "mlruns"))))
    plan = recorded_study(query, "unanimous").as_json()
    for name in (unanimous, gains, sidak):
        withdraw(name)
    read = StudyRecord.from_json(plan)
    assert read.as_json() == plan
    with pytest.raises(StoreError, match='the test "unanimous"'):
        read.require_judging()
    for wrong in ({"alpha": 2.0}, {"nonsense": 1}):
        with pytest.raises(StoreError, match=r"another version|an older version"):
            StudyRecord.from_json({**plan, "judging": plan["judging"] | wrong})


def test_help_names_what_is_registered(unanimous: str, gains: str, sidak: str, capsys):
    for command in ("stats", "power"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        told = " ".join(capsys.readouterr().out.split())
        assert all(name in told for name in (*PAIRED_TESTS, *CORRECTIONS))
        assert f"{PAIRED_TESTS[0]} (default), " in told
        if command == "stats":
            assert all(name in told for name in (*PAIRED_EFFECTS, *UNPAIRED_EFFECTS))
            assert all(name in told.replace("- ", "-") for name in UNPAIRED_TESTS)


def test_one_test_of_a_kind_is_the_default():
    with pytest.raises(InvalidSetting, match=f'the default is "{PAIRED_TESTS[0]}"'):
        register(
            PairedTest(
                name="other", words="", default=True, rows=extremes, smallest_p=lambda n, _: 0.0
            )
        )


#: Prints what there is as the files' text says it, and once all of them are imported.
NAMES = """
import sys
from importlib import import_module
from pkgutil import walk_packages
import stats.register
kinds = [each for each in vars(stats.register).values() if isinstance(each, stats.register.Names)]
print([[*names] for names in kinds])
assert "numpy" not in sys.modules
for file in walk_packages(stats.__path__, "stats."):
    if not file.name.endswith("__main__"):
        import_module(file.name)
print([[*names] for names in kinds])
print(all(each.known.keys() == each.files.keys() for each in stats.register._OF_KIND.values()))
"""


def test_what_files_register_is_known_before_they_are_imported():
    done = subprocess.run([sys.executable, "-c", NAMES], capture_output=True, text=True, check=True)
    said, found, registered = done.stdout.splitlines()
    assert said == found
    assert registered == "True", "what is named is registered, and nothing else"
    for names, record_of in (
        (PAIRED_TESTS, paired_test),
        (UNPAIRED_TESTS, unpaired_test),
        (PAIRED_EFFECTS, paired_effect),
        (UNPAIRED_EFFECTS, unpaired_effect),
        (CORRECTIONS, correction_named),
    ):
        assert [record_of(name).name for name in names] == [*names]


def test_a_name_of_the_house_is_taken_before_its_file_is_imported():
    code = """
from stats import InvalidSetting
from stats.register import PairedTest, register
try:
    register(PairedTest(name="wilcoxon", words="", rows=abs, smallest_p=max))
except InvalidSetting as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == 'a primary test "wilcoxon" is registered already\n'


def test_no_number_of_seeds_is_said_where_a_test_stops_short():
    with pytest.raises(InvalidSetting, match="no number of seeds lets test"):
        seeds_needed_for_alpha(0.05, 10**9, test="permutation")


def test_a_name_is_taken_once_and_gone_when_it_is_withdrawn(unanimous: str):
    with pytest.raises(InvalidSetting, match='"unanimous" is registered already'):
        register(PairedTest(name=unanimous, words="", rows=extremes, smallest_p=lambda n, _: 0.0))
    others = set(PAIRED_TESTS) - {unanimous}
    assert PAIRED_TESTS[0] in others
    assert len(others) == len(PAIRED_TESTS) - 1
    withdraw(unanimous)
    assert set(PAIRED_TESTS) == others
    with pytest.raises(InvalidSetting, match="unanimous"):
        Judging(test=unanimous)


def share_of_gains(arms: FloatArray, differences: FloatArray, confidence: float) -> Bounds:
    """A made-up size: how many seeds gain, within nothing and everything."""
    share = (differences > 0).mean(axis=1)
    return share, np.zeros(len(share)), np.ones(len(share))


@pytest.fixture
def gains() -> Iterator[str]:
    register(PairedEffect(name="gains", symbol="G", words="share of gains", rows=share_of_gains))
    yield "gains"
    withdraw("gains")


def test_an_effect_size_is_one_record_too(gains: str, tmp_path, capsys):
    found = compare(BASE, KD | {6: 60.0}, margin=0.5, effect=gains)
    assert (found.effect_size, found.effect_low, found.effect_high) == (5 / 6, 0, 1)
    scores = tmp_path / "scores.csv"
    rows = [f"{m},{s},{v}" for m, arm in (("base", BASE), ("kd", KD)) for s, v in arm.items()]
    scores.write_text("\n".join(["method,seed,score", *rows]) + "\n")
    asked = ["--input", str(scores), "--compare", "base", "kd", "--effect", gains]
    assert main(["stats", *asked]) == 0
    assert "share of gains" in capsys.readouterr().out
    assert main(["stats", *asked, "--unpaired"]) == 2
    assert "is for paired scores" in capsys.readouterr().err
    with pytest.raises(InvalidSetting, match='"gains" is registered already'):
        register(PairedEffect(name=gains, symbol="", words="", rows=share_of_gains))


@pytest.fixture
def sidak() -> Iterator[str]:
    """Šidák's: the i-th smallest of k p-values becomes 1 − (1 − p)^(k − i + 1)."""

    def rows(ascending: FloatArray) -> FloatArray:
        left = np.arange(ascending.shape[-1], 0, -1)
        return np.maximum.accumulate(-np.expm1(left * np.log1p(-ascending)), axis=-1)

    register(
        Correction(
            name="sidak",
            words="Holm-Šidák",
            rows=rows,
            smallest=lambda p_value, size: 1 - (1 - p_value) ** size,
            level=lambda alpha, size: 1 - (1 - alpha) ** (1 / size),
        )
    )
    yield "sidak"
    withdraw("sidak")


def test_a_correction_is_one_record_too(sidak: str, tmp_path, capsys):
    raw = [0.01, 0.2, 0.03]
    assert stats.adjust(raw, sidak) == pytest.approx(multipletests(raw, method="holm-sidak")[1])
    # Differences and equivalences become one family of six where it says nothing of these.
    both = adjust_claims(raw, [0.4, 0.001, 0.5], sidak)
    expected = multipletests([*raw, 0.4, 0.001, 0.5], method="holm-sidak")[1]
    assert np.concatenate(both) == pytest.approx(expected)
    assert (
        stats.rank(
            long_table(60 + np.random.default_rng(1).normal(0, 1, (6, 1, 3))), correction=sidak
        ).settings.correction
        == sidak
    )
    assert strictest_level(0.05, 4, sidak) == pytest.approx(1 - 0.95 ** (1 / 4))
    plan = stats.plan_power(8, sd=0.6, margin=0.5, family=4, correction=sidak)
    assert plan.smallest_attainable_p == pytest.approx(1 - (1 - 2 / 2**8) ** 4)
    scores = tmp_path / "scores.csv"
    arms = {"base": BASE, "kd": KD, "ls": KD | {6: 60.0}}
    rows = [f"{m},{s},{v}" for m, arm in arms.items() for s, v in arm.items()]
    scores.write_text("\n".join(["method,seed,score", *rows]) + "\n")
    asked = ["--input", str(scores), "--compare", "base", "kd", "ls", "--correction", sidak]
    assert main(["stats", *asked, "--format", "json"]) == 0
    told = json.loads(capsys.readouterr().out)["comparisons"]
    p_values = [row["p_value"] for row in told]
    expected = multipletests(p_values, method="holm-sidak")[1]
    assert [row["p_adjusted"] for row in told] == pytest.approx(expected)
    assert main(["stats", *asked]) == 0
    assert "Holm-Šidák" in capsys.readouterr().out
    with pytest.raises(InvalidSetting, match='a correction "sidak" is registered already'):
        register(Correction(name=sidak, words="", rows=abs, smallest=max, level=max))
