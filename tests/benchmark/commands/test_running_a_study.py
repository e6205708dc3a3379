"""From a study file to a verdict, with the real command, real processes and a real store."""

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from benchmark.cli import main
from benchmark.record.query import Query
from benchmark.store.connection import Connection
from benchmark.store.heartbeat import Holder
from benchmark.store.store import Store
from tests.benchmark.conftest import SMALL, command


def arm_scores(query: Query) -> dict[str, dict[str, float]]:
    """Scores by run name, of finished runs that train something."""
    return {
        f"{r.tags['init']}/{r.tags['method']}/{r.tags['seed']}/{r.tags['task']}": {
            name: value for name, value in r.scores.items() if "/" in name
        }
        for r in query.finished().values()
    }


def statuses(query: Query) -> list[str]:
    return [run.status for run in query.runs("tags.key != ''")]


@pytest.fixture(scope="module")
def once(tmp_path_factory) -> Path:
    """The small study beside its record, when it has been run."""
    folder = tmp_path_factory.mktemp("once")
    (folder / "small.py").write_text(SMALL.replace("EPOCHS", "2"))
    told = ("run", str(folder / "small.py"), "--workers", "2", "--store", str(folder / "mlruns"))
    assert main([*told]) == 0
    return folder


@pytest.fixture
def trained(once, tmp_path) -> Path:
    """The file of that study, in a copy of its folder."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "small.py"


def test_a_study_is_planned_run_judged_and_then_cached(small, bench, query):
    planned = bench("plan", small)
    assert planned.returncode == 0, planned.stderr
    assert "14 runs, 14 to do" in planned.stdout
    assert "a calibration of a few steps" in planned.stdout

    started = time.monotonic()
    first = bench("run", small, "--workers", 2)
    trained_in = time.monotonic() - started
    assert first.returncode == 0, first.stdout + first.stderr
    assert "base vs self_kd" in first.stdout
    assert "interaction" in first.stdout
    runs = query.finished()
    # 12 cells and the pre-training; prepared data are no runs
    assert len(runs) == 13
    assert statuses(query) == ["FINISHED"] * 13

    started = time.monotonic()
    second = bench("run", small)
    assert second.returncode == 0
    assert "12 cached" in second.stdout
    assert time.monotonic() - started < trained_in
    assert query.finished().keys() == runs.keys()
    assert statuses(query) == ["FINISHED"] * 13

    told = json.loads(bench("stats", "--compare", "base", "self_kd", "--format", "json").stdout)
    assert told["study"] == "small"
    assert {c["init"] for c in told["comparisons"]} == {"pretrained", "scratch"}
    assert all(c["n_pairs"] == 3 for c in told["comparisons"])


def test_a_study_in_another_folder_is_planned_by_its_relative_path(small, bench, tmp_path):
    (tmp_path / "studies").mkdir()
    small.rename(tmp_path / "studies" / "small.py")
    planned = bench("plan", "studies/small.py")
    assert planned.returncode == 0
    assert "cannot be estimated" not in planned.stdout
    assert "from a calibration of a few steps" in planned.stdout


def test_every_seed_is_recorded_with_all_that_a_reviewer_needs(trained, query):
    (run,) = query.runs("tags.method = 'self_kd' and tags.init = 'pretrained' and tags.seed = '2'")
    assert run.called == "self_kd · pretrained · 2"
    tags, metrics, parameters = run.tags, run.scores, run.parameters
    assert tags["status_reason"] == "finished"
    assert {"model", "task", "key", "role", "git_commit", "hardware", "version.torch"} <= set(tags)
    assert parameters["method.alpha"] == "0.5"
    assert parameters["training.precision"] == "float32"
    for name in ("accuracy", "f1", "matthews", "nll", "ece", "brier"):
        assert f"test/{name}" in metrics
        assert f"dev/{name}" in metrics
    assert metrics["seconds"] > 0
    assert metrics["peak_memory_mb"] > 0
    curve = query.connection.client.get_metric_history(run.run_id, "epoch/accuracy")
    assert [point.step for point in curve] == [1, 2]
    path = query.connection.client.download_artifacts(run.run_id, "predictions.npz")
    import numpy as np

    with np.load(path, allow_pickle=False) as kept:
        right = kept["test_logits"].argmax(-1) == kept["test_labels"]
    assert 100 * right.mean() == pytest.approx(metrics["test/accuracy"])


@pytest.mark.slow
def test_a_deleted_cache_is_made_again_and_gives_the_same_scores(trained, bench, query, tmp_path):
    before = arm_scores(query)
    shutil.rmtree(tmp_path / "mlruns" / "cache")
    longer = trained.read_text().replace("seeds=(1, 2, 3)", "seeds=(1, 2, 3, 4)")
    trained.write_text(longer)
    again = bench("run", trained, "--workers", 2)
    assert again.returncode == 0, again.stdout + again.stderr
    after = arm_scores(query)
    assert len(after) == len(before) + 4
    assert {name: after[name] for name in before} == before
    assert statuses(query).count("FINISHED") == 17


def test_a_renamed_study_and_a_new_margin_train_nothing(trained, bench, query):
    renamed = trained.read_text().replace('name="small"', 'name="other"').replace("2.0", "5.0")
    trained.write_text(renamed)
    again = bench("run", trained)
    assert again.returncode == 0, again.stderr
    assert "12 cached" in again.stdout
    assert len(query.finished()) == 13


def test_what_a_run_kept_that_was_killed_as_it_ended_goes_with_the_next_command(
    trained, bench, query
):
    kept, others = query.store.cache.root / "resume", "0" * 64
    for key in (next(iter(query.finished())), others):
        (kept / key).mkdir(parents=True)
    assert bench("run", trained).returncode == 0
    assert [path.name for path in kept.iterdir()] == [others]


def workers(store: Path) -> dict[str, int]:
    """The processes that execute runs in a store, by the keys of these."""
    held = (store / "cache" / "leases" / "runs").glob("[0-9a-f]*/alone.*")
    found = {path.parent.name: Holder.parse(path.name) for path in held}
    return {key: holder.process.pid for key, holder in found.items() if holder}


class Running:
    """A `bench run` in the background, and its workers."""

    def __init__(self, study: Path, *arguments: object, within: Sequence[str] = ()) -> None:
        self.store = study.parent / "mlruns"
        self.process = subprocess.Popen(
            [*within, *command("run", study, "--workers", 2, *arguments)],
            cwd=study.parent,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def wait_for_runs(self, query: Query, finished: int) -> None:
        """Until so many runs have finished and others are under way."""
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            if query.store.exists():
                done = query.runs("attributes.status = 'FINISHED' and tags.key != ''")
                busy = query.runs("attributes.status = 'RUNNING' and tags.key != ''")
                if len(done) >= finished and busy:
                    return
            assert self.process.poll() is None, self.process.communicate()[0]
            time.sleep(0.1)
        raise AssertionError("no runs were started in time")

    def stop_a_worker(self, query: Query) -> int:
        """Halt a worker in the middle of its run, and return its process number."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            for key, worker in workers(self.store).items():
                with suppress(ProcessLookupError):  # it had just left
                    os.kill(worker, signal.SIGSTOP)
                if query.runs(f"tags.key = '{key}' and attributes.status = 'RUNNING'"):
                    return worker
                os.kill(worker, signal.SIGCONT)  # it had just finished
            time.sleep(0.02)
        raise AssertionError("no worker was met in the middle of a run")

    def end(self) -> str:
        return self.process.communicate(timeout=400)[0]


@pytest.fixture(scope="session")
def uninterrupted(tmp_path_factory) -> dict[str, dict[str, float]]:
    """Scores of the slow study when nothing disturbs it."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    study = folder / "small.py"
    study.write_text(SMALL.replace("EPOCHS", "60"))
    done = subprocess.run(
        command("run", study, "--workers", 2), cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return arm_scores(Query(Connection(Store(str(folder / "mlruns")))))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="workers are found through /proc")
@pytest.mark.long
@pytest.mark.parametrize("victims", ["worker", "parent", "both"])
def test_killed_and_started_again_it_ends_with_the_same_scores_bit_for_bit(
    victims, slow, bench, query, uninterrupted
):
    running = Running(slow)
    running.wait_for_runs(query, finished=3)
    worker = running.stop_a_worker(query)
    if victims in ("parent", "both"):
        os.kill(running.process.pid, signal.SIGKILL)
    if victims in ("worker", "both"):
        os.kill(worker, signal.SIGKILL)
    else:
        os.kill(worker, signal.SIGCONT)
    output = running.end()
    if victims == "worker":
        assert running.process.returncode == 0
        assert "SIGKILL; the system may have run out of memory; tried again in 2 s" in output
    again = bench("run", slow, "--workers", 2)
    assert again.returncode == 0, again.stdout + again.stderr
    assert arm_scores(query) == uninterrupted
    ends = statuses(query)
    assert ends.count("FINISHED") == 13
    assert set(ends) <= {"FINISHED", "FAILED", "KILLED"}


@pytest.mark.slow
@pytest.mark.long
def test_ctrl_c_stops_sooner_than_a_run_takes_and_the_same_command_goes_on(
    slow, bench, query, uninterrupted
):
    started = time.monotonic()
    running = Running(slow)
    running.wait_for_runs(query, finished=2)
    interrupted = time.monotonic()
    os.killpg(running.process.pid, signal.SIGINT)
    output = running.end()
    assert time.monotonic() - interrupted < interrupted - started  # for two runs and the start
    assert running.process.returncode == 130
    assert "the same command goes on" in output
    assert "Traceback" not in output
    assert "RUNNING" not in statuses(query)
    assert "KILLED" in statuses(query)
    again = bench("run", slow, "--workers", 2)
    assert again.returncode == 0, again.stdout + again.stderr
    assert arm_scores(query) == uninterrupted


def test_a_run_that_diverges_is_named_in_the_list_and_in_the_table(small, bench, query):
    text = small.read_text().replace(
        "from trainers.tasks import Digits",
        """from trainers.tasks import Digits
from dataclasses import dataclass
from typing import ClassVar

@dataclass(frozen=True)
class Shaky(Base):
    name: ClassVar[str] = "shaky"

    def loss(self, step):
        return super().loss(step) * (float("inf") if int(step.labels[0]) == 2 else 1.0)
""",
    )
    text = text.replace("[Base(), SelfKD()]", "[Base(), Shaky()]").replace('"self_kd"', '"shaky"')
    small.write_text(text)
    done = bench("run", small, "--workers", 2)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "diverged" in done.stdout
    reasons = [r.tags["status_reason"] for r in query.runs("attributes.status='FAILED'")]
    assert reasons
    assert all(reason.startswith("diverged") for reason in reasons)
