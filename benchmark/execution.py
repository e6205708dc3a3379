"""From a plan to finished runs: what is ready is started, what ends frees what waits for it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from benchmark.engines import Engine
from benchmark.plan import Plan, dependants
from benchmark.runs import Need, Output, Run
from benchmark.tracking import Recorded, Store, Tracker
from benchmark.worker import Ended, Job, Progress

#: Seconds between looks at the engine when it has nothing to tell.
_TICK = 0.25


@dataclass(frozen=True)
class Todo:
    """What a plan still needs, against a record and a cache.

    Attributes:
        cached: keys of the cells that are recorded.
        jobs: keys to execute, with what each must leave for others.
    """

    cached: frozenset[str]
    jobs: Mapping[str, frozenset[Output]]


def todo(plan: Plan, finished: Mapping[str, Recorded], store: Store) -> Todo:
    """Compare a plan with what is done.

    A cell that is recorded needs nothing. One that is not needs the outputs of the runs before
    it; those whose outputs were deleted from the cache are executed again.
    """
    cells = set(plan.cells)
    wanted: dict[str, set[Output]] = {k: set() for k in cells if k not in finished}
    for k in reversed(plan.runs):
        if k not in wanted:
            continue
        for need in plan.runs[k].needs.values():
            if need.key in wanted or not store.cache.has(need.output, need.key):
                wanted.setdefault(need.key, set()).add(need.output)
    # A cell may be recorded and yet be executed again, for logits that a new arm wants.
    return Todo(
        cached=frozenset(k for k in cells if k in finished),
        jobs={k: frozenset(wanted[k]) for k in plan.runs if k in wanted},
    )


@dataclass
class Outcome:
    """What became of a plan's runs.

    Attributes:
        ended: by key, of every run that was executed.
        blocked: by key, the run that failed before it.
        interrupted: whether the user stopped it.
    """

    ended: dict[str, Ended] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def failed(self) -> list[Ended]:
        """Runs that ended otherwise than finished."""
        return [e for e in self.ended.values() if e.status not in ("finished", "cached")]


def run_plan(
    plan: Plan,
    jobs: Mapping[str, frozenset[Output]],
    engine: Engine,
    tracker: Tracker,
    tags: Mapping[str, str],
    seconds: Callable[[Run], float],
    on_start: Callable[[Run], None],
    on_event: Callable[[Progress | Ended], None],
) -> Outcome:
    """Execute the jobs of a plan, each after those that it needs.

    Args:
        plan: the graph.
        jobs: what to execute, from :func:`todo`.
        engine: where.
        tracker: the record.
        tags: provenance, written with every run.
        seconds: how long a run is expected to take; the longest chain is started first.
        on_start: told of every run as it starts.
        on_event: told of everything that workers say.
    """
    experiment = tracker.experiment(plan.study.name)
    urgency = _urgency(plan, seconds)
    outcome = Outcome()
    waiting = sorted(jobs, key=lambda k: -urgency[k])
    running: set[str] = set()
    try:
        while waiting or running:
            for k in list(waiting):
                if engine.free < 1:
                    break
                if all(n.key not in waiting and n.key not in running for n in _needs(plan, k)):
                    waiting.remove(k)
                    running.add(k)
                    engine.start(Job(plan.runs[k], jobs[k], tracker.store, experiment, dict(tags)))
                    on_start(plan.runs[k])
            for event in engine.events(_TICK):
                if isinstance(event, Ended):
                    running.discard(event.key)
                    outcome.ended[event.key] = event
                    _settle(plan, event, waiting, outcome, tracker)
                on_event(event)
    except KeyboardInterrupt:
        outcome.interrupted = True
        for ended in engine.stop():
            outcome.ended[ended.key] = ended
        tracker.close_orphans()
    return outcome


def _settle(
    plan: Plan, event: Ended, waiting: list[str], outcome: Outcome, tracker: Tracker
) -> None:
    """Close the record of a worker that died, and give up what depended on a failed run."""
    if event.status == "died":
        tracker.close_run(event.key, "FAILED", f"died: {event.message}")
    if event.status in ("finished", "cached"):
        return
    lost = [event.key]
    while lost:
        k = lost.pop()
        for dependant in dependants(plan)[k]:
            if dependant in waiting:
                waiting.remove(dependant)
                outcome.blocked[dependant] = event.key
                lost.append(dependant)


def _needs(plan: Plan, k: str) -> Iterable[Need]:
    return plan.runs[k].needs.values()


def _urgency(plan: Plan, seconds: Callable[[Run], float]) -> dict[str, float]:
    """Seconds from the start of each run to the end of the longest chain that waits for it."""
    after = dependants(plan)
    urgency: dict[str, float] = {}
    for k in reversed(plan.runs):
        longest = max((urgency[d] for d in after[k]), default=0.0)
        urgency[k] = seconds(plan.runs[k]) + longest
    return urgency
