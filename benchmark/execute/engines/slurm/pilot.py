"""What a Slurm job does: it takes one run after the other, until its time is nearly over."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from types import FrameType
from typing import Any

from benchmark.execute.attempt.interruption import interrupt
from benchmark.execute.engines.local import work as execute_pickled
from benchmark.execute.engines.processes import Contained, NotLoaded, wait_for, warm_up
from benchmark.execute.engines.slurm.cluster import requeue, seconds_left
from benchmark.execute.engines.slurm.pool import Entry, JobPool, Watch, Whereabouts
from benchmark.execute.job import TIMED_OUT, Ended, Progress
from benchmark.store.scratch import keep_temporary_files_together

#: Seconds for which a job without a run waits for one.
_LINGER = 15.0
#: Seconds between two looks for a run, or at what is asked of one that is executed.
_TICK = 0.2
#: Seconds that an interrupted run has to close its record before it is killed.
_PATIENCE = 10.0
#: What is left of a job's time when its run is interrupted: a share of it, and at most seconds.
_SHARE, _MOST = 1 / 6, 60.0
#: How much longer than the longest of its runs so far a job takes the next one to be.
_LONGER = 1.2
#: By which a run is told that it is not wanted. Slurm's own signals reach every process of a job,
#: so that they all have to mean that it is interrupted.
_UNWANTED = signal.SIGHUP


def work(folder: str) -> None:
    """Take runs of a pool and execute them; this is what submitit calls in a job.

    Args:
        folder: of the pool.
    """
    environment = os.environ
    raw = environment["SLURM_JOB_ID"]
    array = environment.get("SLURM_ARRAY_JOB_ID")
    job = f"{array}_{environment['SLURM_ARRAY_TASK_ID']}" if array else raw
    pool = JobPool(Path(folder))
    watch = Watch(pool)
    started_again = environment.get("SLURM_RESTART_COUNT", "0") != "0"
    if started_again and job not in pool.jobs() and watch.is_kept():
        return  # there is another one in its place
    pool.enlist([job])
    keep_temporary_files_together()
    environment["PYTHONUNBUFFERED"] = "1"  # what a run printed before it died is kept, too
    limit = seconds_left(raw)
    until = time.monotonic() + limit - min(limit * _SHARE, _MOST) if limit < inf else inf
    Pilot(pool, watch, job, until).work()


@dataclass
class Pilot:
    """A job at work.

    Attributes:
        pool: where the runs are.
        watch: whether a command looks after it.
        job: Slurm's id of this job.
        until: when it ends what it does, by the monotonic clock.
        longest: seconds of the longest run so far; 0 before the first.
    """

    pool: JobPool
    watch: Watch
    job: str
    until: float
    longest: float = 0.0
    _told: int = 0
    _overrun: bool = False

    def work(self) -> None:
        """Execute what there is to execute."""
        for signum in (signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(signum, self._ask)
        warm_up()
        for place in self.pool.taken():
            if place.job == self.job:  # it was lost with a node, and Slurm has started it again
                self.pool.give_back(place)
        idle = time.monotonic()
        while not self._told and self._has_time() and time.monotonic() - idle < _LINGER:
            self.watch.listen()
            found = self.pool.take(self.job)
            if found is None:
                time.sleep(_TICK)
                continue
            self._execute(*found)
            idle = time.monotonic()
        self.pool.leave(self.job)
        # A command would submit another one at once; Slurm starts this one again after minutes.
        if self._told != signal.SIGTERM and self.pool.waiting() and not self.watch.is_kept():
            requeue(self.job)

    def _ask(self, signum: int, frame: FrameType | None) -> None:
        self._told = self._told or signum

    def _has_time(self) -> bool:
        """Whether a run that takes as long as those before would be finished in time."""
        return not self._overrun and time.monotonic() + _LONGER * self.longest < self.until

    def _execute(self, place: Whereabouts, entry: Entry) -> None:
        print(f"{entry.name} ({entry.key})", flush=True)
        began, first = time.monotonic(), not self.longest
        process = Contained.start(entry.study_file, _work, entry.pickled, entry.read)
        try:
            ended = self._watch(process, place)
        finally:
            process.end()
        self.longest = max(self.longest, time.monotonic() - began)
        if ended.status == "interrupted":
            if self._overrun and first and not ended.goes_on:
                ended = Ended(
                    entry.key,
                    TIMED_OUT,
                    "it takes longer than a Slurm job may; give --slurm a longer time=…",
                )
            elif self.pool.give_back(place):
                return
        self.pool.end(place, ended)

    def _watch(self, process: Contained, place: Whereabouts) -> Ended:
        """Tell what a run says, and the run what is asked of it, until it has ended."""
        deadline, unwanted = inf, False
        while True:
            wait_for([process], _TICK)
            self.watch.listen()
            said, gone = process.said()
            for each in said:
                if isinstance(each, NotLoaded):
                    return Ended(place.key, "failed", each.message)
                if isinstance(each, Progress):
                    self.pool.say(place.ticket, each)
                elif not unwanted and each.status == "pruned":
                    return Ended(place.key, "interrupted")
                else:
                    ended: Ended = each
                    return ended
            self._overrun = self._overrun or time.monotonic() > self.until
            stopping = bool(self._told) or self._overrun
            if gone or time.monotonic() > deadline:
                return self._unsaid(process, place, stopping, unwanted)
            if stopping and deadline == inf:
                deadline = time.monotonic() + _PATIENCE
                process.tell(signal.SIGTERM)
            elif not unwanted and self.pool.is_called_off(place.ticket):
                unwanted = True
                process.tell(_UNWANTED)

    def _unsaid(
        self, process: Contained, place: Whereabouts, stopping: bool, unwanted: bool
    ) -> Ended:
        """How a run ended that could not say so itself."""
        if stopping:
            return Ended(place.key, "interrupted")
        if unwanted:  # told to stop before it had begun
            return Ended(place.key, "pruned")
        death = process.death()
        why = f"{death.message}; what it printed is in {self.pool.log(self.job)}"
        return Ended(place.key, death.status, why)


def _work(say: Callable[[Any], None], pickled: bytes) -> None:
    """What the process of a run does."""
    for signum in (signal.SIGUSR1, signal.SIGUSR2):
        signal.signal(signum, lambda *_: interrupt("interrupted"))
    signal.signal(_UNWANTED, lambda *_: interrupt("pruned"))
    execute_pickled(say, pickled)
