"""Executes runs whose models are trained as one; each is recorded, and ends, as it would alone."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property

from benchmark.errors import LeaseLost, RecordLost, StoreError
from benchmark.execute.attempt.conditions import make_repeatable
from benchmark.execute.attempt.deadline import limited
from benchmark.execute.attempt.encoding import encoding_key
from benchmark.execute.attempt.ends import UnderWay, reason
from benchmark.execute.attempt.interruption import (
    Interrupted,
    interruptible,
    shielded,
    told_to_stop,
)
from benchmark.execute.attempt.training import TrainingAttempt
from benchmark.execute.attempt.worker import Inputs, begin, execute_alone, standing
from benchmark.execute.job import HELD, LOST, Ended, Job, Progress, Report
from benchmark.record.recorded import STACKED, Recorded
from benchmark.runs.kinds import TrainRun
from benchmark.secrets import masked
from benchmark.store.checksums import take_as_sound
from benchmark.store.heartbeat import Holder, Lease
from benchmark.store.outages import persevering
from trainers.errors import Diverged, TrainerError
from trainers.inputs.batches import Encoded
from trainers.loop import Trained
from trainers.resume.position import Epoch
from trainers.stacked.fitting import misfit
from trainers.stacked.stack import Stack
from trainers.teacher import TeacherLogits

Say = Callable[[Progress | Ended], None]


def execute_stack(job: Job, say: Say) -> None:
    """Execute the runs of a stack, those that are not done; whatever goes wrong is how they end.

    Args:
        job: the first of them, with those beside it.
        say: told how far each has come, and how it ended.
    """
    open_ = {each.run.key: each for each in job.stack}

    def end(ended: Ended) -> None:
        del open_[ended.key]
        say(ended)

    def end_all(status: str, message: str, details: str = "") -> None:
        for key in [*open_]:
            end(Ended(key, status, message, details=details, stacked=len(job.stack)))

    def tell(notice: str) -> None:
        say(Progress(job.run.key, 0.0, "waits for the record", notice=notice))

    take_as_sound(job.sound)
    cache = job.store.cache
    needed = {need.key for each in job.stack for need in each.run.needs.values()}
    try:
        with persevering(tell, lambda: told_to_stop() == "interrupted"), ExitStack() as held:
            leases: dict[str, Lease] = {}
            for each in job.stack:
                lease = cache.runs.attempt(each.run.key)
                if isinstance(lease, Holder):
                    end(Ended(each.run.key, HELD, lease.process.shown))
                else:
                    leases[each.run.key] = held.enter_context(lease)
            held.enter_context(cache.using(*needed))
            jobs = [each for each in job.stack if each.run.key in leases]
            _execute(jobs, leases, say, end)
    except LeaseLost as error:
        end_all(HELD, str(error))
    except (RecordLost, StoreError) as error:
        end_all(told_to_stop() or LOST, str(error), masked(traceback.format_exc()))
    except Exception as error:  # noqa: BLE001 - every failure is a result
        end_all(*reason(error), masked(traceback.format_exc()))


def _execute(
    jobs: Sequence[Job], leases: Mapping[str, Lease], say: Report, end: Callable[[Ended], None]
) -> None:
    """Execute runs that this process holds."""
    if len(jobs) == 1:
        end(execute_alone(jobs[0], say, leases[jobs[0].run.key]))
        return
    to_do: list[tuple[Job, Recorded | None]] = []
    for job in jobs:
        known = standing(job, leases[job.run.key])
        if isinstance(known, Ended):
            end(known)
        else:
            to_do.append((job, known))
    stack, number = _Execution(end), len(to_do)
    for job, known in to_do:
        tags = {**job.tags, STACKED: str(number)}
        told = replace(job, tags=tags, limit=job.limit * number)
        stack.members.append(_Member(*begin(told, say, leases[job.run.key], known, number)))
    stack.run()


@dataclass
class _Member:
    """A run of a stack.

    Attributes:
        under_way: its record.
        inputs: what it reads.
        say: told how far it has come.
        curve: what is to be recorded of its epochs, all at once.
    """

    under_way: UnderWay
    inputs: Inputs
    say: Report
    curve: dict[int, Mapping[str, float]] = field(default_factory=dict)

    @property
    def run(self) -> TrainRun:
        """What is trained."""
        run = self.under_way.job.run
        assert isinstance(run, TrainRun)
        return run

    @cached_property
    def attempt(self) -> TrainingAttempt:
        """Its training, from when it is first asked for."""
        return TrainingAttempt.begin(self.run, self.under_way.job, self.inputs.open, self.say)

    def end_epoch(self, epoch: Epoch) -> None:
        """Say how far it has come."""
        self.curve[epoch.number] = self.attempt.end_epoch(epoch)

    def finish(self, how: Trained | Diverged) -> Ended:
        """Leave and record what it came to.

        Raises:
            Diverged: that is how.
        """
        recorder = self.under_way.recorder
        if recorder and self.curve:
            recorder.log_curve(self.curve)
        if isinstance(how, Diverged):
            raise how
        metrics = self.attempt.end(how, recorder, self.under_way.stacked)
        return self.under_way.finished(metrics, "; ".join(self.inputs.mended))


@dataclass
class _Execution:
    """The runs of a stack from their start to their ends.

    Attributes:
        end: told how each ended.
        members: those that have not.
    """

    end: Callable[[Ended], None]
    members: list[_Member] = field(default_factory=list)

    def run(self) -> None:
        """Train and score them."""
        if not self.members:
            return
        limit = max(member.under_way.job.limit for member in self.members)
        try:
            with interruptible(), limited(limit):
                self._train()
        except Interrupted as stopped:
            why = stopped
            self._end_all(lambda member: member.under_way.stopped(why))
        except (RecordLost, StoreError, LeaseLost):
            raise
        except BaseException as error:  # noqa: BLE001 - every failure is a result, SystemExit too
            failure = error
            self._end_all(lambda member: member.under_way.failed(failure))

    def _train(self) -> None:
        make_repeatable(self.members[0].run.training)
        counted: dict[str, float] = {}
        for member in [*self.members]:
            with self._own_failure(member):
                self._begin(member, counted)
        fits = [member.attempt.fit for member in self.members]
        if not fits:
            return
        self._share_sets()
        if why := misfit(fits):
            raise TrainerError(f"its model cannot be one with others: {why}")
        members, opens = [*self.members], [member.attempt.opens_test_set for member in self.members]
        ends = Stack(fits).run(opens, lambda i, epoch: members[i].end_epoch(epoch))
        for member, how in zip(members, ends, strict=True):
            with self._own_failure(member), shielded():
                self._end(member, member.finish(how))

    def _begin(self, member: _Member, counted: dict[str, float]) -> None:
        """Read what it is trained on; what a step costs is counted once for runs of a kind."""
        job, run = member.under_way.job, member.run
        if job.relative_flops is None and run.kind in counted:
            given = replace(job, relative_flops=counted[run.kind])
            member.under_way = replace(member.under_way, job=given)
        cost = member.attempt.relative_flops
        if not run.task.per_seed:
            counted[run.kind] = cost

    def _share_sets(self) -> None:
        """Have runs that read the same read the same object, which is on the GPU once then."""
        known: dict[str, Encoded] = {}
        taught: dict[str, TeacherLogits] = {}
        for member in self.members:
            fit, attempt = member.attempt.fit, member.attempt
            fit.train_set = known.setdefault(encoding_key(member.run, "train"), fit.train_set)
            fit.dev_set = known.setdefault(encoding_key(member.run, "dev"), fit.dev_set)
            attempt.share_test_set(known, encoding_key(member.run, "test"))
            if isinstance(fit.teacher, TeacherLogits):
                fit.teacher = taught.setdefault(member.run.needs["teacher"].key, fit.teacher)

    @contextmanager
    def _own_failure(self, member: _Member) -> Iterator[None]:
        """What is raised within it costs this run alone."""
        try:
            yield
        except (Interrupted, RecordLost, StoreError, LeaseLost):
            raise
        except BaseException as error:  # noqa: BLE001 - every failure is a result, SystemExit too
            with shielded():
                self._end(member, member.under_way.failed(error))

    def _end_all(self, how: Callable[[_Member], Ended]) -> None:
        for member in [*self.members]:
            self._end(member, how(member))

    def _end(self, member: _Member, ended: Ended) -> None:
        self.members.remove(member)
        self.end(ended)
