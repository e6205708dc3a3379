"""What is tried for a run that memory did not do for: alone, then with its batches in parts."""

from __future__ import annotations

from dataclasses import replace
from math import inf

from benchmark.execute.job import Ended, Job
from benchmark.runs.kinds import PretrainRun, TrainRun
from benchmark.user_code.blame import blamed
from trainers.errors import TrainerError
from trainers.models.savings import check_savings
from trainers.settings import Training


def with_more_room(job: Job, ended: Ended) -> Job | Ended:
    """The job that is tried next after an attempt without enough memory, or an end that says more.

    A run that had others beside it on its GPU is tried as it is, alone. Else each of its batches is
    split into twice as many micro-batches as before, down to single examples: the gradient is the
    same mean, up to rounding, and dropout is drawn for each part.

    Args:
        job: the attempt.
        ended: how it ended, out of memory.
    """
    if ended.crowded:
        return replace(job, alone=True, urgency=inf)
    if ended.unsplit:
        way_out = "gradient_checkpointing=True, a shorter max_length or a smaller model takes less"
        return replace(ended, message=f"{ended.message} ({ended.unsplit}); {way_out}")
    return _smaller(job)


def training_of(job: Job) -> Training:
    """The settings that a run is trained with, its batches in as many parts as this job has them.

    Raises:
        TypeError: the run trains nothing.
    """
    if not isinstance(job.run, TrainRun | PretrainRun):
        raise TypeError(f"a {type(job.run).__name__} trains nothing")
    asked = job.run.training
    if job.splits == 1:
        return asked
    return replace(asked, accumulate=min(asked.accumulate * job.splits, asked.batch_size))


def unsplit(job: Job) -> str:
    """Why smaller parts of its batches are not to be tried; empty where they are.

    It asks the study's own classes, which a worker has.
    """
    run = job.run
    if not isinstance(run, TrainRun | PretrainRun):
        return "it trains nothing that could be split"
    before, training = training_of(job), training_of(_smaller(job))
    if training == before:
        return f"also with batches of {before.batch_size} in {before.accumulate} parts"
    try:
        if isinstance(run, TrainRun):
            run.method.check_training(run.model, run.task, training)
        else:
            check_savings(run.model, run.task, training)
    except TrainerError as error:
        return str(error).rstrip(".")
    except Exception as error:  # noqa: BLE001 - a method of the user's may raise anything
        return f"whether its batches may be split was not to be told: {blamed(error)}"
    return ""


def _smaller(job: Job) -> Job:
    return replace(job, splits=2 * job.splits, alone=True, urgency=inf)
