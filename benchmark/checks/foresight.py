"""When all runs are done, and which goes on which GPU, as far as that can be told beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan, nan

from benchmark.execute.engines.virtual import VirtualEngine
from benchmark.execute.gpus.gpu import Gpu
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.job import Ended, Job, as_one
from benchmark.execute.queue import Queue
from benchmark.execute.scheduler import urgency_of
from benchmark.runs.kinds import Output
from benchmark.runs.plan import Plan
from benchmark.store.store import Store


@dataclass(frozen=True)
class Foreseen:
    """What is expected.

    Attributes:
        wall: seconds until all are done; NaN where somebody's cannot be told.
        runs: keys by GPU, in the order in which they begin.
        until: seconds until the last of them ends, by GPU.
        stacks: keys of the runs of each stack, which are trained as one model.
    """

    wall: float
    runs: Mapping[Gpu, tuple[str, ...]]
    until: Mapping[Gpu, float]
    stacks: tuple[tuple[str, ...], ...] = ()


def foresee(
    plan: Plan,
    jobs: Mapping[str, frozenset[Output]],
    seconds: Mapping[str, float],
    store: Store,
    workers: int,
    packing: Packing | None = None,
) -> Foreseen:
    """Execute the jobs of a plan in the order that the scheduler takes, on a virtual clock.

    Args:
        plan: the graph.
        jobs: what is to be executed.
        seconds: expected, by key.
        store: where they are recorded.
        workers: runs side by side.
        packing: places them on GPUs; nothing may be there, and nothing is in the end.
    """
    took = {k: 0.0 if isnan(seconds[k]) else seconds[k] for k in jobs}
    urgency = urgency_of(plan, lambda run: took.get(run.key, 0.0))
    engine, queue = VirtualEngine(workers, lambda run: took[run.key], packing), Queue()
    for k, outputs in jobs.items():
        queue.add(Job(plan.runs[k], outputs, store, "", {}, urgency=urgency[k]))
    while queue.waiting or queue.running:
        while job := engine.choose(queue.ready()):
            engine.start(as_one([queue.begin(each.run.key) for each in job.stack]))
        for event in engine.events(0.0):
            if isinstance(event, Ended):
                queue.end(event.key)
    unknown = any(isnan(seconds[k]) for k in jobs)
    placed = {gpu: tuple(keys) for gpu, keys in engine.order.items()}
    wall = nan if unknown else engine.now
    return Foreseen(wall, placed, engine.until, tuple(engine.stacks))
