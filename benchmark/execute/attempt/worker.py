"""Executes one run unless it is done; whatever goes wrong becomes how it ended."""

from __future__ import annotations

import os
import time
import traceback
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmark.errors import CacheError, LeaseLost, RecordLost, StoreError
from benchmark.execute.attempt.conditions import make_repeatable
from benchmark.execute.attempt.deadline import limited
from benchmark.execute.attempt.ends import UnderWay, leave_unless, reason
from benchmark.execute.attempt.interruption import (
    Interrupted,
    interruptible,
    shielded,
    told_to_stop,
)
from benchmark.execute.attempt.recorder import Recorder
from benchmark.execute.attempt.resuming import Resuming
from benchmark.execute.attempt.steps import perform
from benchmark.execute.job import (
    HELD,
    LOST,
    Ended,
    Job,
    Progress,
    Report,
    is_done,
    is_recorded,
)
from benchmark.record.left_open import close_earlier
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.writer import Writer
from benchmark.runs.kinds import Need, PretrainRun, TrainRun
from benchmark.secrets import masked
from benchmark.store.checksums import take_as_sound
from benchmark.store.connection import Connection
from benchmark.store.heartbeat import Holder, Lease
from benchmark.store.outages import persevering

#: Seconds between two looks at a run that another process executes.
_TICK = 0.25


def execute(job: Job, report: Report) -> Ended:
    """Execute a run unless it is done; whatever goes wrong becomes how it ended.

    Only one process at a time executes a key: of a second one the run ends as held elsewhere.
    """
    cache, needs, key = job.store.cache, job.run.needs.values(), job.run.key
    take_as_sound(job.sound)

    def tell(notice: str) -> None:
        report(Progress(key, 0.0, "waits for the record", notice=notice))

    try:
        with persevering(tell, lambda: told_to_stop() == "interrupted"):
            lease = cache.runs.attempt(key)
            if isinstance(lease, Holder):
                return Ended(key, HELD, lease.process.shown)
            with lease, cache.using(*{need.key for need in needs}):
                return execute_alone(job, report, lease)
    except LeaseLost as error:
        return Ended(key, HELD, str(error))
    except (RecordLost, StoreError) as error:
        if told_to_stop():
            return Ended(key, told_to_stop())
        return Ended(key, LOST, str(error), details=masked(traceback.format_exc()))
    except CacheError as error:
        return Ended(job.run.key, *reason(error), details=masked(traceback.format_exc()))


def execute_alone(job: Job, report: Report, lease: Lease) -> Ended:
    """Execute a run that this process holds, unless it is done."""
    known = standing(job, lease)
    if isinstance(known, Ended):
        return known
    under_way, inputs, say = begin(job, report, lease, known)
    try:
        with interruptible(), limited(job.limit):
            resume = under_way.resuming.checkpoints
            scores = perform(job, inputs.open, under_way.recorder, say, resume)
    except Interrupted as stopped:
        return under_way.stopped(stopped)
    except (RecordLost, StoreError, LeaseLost):
        raise
    except BaseException as error:  # noqa: BLE001 - every failure is a result, SystemExit too
        return under_way.failed(error)
    return under_way.finished(scores, "; ".join(inputs.mended))


def standing(job: Job, lease: Lease) -> Ended | Recorded | None:
    """How a run ended that is done, or what is recorded of one that has to be executed again."""
    query = Query(Connection(job.store, make=False))
    done = query.finished_run(job.run.key) if job.run.tracked else None
    if not is_done(job.run, job.outputs, done, job.store.cache):
        return done
    # Of an attempt that was killed as it ended.
    Resuming(job, None, [], lease.require).discard()
    return Ended(job.run.key, "cached", scores=done.scores if done else None)


def begin(
    job: Job, report: Report, lease: Lease, done: Recorded | None, stacked: int = 1
) -> tuple[UnderWay, Inputs, Report]:
    """Open the record of a run that this process holds.

    Args:
        job: what is executed.
        report: told how far it has come, by the last of what is returned.
        lease: on its key.
        done: what is recorded of it.
        stacked: runs that are trained as one model, this among them.
    """
    began, owner = time.perf_counter(), os.getpid()

    def say(progress: Progress) -> None:
        leave_unless(owner)
        lease.check()
        with shielded():  # half a message would garble the next one
            report(progress)

    writer = Writer(Connection(job.store, make=False))
    if job.run.tracked:
        close_earlier(writer, job.run.key)
    # A finished run whose outputs were deleted is executed again but recorded once.
    fresh = job.run.tracked and not is_recorded(job.outputs, done)
    recorder = Recorder(writer, job, lease.require) if fresh else None
    inputs = Inputs(job, say)
    resuming = Resuming(job, recorder, inputs.mended, lease.require)
    return UnderWay(job, recorder, resuming, owner, began, stacked), inputs, say


@dataclass
class Inputs:
    """The folders in the cache that a run reads, each looked at whenever it is opened.

    Attributes:
        job: whose they are.
        report: told of what takes time.
        mended: what was wrong with them, and else with the cache, a sentence each.
    """

    job: Job
    report: Report
    mended: list[str] = field(default_factory=list)

    def open(self, role: str) -> Path:
        """The folder that another run left; where it is damaged, that run is executed again.

        Raises:
            CacheError: it cannot be made again.
        """
        need, cache = self.job.run.needs[role], self.job.store.cache
        if flaw := cache.flaw(need.output, need.key):
            self._make_again(need, flaw)
        return cache.path(need.output, need.key)

    def _make_again(self, need: Need, flaw: str) -> None:
        def say(progress: Progress) -> None:
            told = f"{need.run.name}, once more"
            self.report(Progress(self.job.run.key, 0.0, told, notice=progress.notice))

        job = replace(self.job, run=need.run, outputs=frozenset((need.output,)))
        while (ended := execute(job, say)).status == HELD:
            time.sleep(_TICK)  # another run has found the same, and makes it
        if ended.status in ("interrupted", "pruned"):
            raise Interrupted(ended.status)
        if ended.status == LOST:
            raise RecordLost(ended.message)
        if ended.status not in ("finished", "cached"):
            raise CacheError(f"{flaw}; to make it again {ended.status}: {ended.message}")
        self.mended += [f"{flaw}: made again", *filter(None, [ended.message])]
        if isinstance(self.job.run, TrainRun | PretrainRun):
            make_repeatable(self.job.run.training)
