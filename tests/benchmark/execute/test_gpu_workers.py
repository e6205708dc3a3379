"""Workers of made-up GPUs: real processes, which see their own, die, are stopped and replaced."""

import subprocess
import sys
from collections import Counter
from math import inf
from pathlib import Path

import pytest
import torch

from benchmark.execute.attempt.ends import reason
from benchmark.execute.engines.processes import Contained, NotLoaded, wait_for
from benchmark.execute.gpus.memory import KnownMemory
from benchmark.execute.job import KILLED, OUT_OF_MEMORY, Ended, Progress
from benchmark.execute.retries import ATTEMPTS
from benchmark.execute.todo import todo
from benchmark.session.machine import packing_of
from benchmark.user_code.project import sources
from tests.benchmark.execute.gpu_boxes import Bench, packing, write_study
from tests.trainers import tiny_hub


@pytest.mark.long
@pytest.mark.slow
def test_a_worker_sees_its_own_gpu_alone_also_while_the_study_is_read(tmp_path):
    told = 'raise ValueError(os.environ["CUDA_VISIBLE_DEVICES"], os.environ["HIP_VISIBLE_DEVICES"])'
    bench = Bench(write_study(tmp_path, told, seeds=(1, 2, 3, 4)), packing(1, 1, most=2))
    outcome = bench.run()
    assert len(outcome.failed) == 4
    for ended in outcome.failed:
        gpu = bench.on[ended.key]
        assert f"('{gpu.visible}', '{gpu.visible}')" in ended.message
    assert [beside for _, beside in bench.began[:4]] == [1, 1, 2, 2]
    assert len(set(bench.on.values())) == 2
    # which GPU it was is in no key
    assert set(bench.query.finished()) == {
        key for key in bench.plan.cells if bench.plan.runs[key].method_name == "base"
    }

    study = tmp_path / "reads.py"
    study.write_text('import os\nraise ValueError(os.environ["CUDA_VISIBLE_DEVICES"])\n')
    process = Contained.start(study, _nothing, b"", sources(), {"CUDA_VISIBLE_DEVICES": "seven"})
    said: list[object] = []
    while not said:
        wait_for([process], 60)
        said += process.said()[0]
    process.end()
    assert isinstance(said[0], NotLoaded)
    assert "seven" in said[0].message


def _nothing(say, told: bytes) -> None:
    raise AssertionError("the study file does not load")


@pytest.mark.long
@pytest.mark.slow
def test_the_fork_server_does_not_open_the_driver_before_a_worker_is_told_its_gpu():
    code = """
import torch
def opened(*_, **__):
    raise AssertionError("the driver was opened")
for name in ("is_available", "device_count", "_lazy_init", "current_device"):
    setattr(torch.cuda, name, opened)
import benchmark.execute.engines.preload
assert not torch.cuda._initialized
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.long
@pytest.mark.slow
def test_the_gpu_of_a_worker_that_dies_is_used_again(tmp_path):
    study = write_study(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)", seeds=(1, 2, 3))
    bench = Bench(study, packing(1, most=1))
    outcome = bench.run()
    assert Counter(ended.status for ended in outcome.ended.values()) == {"finished": 4, "killed": 3}
    assert [beside for _, beside in bench.began] == [1] * (3 + 3 * ATTEMPTS[KILLED])
    assert bench.packing.free == 1


@pytest.mark.long
@pytest.mark.slow
def test_places_are_free_again_when_runs_are_cancelled_or_all_is_stopped(tmp_path):
    bench = Bench(write_study(tmp_path, epochs=5000), packing(1, 1, most=1))
    needed = todo(bench.plan, {}, bench.connection.store)
    for key, outputs in needed.jobs.items():
        bench.scheduler.add(bench.plan.runs[key], outputs)
    bench.wait(Ended)  # the data
    event = bench.wait(Progress)
    assert bench.engine.free == 0
    bench.engine.cancel(event.key)
    ended = bench.wait(Ended)
    assert (ended.key, ended.status) == (event.key, "pruned")
    assert bench.engine.free == 1
    bench.wait(Progress)
    assert bench.engine.free == 0
    bench.scheduler.stop()
    assert bench.engine.free == bench.packing.free == 2
    assert not any(bench.packing.slots.on(gpu) for gpu in bench.packing.gpus)


@pytest.mark.long
@pytest.mark.slow
def test_auto_measures_the_first_of_each_shape_and_learns_from_the_record(tmp_path):
    study = write_study(tmp_path, seeds=range(1, 5))
    bench = Bench(study, packing(1e6, most=3, memory=KnownMemory()))
    assert not bench.run().failed
    by_method = {m: [b for name, b in bench.began if name == m] for m in ("base", "odd")}
    assert by_method["base"][0] == by_method["odd"][0] == 1
    assert max(by_method["base"]) > 1
    assert max(by_method["odd"]) > 1

    longer = write_study(tmp_path, seeds=range(1, 7))
    recorded: dict[str, list] = {}
    for run in bench.query.finished().values():
        recorded.setdefault(run.kind, []).append(run.scores)
    again = Bench(longer, packing(1e6, most=3))
    again.packing.memory = KnownMemory(recorded, again.plan.runs.values())
    assert not again.run().failed
    assert [beside for _, beside in again.began][:3] == [1, 2, 3]


GREEDY = """
        try:
            Path(f"tried-{os.environ['CUDA_VISIBLE_DEVICES']}").mkdir()
        except FileExistsError:
            pass
        else:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
"""


@pytest.mark.long
@pytest.mark.slow
def test_a_run_that_goes_out_of_memory_beside_another_is_tried_again_alone(tmp_path):
    bench = Bench(write_study(tmp_path, GREEDY.strip(), seeds=(1, 2)), packing(1, most=4))
    outcome = bench.run()
    assert not outcome.failed
    (key,) = outcome.crowded_out
    assert outcome.crowded_out[key].status == OUT_OF_MEMORY
    assert outcome.ended[key].status == "finished"
    assert [beside for _, beside in bench.began] == [1, 2, 3, 4, 1], "the last one is alone"

    first, second = bench.query.runs(f"tags.key = '{key}'")
    assert (first.status, second.status) == ("FAILED", "FINISHED")
    assert first.tags["status_reason"].startswith("out of memory: CUDA out of memory.")
    assert second.tags["retry_of"] == first.run_id
    others = [run for run in bench.query.runs("tags.key != ''") if run.tags["key"] != key]
    assert not any("retry_of" in run.tags for run in others)

    undisturbed = Bench(tmp_path / "box.py", packing(1, most=4), "undisturbed")
    assert not undisturbed.run().crowded_out
    again = {run.tags["seed"]: run for run in undisturbed.query.runs("tags.method = 'odd'")}
    assert _scores(second) == _scores(again[second.tags["seed"]])


def _scores(run) -> dict[str, float]:
    return {name: value for name, value in run.scores.items() if name.startswith(("dev/", "test/"))}


def write_vision(folder: Path, odd: str, seeds: tuple[int, ...]) -> Path:
    """The same with a model whose batches may be split: batch normalisation needs them whole."""
    path = write_study(folder, odd, seeds=seeds)
    (folder / "vit").mkdir()
    tiny_hub.save("vit", [], folder / "vit")
    text = path.read_text().replace("import ResNet", "import HubModel")
    path.write_text(text.replace("ResNet((4,))", 'HubModel("vit")'))
    return path


FULL = 'raise torch.OutOfMemoryError("CUDA out of memory.")'
GREEDY_BEYOND_FOUR = f"if len(step.labels) > 4:\n            {FULL}"


@pytest.mark.long
@pytest.mark.slow
def test_a_run_without_memory_for_its_batches_is_trained_with_them_in_parts(tmp_path):
    study = write_vision(tmp_path, GREEDY_BEYOND_FOUR, seeds=(1, 2))
    bench = Bench(study, packing(1, most=1))
    outcome = bench.run()
    assert not outcome.failed
    assert not outcome.crowded_out
    assert set(outcome.in_parts.values()) == {4}
    for key in outcome.in_parts:
        first, second, third = bench.query.runs(f"tags.key = '{key}'")
        assert [run.status for run in (first, second, third)] == ["FAILED", "FAILED", "FINISHED"]
        assert second.tags["retry_of"] == first.run_id
        assert third.tags["retry_of"] == second.run_id
        parts = [run.tags.get("micro_batches") for run in (first, second, third)]
        assert parts == [None, "2", "4"]
    others = bench.query.runs("tags.method = 'base'")
    assert not any("micro_batches" in run.tags for run in others)

    # in the plan and in the record it is the run that was asked for, and cached as such
    again = Bench(study, packing(1, most=1))
    assert not todo(again.plan, again.query.finished(again.plan.runs), again.connection.store).jobs

    asked = tmp_path / "asked"
    asked.mkdir()
    written = write_vision(asked, GREEDY_BEYOND_FOUR, seeds=(1, 2))
    text = written.read_text()
    written.write_text(text.replace("batch_size=16", "batch_size=16, accumulate=4"))
    by_hand = Bench(written, packing(1, most=1))
    assert not by_hand.run().in_parts
    expected = {r.tags["seed"]: _scores(r) for r in by_hand.query.runs("tags.method = 'odd'")}
    finished = bench.query.runs("tags.method = 'odd' and attributes.status = 'FINISHED'")
    assert {run.tags["seed"]: _scores(run) for run in finished} == expected


@pytest.mark.long
@pytest.mark.slow
def test_memory_that_parts_took_is_not_what_whole_batches_are_packed_by(tmp_path):
    study = write_vision(tmp_path, GREEDY_BEYOND_FOUR, seeds=(1,))
    bench = Bench(study, packing(1e6, most=2, memory=KnownMemory()))
    outcome = bench.run()
    assert outcome.in_parts
    of = {bench.plan.runs[key].method_name: bench.plan.runs[key] for key in bench.plan.cells}
    assert bench.packing.memory.need(of["base"]) < inf
    assert bench.packing.memory.need(of["odd"]) == inf
    similar = bench.query.finished(bench.plan.runs)
    packed = packing_of(bench.packing.gpus, "auto", bench.plan, similar)
    assert packed.memory.need(of["base"]) < inf
    assert packed.memory.need(of["odd"]) == inf


@pytest.mark.long
@pytest.mark.slow
def test_a_run_that_single_examples_are_too_much_for_has_failed(tmp_path):
    bench = Bench(write_vision(tmp_path, FULL, seeds=(1, 2)), packing(1, most=4))
    outcome = bench.run()
    assert [ended.status for ended in outcome.failed] == [OUT_OF_MEMORY] * 2
    for ended in outcome.failed:
        assert "(also with batches of 16 in 16 parts)" in ended.message
        assert "gradient_checkpointing=True" in ended.message
    failed = bench.query.runs("attributes.status = 'FAILED'")
    tried = len(outcome.crowded_out) + 2 * len(("whole", "2", "4", "8", "16"))
    assert len(failed) == tried
    first = [run.run_id for run in failed if "retry_of" not in run.tags]
    assert len(first) == 2


@pytest.mark.long
@pytest.mark.slow
def test_a_model_that_needs_its_batch_whole_is_not_tried_in_parts(tmp_path):
    bench = Bench(write_study(tmp_path, FULL, seeds=(1, 2)), packing(1, most=1))
    for ended in bench.run().failed:
        assert ended.status == OUT_OF_MEMORY
        assert "batch normalisation, which needs the whole batch at once" in ended.message
    assert len(bench.query.runs("attributes.status = 'FAILED'")) == 2


WHOLE = f"""
        {FULL}

    def whole_batch(self):
        return "it ranks the examples of a batch"

    def unused(self, step):
"""


def test_a_method_that_needs_its_batch_whole_is_not_tried_in_parts(tmp_path):
    study = write_vision(tmp_path, WHOLE.strip("\n ") + "\n        pass", seeds=(1,))
    bench = Bench(study, packing(1, most=1))
    (ended,) = bench.run().failed
    assert ended.status == OUT_OF_MEMORY
    assert "odd needs the whole batch at once: it ranks the examples of a batch" in ended.message
    assert len(bench.query.runs("attributes.status = 'FAILED'")) == 1


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("HIP error: out of memory"),
    ],
)
def test_a_full_gpu_is_known_by_whatever_library_says_so(error):
    assert reason(error)[0] == OUT_OF_MEMORY
    assert reason(RuntimeError("CUDA error: device-side assert triggered"))[0] == "failed"
