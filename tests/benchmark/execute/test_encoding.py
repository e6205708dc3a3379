"""Texts are encoded once for all runs that read them so."""

import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmark.care.needed import StillNeeded
from benchmark.declare.loading import load_study
from benchmark.execute.attempt import encoding
from benchmark.execute.attempt.encoding import encoded, encoding_key
from benchmark.record.query import Query
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import Plan, make_plan
from benchmark.store.cache import Cache
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from trainers.inputs.batches import Encoded
from trainers.tasks import Split

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, Base
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Part, TextTask

study = Study(
    name="texts",
    task=TextTask("data", dev=Part("train", 20), test=Part("train", 40), name="said"),
    arms=Arm.grid(Bert(layers=1, width=WIDTH), "scratch", [Base(), LS()]),
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=2.0),
    training=Training(epochs=1, max_length=LENGTH, lr=1e-3, device="cpu"),
    seeds=(1, 2, 3),
    allow_underpowered=True,
)
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    """Of six runs on a hundred short texts."""
    draws = np.random.default_rng(0)
    words = np.array(["how", "now", "brown", "cow", "quick", "fox", "over", "lazy", "dog"])
    rows = [(" ".join(draws.choice(words, 3 + i % 5)), "ab"[i % 2]) for i in range(200)]
    (tmp_path / "data").mkdir()
    table = pd.DataFrame(rows, columns=["text", "label"]).drop_duplicates("text")
    table.to_csv(tmp_path / "data" / "train.csv", index=False)
    return written(tmp_path)


def written(folder: Path, width: int = 32, length: int = 16) -> Path:
    path = folder / "texts.py"
    path.write_text(STUDY.replace("WIDTH", str(width)).replace("LENGTH", str(length)))
    return path


def planned(study: Path) -> Plan:
    return make_plan(load_study(study))


def trained(plan: Plan) -> list[TrainRun]:
    return [run for run in plan.runs.values() if isinstance(run, TrainRun)]


@pytest.mark.slow
def test_the_runs_of_a_study_share_them(study, bench):
    done = bench("run", study)
    assert done.returncode == 0, done.stderr
    cache = Store(str(study.parent / "mlruns")).cache
    kinds = [kind for kind, _ in cache.results()]
    assert sorted(kinds) == ["data", "encoded", "encoded", "encoded"]
    scores = [kept for _, kept in sorted(predictions(study).items())]
    (data,) = (cache.root / "data").iterdir()
    for folder in (cache.root / "encoded").iterdir():
        assert folder.name.startswith(data.name)
    bench("run", study, "--store", study.parent / "other", "--workers", "1")
    assert scores == [kept for _, kept in sorted(predictions(study, "other").items())]


def predictions(study: Path, store: str = "mlruns") -> dict[str, list[float]]:
    """Scores of each run, by its name."""
    query = Query(Connection(Store(str(study.parent / store))))
    return {
        run.name: sorted((n, v) for n, v in run.scores.items() if n.startswith(("dev/", "test/")))
        for run in query.runs("tags.role = 'arm'")
    }


def test_what_tells_encodings_apart_is_what_they_depend_on(study):
    (first, *others) = trained(planned(study))
    assert len({encoding_key(run, "train") for run in (first, *others)}) == 1
    keys = {encoding_key(first, split) for split in ("train", "dev", "test")}
    for other in ({"length": 12}, {"width": 64}):
        run = trained(planned(written(study.parent, **other)))[0]
        keys.add(encoding_key(run, "train"))
    assert len(keys) == 5


def made(calls: list[Split]) -> Encoded:
    calls.append("train")
    return Encoded(np.arange(3), np.array([0, 1, 0]))


def test_one_that_is_damaged_is_made_again_and_said(study, tmp_path):
    run, cache = trained(planned(study))[0], Cache(tmp_path / "cache")
    calls: list[Split] = []
    told: list[str] = []
    for _ in range(2):
        encoded(run, "train", cache, lambda: made(calls), told.append)
    assert (calls, told) == (["train"], [])
    path = cache.path("encoded", encoding_key(run, "train")) / "labels.npy"
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    again = encoded(run, "train", cache, lambda: made(calls), told.append)
    assert again.labels.tolist() == [0, 1, 0]
    assert calls == ["train", "train"]
    assert len(told) == 1
    assert str(path.parent) in told[0]
    assert told[0].endswith("made again")


def test_other_versions_of_what_reads_them_have_their_own(study, monkeypatch):
    run = trained(planned(study))[0]
    before = encoding_key(run, "train")
    monkeypatch.setattr(encoding, "environment_here", lambda *_: {"tokenizers": "9.9"})
    assert encoding_key(run, "train") != before


def test_what_reads_in_a_way_that_cannot_be_followed_keeps_nothing(study, tmp_path, monkeypatch):
    run, cache = trained(planned(study))[0], Cache(tmp_path / "cache")
    monkeypatch.setattr(encoding, "identity_of", lambda declared: {"anew": "7"})
    calls: list[Split] = []
    for _ in range(2):
        encoded(run, "train", cache, lambda: made(calls), pytest.fail)
    assert len(calls) == 2
    assert cache.results() == {}


def open_together(run: TrainRun, root: Path, barrier: Any, calls: Any) -> None:
    """In a process of its own: the same as others at the same time."""

    def make() -> Encoded:
        calls.put(1)
        return Encoded(np.arange(3), np.array([0, 1, 0]))

    barrier.wait()
    found = encoded(run, "train", Cache(root), make, lambda notice: None)
    assert found.labels.tolist() == [0, 1, 0]


def test_of_those_that_begin_together_one_makes_it(study, tmp_path):
    run, context = trained(planned(study))[0], multiprocessing.get_context("fork")
    for number in range(8):
        barrier, calls = context.Barrier(3), context.SimpleQueue()
        told = (run, tmp_path / str(number), barrier, calls)
        begun = [context.Process(target=open_together, args=told) for _ in range(3)]
        for each in begun:
            each.start()
        for each in begun:
            each.join()
        assert [each.exitcode for each in begun] == [0, 0, 0]
        assert calls.get() == 1
        assert calls.empty()


@pytest.mark.slow
def test_they_stay_as_long_as_their_data_is_needed(study, bench):
    assert bench("run", study).returncode == 0
    connection = Connection(Store(str(study.parent / "mlruns")))
    cache = connection.store.cache
    with cache.making("encoded", "0" * 64 + "-" + "1" * 64) as folder:
        (folder / "x").write_bytes(b"x")
    needed = StillNeeded(Query(connection)).results()
    kept = {key for kind, key in needed if kind == "encoded"}
    assert len(kept) == 3
    assert not any(key.startswith("0" * 64) for key in kept)
    assert bench("gc", "--yes").returncode == 0
    assert {key for kind, key in cache.results() if kind == "encoded"} == kept
