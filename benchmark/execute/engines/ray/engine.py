"""Runs on the nodes of a Ray cluster: actors hold the resources, a run is a process beside one."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import cloudpickle

from benchmark.execute.engines.ray.cluster import RayCluster
from benchmark.execute.gpus.gpu import Gpu
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.job import NODE_LOST, UNSAID, Ended, Job, Progress
from benchmark.store.store import Store
from benchmark.user_code.project import sources

#: Seconds for which an actor waits for news before it looks whether anything is asked of it.
_POLL = 0.5
#: Seconds that actors have to close the records of their runs.
_PATIENCE = 12.0
#: How many actors may be lost one after another.
_TIMES = 5
#: Seconds before another actor is made for one that was lost; twice as many after every further.
_BACK_OFF = 1.0
#: Of the command's environment, what runs need on other machines, too. Ray shows to everybody
#: what is given to it as a runtime environment; there are passwords among these.
_VARIABLES = re.compile(r"(MLFLOW|ARMBENCH|HF|TRANSFORMERS|AWS|AZURE|GOOGLE)_.*|(HTTPS?|NO)_PROXY")


@dataclass(eq=False)
class _Pilot:
    """An actor.

    Attributes:
        actor: Ray's handle.
        awaited: its answer that is on its way; None while it has nothing to do.
        log: what its runs print.
        job: what it executes.
        gpu: of which it has a part, once it has told.
    """

    actor: Any
    awaited: Any
    log: Path
    job: Job | None = None
    gpu: Gpu | None = None

    def answered(self) -> None:
        """Have it tell what happens next, or wait for a run."""
        self.awaited = self.actor.events.remote(_POLL) if self.job else None


class RayEngine:
    """Executes jobs on nodes that share the store's folder.

    Args:
        workers: runs side by side.
        study_file: imported by the process of each run.
        store: below which what runs print is kept.
        cluster: to which this process is connected.
    """

    def __init__(self, workers: int, study_file: Path, store: Store, cluster: RayCluster) -> None:
        self.workers = workers
        self.cluster = cluster
        self.study_file = study_file.resolve()
        stem = re.sub(r"[^A-Za-z0-9_]+", "-", study_file.stem)[:40]
        self.logs = store.folder / "jobs" / f"ray-{stem}-{uuid4().hex[:8]}" / "logs"
        self._sources = sources()
        self._variables = {n: v for n, v in os.environ.items() if _VARIABLES.fullmatch(n.upper())}
        self._pilots: list[_Pilot] = []
        self._hired = 0
        self._waiting: dict[str, Job] = {}
        parts = cluster.needs.gpus  # GPUs are known as actors come to have them
        self._packing = Packing((), round(1 / parts)) if parts else None
        self._over: list[Ended] = []
        self._lost = 0
        self._not_before = 0.0

    @property
    def free(self) -> int:
        """How many more jobs may be started now."""
        return self.workers - len(self._given_out)

    @property
    def _given_out(self) -> list[Job]:
        return [*self._waiting.values(), *(p.job for p in self._pilots if p.job)]

    def choose(self, jobs: Iterable[Job]) -> Job | None:
        """The most urgent, while there is a worker for it."""
        return next(iter(jobs), None) if self.free > 0 else None

    def start(self, job: Job) -> None:
        """Give a job to an actor that has nothing to do, or to the next one that has not."""
        self._waiting[job.run.key] = job
        self._assign()

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        """What actors said, and how runs ended that nobody can execute."""
        import ray

        self._assign()
        found: list[Progress | Ended] = [*self._over]
        self._over.clear()
        awaited = {p.awaited: p for p in self._pilots if p.awaited is not None}
        if not awaited:
            time.sleep(0.0 if found else timeout)
            return found
        done, _ = ray.wait(list(awaited), timeout=0.0 if found else timeout)
        if done:
            done, _ = ray.wait(list(awaited), num_returns=len(awaited), timeout=0.0)
        for answer in done:
            found += self._read(awaited[answer])
        self._assign()
        return found

    def cancel(self, key: str) -> None:
        """Have the actor stop a run that has it."""
        if self._waiting.pop(key, None):
            self._over.append(Ended(key, "pruned"))
        for pilot in self._pilots:
            if pilot.job and pilot.job.run.key == key:
                pilot.actor.cancel.remote(key)

    def stop(self) -> Sequence[Ended]:
        """Have actors close the records of their runs, then end them."""
        import ray

        stopped = [Ended(job.run.key, "interrupted") for job in self._given_out]
        told = [pilot.actor.stop.remote() for pilot in self._pilots if pilot.job]
        if told:
            ray.wait(told, num_returns=len(told), timeout=_PATIENCE)
        for pilot in self._pilots:
            ray.kill(pilot.actor)
        self._pilots.clear()
        self._waiting.clear()
        self._over.clear()
        if self._packing:
            self._packing.clear()
        return stopped

    def _assign(self) -> None:
        """Give what waits to actors that have nothing to do, and make those that are wanting."""
        self._hire()
        idle = [pilot for pilot in self._pilots if pilot.awaited is None]
        while idle and (job := self._next({pilot.gpu for pilot in idle})):
            gpu = self._packing.start(job) if self._packing else None
            pilot = next(each for each in idle if each.gpu == gpu)
            idle.remove(pilot)
            pilot.job = self._waiting.pop(job.run.key)
            pilot.actor.start.remote(job.run.key, cloudpickle.dumps(job))
            pilot.answered()

    def _next(self, gpus: set[Gpu | None]) -> Job | None:
        """The most urgent job for which there is room on one of these GPUs, where runs take any."""
        jobs = sorted(self._waiting.values(), key=lambda job: -job.urgency)
        if self._packing is None:
            return next(iter(jobs), None)
        return self._packing.choose(jobs, [gpu for gpu in gpus if gpu])

    def _hire(self) -> None:
        """Make as many actors as there are runs, once for each worker."""
        wanted = min(self.workers, len(self._given_out)) - len(self._pilots)
        if wanted < 1 or time.monotonic() < self._not_before:
            return
        make = self.cluster.pilot()
        for _ in range(wanted):
            self._hired += 1
            log = self.logs / f"{self._hired}.out"
            actor = make(self.study_file, self._sources, self._variables, log)
            self._pilots.append(_Pilot(actor, actor.ready.remote(), log))

    def _read(self, pilot: _Pilot) -> list[Progress | Ended]:
        """What an actor answered; one that cannot answer is lost."""
        import ray

        try:
            said = ray.get(pilot.awaited)
        except ray.exceptions.RayError as error:
            return self._lose(pilot, error)
        self._lost = 0
        if pilot.job is None:  # it has its place
            pilot.gpu = said
            if self._packing and said:
                self._packing.slots.add(said)
            said = ()
        elif any(isinstance(each, Ended) for each in said):
            pilot.job = None
        pilot.answered()
        return [self._told(_with_log(each, pilot.log)) for each in said]

    def _told(self, event: Progress | Ended) -> Progress | Ended:
        """With whether a run that has ended had its GPU for itself."""
        return self._packing.end(event) if self._packing and isinstance(event, Ended) else event

    def _lose(self, pilot: _Pilot, error: BaseException) -> list[Progress | Ended]:
        """Tell that the run of a lost actor is lost; where that comes too often, of all."""
        import ray

        self._pilots.remove(pilot)
        ray.kill(pilot.actor)  # where it is only out of reach, its run must not go on there
        self._lost += 1
        seconds = _BACK_OFF * 2.0 ** (self._lost - 1)
        self._not_before = time.monotonic() + seconds
        why = f"an actor of Ray was lost ({_reason(error)}); see {pilot.log} and ray status"
        print(f"bench: {why}; trying again in {seconds:.0f} s.", file=sys.stderr)
        found: list[Progress | Ended] = []
        if pilot.job:
            found.append(self._told(Ended(pilot.job.run.key, NODE_LOST, why)))
        if self._lost >= _TIMES:
            found += [Ended(key, "failed", why) for key in self._waiting]
            self._waiting.clear()
        return found


def _with_log(event: Progress | Ended, log: Path) -> Progress | Ended:
    if isinstance(event, Ended) and event.status in UNSAID:
        return replace(event, message=f"{event.message}; what it printed is in {log}")
    return event


def _reason(error: BaseException) -> str:
    """The first sentence of what Ray says last, after the state of the actor."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = [line for line in lines if ": " not in line[:24]]
    return (told or lines or [type(error).__name__])[-1].partition(". ")[0].rstrip(".")
