"""What runs of each kind do: prepare data, pre-train a body, train and score a model."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from functools import cache as cached
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_model, save_model
from torch import nn

from benchmark.execute.attempt.encoding import encoded
from benchmark.execute.attempt.interruption import stopping_itself
from benchmark.execute.attempt.recorder import Recorder
from benchmark.execute.job import Job, Progress, Report
from benchmark.execute.short_of_memory import training_of
from benchmark.runs.kinds import DataRun, Output, PretrainRun, TrainRun
from benchmark.store.cache import Cache
from trainers.cost import relative_flops
from trainers.inputs.batches import Encoded
from trainers.loop import Fit, Trained, predict
from trainers.machine.clock import Spent
from trainers.masked_language_modelling import pretrain
from trainers.models import WEIGHTS, Checkpoint
from trainers.resume.checkpoints import Keeper
from trainers.resume.position import Epoch
from trainers.returned import check_examples, check_returned
from trainers.settings import Training
from trainers.sizes import Size
from trainers.tasks import Split
from trainers.tasks.paper.glue_server import server_files
from trainers.teacher import LiveTeacher, TeacherLogits

#: The folder that another run left, by the role it has in this one.
Opened = Callable[[str], Path]


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

    what = run.model, run.pretraining, run.task, folder, training_of(job)
    with stopping_itself(lambda: checkpoints.is_worth_it):
        done = pretrain(*what, on_progress, checkpoints)
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
    outputs, cache = job.outputs, job.store.cache
    make_repeatable(run.training)
    fit, encode = _set_up(run, job, opened, report)
    phases = run.method.phases(run.training)
    epochs = sum(phase.epochs for phase in phases)
    cost = relative_flops(fit) if job.relative_flops is None else job.relative_flops

    def on_epoch(epoch: Epoch) -> None:
        dev = epoch.dev[run.metric]
        note = f"dev {run.metric} {dev:.1f}"
        report(Progress(run.key, epoch.number / epochs, note, epoch.number, dev))
        if recorder:
            curve = {f"epoch/{name}": value for name, value in epoch.dev.items()}
            recorder.log({"epoch/loss": epoch.loss, **curve}, epoch.number)

    test_set = cached(partial(encode, "test"))
    with stopping_itself(lambda: checkpoints.is_worth_it):
        trained = fit.run(test_set if "test" in outputs else None, on_epoch, checkpoints)
    _leave_outputs(run, outputs, cache, fit, trained)
    if "hidden" in outputs:
        _leave_hidden(run, cache, opened("data"), trained)
    metrics = {
        f"{split}/{name}": value
        for split, scores in trained.scores.items()
        for name, value in scores.items()
    } | {
        "best_epoch": trained.best_epoch,
        "steps": trained.steps,
        "relative_flops": cost,
        **Size.of(trained.model).metrics(),
        **memory(run.training.device),
        **spent(trained.spent),
    }
    if recorder and "test" in outputs:
        _attach_predictions(recorder, trained, fit.dev_set, test_set())
    return metrics


def make_repeatable(training: Training) -> None:
    """Fix what changes bits: the number of threads, and the choice of kernels on an accelerator."""
    torch.set_num_threads(training.threads)
    if training.device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)
        # Their gradients are sums in an order of chance, of which the line above only warns.
        torch.backends.cuda.enable_mem_efficient_sdp(False)
        torch.backends.cuda.enable_cudnn_sdp(False)


def _set_up(
    run: TrainRun, job: Job, opened: Opened, report: Report
) -> tuple[Fit, Callable[[Split], Encoded]]:
    """A run at its start, and how to read a split as its model does."""
    folders = {role: opened(role) for role in run.needs}

    def say(notice: str) -> None:
        report(Progress(run.key, 0.0, "begins", notice=notice))

    def encode(split: Split) -> Encoded:
        return encoded(run, split, job.store.cache, partial(anew, split), say)

    def anew(split: Split) -> Encoded:
        folder = opened("data")
        examples = run.task.load(split, folder, run.seed)
        check_examples(run.task, split, examples)
        read = run.model.encode(examples, folder, run.training.max_length)
        check_returned(run.model, "encode", read, Encoded)
        return read

    start = run.checkpoint
    if "body" in run.needs:
        start = Checkpoint(folders["body"])
    model = run.model.build(run.task, folders["data"], run.seed, start)
    check_returned(run.model, "build", model, nn.Module)
    fit = Fit(
        model=model,
        method=run.method,
        train_set=encode("train"),
        dev_set=encode("dev"),
        training=training_of(job),
        seed=run.seed,
        metric=run.metric,
        teacher=_teacher(run, folders),
    )
    return fit, encode


def _teacher(run: TrainRun, folders: Mapping[str, Path]) -> TeacherLogits | LiveTeacher | None:
    """Whom a run learns from: what that run left."""
    need = run.needs.get("teacher")
    if need is None:
        return None
    if need.output == "logits":
        return TeacherLogits.open(folders["teacher"])
    assert isinstance(need.run, TrainRun)
    model = need.run.model.build(run.task, folders["data"], need.run.seed)
    load_model(model, str(folders["teacher"] / WEIGHTS))
    return LiveTeacher(model)


def _leave_outputs(
    run: TrainRun, outputs: frozenset[Output], cache: Cache, fit: Fit, trained: Trained
) -> None:
    if "weights" in outputs:
        with cache.making("weights", run.key) as folder:
            save_model(trained.model, str(folder / WEIGHTS))
    if "logits" in outputs:
        logits = predict(trained.model, fit.train_set, run.training)
        with cache.making("logits", run.key) as folder:
            TeacherLogits(fit.train_set.ids, logits).save(folder)


def _leave_hidden(run: TrainRun, cache: Cache, data: Path, trained: Trained) -> None:
    """Predicted classes of the texts whose labels are hidden, by the name of the server's file."""
    with cache.making("hidden", run.key) as folder:
        for file in server_files(run.task):
            texts = run.task.unlabelled(file.split)
            encoded = run.model.encode(texts, data, run.training.max_length)
            logits = predict(trained.model, encoded, run.training)
            np.save(folder / f"{file.name}.npy", logits.argmax(-1), allow_pickle=False)


def _attach_predictions(
    recorder: Recorder, trained: Trained, dev_set: Encoded, test_set: Encoded
) -> None:
    """Keep logits, labels and example numbers of dev and test, for tests on single examples."""
    arrays = {
        f"{split}_{name}": values
        for split, examples in (("dev", dev_set), ("test", test_set))
        for name, values in (
            ("ids", examples.ids),
            ("labels", examples.labels),
            ("logits", trained.logits[split]),
        )
    }
    with recorder.writer.store.cache.scratch() as folder:
        path = folder / "predictions.npz"
        np.savez_compressed(path, allow_pickle=False, **arrays)
        recorder.attach(path)


def spent(took: Spent) -> dict[str, float]:
    """What a run took as metrics, with the processors of the machine that its load is to be held
    against."""
    found = {name: value for name, value in asdict(took).items() if value is not None}
    return found | {"processors": float(os.cpu_count() or 1)}


def memory(device: str) -> dict[str, float]:
    """Most memory used so far, in megabytes: of the accelerator, or of this process.

    Of an accelerator also what was kept from other processes, which is what fits beside each other.
    """
    if device == "cuda":
        return {
            "peak_memory_mb": torch.cuda.max_memory_allocated() / 1e6,
            "reserved_memory_mb": torch.cuda.max_memory_reserved() / 1e6,
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"peak_memory_mb": peak / 1e6 if sys.platform == "darwin" else peak / 1e3}
