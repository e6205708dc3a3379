"""A chain of tasks whose encoders are probed at every link, from its file to its report."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmark.cli import main
from benchmark.record.query import Query
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.studies.test_hub_models_in_studies import write_rows
from tests.trainers import tiny_hub

STUDY = """
from pathlib import Path

from benchmark import Arm, Comparison, Judging, Probes, Study, chain
from trainers.methods import R3F, Base
from trainers.models import HubModel
from trainers.settings import Training
from trainers.tasks import Part, TextTask

here = Path(__file__).parent
first, second, probed = (
    TextTask(here / "rows.csv", train=Part("train", size), dev=Part("train", 16),
             test=Part("train", 16), name=name)
    for name, size in (("first", 40), ("second", 32), ("probed", 24))
)
study = Study(
    name="chained",
    task=second,
    arms=Arm.grid(HubModel(here / "model"), chain([first]), [Base(), R3F()]),
    comparison=Comparison("base", "r3f"),
    judging=Judging(margin=2.0),
    training=Training(epochs=1, batch_size=16, lr=1e-2, max_length=24, device="cpu",
                      precision="float32"),
    seeds=(1, 2),
    probes=Probes(probed, at="every link"),
    allow_underpowered=True,
)
"""
ONCE, TWICE = "after first", "after first → second"
ENCODERS = 1 + 2 + 2 * 2 * 2  # untouched, random at two seeds, two links of two arms at two seeds


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The study, every run of which is in the record beside it."""
    folder = tmp_path_factory.mktemp("chained")
    texts = write_rows(folder / "rows.csv")
    (folder / "model").mkdir()
    tiny_hub.save("bert", texts, folder / "model", layers=1)
    (folder / "study.py").write_text(STUDY)
    assert asked(folder, "run", "study.py", "--engine", "inline") == 0
    return folder


def asked(folder: Path, command: str, study: str, *options: str) -> int:
    study = str(folder / study) if study.endswith(".py") else study
    return main([command, study, "--store", str(folder / "mlruns"), *options])


@pytest.fixture
def finished(folder):
    return Query(Connection(Store(str(folder / "mlruns")))).finished()


def test_each_link_starts_from_the_run_of_its_own_seed_and_method(finished):
    by_role = {
        role: [r for r in finished.values() if r.tags["role"] == role]
        for role in ("arm", "link", "probe")
    }
    assert {role: len(runs) for role, runs in by_role.items()} == {
        "arm": 4,
        "link": 4,
        "probe": ENCODERS,
    }
    for run in by_role["arm"]:
        before = finished[run.tags["needs.body"]]
        for name in ("seed", "method"):
            assert before.tags[name] == run.tags[name]
        assert [(r.tags["init"], r.tags["task"]) for r in (before, run)] == [
            ("pretrained", "first"),
            (ONCE, "second"),
        ]


def test_every_link_and_both_anchors_are_probed(finished):
    probes = [r.tags for r in finished.values() if r.tags["role"] == "probe"]
    told = sorted(
        (t["method"], t["init"], t["seed"]) for t in probes if t["task"] == "probe of probed"
    )
    arms = [(m, i, s) for m in ("base", "r3f") for i in (ONCE, TWICE) for s in "12"]
    anchors = [("untouched encoder", "pretrained", "all")]
    anchors += [("random encoder", "scratch", seed) for seed in "12"]
    assert told == sorted([*arms, *anchors])


def test_a_probe_has_scores_and_shape_and_the_untouched_encoder_is_like_itself(finished):
    for run in finished.values():
        if run.tags["role"] != "probe":
            continue
        assert {"dev/accuracy", "test/accuracy", "test/nll"} <= run.scores.keys()
        assert 1 <= run.scores["features/effective_rank"] <= 32
        if run.tags["method"] == "untouched encoder":
            assert run.scores["features/cka"] == pytest.approx(1)
        else:
            assert run.scores["features/cka"] < 0.9999


def test_features_lie_in_the_cache_once_an_encoder_and_task(folder):
    kept = list((folder / "mlruns" / "cache" / "features").iterdir())
    assert len(kept) == ENCODERS
    for each in kept:
        values = np.load(each / "train.npy", mmap_mode="r", allow_pickle=False)
        assert values.dtype == np.float32
        assert values.shape == (24, 32)


def test_a_second_run_trains_and_probes_nothing(folder, capsys):
    assert asked(folder, "run", "study.py") == 0
    said = capsys.readouterr().out
    assert f"4 runs in the comparison and {ENCODERS} probes, {4 + ENCODERS} cached" in said
    assert "links of the chain: 0 = pretrained, 1 = after first, 2 = after first → second" in said


def test_probes_are_judged_as_runs_are(folder, capsys):
    assert asked(folder, "stats", "chained", "--probes", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    places = {(c["init"], c["task"]) for c in found["comparisons"]}
    inits = (ONCE, TWICE)
    assert places == {(init, "probe of probed") for init in inits}
    assert found["interactions"] == []
    asking = ["--split", "features", "--metric", "cka", "--higher-is-better"]
    assert asked(folder, "stats", "chained", "--probes", *asking) == 0
    assert "cka on features (higher is better)" in capsys.readouterr().out


def test_trends_go_over_the_links_from_the_untouched_encoder_on(folder, finished, capsys):
    assert asked(folder, "trend", "chained", "--probes", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["links"] == {"pretrained": 0, ONCE: 1, TWICE: 2}
    (untouched,) = (
        r.scores["test/accuracy"]
        for r in finished.values()
        if (r.tags["method"], r.tags["task"]) == ("untouched encoder", "probe of probed")
    )
    for arm in found["arms"]:
        assert arm["n_seeds"] == 2
        assert arm["trend"]["doses"] == [0, 1, 2]
        assert arm["trend"]["effects"][0] == pytest.approx(untouched)
    assert [t["candidate"] for t in found["effects"]["trends"]] == ["r3f"]
    assert all(t["trend"]["effects"][0] == 0 for t in found["effects"]["trends"])


@pytest.mark.slow
def test_the_report_has_probes_as_table_and_figure(folder, tmp_path):
    assert asked(folder, "report", "chained", "--out", str(tmp_path)) == 0
    page, markdown = ((tmp_path / f"report.{end}").read_text() for end in ("html", "md"))
    for title in ("Probes", "Probes along the chain", "Frozen encoders"):
        assert f"<h2>{title}</h2>" in page
        assert f"## {title}\n" in markdown
    assert "Probes that are not there" not in page
    assert 'id="figure-links' in page
    assert (tmp_path / "data" / "encoders.csv").is_file()
    assert (tmp_path / "data" / "links.csv").is_file()


def test_nothing_that_probes_need_is_collected_and_what_nobody_needs_is(folder, capsys):
    cache = folder / "mlruns" / "cache" / "features"
    stray = cache / ("0" * 64)
    stray.mkdir()
    (stray / "train.npy").write_bytes(b"old")
    assert main(["gc", "--store", str(folder / "mlruns"), "--yes"]) == 0
    assert len(list(cache.iterdir())) == ENCODERS


def test_status_counts_links_and_probes(folder, capsys):
    assert asked(folder, "status", "chained") == 0
    said = capsys.readouterr().out
    assert "links of chains" in said
    assert "probes" in said
    assert "waiting" not in said.split("machine")[1]
