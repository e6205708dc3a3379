"""`bench gc`: only what no study needs leaves the cache, and whatever leaves it is made again."""

import json
import os
import pty
import subprocess
from pathlib import Path

import pytest

from benchmark.record.query import Query
from benchmark.record.studies import recorded_study
from benchmark.store import heartbeat
from benchmark.store.cache import Cache
from benchmark.store.connection import Connection
from benchmark.store.heartbeat import Holder
from benchmark.store.leases import LeaseFolder
from benchmark.store.process import Process
from benchmark.store.store import Store
from tests.benchmark.attempted import Attempted
from tests.benchmark.conftest import command

OTHER = "0" * 64


@pytest.fixture
def attempted(small) -> Attempted:
    """A study, and in the cache all that its runs leave for each other."""
    found = Attempted(small)
    for run in found.plan.runs.values():
        for need in run.needs.values():
            if not cache(found).has(need.output, need.key):
                leave(cache(found), need.output, need.key)
    return found


def cache(attempted: Attempted) -> Cache:
    return attempted.query.store.cache


def leave(cache: Cache, kind: str, key: str, count: int = 1000) -> None:
    """A result of so many bytes, and its checksums."""
    with cache.making(kind, key) as folder:
        (folder / "content").write_bytes(b"x" * count)


def replanned(attempted: Attempted, **changed: object) -> None:
    """Have the recorded plan as another version would have written it."""
    for run in attempted.query.runs("tags.role = 'study'"):
        path = attempted.query.artifact(run.run_id, "plan.json")
        assert path is not None
        path.write_text(json.dumps({**json.loads(path.read_text()), **changed}))
        attempted.query.connection.client.delete_tag(run.run_id, "plan_sha256")


def test_what_the_plan_of_a_study_needs_stays_though_nothing_of_it_has_run(attempted, bench):
    before = cache(attempted).results()
    assert {kind for kind, _ in before} == {"data", "weights", "logits"}
    assert len(before) == 8  # data, pre-training, six teachers
    for kind in ("data", "weights", "logits", "hidden"):
        leave(cache(attempted), kind, OTHER)
    attempted.finish("self_kd · scratch · 1")
    for kind in ("weights", "logits"):  # which nobody learns from
        leave(cache(attempted), kind, attempted.key("self_kd · scratch · 1"), 2_000_000)
    done = bench("gc", "--yes")
    assert done.returncode == 0, done.stderr
    assert "self_kd · scratch · 1 (digits/567)" in done.stdout
    assert "Removed 6 results of the cache, 4.01 MB." in done.stdout
    assert cache(attempted).results() == before
    assert "studies need all that is there" in bench("gc", "--yes").stdout


def test_what_a_run_goes_on_from_stays_until_that_is_finished(attempted, bench):
    waits, done = (attempted.key(f"base · scratch · {seed}") for seed in (1, 2))
    for key in (waits, done, OTHER):
        leave(cache(attempted), "resume", key)
    attempted.finish("base · scratch · 2")
    bench("gc", "--yes")
    left = {key for kind, key in cache(attempted).results() if kind == "resume"}
    assert left == {waits}


def test_without_a_plan_that_tells_it_what_runs_were_made_from_stays(attempted, bench):
    attempted.finish("self_kd · scratch · 1")
    replanned(attempted, runs=[])
    assert recorded_study(attempted.query, "small").runs == ()
    assert bench("gc", "--yes").returncode == 0
    base = attempted.plan.runs[attempted.key("base · scratch · 1")]
    assert cache(attempted).results().keys() == {
        ("data", base.needs["data"].key),
        ("logits", base.key),
    }


def test_what_a_running_run_and_an_open_search_need_stays(attempted, bench):
    replanned(attempted, runs=[], cells=[])
    attempted.begin("self_kd · scratch · 1")
    bench("gc", "--yes")
    base = attempted.key("base · scratch · 1")
    assert ("logits", base) in cache(attempted).results()
    writer = attempted.writer
    for run in attempted.query.runs("attributes.status = 'RUNNING'"):
        writer.end(run.run_id, "KILLED", "interrupted")
    search = writer.start(writer.experiment("searched"), "tuning x", {"role": "tuning"}, {})
    told = {"key": OTHER, "role": "trial-seed", "needs.teacher": base}
    trial = writer.start(writer.experiment("searched"), "trial", told, {})
    writer.end(trial, "FINISHED", "finished")
    writer.end(search, "KILLED", "interrupted")
    bench("gc", "--yes")
    assert ("logits", base) in cache(attempted).results()


def test_what_a_process_uses_or_makes_stays(attempted, bench):
    for key in (OTHER, "1" * 64, "2" * 64):
        leave(cache(attempted), "weights", key)
    with cache(attempted).using(OTHER), cache(attempted).runs.holding("1" * 64):
        done = bench("gc", "--yes")
    assert "Removed 1 result " in done.stdout
    assert "In use, and kept: 2." in done.stdout
    assert cache(attempted).has("weights", OTHER)
    assert not cache(attempted).path("weights", "2" * 64).exists()


@pytest.mark.slow
def test_what_another_machine_uses_stays_until_it_was_silent_for_long(
    attempted, bench, monkeypatch
):
    monkeypatch.setattr(heartbeat, "BEAT", 0.05)
    for key in (OTHER, "1" * 64):
        leave(cache(attempted), "weights", key)
    n1, n2 = (Process(host, host, 4711, "1") for host in ("n1", "n2"))
    lost = cache(attempted).uses.root / OTHER / Holder("shared", n1, "0").file
    lost.parent.mkdir(parents=True)
    lost.touch()
    with LeaseFolder(cache(attempted).uses.root, n2).holding("1" * 64, mode="shared"):
        monkeypatch.setattr(heartbeat, "LIMIT", 5.0)  # a hundred beats, on a machine that is busy
        done = bench("gc", "--yes")
    assert "Looking whether n1 is still at work, for a minute at most." in done.stdout
    assert "Looking whether n2" in done.stdout
    assert "Removed 1 result " in done.stdout
    assert "In use, and kept: 1." in done.stdout
    assert not cache(attempted).path("weights", OTHER).exists()
    assert not lost.parent.exists()


def test_where_nobody_can_be_asked_nothing_is_removed(attempted, bench):
    leave(cache(attempted), "weights", OTHER)
    before = cache(attempted).results()
    done = bench("gc")
    assert done.returncode == 2
    assert "nothing was removed: there is no terminal to ask at. With --yes" in done.stderr
    assert cache(attempted).results() == before


@pytest.mark.sampled(test_all=3)
@pytest.mark.slow
@pytest.mark.parametrize(("answer", "stays"), [("n\n", True), ("\x04", True), ("y\n", False)])
def test_at_a_terminal_it_asks(attempted, answer, stays, tmp_path):
    leave(cache(attempted), "weights", OTHER)
    there, here = pty.openpty()
    process = subprocess.Popen(
        command("gc"), cwd=tmp_path, stdin=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    os.write(there, answer.encode())
    said = process.communicate(timeout=120)[0].decode()
    assert process.returncode == 0, said
    assert "Remove them? [y/N]" in said
    assert ("Nothing was removed." in said) is stays
    assert cache(attempted).has("weights", OTHER) is stays


def test_an_empty_store_is_one_sentence_and_nothing_is_made(bench, tmp_path):
    done = bench("gc", "--yes")
    assert done.returncode == 2
    assert "there is no record in" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.long
def test_a_study_whose_cache_was_collected_goes_on_with_the_same_scores(small, bench, tmp_path):
    first = small.read_text()
    assert bench("run", small, "--workers", 2).returncode == 0
    small.write_text(first.replace("(0, 1, 2)", "(0, 1, 3)").replace("(1, 2, 3)", "(1,)"))
    assert bench("run", small, "--workers", 2).returncode == 0
    there = Store(str(tmp_path / "mlruns")).cache
    done = bench("gc", "--yes")
    assert done.returncode == 0, done.stderr
    # Its first pre-training with the three teachers from it, and two of seeds that are gone.
    assert "Removed 6 results" in done.stdout, done.stdout
    assert len(there.results()) == 4
    small.write_text(first.replace("(1, 2, 3)", "(1, 2, 3, 4)"))
    assert bench("run", small, "--workers", 2).returncode == 0
    assert bench("run", small, "--workers", 2, "--store", tmp_path / "fresh").returncode == 0
    mended = scores_by_key(tmp_path / "mlruns")
    fresh = scores_by_key(tmp_path / "fresh")
    assert fresh == {key: mended[key] for key in fresh}


def scores_by_key(store: Path) -> dict[str, dict[str, float]]:
    found = Query(Connection(Store(str(store)))).finished()
    return {
        key: {name: value for name, value in run.scores.items() if "/" in name}
        for key, run in found.items()
    }
