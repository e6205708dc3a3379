"""Probes in a report whose scores are known, among them those of a link that failed."""

from pathlib import Path

import pytest

from benchmark.declare.loading import load_study
from benchmark.record.of_study import runs_of, scores_table, study_record
from benchmark.record.query import Query
from benchmark.record.studies import record_study
from benchmark.record.writer import Writer
from benchmark.report.files import write_report
from benchmark.report.gather import Gathered, gather
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import make_plan
from benchmark.store.connection import Connection
from benchmark.store.store import Store

STUDY = """
from benchmark import Arm, Comparison, Judging, Probes, Study, chain
from trainers.methods import LS, Base
from trainers.models import ResNet
from trainers.pretraining import Supervised
from trainers.settings import Training
from trainers.tasks import Digits

training = Training(epochs=1, batch_size=16, device="cpu", precision="float32")
source = Supervised(Digits(digits=(0, 1), train=20, dev=20, test=20), training=training)
a, b, c = (Digits(digits=d, train=20, dev=40, test=100) for d in ((2, 3), (4, 5), (6, 7)))
study = Study(
    name="probed",
    task=b,
    arms=Arm.grid(ResNet((8,), pretraining=source), chain([a]), [Base(), LS()]),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=1.0, test="t"),
    training=training,
    seeds=(1, 2, 3, 4, 5),
    probes=Probes([c], at="every link"),
)
"""
#: At link 0, 1 and 2, in whole examples of a hundred.
SCORES = {"base": (80, 70, 60), "ls": (80, 76, 72)}
LOST = "ls", 3


@pytest.fixture(scope="module")
def gathered(tmp_path_factory) -> Gathered:
    """The study's record, in which one arm diverged on its first link at one seed."""
    folder = tmp_path_factory.mktemp("probed")
    path = folder / "study.py"
    path.write_text(STUDY)
    plan = make_plan(load_study(path))
    writer = Writer(Connection(Store(str(folder / "mlruns"))))
    experiment = writer.experiment("probed")
    inits = {init: link for link, init in enumerate(study_record(plan, path).chains[0])}
    gone = {run.key for run in plan.runs.values() if is_lost(run)}
    for key, run in plan.runs.items():
        if not run.tracked or any(key != each and each in needs(run) for each in gone):
            continue
        tags = run.tags() | {"key": key, "role": run.role}
        opened = writer.start(experiment, run.name, tags, {})
        if key in gone:
            writer.end(opened, "FAILED", "diverged", detail="the loss was nan")
            continue
        seed = int(tags["seed"]) if tags["seed"].isdigit() else 0
        link = inits.get(tags["init"], 0)
        score = SCORES.get(tags["method"], SCORES["base"])[link]
        if link:
            score += seed % 3 + (seed % 2 if tags["method"] == "ls" else 0)
        writer.log(opened, {"test/accuracy": float(score), "dev/accuracy": float(score)})
        if run.role == "probe":
            writer.log(
                opened, {"features/cka": 1 - link / 4, "features/effective_rank": 9.0 - link}
            )
        writer.end(opened, "FINISHED", "finished")
    record = study_record(plan, path)
    record_study(writer, record)
    query = Query(writer.connection)
    return gather(record, query)


def is_lost(run) -> bool:
    first = isinstance(run, TrainRun) and run.role == "link"
    return first and (run.method_name, run.seed) == LOST


def needs(run) -> set[str]:
    own = {need.key for need in run.needs.values()}
    return own.union(*(needs(need.run) for need in run.needs.values()))


def test_verdicts_on_probes_are_those_of_any_scores(gathered):
    analysis = gathered.probed.analysis
    found = {each.init: each for each in analysis.comparisons}
    assert [each.mean_difference for each in found.values()] == pytest.approx([6.5, 12.5])
    assert {each.verdict for each in found.values()} == {"better"}
    assert {each.n_pairs for each in found.values()} == {4}
    assert analysis.interactions == ()
    assert analysis.judging.margin == 1.0


def test_a_probe_whose_link_failed_is_named_with_the_run_that_did(gathered):
    lost = gathered.probed.scores[gathered.probed.scores["score"].isna()]
    assert len(lost) == 2
    assert set(lost["seed"]) == {3}
    for status in lost["status"]:
        assert status.startswith("not run, for want of")
        assert "diverged: the loss was nan" in status
    (own,) = gathered.scores[gathered.scores["score"].isna()]["status"]
    assert "for want of" in own
    assert any("3" in each for each in gathered.probed.analysis.warnings)


def test_the_score_falls_by_the_link_and_the_effect_grows(gathered):
    (links,) = gathered.probed.links
    assert {each.arm: each.n_seeds for each in links.arms} == {"base": 5, "ls": 4}
    slopes = {each.arm: each.trend.slope for each in links.arms}
    assert slopes["base"] == pytest.approx(-9.4)  # seeds add 1.2 to the last link
    (effect,) = links.effects.trends
    assert effect.trend.slope == pytest.approx(6.25)


def test_a_report_has_the_probes_the_anchors_and_what_is_missing(gathered, tmp_path):
    write_report(gathered, tmp_path, for_paper=False)
    markdown = (tmp_path / "report.md").read_text()
    page = (tmp_path / "report.html").read_text()
    for title in (
        "Probes",
        "Probes along the chain",
        "Frozen encoders",
        "Probes that are not there",
    ):
        assert f"## {title}\n" in markdown
        assert f"<h2>{title}</h2>" in page
    assert "untouched encoder" in markdown
    assert "random encoder" in markdown
    assert "2 of 30 probes have no score" in markdown
    assert 'id="figure-links' in page
    assert 'id="figure-forest-of-probes' in page


def test_dev_is_read_as_test_is(gathered):
    probes = gathered.record.of_probes()
    table = scores_table(probes, gathered.query, runs_of(probes, gathered.query), None, "dev")
    assert table["score"].notna().sum() == 28


def test_a_study_whose_probes_all_failed_still_has_its_report(gathered, tmp_path):
    none = {key: run for key, run in gathered.finished.items() if "probe" not in run.tags["role"]}
    bare = Gathered(
        gathered.record,
        gathered.query,
        none,
        gathered.scores,
        gathered.judging,
        gathered.analysis,
        None,
    )
    write_report(bare, Path(tmp_path), for_paper=False)
    markdown = (tmp_path / "report.md").read_text()
    assert "30 of 30 probes have no score" in markdown
    assert "no verdict on probes" in markdown
