"""What of a plan is left to execute, against a record and a cache."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass
from functools import cache as memoised

from benchmark.execute.job import is_done
from benchmark.record.recorded import Recorded
from benchmark.runs.kinds import Output, Run
from benchmark.runs.plan import Plan, dependants
from benchmark.store.cache import Cache
from benchmark.store.store import Store

#: What a cell of a comparison leaves, or a probe.
_JUDGED = frozenset[Output](("test",))


@dataclass(frozen=True)
class Todo:
    """What a plan still needs, against a record and a cache.

    Attributes:
        cached: keys of the cells and probes that are recorded.
        jobs: keys to execute, with what each must leave for others.
        damaged: what of the cache is no longer as it was written, and is made again.
    """

    cached: frozenset[str]
    jobs: Mapping[str, frozenset[Output]]
    damaged: tuple[str, ...] = ()


def todo(plan: Plan, finished: Mapping[str, Recorded], store: Store) -> Todo:
    """Compare a plan with what is done."""
    cells = dict.fromkeys(plan.judged, _JUDGED)
    jobs = missing(plan.runs, cells, finished, store.cache)
    # A cell may be recorded and yet be executed again, for logits that a new arm wants.
    cached = (k for k in cells if is_done(plan.runs[k], cells[k], finished.get(k), store.cache))
    return Todo(frozenset(cached), jobs, damaged(jobs, store.cache))


def damaged(jobs: Mapping[str, frozenset[Output]], cache: Cache) -> tuple[str, ...]:
    """What is there of the outputs that are to be made, and wrong; a sentence each."""
    return tuple(
        f"{cache.flaw(output, k)}: it is made again."
        for k, outputs in jobs.items()
        if outputs != _JUDGED  # which the record has
        for output in sorted(outputs - _JUDGED)
        if cache.exists(output, k) and not cache.has(output, k)
    )


def missing(
    runs: dict[str, Run],
    targets: Mapping[str, frozenset[Output]],
    finished: Mapping[str, Recorded],
    cache: Cache,
) -> dict[str, frozenset[Output]]:
    """What must be executed for some runs to be done.

    A run that is recorded needs nothing. One that is not needs the outputs of the runs before it;
    those whose outputs were deleted from the cache or are damaged are executed again, and those
    that left theirs and were killed before their end was recorded.

    Args:
        runs: by key, each after those that it needs.
        targets: keys, with what each must leave.
        finished: the record.
        cache: where outputs lie.

    Returns:
        Keys in the order of `runs`, with what each must leave.
    """
    wanted = {
        k: outputs
        for k, outputs in targets.items()
        if not is_done(runs[k], outputs, finished.get(k), cache)
    }
    is_there = memoised(cache.has)  # thousands of runs need the same
    for k in reversed(runs):
        if k not in wanted:
            continue
        for need in runs[k].needs.values():
            so_far = wanted.get(need.key)
            if so_far is None:
                recorded = need.key in finished or not need.run.tracked
                if recorded and is_there(need.output, need.key):
                    continue
                wanted[need.key] = frozenset((need.output,))
            elif need.output not in so_far:
                wanted[need.key] = so_far | {need.output}
    return {k: wanted[k] for k in runs if k in wanted}


def promising(
    plan: Plan, jobs: Mapping[str, frozenset[Output]], hopeless: Container[str]
) -> dict[str, frozenset[Output]]:
    """The jobs without those that only hopeless runs need."""
    after, kept = dependants(plan), set[str]()
    for k in reversed(plan.runs):
        waiting = [d for d in after[k] if d in jobs]
        wanted = not waiting or bool(jobs.get(k, frozenset()) & {"test", "hidden"})
        if k in jobs and (wanted or any(d in kept and d not in hopeless for d in waiting)):
            kept.add(k)
    return {k: outputs for k, outputs in jobs.items() if k in kept}
