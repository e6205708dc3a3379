"""Workers that execute one run after the other: which do, and that no run is another for it."""

import os
import pickle
import signal
import subprocess
import sys
from collections import defaultdict
from statistics import median

import pytest

from benchmark.execute.engines import local
from benchmark.execute.engines.local import LocalEngine
from benchmark.execute.job import Ended, Job, Progress
from benchmark.execute.todo import todo
from benchmark.store.process import Process
from tests.benchmark.execute.gpu_boxes import Bench, packing, write_study
from trainers.machine.memory import can_begin_anew

pytestmark = pytest.mark.skipif(
    not can_begin_anew(), reason="peaks are counted anew on Linux alone"
)
SEEDS = (1, 2, 3)


def processes(bench: Bench) -> dict[str, list[str]]:
    """By method, those that finished its runs, each as often as it did."""
    found = defaultdict(list)
    for run in bench.query.runs("attributes.status = 'FINISHED' and tags.key != ''"):
        found[run.tags["method"]].append(run.tags["process"])
    return found


def scores(bench: Bench) -> dict[tuple[str, str], dict[str, float]]:
    measures = ("dev/", "test/")
    return {
        (run.tags["method"], run.tags["seed"]): {
            name: value for name, value in run.scores.items() if name.startswith(measures)
        }
        for run in bench.query.finished().values()
    }


def test_runs_of_our_code_share_a_process_and_those_of_a_study_have_their_own(
    tmp_path, monkeypatch
):
    study = write_study(tmp_path, seeds=SEEDS)
    shared = Bench(study, packing(1, most=1))
    assert not shared.run().failed
    of = processes(shared)
    assert len(set(of["base"])) == 1
    assert len(set(of["odd"])) == len(SEEDS)
    assert not set(of["base"]) & set(of["odd"])
    monkeypatch.setattr(local, "can_begin_anew", lambda: False)
    apart = Bench(study, packing(1, most=1), "apart")
    assert not apart.run().failed
    assert len(set(processes(apart)["base"])) == len(SEEDS)
    assert scores(shared) == scores(apart)


def begun(bench: Bench) -> None:
    for key, outputs in todo(bench.plan, {}, bench.connection.store).jobs.items():
        bench.scheduler.add(bench.plan.runs[key], outputs)


@pytest.mark.long
@pytest.mark.slow
def test_the_death_of_a_worker_costs_the_run_at_which_it_is(tmp_path):
    bench = Bench(write_study(tmp_path, epochs=150, seeds=SEEDS), packing(1, most=1))
    begun(bench)
    finished: list[str] = []
    while len(finished) < 2:  # the data, and a run
        event = bench.wait(Ended)
        assert event.status == "finished"
        finished.append(event.key)
    at_work = bench.wait(Progress).key
    [attempt] = bench.query.runs(f"tags.key = '{at_work}'")
    os.kill(Process.parse(attempt.tags["process"]).pid, signal.SIGKILL)
    while bench.scheduler.busy:
        bench.scheduler.step()
    assert not bench.scheduler.outcome.failed
    killed, again = bench.query.runs(f"tags.key = '{at_work}'")
    assert (killed.status, again.status) == ("FAILED", "FINISHED")
    assert len(bench.query.runs("attributes.status = 'FINISHED' and tags.key != ''")) == 6


@pytest.mark.long
@pytest.mark.slow
def test_a_worker_that_dies_between_two_runs_is_replaced(tmp_path):
    bench = Bench(write_study(tmp_path, seeds=SEEDS), packing(1, most=1))
    begun(bench)
    first = next(k for k in bench.plan.cells if bench.plan.runs[k].method_name == "base")
    while first not in bench.scheduler.outcome.ended:
        bench.scheduler.step()
    [run] = bench.query.runs(f"tags.key = '{first}'")
    os.kill(Process.parse(run.tags["process"]).pid, signal.SIGKILL)
    while bench.scheduler.busy:
        bench.scheduler.step()
    assert not bench.scheduler.outcome.failed
    assert len(bench.query.finished()) == 6


def test_a_worker_that_was_told_to_stop_executes_nothing_else(tmp_path):
    bench = Bench(write_study(tmp_path, epochs=400, seeds=SEEDS), packing(1, most=1))
    begun(bench)
    bench.wait(Ended)
    key = bench.wait(Progress).key
    bench.engine.cancel(key)
    assert bench.wait(Ended).status == "pruned"
    other = bench.wait(Progress).key
    runs = [*bench.query.runs(f"tags.key = '{key}'"), *bench.query.runs(f"tags.key = '{other}'")]
    assert len({run.tags["process"] for run in runs}) == 2
    bench.scheduler.stop()


@pytest.mark.long
@pytest.mark.slow
def test_a_worker_at_leisure_gives_its_gpu_back_before_another_process_begins_there(tmp_path):
    study = write_study(tmp_path, seeds=SEEDS)
    bench = Bench(study, packing(1, most=1))
    engine, runs = LocalEngine(2, study), bench.plan.runs
    writer = bench.scheduler.writer
    data = next(key for key in runs if key not in bench.plan.cells)
    base, odd = (
        next(k for k in bench.plan.cells if runs[k].method_name == m) for m in ("base", "odd")
    )

    def execute(key: str, stays: bool) -> None:
        outputs = frozenset(("data",) if key == data else ("test",))
        job = Job(runs[key], outputs, writer.store, writer.experiment("box"), {})
        engine.begin((key,), pickle.dumps(job), {"CUDA_VISIBLE_DEVICES": "10"}, False, stays)

    def ended() -> None:
        while not any(isinstance(event, Ended) for event in engine.events(1)):
            pass

    execute(data, stays=False)
    ended()
    execute(base, stays=True)
    ended()
    [done] = bench.query.runs(f"tags.key = '{base}'")
    process = Process.parse(done.tags["process"]).pid
    os.kill(process, 0)  # it waits for another run
    execute(odd, stays=False)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    ended()
    engine.stop()


@pytest.mark.long
@pytest.mark.slow
def test_none_is_left_when_all_is_done(tmp_path):
    bench = Bench(write_study(tmp_path, seeds=SEEDS), packing(1, most=1))
    assert not bench.run().failed
    for run in bench.query.finished().values():
        with pytest.raises(ProcessLookupError):
            os.kill(Process.parse(run.tags["process"]).pid, 0)


MANY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import LS, R3F, Base, RDrop
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import Docstrings

study = Study(
    name="many",
    task=Docstrings(label="package", train=64, dev=32, test=32, vocabulary=512),
    arms=Arm.grid(Bert(layers=1, width=32), "scratch", [Base(), LS(), R3F(), RDrop()]),
    comparison=Comparison("base", ["ls", "r3f", "r_drop"]),
    judging=Judging(margin=1.0),
    training=Training(epochs=1, batch_size=32, lr=1e-3, max_length=48),
    seeds=tuple(range(1, 126)),
    allow_underpowered=True,
)
"""


@pytest.mark.slow
@pytest.mark.long
def test_five_hundred_runs_in_one_worker_take_no_more_memory_than_fifty(tmp_path, query):
    path = tmp_path / "many.py"
    path.write_text(MANY)
    command = [sys.executable, "-m", "benchmark", "run", str(path), "--workers", "1"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    runs = sorted(query.runs("tags.role = 'arm'"), key=lambda run: run.began)
    assert len(runs) == 500
    assert len({run.tags["process"] for run in runs}) == 1
    peaks = [run.scores["peak_memory_mb"] for run in runs]
    assert median(peaks[-50:]) < 1.01 * median(peaks[:50])
