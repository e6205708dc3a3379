"""From a graph of runs to finished ones: what is ready is started, what ends frees the rest."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import inf

from benchmark.errors import RecordLost
from benchmark.execute.attempt.interruption import patient
from benchmark.execute.attempt.recorder import record_failure
from benchmark.execute.counted import CountedFlops
from benchmark.execute.elsewhere import Elsewhere
from benchmark.execute.engines import Engine
from benchmark.execute.job import (
    HELD,
    LOST,
    OUT_OF_MEMORY,
    RETRY_OF,
    UNSAID,
    Ended,
    Job,
    Progress,
    as_one,
)
from benchmark.execute.queue import Queue
from benchmark.execute.retries import OF_A_STACK, Retries
from benchmark.execute.short_of_memory import training_of, with_more_room
from benchmark.record.left_open import close_dead, close_orphans
from benchmark.record.query import Query
from benchmark.record.recorded import IN_PARTS
from benchmark.record.writer import Writer
from benchmark.runs.kinds import Output, Run
from benchmark.runs.plan import Plan, dependants
from benchmark.store.outages import in_a_hurry
from trainers.resume.checkpoints import A_MINUTE

#: Seconds between looks at the engine when it has nothing to tell.
_TICK = 0.25


@dataclass
class Outcome:
    """What became of runs.

    Attributes:
        ended: by key, of every run that was executed.
        blocked: by key, the run that failed before it.
        interrupted: whether the user stopped it.
        crowded_out: by key, how runs ended first that were tried again alone on a GPU.
        in_parts: by key, into how many parts a batch was split for want of memory.
        taken_apart: by key, how stacks of runs ended that were tried again apart.
    """

    ended: dict[str, Ended] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False
    crowded_out: dict[str, Ended] = field(default_factory=dict)
    in_parts: dict[str, int] = field(default_factory=dict)
    taken_apart: dict[str, Ended] = field(default_factory=dict)

    @property
    def failed(self) -> list[Ended]:
        """Runs that ended otherwise than finished."""
        return [e for e in self.ended.values() if e.status not in ("finished", "cached", "pruned")]


@dataclass
class Scheduler:
    """Starts runs on an engine, each after those that it needs; runs may be added at any time.

    Attributes:
        engine: where runs are executed.
        query: what is recorded.
        writer: where it is recorded.
        experiment: MLflow's id of the study's experiment.
        tags: provenance, written with every run.
        on_start: told of every run as it starts.
        notify: told in a sentence what the user should know at once.
        limit: seconds that a run may take.
        outcome: what became of the runs so far.
        retries: runs that wait to be tried again after a fault that was not theirs.
        checkpoint_every: seconds of training that are worth to be kept for another attempt.
    """

    engine: Engine
    query: Query
    writer: Writer
    experiment: str
    tags: Mapping[str, str]
    on_start: Callable[[Run], None] = lambda _: None
    notify: Callable[[str], None] = lambda _: None
    limit: float = inf
    outcome: Outcome = field(default_factory=Outcome)
    retries: Retries = field(default_factory=Retries)
    checkpoint_every: float = A_MINUTE
    _queue: Queue = field(default_factory=Queue)
    _counted: CountedFlops = field(default_factory=CountedFlops)
    _stacks: dict[str, str] = field(default_factory=dict)

    @cached_property
    def _elsewhere(self) -> Elsewhere:
        """What other commands do of the same runs."""
        return Elsewhere(self.query)

    @property
    def busy(self) -> bool:
        """Whether anything is executing or waiting to."""
        return bool(self._queue.waiting or self._queue.running)

    @property
    def _at_work(self) -> int:
        """How many jobs are executing, a stack as one; what is tried again later is not."""
        return len({self._stacks[k] for k in self._queue.running if k not in self.retries})

    @property
    def hungry(self) -> bool:
        """Whether more could be executing than there is to execute."""
        idle = min(self.engine.free, self.engine.workers - self._at_work)
        return idle > len(self._queue.waiting) - self._elsewhere.count(self._queue.waiting)

    def add(
        self,
        run: Run,
        outputs: frozenset[Output],
        urgency: float = 0.0,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        """Have a run executed; one that is under way already is not executed twice.

        Args:
            run: what.
            outputs: what it must leave.
            urgency: the highest is started first.
            tags: of this run, beside the provenance.
        """
        at_work = self._queue.running.get(run.key)
        if at_work and outputs <= at_work.outputs:
            return
        told = {**self.tags, **(tags or {})}
        job = Job(
            run,
            outputs,
            self.writer.store,
            self.experiment,
            told,
            urgency=urgency,
            limit=self.limit,
            checkpoint_every=self.checkpoint_every,
        )
        self._queue.add(job)

    def withdraw(self, keys: Iterable[str]) -> None:
        """Let runs be: those under way are stopped and end as pruned.

        A run that leaves something for another one goes on.
        """
        for k in keys:
            if k in self.retries:
                self._queue.end(k)
                self._queue.add(self.retries.take(k))
            if k in self._queue.waiting and not self._queue.waiting[k].outputs:
                self._queue.remove(k)
            if k in self._queue.running and not self._queue.running[k].outputs:
                self.engine.cancel(k)

    def is_under_way(self, key: str) -> bool:
        """Whether a run is executing or waiting to."""
        return key in self._queue.waiting or key in self._queue.running

    def give_up(self, key: str, reason: str) -> Ended:
        """Record a run as failed that is not started, and give up what depends on it."""
        job = self._queue.remove(key)
        if job.run.tracked:
            record_failure(self.writer, job, reason)
        ended = Ended(key, "failed", reason)
        self._settle(ended)
        return ended

    def step(self) -> Sequence[Progress | Ended]:
        """Start what is ready, and wait a moment for what workers say.

        Raises:
            RecordLost: a worker, or this process, could not write to the record.
        """
        self._elsewhere.watch()
        for job in self.retries.due():
            self._queue.end(job.run.key)
            self._queue.add(job)
        news = self._start_what_is_ready()
        if not self._at_work and self.busy and not news:
            time.sleep(_TICK)  # other commands are at all that is left, or it is tried again later
        for told in self.engine.events(_TICK):
            event = self._put_aside(self._once_more(told))
            if isinstance(event, Ended):
                self._settle(event)
            elif event is not None and event.notice:
                self.notify(event.notice)
            if event is not None:
                news.append(event)
        if not self.busy:
            self.engine.events(0.0)  # of the last ones nothing is left either
        return news

    def _put_aside(self, event: Progress | Ended) -> Progress | Ended | None:
        """Have a run wait that another command was quicker to take; what is to be said of it."""
        if not isinstance(event, Ended) or event.status != HELD:
            return event
        job = self._queue.end(event.key)
        assert job
        self._queue.add(job)
        return self._elsewhere.put_aside(job, event.message)

    def _once_more(self, event: Progress | Ended) -> Progress | Ended:
        """Have a run tried again that lacked memory beside others, or did not end by its own doing.

        The record keeps the attempt, and the next one names it.
        """
        if not isinstance(event, Ended):
            return event
        if event.stacked > 1 and event.status in OF_A_STACK:
            return self._apart(event)
        if event.status == OUT_OF_MEMORY:
            return self._with_more_room(event)
        if not self.retries.count(event):
            return self.retries.in_vain(event)
        job = self._next_attempt(event)
        again = f"{event.status}: {self.retries.rest(event, job)}"
        told = f"{event.status}: {event.message}" if event.message else event.status
        notice = f"{job.run.name}  {told}; {again.partition(': ')[2]}"
        return Progress(event.key, 0.0, again, notice=notice)

    def _with_more_room(self, event: Ended) -> Progress | Ended:
        """Have a run tried again that lacked memory, where there is a way to need less of it."""
        job = with_more_room(self._queue.running[event.key], event)
        if isinstance(job, Ended):
            return job
        tags = self._next_attempt(event).tags
        if event.crowded:
            self.outcome.crowded_out[event.key] = event
            how = "waits for a GPU of its own"
        else:
            parts = training_of(job).accumulate
            self.outcome.in_parts[event.key] = parts
            tags = {**tags, IN_PARTS: str(parts)}
            how = f"tried again with each batch in {parts} parts"
        self._queue.end(event.key)
        self._queue.add(replace(job, tags=tags))
        return Progress(event.key, 0.0, f"out of memory, {how}")

    def _apart(self, event: Ended) -> Progress:
        """Have a run tried apart whose stack came to nothing, which may be another one's doing."""
        job = self._next_attempt(event)
        self.outcome.taken_apart[event.key] = event
        self._queue.end(event.key)
        self._queue.add(replace(job, apart=True))
        return Progress(event.key, 0.0, f"{event.status} as one of {event.stacked}, tried apart")

    def _next_attempt(self, event: Ended) -> Job:
        """The job of a run whose attempt has just ended, with what names that attempt."""
        job = self._queue.running[event.key]
        self._close(event)
        before = self.query.runs(f"tags.key = '{event.key}' and attributes.status != 'FINISHED'")
        first = {RETRY_OF: before[-1].run_id} if job.run.tracked and before else {}
        return replace(job, tags={**job.tags, **first})

    def _close(self, event: Ended) -> None:
        """Close the record of a run whose worker could not."""
        if event.status in UNSAID:
            close_dead(self.writer, event.key, event.status, event.message)

    def stop(self) -> None:
        """Interrupt what is executing and forget what is waiting."""
        self.outcome.interrupted = True
        for ended in self.engine.stop():
            self.outcome.ended[ended.key] = ended
        self._queue.clear()
        self.retries.clear()
        with in_a_hurry(), suppress(RecordLost):  # the next command closes what is left open
            close_orphans(self.writer)

    def _start_what_is_ready(self) -> list[Progress | Ended]:
        """Start what nobody else does, as long as there is room; what others have done of it."""
        news: list[Progress | Ended] = []
        while self.engine.free > 0 and (job := self.engine.choose(self._ready())):
            mine = [each for each in job.stack if self._is_mine(each, news)]
            begun = [self._queue.begin(each.run.key) for each in mine]
            if begun:
                counted = [replace(j, relative_flops=self._counted.of(j.run)) for j in begun]
                self.engine.start(as_one(counted))
            for each in begun:
                self._stacks[each.run.key] = begun[0].run.key
                self.on_start(each.run)
        return news

    def _is_mine(self, job: Job, news: list[Progress | Ended]) -> bool:
        """Whether nobody else executes a run, or has done so; what is news of it is added."""
        told = self._elsewhere.look(job)
        if told is not None:
            news.append(told)
        if isinstance(told, Ended):
            self._queue.remove(told.key)
            self._settle(told)
            return False
        return not self._elsewhere.count((job.run.key,))

    def _ready(self) -> Iterator[Job]:
        """Jobs that wait for no other run, nor for another command, the most urgent first."""
        return (job for job in self._queue.ready() if not self._elsewhere.has(job.run.key))

    def _settle(self, event: Ended) -> None:
        """Close what a worker left open, and give up what depended on a failed run."""
        job = self._queue.end(event.key)
        if job:
            self._counted.learn(job.run, event)
        self.outcome.ended[event.key] = event
        if event.status == LOST:
            raise RecordLost(event.message)
        self._close(event)
        if event.status in ("finished", "cached", "pruned"):
            return
        lost = [event.key]
        while lost:
            gone = lost.pop()
            for k in self._queue.dependants(gone):
                self._queue.remove(k)
                self.outcome.blocked[k] = event.key
                lost.append(k)


def run_plan(
    plan: Plan,
    jobs: Mapping[str, frozenset[Output]],
    scheduler: Scheduler,
    seconds: Callable[[Run], float],
    on_event: Callable[[Progress | Ended], None],
    hopeless: Mapping[str, str] | None = None,
) -> Outcome:
    """Execute the jobs of a plan.

    Args:
        plan: the graph.
        jobs: what to execute, from :func:`todo`.
        scheduler: with what.
        seconds: how long a run is expected to take; the longest chain is started first.
        on_event: told of everything that workers say.
        hopeless: by key, why a run is not started.
    """
    urgency = urgency_of(plan, seconds)
    for k, outputs in jobs.items():
        scheduler.add(plan.runs[k], outputs, urgency[k])
    for k, reason in (hopeless or {}).items():
        if k in jobs and scheduler.is_under_way(k):
            on_event(scheduler.give_up(k, reason))
    with patient() as check:
        try:
            while scheduler.busy:
                check()
                for event in scheduler.step():
                    on_event(event)
        except KeyboardInterrupt:
            scheduler.stop()
        except BaseException:
            scheduler.engine.stop()  # no process is left behind
            raise
    return scheduler.outcome


def urgency_of(plan: Plan, seconds: Callable[[Run], float]) -> dict[str, float]:
    """Seconds from the start of each run to the end of the longest chain that waits for it."""
    after = dependants(plan)
    urgency: dict[str, float] = {}
    for k in reversed(plan.runs):
        longest = max((urgency[d] for d in after[k]), default=0.0)
        urgency[k] = seconds(plan.runs[k]) + longest
    return urgency
