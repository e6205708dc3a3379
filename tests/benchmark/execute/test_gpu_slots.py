"""No GPU is given more runs, or more memory, than it has; every place is free again in the end."""

from dataclasses import replace
from math import inf

import hypothesis.strategies as st
import pytest
from hypothesis import given

from benchmark.declare.loading import load_study
from benchmark.execute.gpus.memory import CONTEXT, KnownMemory, shape
from benchmark.execute.gpus.slots import RESERVE, Slots
from benchmark.execute.job import Ended, Job
from benchmark.runs.kinds import DataRun, TrainRun
from benchmark.runs.plan import Plan, make_plan
from tests.benchmark.execute.gpu_boxes import box, packing, write_study

SIZES = st.lists(st.floats(1_000, 200_000), min_size=1, max_size=5)
NEEDS = st.one_of(st.just(0.0), st.floats(1, 150_000), st.just(inf))
#: What happens: a run wants a place, or one of those that have one ends.
EVENTS = st.lists(st.one_of(NEEDS, st.integers(0, 20)), max_size=60)


@given(SIZES, st.integers(1, 4), EVENTS)
def test_places_memory_and_solitude_are_kept_whatever_comes_and_goes(sizes, most, events):
    gpus = box(*sizes).gpus
    slots = Slots(gpus, most)
    running: dict[str, float] = {}
    met: set[str] = set()
    for number, event in enumerate(events):
        if isinstance(event, int):
            if running:
                gone = list(running)[event % len(running)]
                assert slots.leave(gone) == (gone in met)
                del running[gone]
        elif slots.fitting(event):
            key = str(number)
            chosen = slots.take(key, event)
            running[key] = event
            beside = set(slots.on(chosen))
            met |= beside if len(beside) > 1 else set()
        else:
            assert all(slots.on(gpu) for gpu in gpus), "an empty GPU takes whatever comes"
            with pytest.raises(ValueError, match="no GPU has room"):
                slots.take("one more", event)
        placed = [key for gpu in gpus for key in slots.on(gpu)]
        assert sorted(placed) == sorted(running), "each run is on one GPU"
        for gpu in gpus:
            on = [running[key] for key in slots.on(gpu)]
            assert len(on) <= most
            assert len(on) <= 1 or sum(on) <= (1 - RESERVE) * gpu.memory_mb
        alone = sum(need == inf for need in running.values())
        assert slots.free <= most * (len(gpus) - alone) - (len(running) - alone)
    for key in running:
        slots.leave(key)
    assert slots.free == most * len(gpus)


@given(SIZES, st.integers(1, 4), st.integers(0, 20))
def test_runs_that_are_counted_alone_are_spread_evenly(sizes, most, count):
    gpus = box(*sizes).gpus
    slots = Slots(gpus, most)
    for number in range(min(count, most * len(gpus))):
        slots.take(str(number), 0.0)
    on = [len(slots.on(gpu)) for gpu in gpus]
    assert max(on) - min(on) <= 1


@pytest.fixture(scope="module")
def plan(tmp_path_factory) -> Plan:
    path = write_study(tmp_path_factory.mktemp("box"), seeds=range(1, 9))
    return make_plan(load_study(path))


def jobs_of(plan: Plan, method: str) -> list[Job]:
    runs = [run for run in plan.runs.values() if isinstance(run, TrainRun)]
    return [Job(r, frozenset(), None, "", {}) for r in runs if r.method_name == method]


def test_the_first_run_of_a_shape_is_alone_and_the_others_are_packed(plan):
    placed = packing(10_000, most=8, memory=KnownMemory())
    first, *others = jobs_of(plan, "base")
    assert placed.choose([first, *others]) is first
    gpu = placed.start(first)
    assert placed.free == 0
    assert placed.choose(others) is None

    ended = placed.end(Ended(first.run.key, "finished", scores={"peak_memory_mb": 2000 - CONTEXT}))
    assert not ended.crowded
    for number in range(1, 5):  # four of 2,000 megabytes leave a reserve of 1,000, five none
        chosen = placed.choose(others)
        placed.start(chosen)
        others.remove(chosen)
        assert len(placed.slots.on(gpu)) == number
    assert placed.free > 0
    assert placed.choose(others) is None


def test_what_an_accelerator_keeps_from_others_counts_before_what_tensors_take(plan):
    memory, run = KnownMemory(), jobs_of(plan, "base")[0].run
    memory.learn(run, {"peak_memory_mb": 1000.0, "reserved_memory_mb": 3000.0})
    assert memory.need(run) == 3000 + CONTEXT
    memory.learn(run, {"peak_memory_mb": 2000.0})
    assert memory.need(run) == 3000 + CONTEXT, "the most that was seen"


def test_of_gpus_with_a_worker_one_is_kept_for_a_run_that_has_to_be_alone(plan):
    placed = packing(1, 1, most=2)
    first, second = placed.gpus
    (one, two, *others), alone = jobs_of(plan, "base"), replace(jobs_of(plan, "odd")[0], alone=True)
    assert placed.choose([one], among=[second]) is one
    assert placed.start(one) == second
    placed.choose([two], among=[first])
    assert placed.start(two) == first
    # Both have a run and a worker: one of them gets no other, and is the one that is waited for.
    assert placed.choose([alone, *others], among=[first, second]) is others[0]
    kept = {first, second} - {placed.start(others[0])}
    assert placed.choose([alone, *others[1:]], among=kept) is None
    placed.end(Ended(two.run.key if kept == {first} else one.run.key, "finished"))
    assert placed.choose([alone, *others[1:]], among=kept) is alone
    assert {placed.start(alone)} == kept
    assert placed.choose(others[1:], among=kept) is None
    assert not placed.end(Ended(alone.run.key, "finished")).crowded


def test_a_measure_makes_room_beside_runs_that_began_alone(plan):
    placed = packing(10_000, 10_000, most=4, memory=KnownMemory())
    first, second, third, *_ = jobs_of(plan, "base")
    placed.start(first)
    placed.start(second)
    assert placed.choose([third]) is None
    placed.end(Ended(first.run.key, "finished", scores={"peak_memory_mb": 1000.0}))
    placed.start(third)
    assert placed.free == 6
    assert placed.slots.gpu_of(second.run.key) != placed.slots.gpu_of(third.run.key)


def test_memory_is_known_by_shape_and_from_the_record(plan):
    base, odd = jobs_of(plan, "base"), jobs_of(plan, "odd")
    assert len({shape(job.run) for job in base}) == 1
    assert shape(base[0].run) != shape(odd[0].run)
    training = base[0].run.training
    for change in ({"lr": 0.1}, {"epochs": 9, "warmup": 0.5}, {"schedule": "constant"}):
        assert shape(replace(base[0].run, training=replace(training, **change))) == shape(
            base[0].run
        )
    for change in (
        {"batch_size": 99},
        {"max_length": 9},
        {"precision": "bf16"},
        {"accumulate": 2},
        {"gradient_checkpointing": True},
    ):
        assert shape(replace(base[0].run, training=replace(training, **change))) != shape(
            base[0].run
        )
    data = next(run for run in plan.runs.values() if isinstance(run, DataRun))
    recorded = {base[0].run.kind: [{"peak_memory_mb": 500.0}, {"peak_memory_mb": 700.0}]}
    memory = KnownMemory(recorded, plan.runs.values())
    assert memory.need(base[3].run) == 700 + CONTEXT
    assert memory.need(odd[0].run) == inf
    assert memory.need(data) == 0


def test_small_runs_do_not_hold_up_one_that_has_to_be_alone_for_ever(plan):
    """A stream of small runs, of which one begins whenever another ends."""
    placed = packing(10_000, 10_000, most=2)
    small, big = jobs_of(plan, "base"), jobs_of(plan, "odd")[0]
    big = Job(big.run, big.outputs, None, "", {}, alone=True)
    running = []
    for _ in range(4):
        chosen = placed.choose(small)
        placed.start(chosen)
        small.remove(chosen)
        running.append(chosen)
    started: list[Job] = []
    while big not in started:
        done = running.pop(0)
        placed.end(Ended(done.run.key, "finished"))
        small.append(done)
        while placed.free and (job := placed.choose([big, *small])):
            gpu = placed.start(job)
            started.append(job)
            running.append(job)
            small = [each for each in small if each is not job]
        assert len(started) < 10, "others are started again and again before it"
    assert placed.slots.on(gpu) == (big.run.key,)


@given(SIZES, st.floats(1, 300_000), st.integers(1, 9))
def test_what_is_announced_to_go_side_by_side_is_what_fits(sizes, need, most):
    placed = packing(*sizes, most=most, memory=KnownMemory())
    slots, announced = placed.slots, sum(placed.at_once(gpu, need) for gpu in placed.gpus)
    taken = 0
    while slots.fitting(need):
        slots.take(str(taken), need)
        taken += 1
    assert taken == announced
