"""What `bench report` writes, and what `bench run` leaves in MLflow, of a study that attacks."""

import csv
import json
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.cli import main
from benchmark.record.predictions import read_predictions
from benchmark.record.query import Query
from benchmark.record.studies import recorded_study
from benchmark.record.writer import Writer
from benchmark.report.figures.of_arms import sketch_arms
from benchmark.report.files import write_report
from benchmark.report.gather import gather
from benchmark.report.layout import lay_out
from benchmark.report.names import plain_names
from benchmark.report.pages.svg import drawing_of
from benchmark.report.ranked import Ranked
from benchmark.report.recording import metrics_of, record_report
from benchmark.report.sections.costs import costs, unit_of
from benchmark.report.sections.ranking_table import ranked_sheet
from benchmark.report.sections.sheets import cost_sheet
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from stats import Judging, analyse_collapse, rank
from tests.benchmark.reported import (
    ARM_NAMES,
    INITS,
    LOST,
    SECONDS,
    SEEDS,
    STUDY_NAME,
    TASK_NAME,
    TEACHER_SECONDS,
)


class Page(HTMLParser):
    """Every element and attribute of a page, and the text that is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self.inside = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside not in ("script", "style"):
            self.shown.append(data)


def test_every_file_is_written_and_none_elsewhere(attack):
    out = attack / "out"
    assert {"report.html", "report.md", "report.tex", "report.json", "figures", "data"} == {
        each.name for each in out.iterdir()
    }
    assert {each.name for each in attack.iterdir()} >= {"out", "mlruns", "attack.py"}
    assert not [each for each in attack.iterdir() if each.name.startswith("x")]
    for each in out.rglob("*"):
        assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", each.name), each
        assert each.is_dir() or each.stat().st_size


@pytest.mark.long
@pytest.mark.slow
def test_a_folder_keeps_nothing_of_an_earlier_report(attack, gathered, tmp_path):
    """What a later report does not draw or list would be taken for a part of it."""
    shutil.copytree(attack / "out", tmp_path / "out")
    (tmp_path / "out" / "figures" / "mine.svg").write_text("kept")
    fewer = tuple(c for c in gathered.record.cells if c.init == "scratch")
    write_report(gather(replace(gathered.record, cells=fewer), gathered.query), tmp_path / "out")
    left = {str(each.relative_to(tmp_path / "out")) for each in tmp_path.rglob("*.*")}
    assert "data/failures.csv" not in left  # the lost seed is of the other init
    assert not [each for each in left if "pretrained" in each]
    page = (tmp_path / "out" / "report.html").read_text()
    for each in left:
        if each.startswith("figures/") and each != "figures/mine.svg":
            assert f'id="figure-{Path(each).stem}"' in page
    assert {"data/scores.csv", "figures/mine.svg", "figures/forest.1.pdf"} <= left


def in_the_way(folder: Path) -> Path:
    path = folder / "taken"
    path.write_text("kept")
    return path


def below_a_file(folder: Path) -> Path:
    return in_the_way(folder) / "out"


def a_folder_where_a_file_goes(folder: Path) -> Path:
    (folder / "out" / "report.md").mkdir(parents=True)
    return folder / "out"


def very_long(folder: Path) -> Path:
    return folder / ("x" * 5000)


def on_a_full_disk(folder: Path) -> Path:
    (folder / "out").mkdir()
    (folder / "out" / "report.md").symlink_to("/dev/full")
    return folder / "out"


def not_ours(folder: Path) -> Path:
    return Path("/proc/report")


@pytest.mark.parametrize(
    ("place", "says"),
    [
        (in_the_way, "a file is in the way"),
        (below_a_file, "a file is in the way"),
        pytest.param(
            *(a_folder_where_a_file_goes, "report.md is a folder"), marks=pytest.mark.slow
        ),
        (very_long, "File name too long"),
        pytest.param(
            *(on_a_full_disk, "the disk is full. Free some space"),
            marks=[pytest.mark.slow, pytest.mark.long],
        ),
        (not_ours, "No such file or directory"),
    ],
)
def test_a_place_that_cannot_be_written_is_one_sentence(attack, tmp_path, capsys, place, says):
    out = place(tmp_path)
    arguments = ["report", STUDY_NAME, "--store", str(attack / "mlruns"), "--out", str(out)]
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("bench: the report cannot be written to ")
    assert says in told
    assert len(told.splitlines()) == 1
    assert len(told) < 500
    assert not (tmp_path / "taken").exists() or (tmp_path / "taken").read_text() == "kept"


def test_names_are_text_on_the_page_and_nothing_else(attack):
    page = Page((attack / "out" / "report.html").read_text())
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert not [tag for tag, _ in page.elements if tag in ("img", "iframe", "object", "b")]
    for tag, attributes in page.elements:
        assert not [name for name in attributes if name.startswith("on")], tag
        for name in ("href", "src", "xlink:href", "action"):
            assert (attributes.get(name) or "#").startswith(("#", "data:")), (tag, attributes)
    text = " ".join(page.shown)
    for name in (STUDY_NAME, TASK_NAME, *ARM_NAMES):
        assert name in text


def test_the_page_lets_its_own_script_alone_run(attack):
    page = Page((attack / "out" / "report.html").read_text())
    (policy,) = (a["content"] for t, a in page.elements if a.get("http-equiv"))
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy)
    assert "unsafe-eval" not in policy


@pytest.mark.parametrize("name", ["report.html", "report.md", "report.tex", "report.json"])
def test_no_format_takes_absence_of_evidence_for_evidence(attack, name):
    text = (attack / "out" / name).read_text().lower()
    assert "inconclusive" in text
    assert "no difference" not in text
    assert "significan" not in text


def test_figures_and_tables_say_what_bench_stats_says(attack, capsys):
    out = attack / "out"
    assert main(["stats", STUDY_NAME, "--store", str(attack / "mlruns"), "--format", "json"]) == 0
    each = json.loads(capsys.readouterr().out)
    told = {part["kind"]: part for part in json.loads((out / "report.json").read_text())["results"]}
    assert told["analysis"]["comparisons"] == each["comparisons"]
    with (out / "data" / "analysis.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [float(r["p_adjusted"]) for r in rows] == [c["p_adjusted"] for c in each["comparisons"]]
    assert {"better", "inconclusive"} <= {c["verdict"] for c in each["comparisons"]}


def test_scores_of_a_report_can_be_judged_again(attack, capsys):
    scores = attack / "out" / "data" / "scores.csv"
    arguments = ["stats", "--input", str(scores), "--compare", "base", ARM_NAMES[1]]
    assert main([*arguments, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["comparisons"][-1]["n_pairs"] == len(SEEDS)


def test_a_lost_seed_is_named_with_its_reason(attack):
    told = {
        p["kind"]: p for p in json.loads((attack / "out" / "report.json").read_text())["results"]
    }
    (lost,) = told["failures"]["failures"]
    assert (lost["task"], lost["init"], lost["method"], lost["seed"]) == LOST
    assert lost["status"] == "diverged: the loss was <b>nan</b> in epoch 2"
    assert "&lt;b&gt;nan" in (attack / "out" / "report.html").read_text()


def test_an_arm_pays_for_its_teacher_and_names_its_pre_training(attack):
    with (attack / "out" / "data" / "cost.csv").open(newline="") as lines:
        rows = {(r["task"], r["init"], r["method"]): r for r in csv.DictReader(lines)}
    taught = rows[TASK_NAME, "scratch", ARM_NAMES[1]]
    assert float(taught["total_cpu_seconds"]) == SECONDS + TEACHER_SECONDS
    assert float(taught["peak_memory_mb"]) == 900
    alone = rows[TASK_NAME, "pretrained", "base"]
    assert (float(alone["total_cpu_seconds"]), float(alone["pretraining_cpu_seconds"])) == (
        SECONDS,
        100,
    )
    assert float(alone["peak_memory_mb"]) == 500


def test_what_others_do_on_the_machine_is_no_cost_of_an_arm(attack, gathered):
    """Every seed took longer on the wall than the one before; the processors worked as long."""
    table = costs(gathered).set_index(["init", "method"])
    assert table["wall_seconds_sd"].min() > SECONDS
    assert table.loc[("pretrained", "base"), ["cpu_seconds", "cpu_seconds_sd"]].tolist() == [10, 0]
    assert unit_of(table) == "cpu"
    for name in ("report.html", "report.md", "report.tex"):
        text = (attack / "out" / name).read_text()
        assert "CPU s" in text
        assert "0.5 to 1.5 processes" in text
        assert "wall_seconds" not in text


def without(gathered, *names, of=None, **also):
    """The same record, in which some runs lack these metrics, or have others."""

    def changed(run):
        if run.tags.get("role") != "arm" or (of and not of(run)):
            return run
        kept = {name: value for name, value in run.scores.items() if name not in names}
        return replace(run, scores=kept | also)

    runs = {key: changed(run) for key, run in gathered.finished.items()}
    return replace(gathered, finished=runs)


def test_time_that_was_not_measured_is_said_to_be_unknown_and_never_nought(gathered):
    older = without(gathered, "cpu_seconds", "load_start", "load_end", "processors")
    sheet = cost_sheet(older)
    assert "Not measured: processor time, in any of these runs." in sheet.header
    assert "training [CPU s]" not in sheet.tables[0].heading
    assert costs(older)["cpu_seconds"].isna().all()
    assert not [name for _, name, *_ in sketch_arms(older) if name.startswith("cost")]

    some = {run.run_id for _, run in gathered.runs[:3]}
    partly = cost_sheet(without(gathered, "cpu_seconds", of=lambda run: run.run_id in some))
    (said,) = partly.warnings
    assert f"of 3 of {len(gathered.runs)} runs was not measured" in said
    assert said.count("3 of 7") == 1
    assert "training [CPU s]" in partly.tables[0].heading


def test_energy_and_split_batches_stand_in_the_costs_where_there_were_any(gathered):
    assert "training [GPU J]" not in cost_sheet(gathered).tables[0].heading
    split = without(gathered, gpu_joules=500.0)
    first = next(run for _, run in gathered.runs if run.tags["method"] == "base")
    runs = {
        key: replace(run, tags={**run.tags, "micro_batches": "4"})
        if run.run_id == first.run_id
        else run
        for key, run in split.finished.items()
    }
    split = replace(split, finished=runs)
    sheet = cost_sheet(split)
    assert "training [GPU J]" in sheet.tables[0].heading
    (said,) = sheet.warnings
    assert said.startswith("Some runs had no memory for a whole batch")
    assert "base" in said
    assert said.count(": 1 of 7") == 1
    table = costs(split)
    assert table["gpu_joules"].tolist() == [500.0] * len(table)
    assert table["in_parts"].sum() == 1


def test_weights_stand_in_the_costs_where_some_were_pruned(gathered):
    dense = without(gathered, parameters=12_000.0, nonzero_parameters=11_968.0)
    assert "parameters" not in cost_sheet(dense).tables[0].heading
    base = {run.run_id for _, run in gathered.runs if run.tags["method"] == "base"}
    pruned = without(dense, of=lambda run: run.run_id not in base, nonzero_parameters=4_800.0)
    sheet = cost_sheet(pruned)
    first = sheet.tables[0].heading.index("parameters")
    assert sheet.tables[0].heading[first + 1] == "of them not zero"
    rows = {row[0]: row[first : first + 2] for row in sheet.tables[0].rows}
    assert rows["base"] == ("12,000", "11,968")
    assert {rows[name] for name in ARM_NAMES[1:]} == {("12,000", "4,800")}
    assert [said for said in sheet.header if "dense kernels are no faster" in said]
    assert costs(pruned)["nonzero_parameters"].tolist().count(4_800.0) == 2 * len(INITS)


def test_a_machine_that_was_crowded_for_some_arms_alone_is_named(gathered):
    base = without(gathered, of=lambda run: run.tags["method"] == "base", load_end=5.0)
    (said,) = cost_sheet(base).warnings
    assert said.startswith("During some runs the machine had more to do than it has processors")
    assert said.count("7 of 7") == len(INITS)
    assert said.count(": 0 of ") == len(INITS) * (len(ARM_NAMES) - 1)
    assert cost_sheet(without(gathered, load_end=5.0)).warnings == ()


def test_arms_on_an_accelerator_are_compared_by_its_time(gathered):
    on_gpu = without(gathered, gpu_seconds=3.0)
    sheet = cost_sheet(on_gpu)
    assert {"training [GPU s]", "training [CPU s]"} <= set(sheet.tables[0].heading)
    table = costs(on_gpu)
    taught = table["teacher_cpu_seconds"] > 0
    assert unit_of(table[~taught]) == "gpu"
    assert unit_of(table) == "cpu"  # the teacher was trained without one


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="pdflatex is not installed")
def test_the_latex_document_compiles_as_it_is(attack, tmp_path):
    shutil.copy(attack / "out" / "report.tex", tmp_path)
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "report.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout[-2000:].decode(errors="replace")
    assert (tmp_path / "report.pdf").stat().st_size > 10_000


@pytest.mark.long
@pytest.mark.slow
def test_each_arm_has_a_run_over_its_seeds(gathered):
    query = gathered.query
    record_report(gathered, Writer(query.connection), dict)
    arms = query.of_role("summary", query.experiment(STUDY_NAME))
    assert len(arms) == len(INITS) * len(ARM_NAMES)
    scores = gathered.scores
    for arm in arms:
        place = [arm.tags[name] for name in ("init", "method", "task")]
        own = scores[(scores[["init", "method", "task"]] == place).all(axis=1)]
        found = own["score"].dropna()
        assert arm.scores["n"] == len(found)
        assert arm.scores["test/accuracy"] == pytest.approx(found.mean())
        assert arm.scores["test/accuracy.sd"] == pytest.approx(found.std())
        below = query.runs(f"tags.`mlflow.parentRunId` = '{arm.run_id}'")
        assert len(below) == len(found)
        assert set(query.curve(arm.run_id, "epoch/accuracy")) == {1, 2, 3}


@pytest.mark.long
@pytest.mark.slow
def test_mlflow_carries_one_verdict_that_is_replaced_when_something_changes(gathered, attack):
    query, writer = gathered.query, Writer(gathered.query.connection)
    client, experiment = query.connection.client, query.experiment(STUDY_NAME)
    before = query.finished().keys()
    first = record_report(gathered, writer, dict)
    assert record_report(gathered, writer, dict) == first
    (run,) = query.of_role("verdict", experiment)
    assert run.run_id == first
    paths = {each.path for each in client.list_artifacts(first)}
    assert {"report.html", "report.md", "report.tex", "report.json", "figures", "data"} <= paths
    (each,) = (c for c in gathered.analysis.comparisons if (c.init, c.candidate) == LOST[1:3])
    name = "x-vs-base.pretrained"
    assert run.scores[f"difference/{name}"] == each.mean_difference
    assert run.scores[f"p_corrected/{name}"] == each.p_adjusted
    assert run.scores[f"effect_size/{name}"] == each.effect_size
    assert run.tags[f"verdict.{name}"] == each.verdict
    assert "stays open" in run.tags["mlflow.note.content"]

    fewer = tuple(c for c in gathered.record.cells if c.init == "scratch")
    changed = gather(replace(gathered.record, cells=fewer), query)
    second = record_report(changed, writer, dict)
    assert second != first
    assert [each.run_id for each in query.of_role("verdict", experiment)] == [second]
    assert query.finished().keys() == before


def test_a_run_of_very_many_verdicts_is_kept(tmp_path):
    """MLflow refuses more than 100 tags or 1,000 metrics at a time."""
    writer = Writer(Connection(Store(str(tmp_path))))
    run_id = writer.start(writer.experiment("many"), "verdict", {"role": "verdict"}, {})
    tags = {f"verdict.{i}": "inconclusive" for i in range(250)}
    metrics = {f"difference/{i}": float(i) for i in range(2_000)}
    writer.end(run_id, "FINISHED", "finished", tags, metrics)
    kept = writer.connection.client.get_run(run_id)
    assert kept.data.metrics == metrics
    assert tags.items() <= kept.data.tags.items()
    assert kept.info.status == "FINISHED"


def test_an_arm_without_runs_takes_no_ranking_from_another_init(gathered):
    scores = gathered.scores.copy()
    lost = (scores["init"] == "pretrained") & (scores["method"] == ARM_NAMES[1])
    scores.loc[lost, "score"] = np.nan
    found = replace(gathered, scores=scores).ranked
    (left,), (why,) = found.rankings, found.without
    assert left.init == "scratch"
    assert set(left.methods) == set(ARM_NAMES)
    assert "pretrained" in why


def test_arms_that_could_never_be_told_apart_are_not_ranked(gathered):
    """Six pairs of signs reach p = .03, which three pairs of arms turn into .09."""
    few = replace(gathered, scores=gathered.scores[gathered.scores["seed"] < 6])
    report = lay_out(few)
    (section,) = (each for each in report.sections if each.sheet.kind == "ranking")
    assert section.tables == ()
    assert len(section.sheet.header) == len(INITS)
    for line in section.sheet.header:
        assert line.startswith("Not ranked: ")
        assert "5 blocks and 3 pairs can never reach p < 0.05" in line
        assert line.endswith("7 blocks are enough.")
    assert not [name for _, name, *_ in sketch_arms(few) if name.startswith("ranks")]


def test_a_ranking_says_where_it_takes_fewer_seeds_than_the_comparisons(gathered):
    scores = gathered.scores[gathered.scores["init"] == "scratch"].dropna(subset="score")

    def says(scores) -> bool:
        sheet = ranked_sheet(Ranked((rank(scores, blocks="seed"),), ()))
        return any("of the seeds that all methods have" in line for line in sheet.header)

    assert not says(scores.replace(TASK_NAME, "dropped seed 1"))
    assert says(scores[(scores["seed"] > 1) | (scores["method"] != "base")])


def test_collapsed_runs_have_a_section_and_only_where_there_are_any(gathered):
    kinds = [section.sheet.kind for section in lay_out(gathered).sections]
    assert "collapses" not in kinds
    lost = gathered.scores.copy()
    where = (lost["method"] == ARM_NAMES[1]) & (lost["init"] == "scratch") & (lost["seed"] == 3)
    lost.loc[where, "score"] = 10.0
    report = lay_out(replace(gathered, scores=lost))
    (section,) = (each for each in report.sections if each.sheet.kind == "collapses")
    expected = analyse_collapse(lost, "base", ARM_NAMES[1:], Judging(margin=2.0, resolution=1.0))
    rows = [each for each in section.sheet.records if each["candidate_collapsed"]]
    (row,) = rows
    (found,) = (each for each in expected.candidates if each.found.candidate.count)
    assert (row["candidate"], row["init"]) == (ARM_NAMES[1], "scratch")
    assert row["candidate_collapsed_seeds"] == (3,)
    assert row["candidate_collapsed_high"] == found.found.candidate.high
    assert row["others_p_value"] == found.found.others.p_value


def test_arms_are_ranked_by_the_declared_test_and_correction(gathered):
    judging = replace(gathered.judging, test="t", correction="bonferroni", alpha=0.01)
    for ranking in replace(gathered, judging=judging).ranked.rankings:
        settings = ranking.settings
        assert (settings.post_hoc, settings.correction, settings.alpha) == ("t", "bonferroni", 0.01)


HOSTILE_SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 viewBox="0 0 200 100" onload="alert(1)"><script>alert(2)</script><style>*{fill:red}</style>
<a href="https://example.org"><rect width="9" height="9"/></a><foreignObject/>
<image href="https://example.org/x.png"/><use xlink:href="#mark"/><path id="mark" d="M 0 0"
 style="fill: url(https://example.org/#x); stroke: #000000" onclick="alert(3)"/>
<path clip-path="url(#clip)" style="stroke: #ffffff; fill: #d55e00"/></svg>"""


def test_a_drawing_brings_nothing_but_drawing_to_the_page():
    drawn, wide = drawing_of(HOSTILE_SVG, "forest", 'said "aloud" <b>')
    assert not wide
    for word in ("alert", "example.org", "foreignObject", "<a", "onload", "<b>", "style>"):
        assert word not in drawn
    assert 'id="forest-mark"' in drawn
    assert 'href="#forest-mark"' in drawn
    assert "url(#forest-clip)" in drawn
    assert "#d55e00" in drawn  # colours stay, greys follow the page
    assert "var(--ink) 0%" in drawn


@given(st.lists(st.text(max_size=200), max_size=8))
def test_plain_names_are_harmless_and_stay_different(names):
    found = plain_names(names)
    assert set(found) == set(names)
    for plain in found.values():
        assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", plain)
        assert ".." not in plain
    assert len({plain.lower() for plain in found.values()}) == len(found)


@pytest.mark.long
@pytest.mark.slow
def test_tasks_together_come_before_each_of_them(recorded):
    query = Query(Connection(Store(str(recorded.parent / "mlruns"))))
    gathered = gather(recorded_study(query, "recorded"), query)
    report = lay_out(gathered)
    assert [s.sheet.title for s in report.sections][:2] == ["Over all tasks", "Comparisons"]
    assert report.findings[0].place.startswith("all tasks (fixed)")
    assert len(report.findings) == len(report.tallies) * 4 + 4
    metrics = metrics_of(gathered)
    for each in gathered.pooled.comparisons:
        name = f"{each.candidate}-vs-base.all-tasks.{each.init}"
        assert metrics[f"difference/{name}"] == each.mean_difference
        assert metrics[f"p_corrected/{name}"] == each.p_adjusted


def test_predictions_are_read_from_the_record(gathered):
    _, run = gathered.runs[0]
    kept = read_predictions(gathered.query, run, "test")
    assert kept.logits.shape == (100, 2)
    assert set(np.unique(kept.labels)) == {0, 1}
