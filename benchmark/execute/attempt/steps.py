"""What runs of each kind do: prepare data, pre-train a body, train and score a model, probe it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from safetensors.torch import save_model

from benchmark.execute.attempt.conditions import make_repeatable, memory, spent
from benchmark.execute.attempt.interruption import stopping_itself
from benchmark.execute.attempt.probing import leave_features, probe
from benchmark.execute.attempt.recorder import Recorder
from benchmark.execute.attempt.training import Opened, TrainingAttempt
from benchmark.execute.job import Job, Progress, Report
from benchmark.execute.short_of_memory import training_of
from benchmark.runs.kinds import DataRun, PretrainRun, TrainRun
from benchmark.runs.probing import FeaturesRun, ProbeRun
from trainers import masked_language_modelling
from trainers.generation import denoising
from trainers.models import WEIGHTS
from trainers.pretraining import Denoising
from trainers.resume.checkpoints import Keeper
from trainers.resume.position import Epoch


def perform(
    job: Job,
    opened: Opened,
    recorder: Recorder | None,
    report: Report,
    resume: Callable[[], Keeper],
) -> Mapping[str, float]:
    """Do what a run of its kind does, and return its metrics.

    Args:
        job: what to do, and what to leave for others.
        opened: the folder that another run left, by the role it has in this one.
        recorder: of the run, if it is recorded.
        report: told how far it has come.
        resume: gives where a training is written down, and gone on from.
    """
    run, cache = job.run, job.store.cache
    match run:
        case DataRun():
            with cache.making("data", run.key) as folder:
                run.task.prepare(folder)
            return {}
        case PretrainRun():
            return _pretrain(run, job, opened, recorder, report, resume())
        case TrainRun():
            return _train(run, job, opened, recorder, report, resume())
        case FeaturesRun():
            return leave_features(run, job, opened, report)
        case ProbeRun():
            return probe(run, opened)
    raise TypeError(f"no way to execute a {type(run).__name__}")


def _pretrain(
    run: PretrainRun,
    job: Job,
    opened: Opened,
    recorder: Recorder | None,
    report: Report,
    checkpoints: Keeper,
) -> Mapping[str, float]:
    make_repeatable(run.training)
    folder = opened("data")

    def on_progress(step: int, loss: float) -> None:
        report(Progress(run.key, step / run.pretraining.steps, f"loss {loss:.2f}"))
        if recorder:
            recorder.log({"epoch/loss": loss}, step)

    where = run.task, folder, training_of(job), on_progress, checkpoints
    with stopping_itself(lambda: checkpoints.is_worth_it):
        if isinstance(run.pretraining, Denoising):
            done = denoising.pretrain(run.model, run.pretraining, *where)
        else:
            done = masked_language_modelling.pretrain(run.model, run.pretraining, *where)
    with job.store.cache.making("weights", run.key) as target:
        save_model(done.model, str(target / WEIGHTS))
    return {
        "held_out/loss": done.loss,
        "tokens": done.tokens,
        **memory(run.training.device),
        **spent(done.spent),
    }


def _train(
    run: TrainRun,
    job: Job,
    opened: Opened,
    recorder: Recorder | None,
    report: Report,
    checkpoints: Keeper,
) -> Mapping[str, float]:
    make_repeatable(run.training)
    attempt = TrainingAttempt.begin(run, job, opened, report)

    def on_epoch(epoch: Epoch) -> None:
        said = attempt.end_epoch(epoch)
        if recorder:
            recorder.log(said, epoch.number)

    with stopping_itself(lambda: checkpoints.is_worth_it):
        trained = attempt.fit.run(attempt.opens_test_set, on_epoch, checkpoints)
    return attempt.end(trained, recorder)
