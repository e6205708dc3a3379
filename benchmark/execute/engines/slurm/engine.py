"""Runs as jobs of a Slurm cluster, which go on when the command that submitted them is gone.

The command leaves runs in a pool, and jobs take them from there: a job that has ended its run takes
the next one. A command that is started again finds in the pool which runs a job has, and waits for
these.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cloudpickle

from benchmark.execute.engines.slurm.cluster import (
    Cluster,
    SubmissionFailed,
    cancel,
    states,
)
from benchmark.execute.engines.slurm.pilot import work
from benchmark.execute.engines.slurm.pool import Entry, JobPool, Whereabouts
from benchmark.execute.job import NODE_LOST, Ended, Job, Progress
from benchmark.store.store import Store
from benchmark.user_code.project import sources

#: Runs that are given out for each job side by side: those after the first are taken as it ends,
#: also when this command is gone.
_AHEAD = 4
#: Seconds between two looks into the pool, and between two questions to Slurm.
_TICK, _LOOK = 0.1, 5.0
#: Seconds for which stopped jobs are waited for.
_PATIENCE = 20.0
#: How many jobs may be lost one after another, or not be taken.
_TIMES = 5
#: Seconds before jobs are submitted in place of a lost one; twice as many after every further one.
_BACK_OFF = 5.0
#: States in which Slurm still has a job, but not on a node.
_NOT_BEGUN = ("PENDING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD")


@dataclass
class _Flight:
    """A run that was given out.

    Attributes:
        job: what.
        ticket: in the pool.
        heard: how much of what was said of it has been read.
        missed: how often it was neither waiting nor with a job.
    """

    job: Job
    ticket: str
    heard: int = 0
    missed: int = 0


class SlurmEngine:
    """Executes jobs on nodes of a cluster that share the store's folder.

    Args:
        workers: Slurm jobs side by side.
        study_file: imported by the process of each run.
        store: below which the pool lies.
        cluster: to which jobs are submitted.
    """

    def __init__(self, workers: int, study_file: Path, store: Store, cluster: Cluster) -> None:
        self.workers = workers
        self.study_file = study_file.resolve()
        self.cluster = cluster
        self._sources = sources()
        told = f"{store.folder}\n{self.study_file}\n{sorted(cluster.options.items())}"
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", study_file.stem)[:40]
        self.name = f"bench-{stem}-{hashlib.sha256(told.encode()).hexdigest()[:8]}"
        self.pool = JobPool.of(store.folder, self.name)
        self.pool.make()
        self._flying: dict[str, _Flight] = {}
        self._over: list[Ended] = []
        self._looked = 0.0
        self._lost = 0
        self._not_before = 0.0
        self._trouble = ""

    @property
    def free(self) -> int:
        """How many more jobs may be started now."""
        return _AHEAD * self.workers - len(self._flying)

    def choose(self, jobs: Iterable[Job]) -> Job | None:
        """The most urgent, as long as the pool takes more."""
        return next(iter(jobs), None) if self.free > 0 else None

    def start(self, job: Job) -> None:
        """Leave a job in the pool, unless a Slurm job of an earlier command is at it."""
        for place in self.pool.waiting():
            if place.key == job.run.key:  # of a command that is gone
                self.pool.withdraw(place)
                self.pool.forget(place.ticket)
        self._flying[job.run.key] = _Flight(job, self._ticket(job))

    def _ticket(self, job: Job) -> str:
        """Of the attempt at a run that is under way, or of a new one."""
        key = job.run.key
        for place in (*self.pool.waiting(), *self.pool.taken()):
            if place.key == key:
                return place.ticket
        pickled = cloudpickle.dumps(job)
        entry = Entry(key, job.run.name, self.study_file, self._sources, pickled)
        return self.pool.put(entry, job.urgency)

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        """What jobs said, and how those ended that cannot say so themselves."""
        until = time.monotonic() + timeout
        while True:
            self._staff()
            found = self._news()
            if found or time.monotonic() > until:
                return found
            time.sleep(_TICK)

    def cancel(self, key: str) -> None:
        """Take a run out of the pool, or have its job stop it."""
        flight = self._flying.get(key)
        if flight is None:
            return
        waits = [place for place in self.pool.waiting() if place.ticket == flight.ticket]
        if any(self.pool.withdraw(place) for place in waits):
            self._over.append(Ended(key, "pruned"))
        else:
            self.pool.call_off(flight.ticket)

    def stop(self) -> Sequence[Ended]:
        """End all jobs of this pool, once they have closed the records of their runs."""
        tickets = {flight.ticket for flight in self._flying.values()}
        for place in self.pool.waiting():
            self.pool.withdraw(place)
        at_work = [place for place in self.pool.taken() if self.pool.withdraw(place)]
        cancel(self.name)
        until = time.monotonic() + _PATIENCE
        while at_work and time.monotonic() < until:
            at_work = [place for place in at_work if not self.pool.ended(place.ticket)]
            left = states(self.name)
            if left is not None and not left:
                break
            time.sleep(5 * _TICK)
        for job in self.pool.jobs():
            self.pool.leave(job)
        for ticket in tickets:
            self.pool.forget(ticket)
        stopped = [Ended(key, "interrupted") for key in self._flying]
        self._flying.clear()
        self._over.clear()
        return stopped

    def _staff(self) -> None:
        """Submit as many jobs as there are runs that none will take soon."""
        wanted = min(self.workers, len(self._flying)) - len(self.pool.jobs())
        if wanted < 1 or not self.pool.waiting() or time.monotonic() < self._not_before:
            return
        try:
            folder, logs = self.pool.folder, self.pool.logs
            self.pool.enlist(self.cluster.submit(self.name, work, folder, logs, wanted))
        except SubmissionFailed as error:
            self._back_off(f"Slurm takes no jobs: {error}")

    def _back_off(self, trouble: str) -> None:
        """Wait before jobs are submitted again, longer every time."""
        seconds = _BACK_OFF * 2**self._lost
        self._not_before = time.monotonic() + seconds
        self._lost, self._trouble = self._lost + 1, trouble
        print(f"bench: {trouble}; trying again in {seconds:.0f} s.", file=sys.stderr)

    def _news(self) -> list[Progress | Ended]:
        """What has happened to the runs that were given out."""
        found: list[Progress | Ended] = [*self._over]
        self._over.clear()
        if time.monotonic() - self._looked > _LOOK:
            self.pool.beat()
            found += self._look_after_jobs()
            self._looked = time.monotonic()
        there = {place.ticket for place in (*self.pool.waiting(), *self.pool.taken())}
        for flight in self._flying.values():
            ended = self.pool.ended(flight.ticket)
            said, flight.heard = self.pool.said(flight.ticket, flight.heard)
            found += said
            if ended is not None:
                found.append(ended)
                continue
            flight.missed = 0 if flight.ticket in there else flight.missed + 1
            if flight.missed > 2:  # another command has heard of its end, or somebody tidied up
                flight.ticket, flight.heard, flight.missed = self._ticket(flight.job), 0, 0
        if found:
            self._lost = 0
        self._settle([event for event in found if isinstance(event, Ended)])
        return found

    def _settle(self, ended: list[Ended]) -> None:
        for event in ended:
            flight = self._flying.pop(event.key, None)
            if flight:
                self.pool.forget(flight.ticket)
        if ended and not self._flying:
            self._dismiss()

    def _dismiss(self) -> None:
        """Cancel the jobs that have not begun; that nothing is heard of them is no loss then."""
        cancel(self.name, begun=False)
        known = states(self.name)
        for job in self.pool.jobs():
            if known is not None and job not in known:
                self.pool.leave(job)

    def _look_after_jobs(self) -> list[Ended]:
        """Have the runs of jobs that are gone taken by others, and say which are given up."""
        known = states(self.name)
        if known is None:
            return []
        gone = [job for job in self.pool.jobs() if job not in known]
        for job in gone:
            self.pool.leave(job)
        found: list[Ended] = []
        by_ticket = {flight.ticket: flight for flight in self._flying.values()}
        for place in self.pool.taken():
            state, flight = known.get(place.job), by_ticket.get(place.ticket)
            if self.pool.ended(place.ticket):
                continue
            if state is None and flight is not None:
                found.append(self._lost_run(place, flight))
            elif state is None or state in _NOT_BEGUN:
                # Slurm starts it again, but only minutes after its node was lost.
                self.pool.leave(place.job)
                self.pool.give_back(place)
        if gone:
            self._back_off(f"Slurm jobs ended without a word; see {self.pool.log(gone[-1])}")
        if self._lost > _TIMES:
            waiting = {place.ticket for place in self.pool.waiting()}
            for flight in self._flying.values():
                if flight.ticket in waiting:
                    found.append(Ended(flight.job.run.key, "failed", self._trouble))
            self._withdraw([each.key for each in found])
        return found

    def _lost_run(self, place: Whereabouts, flight: _Flight) -> Ended:
        """Take a run out of the pool whose job is gone."""
        self.pool.withdraw(place)
        why = f"its Slurm job is gone; see {self.pool.log(place.job)}"
        return Ended(flight.job.run.key, NODE_LOST, why)

    def _withdraw(self, keys: list[str]) -> None:
        for place in self.pool.waiting():
            if place.key in keys:
                self.pool.withdraw(place)
