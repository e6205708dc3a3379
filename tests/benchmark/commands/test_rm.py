"""`bench rm`: what is listed goes, what others need stays, and MLflow can bring it back."""

import os
import subprocess
import sys

import pytest

from benchmark.execute.engines.slurm.pool import Entry, JobPool
from benchmark.record.query import Query
from benchmark.store.cache import Cache
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from tests.benchmark.attempted import Attempted
from tests.benchmark.commands.test_gc import leave
from tests.benchmark.commands.test_status import HERE, told


@pytest.fixture
def attempted(small) -> Attempted:
    """A study with some runs, and what they left in the cache."""
    found = Attempted(small)
    found.fail("base · scratch · 1", "out of memory: 3 GiB were asked for")
    for seed in (1, 2):
        for method in ("base", "self_kd"):
            found.finish(f"{method} · scratch · {seed}")
        leave(cache(found), "logits", found.key(f"base · scratch · {seed}"))
    leave(cache(found), "data", data(found))
    return found


def cache(attempted: Attempted) -> Cache:
    return attempted.query.store.cache


def data(attempted: Attempted) -> str:
    return attempted.plan.runs[attempted.key("base · scratch · 1")].needs["data"].key


def names(attempted: Attempted) -> list[str]:
    """Of all runs that are not deleted and no plans."""
    return sorted(run.called for run in attempted.query.runs("tags.key != ''"))


def test_a_run_goes_with_all_its_attempts_and_what_it_left_stays_as_long_as_it_is_needed(
    attempted, bench
):
    done = bench("rm", "small", "--run", "base · scratch · 1", "--yes")
    assert done.returncode == 0, done.stderr
    assert "out of memory: 3 GiB were asked for" in done.stdout
    assert "Removed 2 runs." in done.stdout
    assert names(attempted) == [
        "base · scratch · 2",
        "self_kd · scratch · 1",
        "self_kd · scratch · 2",
    ]
    kept = cache(attempted).results()
    assert ("logits", attempted.key("base · scratch · 1")) in kept  # which self_kd learns from
    assert told(bench)["by_name"]["base · scratch · 1"]["state"] == "waiting"


@pytest.mark.long
@pytest.mark.slow
def test_an_arm_goes_by_its_method_and_by_its_label(attempted, bench):
    done = bench("rm", attempted.file, "--arm", "self_kd", "--yes")
    assert "Removed 2 runs." in done.stdout
    done = bench("rm", "small", "--arm", "base · scratch", "--yes")
    assert "Removed 3 runs." in done.stdout
    assert names(attempted) == []
    done = bench("rm", "small", "--arm", "base · scratch", "--yes")
    assert done.returncode == 0
    assert "has no run to remove" in done.stdout


def test_a_study_goes_with_all_that_it_left(attempted, bench):
    done = bench("rm", "small", "--yes")
    assert done.returncode == 0, done.stderr
    assert "Removed 6 runs." in done.stdout  # its plan is one
    assert cache(attempted).results() == {}
    done = bench("stats", "small")
    assert done.returncode == 2
    assert "is recorded in" in done.stderr
    assert bench("rm", "small", "--yes").returncode == 2


@pytest.mark.long
@pytest.mark.slow
def test_what_another_study_has_too_stays(attempted, bench, tmp_path):
    other = tmp_path / "other.py"
    text = attempted.file.read_text().replace('name="small"', 'name="other"')
    other.write_text(text.replace("(1, 2, 3)", "(1, 2)"))
    Attempted(other)
    done = bench("rm", "small", "--yes")
    assert "Kept, since other studies have them, too: 5 runs." in done.stdout
    assert "Removed 1 run." in done.stdout
    assert len(names(attempted)) == 5
    assert len(cache(attempted).results()) == 3
    assert "4" in str(told(bench, "other")["counts"]["finished"])


@pytest.mark.slow
@pytest.mark.long
def test_mlflow_brings_back_what_was_removed(attempted, bench):
    before = told(bench)["counts"]
    removed = [run.run_id for run in attempted.query.runs("attributes.run_id != ''")]
    assert bench("rm", "small", "--yes").returncode == 0
    address = {"MLFLOW_TRACKING_URI": attempted.query.store.uri}
    for run_id in removed:
        subprocess.run(
            [sys.executable, "-m", "mlflow", "runs", "restore", "--run-id", run_id],
            env=os.environ | address,
            check=True,
            capture_output=True,
        )
    assert told(bench)["counts"] == before


def test_what_is_being_written_is_refused(attempted, bench):
    name = "base · pretrained · 1"
    attempted.begin(name, HERE)
    before = names(attempted)
    with cache(attempted).runs.holding(attempted.key(name)):
        for what in ((), ("--arm", "base"), ("--run", name)):
            done = bench("rm", "small", *what, "--yes")
            assert done.returncode == 2
            assert f"nothing was removed: {name} (digits/567) is being trained on" in done.stderr
        assert bench("rm", "small", "--run", "base · scratch · 2", "--yes").returncode == 0
    before.remove("base · scratch · 2")
    assert names(attempted) == before
    assert bench("rm", "small", "--run", name, "--yes").returncode == 0  # its process is gone


def test_while_a_command_is_at_work_on_the_study_nothing_is_removed(attempted, bench):
    from benchmark.record.studies import use_of

    before = names(attempted)
    with cache(attempted).using(use_of("small")):
        done = bench("rm", "small", "--run", "base · scratch · 2", "--yes")
    assert done.returncode == 2
    assert 'a command is at work on study "small"' in done.stderr
    assert names(attempted) == before


@pytest.fixture
def squeue(tmp_path, monkeypatch):
    """Puts a squeue on the PATH that knows of these jobs."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def answer(*jobs: str) -> None:
        text = "\n".join(["#!/bin/sh", *(f"echo {job}" for job in jobs), ""])
        (folder / "squeue").write_text(text)
        (folder / "squeue").chmod(0o755)

    return answer


def laid(attempted: Attempted, name: str) -> JobPool:
    """A pool in which a command that is gone has left a run."""
    pool = JobPool.of(attempted.query.store.folder, "bench-small-0")
    pool.make()
    key = attempted.key(name)
    pool.put(Entry(key, name, attempted.file.resolve(), {}, b""), urgency=1.0)
    return pool


@pytest.mark.sampled(test=2)
@pytest.mark.parametrize("name", ["base · scratch · 1", "base · scratch · 3"])
def test_what_jobs_of_a_cluster_will_take_is_refused_although_their_command_is_gone(
    attempted, bench, squeue, name
):
    before, pool = names(attempted), laid(attempted, name)
    squeue("12_0 RUNNING")
    done = bench("rm", "small", "--yes")
    assert done.returncode == 2
    assert "nothing was removed: jobs of Slurm have 1 run of it." in done.stderr
    assert "scancel --name=bench-small-0" in done.stderr
    assert names(attempted) == before
    assert bench("rm", "small", "--run", "base · scratch · 2", "--yes").returncode == 0
    squeue()
    assert bench("rm", "small", "--yes").returncode == 0
    assert names(attempted) == []
    assert pool.waiting() == [], "a later job of the pool would train it"


@pytest.mark.long
@pytest.mark.slow
def test_where_slurm_cannot_be_asked_what_may_be_left_to_its_jobs_is_refused(
    attempted, bench, monkeypatch, tmp_path
):
    monkeypatch.setenv("PATH", str(tmp_path))
    pool = laid(attempted, "base · scratch · 1")
    done = bench("rm", "small", "--run", "base · scratch · 1", "--yes")
    assert done.returncode == 2
    assert "may be left to jobs of Slurm, which does not answer here" in done.stderr
    assert str(pool.folder) in done.stderr


def test_where_nobody_can_be_asked_nothing_is_removed(attempted, bench):
    before = names(attempted), cache(attempted).results()
    done = bench("rm", "small")
    assert done.returncode == 2
    assert "self_kd · scratch · 2" in done.stdout
    assert "there is no terminal to ask at" in done.stderr
    assert (names(attempted), cache(attempted).results()) == before


@pytest.mark.sampled(test=2)
@pytest.mark.parametrize(
    ("what", "said"),
    [
        (("--arm", "kd"), 'has no arm "kd"; recorded are: base · pretrained, self_kd ·'),
        (("--run", "../../etc"), 'has no run "../../etc" in the record; bench status prints'),
    ],
)
def test_what_is_not_there_is_said_with_what_is(what, said, attempted, bench):
    done = bench("rm", "small", *what, "--yes")
    assert done.returncode == 2
    assert said in done.stderr
    assert len(names(attempted)) == 5


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize("name", ["..", "../../x", "ünï 蒸馏 (α)", "'q\" [bold]"])
def test_a_study_of_any_name_goes_alone(name, small, bench, tmp_path):
    other = tmp_path / "other.py"
    other.write_text(small.read_text().replace('name="small"', f"name={name!r}"))
    beside = tmp_path.parent / "x"
    beside.write_text("not ours")
    Attempted(small)
    odd = Attempted(other)
    odd.finish("base · scratch · 1")
    assert bench("rm", name, "--yes").returncode == 0
    # The study beside it has this run in its plan, too.
    assert names(odd) == ["base · scratch · 1"]
    assert beside.read_text() == "not ours"
    assert bench("status", name).returncode == 2


@pytest.mark.long
@pytest.mark.slow
def test_a_key_from_a_record_of_others_leads_nowhere_outside_of_the_cache(attempted, bench):
    writer, outside = attempted.writer, cache(attempted).root.parent / "artifacts"
    writer.end(
        writer.start(writer.experiment("small"), "odd", {"key": "../../artifacts"}, {}),
        *("FINISHED", "finished"),
    )
    assert bench("rm", "small", "--run", "odd", "--yes").returncode == 0
    assert outside.is_dir()


@pytest.mark.long
@pytest.mark.slow
def test_runs_that_are_no_studys_are_not_touched(attempted, bench):
    writer = attempted.writer
    run = writer.start(writer.experiment("theirs"), "their own", {}, {})
    done = bench("rm", "theirs", "--yes")
    assert done.returncode == 2
    assert 'no run of a study is recorded under "theirs"' in done.stderr
    assert attempted.query.is_open(run)


def test_an_empty_store_is_one_sentence_and_nothing_is_made(bench, tmp_path):
    done = bench("rm", "small", "--yes")
    assert done.returncode == 2
    assert "there is no record in" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.slow
def test_a_removed_study_is_trained_anew_with_the_same_scores(small, bench, tmp_path):
    small.write_text(small.read_text().replace("(1, 2, 3)", "(1,)"))
    assert bench("run", small, "--workers", 2).returncode == 0
    query = Query(Connection(Store(str(tmp_path / "mlruns"))))
    before = {
        key: run.scores["test/accuracy"] for key, run in query.finished().items() if run.is_tested
    }
    assert len(before) == 4
    assert bench("rm", "small", "--yes").returncode == 0
    assert query.finished() == {}
    assert query.store.cache.results() == {}
    assert bench("run", small, "--workers", 2).returncode == 0
    after = {
        key: run.scores["test/accuracy"] for key, run in query.finished().items() if run.is_tested
    }
    assert after == before
