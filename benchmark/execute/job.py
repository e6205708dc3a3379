"""What the scheduler and its workers tell each other of runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf

from benchmark.record.recorded import Recorded
from benchmark.runs.kinds import Output, Run
from benchmark.store.cache import Cache
from benchmark.store.checksums import Sound
from benchmark.store.store import Store
from trainers.resume.checkpoints import A_MINUTE


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        key: of the run.
        share: done, in [0, 1].
        note: what to show beside it, for instance the score on dev.
        epoch: how many epochs are completed; 0 where there are none.
        dev: score on dev after that epoch.
        elsewhere: the process of another command that executes it; empty of our own runs.
        notice: what the user is told in a sentence that concerns the whole command.
    """

    key: str
    share: float
    note: str
    epoch: int = 0
    dev: float | None = None
    elsewhere: str = ""
    notice: str = ""


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        key: of the run.
        status: "finished", "cached" (another process had finished it), :data:`HELD`, or why it
            failed in a word: "diverged", "out of memory", "unreadable", "pruned", "failed", or one
            of those named below. :mod:`benchmark.execute.retries` tells those that are tried again.
        message: the error in one line; of a finished run, what of the cache was made anew for it;
            of one that is held, by whom.
        scores: by "split/metric".
        seconds: spent.
        details: a traceback, for `--debug`.
        crowded: whether other runs were on its GPU meanwhile.
        goes_on: whether another attempt goes on from where this one was interrupted.
        unsplit: of one that lacked memory, why smaller parts of its batches are not to be tried.
        stacked: runs that were trained as one model, this among them.
    """

    key: str
    status: str
    message: str = ""
    scores: Mapping[str, float] | None = None
    seconds: float = 0.0
    details: str = ""
    crowded: bool = False
    goes_on: bool = False
    unsplit: str = ""
    stacked: int = 1


Report = Callable[[Progress], None]

#: Status of a run that another process executes: nothing has become of it yet.
HELD = "held elsewhere"
#: Status of a run for which there was not enough memory.
OUT_OF_MEMORY = "out of memory"
#: Status of a run whose record went out of reach: nothing else can be done until it is back.
LOST = "record lost"
#: Tag of a run that is tried again: the id of the attempt before it.
RETRY_OF = "retry_of"
#: Of one that went on for longer than it may.
TIMED_OUT = "timed out"
#: Of one whose worker was ended from outside, was told to stop, or ended of its own code.
KILLED, INTERRUPTED, DIED = "killed", "interrupted", "died"
#: Of one for which a disk had no room, or that a disk or a file system failed under.
DISK_FULL, DISK_ERROR = "disk full", "disk error"
#: Of one whose machine went away.
NODE_LOST = "node lost"
#: Of workers that could not close the record of their run.
UNSAID = (KILLED, DIED, TIMED_OUT, NODE_LOST)


@dataclass(frozen=True)
class Job:
    """A run to execute, and where.

    Attributes:
        run: what.
        outputs: what it must leave in the cache for others.
        store: where it is recorded.
        experiment: MLflow's id of the study's experiment.
        tags: provenance.
        alone: whether nothing else may be on its GPU.
        splits: times as many micro-batches as its settings say, for want of memory.
        urgency: of jobs that an engine has not begun, the one of the highest is begun first.
        limit: seconds that it may take; infinity for no limit.
        checkpoint_every: seconds of training that are worth to be kept for another attempt.
        relative_flops: of a step, where a run of the same kind has counted them; None counts.
        sound: what of the cache the process that starts it has found sound, if on this machine.
        beside: other jobs whose models are trained as one with this one's.
        apart: whether it is to be trained apart from all others.
    """

    run: Run
    outputs: frozenset[Output]
    store: Store
    experiment: str
    tags: Mapping[str, str]
    alone: bool = False
    splits: int = 1
    urgency: float = 0.0
    limit: float = inf
    checkpoint_every: float = A_MINUTE
    relative_flops: float | None = None
    sound: Sound = field(default_factory=dict)
    beside: tuple[Job, ...] = ()
    apart: bool = False

    @property
    def stack(self) -> tuple[Job, ...]:
        """This job and those beside it, each without the others."""
        return (replace(self, beside=()), *self.beside) if self.beside else (self,)


def as_one(jobs: Sequence[Job]) -> Job:
    """Jobs whose models are trained as one, as one job."""
    return replace(jobs[0], beside=tuple(jobs[1:])) if len(jobs) > 1 else jobs[0]


def is_done(run: Run, outputs: frozenset[Output], recorded: Recorded | None, cache: Cache) -> bool:
    """Whether a run is recorded, and everything that is wanted of it is there."""
    if run.tracked and not is_recorded(outputs, recorded):
        return False
    return all(cache.has(o, run.key) for o in outputs if o != "test")


def is_recorded(outputs: frozenset[Output], recorded: Recorded | None) -> bool:
    """Whether the record holds the scores that are wanted."""
    return recorded is not None and ("test" not in outputs or recorded.is_tested)
