"""Runs in processes of this machine: one that dies takes only its own run along.

A process executes one run after the other where all of their code is ours. Code of the study may
leave its process changed, so that a run which executes some has one of its own.
"""

from __future__ import annotations

import pickle
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cloudpickle

from benchmark.execute.attempt.stacked import execute_stack
from benchmark.execute.attempt.worker import execute
from benchmark.execute.engines.places import HasPlaces
from benchmark.execute.engines.processes import Contained, NotLoaded, wait_for, warm_up
from benchmark.execute.gpus.packing import Packing
from benchmark.execute.job import Ended, Job, Progress
from benchmark.runs.kinds import PretrainRun, Run, TrainRun
from benchmark.runs.probing import FeaturesRun, ProbeRun
from benchmark.store.checksums import found_sound
from benchmark.user_code.blame import blamed
from benchmark.user_code.foreign import is_foreign
from benchmark.user_code.project import sources
from trainers.machine.memory import can_begin_anew

#: Seconds that an interrupted run has to close its record before it is killed.
_PATIENCE = 3.0


@dataclass
class _Worker:
    """A process and the run that it executes, or the runs of a stack.

    Attributes:
        keys: of those that have not ended.
        process: the process.
        seen: variables of its environment.
        on_cpu: whether it takes nothing of a GPU that the next one would have to wait for.
        stays: whether it may execute further runs, all of whose code is ours.
        together: how many runs it was given as one.
    """

    keys: tuple[str, ...]
    process: Contained
    seen: Mapping[str, str]
    on_cpu: bool
    stays: bool
    together: int = 1


class LocalEngine(HasPlaces):
    """Executes jobs in processes forked from a server with the heavy imports done.

    Args:
        workers: how many at a time.
        study_file: imported by each process, so that classes declared there are known.
        packing: places jobs on GPUs, each of whose workers sees its own alone; None leaves all
            workers what this process sees.
    """

    def __init__(
        self,
        workers: int,
        study_file: Path,
        packing: Packing | None = None,
    ) -> None:
        self.workers = workers
        self.packing = packing
        self.study_file = study_file.resolve()
        self._sources = sources()
        warm_up()
        self._running: list[_Worker] = []
        self._idle: list[_Worker] = []
        self._leaving: list[Contained] = []
        self._cancelled: set[str] = set()

    def start(self, job: Job) -> None:
        """Have a process execute the job, on the GPU that was chosen for it."""
        seen = self.packing.start(job).environment if self.packing else {}
        for need in (need for each in job.stack for need in each.run.needs.values()):
            job.store.cache.flaw(need.output, need.key)  # once here in place of once in each worker
        pickled = cloudpickle.dumps(replace(job, sound=found_sound()))
        keys = tuple(each.run.key for each in job.stack)
        self.begin(keys, pickled, seen, job.run.device == "cpu", _is_ours(job.run))

    def begin(
        self,
        keys: tuple[str, ...],
        pickled: bytes,
        seen: Mapping[str, str] | None = None,
        on_cpu: bool = False,
        stays: bool = False,
    ) -> None:
        """Have a process execute a job, which is read only there.

        Args:
            keys: of its run, or of those of a stack.
            pickled: the job.
            seen: variables of its environment.
            on_cpu: whether it takes nothing of a GPU that the next one would have to wait for.
            stays: whether what it does leaves a process as it was, so that one may do more of such.
        """
        seen = seen or {}
        while stays and (worker := self._at_leisure(seen, on_cpu)):
            if worker.process.give(pickled):
                self._running.append(replace(worker, keys=keys, together=len(keys)))
                return
            self._leaving.append(worker.process)
        self._make_room(seen)
        stays = stays and can_begin_anew()
        process = Contained.start(self.study_file, work, pickled, self._sources, seen, stays)
        self._running.append(_Worker(keys, process, seen, on_cpu, stays, len(keys)))

    def _make_room(self, seen: Mapping[str, str]) -> None:
        """Have those at leisure leave whose GPU a new process is to have, or that are too many.

        What holds memory of a GPU is gone before the new one begins.
        """
        crowded = len(self._running) + len(self._idle) >= self.workers
        going = [w for w in self._idle if not w.on_cpu and w.seen == seen]
        going = going or (self._idle[:1] if crowded else [])
        self._idle = [worker for worker in self._idle if worker not in going]
        self._leaving += [worker.process for worker in going]
        if not all(worker.on_cpu for worker in going):
            self._let_go()

    def _at_leisure(self, seen: Mapping[str, str], on_cpu: bool) -> _Worker | None:
        """A process that has nothing to do, and sees what this job is to see."""
        for worker in self._idle:
            if (worker.seen, worker.on_cpu) == (seen, on_cpu):
                self._idle.remove(worker)
                return worker
        return None

    def events(self, timeout: float) -> Sequence[Progress | Ended]:
        """What workers said, and how those that are gone ended."""
        if not self._running:
            self._dismiss()
        self._let_go()
        wait_for([w.process for w in self._running], timeout)
        found: list[Progress | Ended] = []
        for worker in list(self._running):
            found += self._read(worker)
        return found

    def cancel(self, key: str) -> None:
        """Tell the job's process to close its record as pruned; one of a stack goes on."""
        for worker in self._running:
            if worker.keys == (key,) and key not in self._cancelled:
                self._cancelled.add(key)
                worker.process.tell(signal.SIGUSR1)

    def stop(self) -> Sequence[Ended]:
        """Ask every worker to close its record; kill those that do not in time."""
        for worker in self._running:
            worker.process.tell(signal.SIGTERM)
        deadline = time.monotonic() + _PATIENCE
        for worker in self._running:
            worker.process.process.join(max(0.0, deadline - time.monotonic()))
            worker.process.end()
        self._dismiss()
        self._let_go()
        ended = [Ended(key, "interrupted") for worker in self._running for key in worker.keys]
        self._running.clear()
        if self.packing:
            self.packing.clear()
        return ended

    def _read(self, worker: _Worker) -> list[Progress | Ended]:
        """Messages of one worker; one that is gone without an end died."""
        said, gone = worker.process.said()
        found: list[Progress | Ended] = []
        for each in said:
            found += self._not_loaded(worker, each) if isinstance(each, NotLoaded) else [each]
        ends = [event for event in found if isinstance(event, Ended)]
        left = tuple(key for key in worker.keys if key not in {ended.key for ended in ends})
        if gone and left:
            died = self._unsaid(replace(worker, keys=left))
            found, ends, left = [*found, *died], [*ends, *died], ()
        if ends:
            self._rest(worker, left, ends, gone)
        if self.packing:
            return [self.packing.end(e) if isinstance(e, Ended) else e for e in found]
        return found

    def _rest(
        self, worker: _Worker, left: tuple[str, ...], ends: Sequence[Ended], gone: bool
    ) -> None:
        """Have a worker that has said how all its runs ended wait for another one, or leave.

        One that was told to stop may hear of it only now, and would stop the next run.

        Args:
            worker: which.
            left: keys of its runs that have not ended.
            ends: how others did.
            gone: whether it lives no more.
        """
        self._running.remove(worker)
        well = all(ended.status in ("finished", "cached") for ended in ends)
        worker = replace(worker, keys=left, stays=worker.stays and well)
        if left:
            self._running.append(worker)
            return
        told = any(ended.key in self._cancelled for ended in ends)
        self._cancelled -= {ended.key for ended in ends}
        if worker.stays and not (told or gone):
            self._idle.append(worker)
            return
        self._leaving.append(worker.process)
        if gone or not worker.on_cpu:  # where its fork server is gone, it may still be at its run
            self._let_go()

    def _dismiss(self) -> None:
        """Have those leave for which there is nothing to do."""
        self._leaving += [worker.process for worker in self._idle]
        self._idle.clear()

    def _let_go(self) -> None:
        """End those that have said how they ended, beside which the next ones have begun."""
        for process in self._leaving:
            process.end()
        self._leaving.clear()

    def _unsaid(self, worker: _Worker) -> list[Ended]:
        """How the runs of a worker ended that could not say so itself."""
        if not self._cancelled.isdisjoint(worker.keys):  # told to stop before it had begun
            return [Ended(key, "pruned") for key in worker.keys]
        death, number = worker.process.death(), worker.together
        return [Ended(key, death.status, death.message, stacked=number) for key in worker.keys]

    def _not_loaded(self, worker: _Worker, why: NotLoaded) -> list[Ended]:
        return [Ended(key, "failed", why.message, stacked=worker.together) for key in worker.keys]


def _is_ours(run: Run) -> bool:
    """Whether a run leaves its process as it was: it trains or looks, by none of a study's code."""
    match run:
        case TrainRun(method=method, model=model, task=task):
            return not is_foreign(method, model, task)
        case PretrainRun() | FeaturesRun() | ProbeRun():
            return not is_foreign(run.model, run.task)
    return False  # what is prepared from a corpus leaves much of it behind


def work(say: Callable[[Any], None], pickled: bytes) -> None:
    """What a worker process does.

    Args:
        say: tells the process that started it.
        pickled: the job.
    """
    try:
        job = pickle.loads(pickled)
    except Exception as error:  # noqa: BLE001 - whatever a class of the user's raises
        say(NotLoaded(f"the run does not reach its worker: {blamed(error)}"))
        return
    if job.beside:
        execute_stack(job, say)
    else:
        say(execute(job, say))
