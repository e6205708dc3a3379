"""Which run goes on which GPU, as far as that can be told before anything is trained."""

from bisect import insort
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from math import isnan, nan

from benchmark.execute.gpus.gpu import Gpu
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.job import Ended, Job
from benchmark.execute.scheduler import urgency_of
from benchmark.runs.kinds import Output
from benchmark.runs.plan import Plan, dependants
from benchmark.store.store import Store


@dataclass(frozen=True)
class Foreseen:
    """What is expected of each GPU.

    Attributes:
        runs: keys by GPU, in the order in which they begin.
        until: seconds until the last of them ends, by GPU.
        wall: seconds until all are done; NaN where somebody's cannot be told.
    """

    runs: Mapping[Gpu, tuple[str, ...]]
    until: Mapping[Gpu, float]
    wall: float


def foresee(
    plan: Plan,
    jobs: Mapping[str, frozenset[Output]],
    seconds: Mapping[str, float],
    packing: Packing,
    store: Store,
) -> Foreseen:
    """Place the jobs of a plan as the scheduler will, if each takes as long as expected.

    Args:
        plan: the graph.
        jobs: what is to be executed.
        seconds: expected, by key.
        packing: places them; nothing may be on its GPUs, and nothing is in the end.
        store: where they are recorded.
    """
    took = {k: 0.0 if isnan(seconds[k]) else seconds[k] for k in jobs}
    urgency = urgency_of(plan, lambda run: took.get(run.key, 0.0))
    after = dependants(plan)
    left = {k: sum(n.key in jobs for n in plan.runs[k].needs.values()) for k in jobs}
    numbered = {k: i for i, k in enumerate(jobs)}
    ready = sorted((-urgency[k], numbered[k], k) for k in jobs if not left[k])
    order: dict[Gpu, list[str]] = {gpu: [] for gpu in packing.gpus}
    until = dict.fromkeys(packing.gpus, 0.0)
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        waiting = [Job(plan.runs[k], jobs[k], store, "", {}) for _, _, k in ready]
        while packing.free > 0 and (job := packing.choose(waiting)):
            waiting.remove(job)
            key = job.run.key
            ready.remove((-urgency[key], numbered[key], key))
            gpu = packing.start(job)
            order[gpu].append(key)
            until[gpu] = max(until[gpu], now + took[key])
            heappush(running, (now + took[key], key))
        now, ended = heappop(running)
        packing.end(Ended(ended, "finished"))
        for k in after[ended]:
            if k in left:
                left[k] -= 1
                if not left[k]:
                    insort(ready, (-urgency[k], numbered[k], k))
    unknown = any(isnan(seconds[k]) for k in jobs)
    placed = {gpu: tuple(keys) for gpu, keys in order.items()}
    return Foreseen(placed, until, nan if unknown else now)
