"""Runs of one shape are trained as one on a GPU, and each is recorded as it would be alone.

The GPUs are made up, and what is trained on them is on the CPU.
"""

import os
import signal
from collections import Counter
from dataclasses import replace
from io import StringIO
from math import inf
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from benchmark.checks.foresight import foresee
from benchmark.declare.loading import load_study
from benchmark.execute.engines.virtual import VirtualEngine
from benchmark.execute.gpus.gpu import Gpu
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.gpus.stacks import Stacking
from benchmark.execute.job import KILLED, OUT_OF_MEMORY, Ended, Job, Progress
from benchmark.execute.scheduler import Scheduler, run_plan
from benchmark.execute.todo import todo
from benchmark.record.query import Query
from benchmark.record.recorded import STACKED, Recorded
from benchmark.record.writer import Writer
from benchmark.runs.kinds import TrainRun
from benchmark.runs.plan import Plan, make_plan
from benchmark.session.gpu_plan import gpu_table
from benchmark.session.planned import series_of
from benchmark.store.connection import Connection
from benchmark.store.process import Process
from benchmark.store.store import Store
from tests.benchmark.execute.gpu_boxes import Bench, box
from trainers.machine.memory import can_begin_anew
from trainers.methods import LS
from trainers.models import Bert, ResNet
from trainers.models.anatomy import skeleton
from trainers.settings import Training
from trainers.stacked.load import StepLoad
from trainers.tasks import Digits

STUDY = """
from benchmark import Arm, Comparison, Judging, Study
from trainers.methods import KD, LS, R3F, Base, ConfidencePenalty, Mixout, Teacher
from trainers.models import Bert
from trainers.settings import Training
from trainers.tasks import TextTask

tiny = Bert(layers=1, width=32, heads=2, dropout=0.0)
teacher = Teacher(tiny, init="scratch")
study = Study(
    name="box",
    task=TextTask("data", label="label", vocabulary=300),
    arms=[Arm(tiny, "scratch", m) for m in (METHODS)],
    comparison=Comparison("base", "ls"),
    judging=Judging(margin=2.0),
    training=Training(
        epochs=EPOCHS, batch_size=16, lr=1e-3, max_length=32, device="cpu", precision="float32"
    ),
    seeds=(1, 2, 3),
    allow_underpowered=True,
)
"""
WORDS = {"fruit": "apple pear plum", "tools": "hammer saw drill"}
FILLER = ["the", "a", "of", "near", "with", "under", "some", "many", "old", "new", "small"]


def written(folder: Path, methods: str = "Base(), LS(0.2), ", epochs: int = 2) -> Path:
    draws = np.random.default_rng(0)
    (folder / "data").mkdir(exist_ok=True)
    for split, rows in {"train": 70, "dev": 30, "test": 40}.items():
        lines = ["text,label"]
        for i in range(rows):
            label = list(WORDS)[i % 2]
            words = [*draws.choice(FILLER, 3 + i % 6), draws.choice(WORDS[label].split()), str(i)]
            lines.append(f"{' '.join(words)} {split},{label}")
        (folder / "data" / f"{split}.csv").write_text("\n".join(lines))
    path = folder / "box.py"
    path.write_text(STUDY.replace("METHODS", methods).replace("EPOCHS", str(epochs)))
    return path


def stacking(*memory_mb: float, most: int = 1) -> Packing:
    return Packing(box(*memory_mb).gpus, most, stacking=Stacking("cpu"))


def begun(bench: Bench) -> None:
    for key, outputs in todo(bench.plan, {}, bench.connection.store).jobs.items():
        bench.scheduler.add(bench.plan.runs[key], outputs)


def finish(bench: Bench) -> None:
    while bench.scheduler.busy:
        bench.scheduler.step()


def recorded(bench: Bench) -> dict[str, Recorded]:
    return {key: run for key, run in bench.query.finished().items() if run.tags["role"] == "arm"}


METHODS = "Base(), LS(0.2), KD(0.5, teacher=teacher), R3F(), "


@pytest.mark.long
@pytest.mark.slow
def test_runs_of_one_shape_are_one_and_end_as_those_apart(tmp_path):
    study = written(tmp_path, METHODS)
    together = Bench(study, stacking(1e5))
    assert not together.run().failed
    apart = Bench(study, Packing(box(1e5).gpus, 1), "apart")
    assert not apart.run().failed
    ours, theirs = recorded(together), recorded(apart)
    assert ours.keys() == theirs.keys(), "keys do not know of it"
    how = {run.tags["method"]: run.tags.get(STACKED) for run in ours.values()}
    # With the teacher, for which kd waits.
    assert how == {"base": "7", "ls": "7", "kd": "3", "r3f": None}
    assert all(STACKED not in run.tags for run in theirs.values())
    for key, run in ours.items():
        other = theirs[key]
        assert run.parameters == other.parameters
        for name, score in other.scores.items():
            if name.startswith(("dev/", "test/", "epoch/", "overfitting/")):
                assert run.scores[name] == pytest.approx(score, rel=2e-3, abs=2e-3), name
        for name in ("best_epoch", "steps", "relative_flops"):
            assert run.scores[name] == other.scores[name]
        assert ("peak_memory_mb" in run.scores) == (STACKED not in run.tags)
        curve = together.connection.client.get_metric_history(run.run_id, "epoch/loss")
        assert [point.step for point in curve] == [1, 2]
        files = together.connection.client.list_artifacts(run.run_id)
        assert [file.path for file in files] == ["predictions.npz"]


@pytest.mark.long
@pytest.mark.slow
def test_what_runs_of_a_stack_took_is_their_share_of_it(tmp_path):
    bench = Bench(written(tmp_path), stacking(1e5))
    assert not bench.run().failed
    runs = recorded(bench).values()
    seconds = {run.scores["seconds"] for run in runs}
    assert len(seconds) == 1
    assert sum(run.scores["seconds"] for run in runs) < min(run.seconds for run in runs) + 1
    ended = bench.scheduler.outcome.ended
    assert all(ended[key].seconds < run.seconds for key, run in recorded(bench).items())
    assert {ended[key].stacked for key in recorded(bench)} == {6}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.skipif(not can_begin_anew(), reason="peaks are counted anew on Linux alone")
def test_one_process_goes_on_with_the_next_stack(tmp_path):
    bench = Bench(written(tmp_path, "Base(), LS(0.2), KD(0.5, teacher=teacher), "), stacking(1e5))
    assert not bench.run().failed
    assert len({run.tags["process"] for run in recorded(bench).values()}) == 1


def test_a_run_that_diverges_costs_no_other_of_its_stack(tmp_path):
    methods = "Base(), LS(0.2), ConfidencePenalty(1e39), "  # which is infinite in float32
    bench = Bench(written(tmp_path, methods), stacking(1e5))
    outcome = bench.run()
    said = Counter((bench.plan.runs[e.key].method_name, e.status) for e in outcome.failed)
    assert said == {("confidence_penalty", "diverged"): 3}
    assert len(recorded(bench)) == 6
    [attempt, *_] = bench.query.runs("attributes.status = 'FAILED'")
    assert attempt.tags["cause"] == "diverged"
    assert attempt.tags[STACKED] == "9"


@pytest.mark.long
@pytest.mark.slow
def test_the_death_of_a_stack_costs_no_run_and_each_is_tried_apart(tmp_path):
    bench = Bench(written(tmp_path, epochs=40), stacking(1e5))
    begun(bench)
    at_work = bench.wait(Progress, most=120).key
    [attempt] = bench.query.runs(f"tags.key = '{at_work}'")
    os.kill(Process.parse(attempt.tags["process"]).pid, signal.SIGKILL)
    finish(bench)
    outcome = bench.scheduler.outcome
    assert not outcome.failed
    assert {(e.status, e.stacked) for e in outcome.taken_apart.values()} == {(KILLED, 6)}
    runs = recorded(bench)
    assert len(runs) == 6
    assert all(STACKED not in run.tags for run in runs.values())
    for key in runs:
        first, again = bench.query.runs(f"tags.key = '{key}'")
        assert (first.status, first.tags["cause"], first.tags[STACKED]) == ("FAILED", KILLED, "6")
        assert again.tags["retry_of"] == first.run_id
    assert bench.packing.free == 1


@pytest.mark.long
@pytest.mark.slow
def test_a_stack_that_is_stopped_closes_the_record_of_each_run(tmp_path):
    bench = Bench(written(tmp_path, epochs=400), stacking(1e5))
    begun(bench)
    bench.wait(Progress, most=120)
    bench.scheduler.stop()
    runs = bench.query.runs("tags.role = 'arm'")
    assert Counter((run.status, run.cause) for run in runs) == {("KILLED", "interrupted"): 6}
    assert bench.packing.free == bench.engine.free == 1


@pytest.mark.long
@pytest.mark.slow
def test_a_run_of_a_stack_that_is_not_wanted_any_more_lets_the_others_be(tmp_path):
    bench = Bench(written(tmp_path, epochs=10), stacking(1e5))
    begun(bench)
    key = bench.wait(Progress, most=120).key
    bench.engine.cancel(key)
    finish(bench)
    assert not bench.scheduler.outcome.failed
    assert len(recorded(bench)) == 6


@pytest.mark.long
@pytest.mark.slow
def test_runs_that_another_command_holds_or_has_made_are_left_out_of_a_stack(tmp_path):
    study = written(tmp_path)
    first = Bench(study, stacking(1e5))
    runs = first.plan.runs
    made, held, *_ = (key for key in first.plan.cells if runs[key].method_name == "base")
    first.scheduler.add(runs[runs[made].needs["data"].key], frozenset({"data"}))
    first.scheduler.add(runs[made], frozenset({"test"}))
    finish(first)
    bench = Bench(study, stacking(1e5))
    begun(bench)  # of which one is recorded already
    others = {key for key in first.plan.cells if key not in (made, held)}
    with bench.connection.store.cache.runs.attempt(held):
        while not others <= bench.scheduler.outcome.ended.keys():
            bench.wait(Ended)
        assert held not in bench.scheduler.outcome.ended
    finish(bench)
    assert not bench.scheduler.outcome.failed
    how = {key: run.tags.get(STACKED) for key, run in recorded(bench).items()}
    assert how == {made: None, held: None, **dict.fromkeys(others, "4")}


def planned(folder: Path, methods: str) -> tuple[Plan, Store]:
    """A study that is not trained."""
    return make_plan(load_study(written(folder, methods))), Store(str(folder / "mlruns"))


def jobs(folder: Path, methods: str) -> list[Job]:
    """Of a study's arms, ready to be trained."""
    plan, store = planned(folder, methods)
    return [Job(plan.runs[key], frozenset(("test",)), store, "", {}) for key in plan.cells]


def named(job: Job) -> list[str]:
    return [each.run.name for each in job.stack]


def test_each_gpu_gets_its_share_and_what_differs_in_shape_stands_apart(tmp_path):
    some = jobs(tmp_path, "Base(), LS(0.2), R3F(), ")
    by = {m: [j for j in some if j.run.method_name == m] for m in ("base", "ls", "r3f")}
    one, two = box(1e5).gpus, box(1e5, 1e5).gpus
    decides = Stacking("cpu")
    assert len(decides.joined(by["base"][0], some, one).stack) == 6
    assert len(decides.joined(by["base"][0], some, two).stack) == 3
    assert decides.joined(by["r3f"][0], some, one) is by["r3f"][0]
    assert decides.joined(by["ls"][2], some, two).run is by["ls"][2].run
    for change in ({"alone": True}, {"apart": True}, {"splits": 2}):
        changed = replace(by["base"][0], **change)
        assert decides.joined(changed, some, one) is changed
    longer = replace(by["ls"][0].run, training=replace(by["ls"][0].run.training, epochs=3))
    faster = replace(by["ls"][1].run, training=replace(by["ls"][1].run.training, lr=3e-3))
    others = [by["base"][0], replace(by["ls"][0], run=longer), replace(by["ls"][1], run=faster)]
    assert named(decides.joined(others[0], others, one)) == [others[0].run.name, faster.name]


def test_why_a_run_is_trained_apart_is_said_in_words(tmp_path):
    [job, *_] = jobs(tmp_path, "Base(), LS(0.2), ")
    run: TrainRun = job.run
    decides = Stacking("cpu")
    assert decides.apart(run) == ""
    assert Stacking().apart(run) == "it is trained on cpu"
    split = replace(run, training=replace(run.training, accumulate=2))
    assert decides.apart(split) == "it saves memory by accumulate"
    longer = replace(run.training, batch_size=32, max_length=128)
    large = replace(run, model=Bert(layers=12, width=768), training=longer)
    assert decides.apart(large) == "a step of its model keeps a GPU busy"

    class Own(LS):
        name = "own"

    assert decides.apart(replace(run, method=Own())).startswith("code of the study")
    image = replace(run, model=ResNet((4,)), task=Digits(digits=(0, 1), train=20, dev=20, test=20))
    assert "not one of the encoders of text" in decides.apart(image)


def test_a_stack_has_as_many_models_as_keep_a_gpu_busy_and_fit_into_its_memory(tmp_path):
    [job, *_] = jobs(tmp_path, "Base(), LS(0.2), ")
    module = skeleton(Bert(layers=4, width=256, positions=128), job.run.task)
    size = StepLoad.of(module, Training(batch_size=32, max_length=128))
    dense = sum(w.numel() for name, w in module.named_parameters() if "_embeddings" not in name)
    assert size.flops == 6 * 32 * 128 * dense
    assert size.most(inf) == int(2e12 / size.flops) > 10
    assert size.most(7.5 * size.megabytes) == 7
    assert size.most(0.5 * size.megabytes) == 1
    small = StepLoad.of(skeleton(Bert(layers=1, width=32), job.run.task), Training())
    assert small.most(inf) == 64


def test_a_stack_has_its_gpu_for_itself_until_the_last_of_its_runs_has_ended(tmp_path):
    some = jobs(tmp_path, "Base(), LS(0.2), R3F(), ")
    placed = stacking(1e5, 1e5, most=4)
    whole = placed.choose(some)
    assert len(whole.stack) == 3
    gpu: Gpu = placed.start(whole)
    left = [job for job in some if job.run.key not in {each.run.key for each in whole.stack}]
    second = placed.choose(left)
    assert len(second.stack) == 3
    other = placed.start(second)
    assert other != gpu
    assert placed.free == 0
    *early, last = (each.run.key for each in whole.stack)
    for key in early:
        placed.end(Ended(key, "finished"))
        assert placed.free == 0
    placed.end(Ended(last, "finished"))
    assert placed.free == 4
    placed.clear()
    assert placed.free == 8


def test_the_plan_says_what_is_stacked_and_why_other_runs_are_not(tmp_path):
    plan, store = planned(tmp_path, "Base(), LS(0.2), R3F(), Mixout(), ")
    placed, seconds = stacking(1e5, 1e5), dict.fromkeys(plan.runs, 10.0)
    foreseen = foresee(plan, todo(plan, {}, store).jobs, seconds, store, 2, placed)
    assert sorted(map(len, foreseen.stacks)) == [3, 3]
    # Two stacks of three runs, and six runs apart, on two GPUs behind the data.
    assert foreseen.wall == 10 + (2 * 30 + 6 * 10) / 2
    assert placed.free == 2
    page = StringIO()
    Console(file=page, width=200).print(gpu_table(plan, foreseen, placed, series_of))
    said = page.getvalue()
    assert (
        "6 runs are trained in stacks, as one model of 3 with a GPU for itself: "
        "3 base · scratch, 3 ls · scratch." in said
    )
    why = "it does more than compare logits"
    assert f"Trained apart: r3f · scratch: {why} (penalty)." in said
    assert f"Trained apart: mixout · scratch: {why} (prepare, before_step)." in said


class Narrow(VirtualEngine):
    """An engine whose GPU has memory for one run at a time, and not for a stack."""

    def events(self, timeout: float) -> list[Progress | Ended]:
        found = [*super().events(timeout)]
        if len(found) == 1:
            return found
        return [replace(e, status=OUT_OF_MEMORY, stacked=len(found)) for e in found]


@pytest.mark.long
@pytest.mark.slow
def test_a_stack_without_enough_memory_is_trained_apart_and_no_batch_is_split(tmp_path):
    plan, store = planned(tmp_path, "Base(), LS(0.2), ")
    connection = Connection(store)
    writer = Writer(connection)
    engine = Narrow(1, lambda _: 1.0, stacking(1e5))
    scheduler = Scheduler(engine, Query(connection), writer, writer.experiment("box"), {})
    outcome = run_plan(plan, todo(plan, {}, store).jobs, scheduler, lambda _: 1.0, lambda _: None)
    assert not outcome.failed
    assert outcome.taken_apart.keys() == set(plan.cells)
    assert not outcome.in_parts
    assert list(map(len, engine.stacks)) == [6]
    assert outcome.ended.keys() == plan.runs.keys()
