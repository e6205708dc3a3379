"""Executes one run: calls trainers, leaves outputs in the cache, writes the run to MLflow."""

import errno
import multiprocessing
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_model
from torch import nn

from benchmark.errors import BenchmarkError, CacheError, RecordLost, StoreError
from benchmark.execute.interruption import Interrupted, interruptible, shielded
from benchmark.record.environment import tags_here
from benchmark.record.left_open import close_run
from benchmark.record.query import Query
from benchmark.record.recorded import Recorded
from benchmark.record.writer import Writer
from benchmark.runs.kinds import DataRun, Need, Output, PretrainRun, Run, TrainRun
from benchmark.secrets import masked
from benchmark.store.cache import Cache
from benchmark.store.connection import Connection
from benchmark.store.store import Store
from benchmark.user_code.blame import blamed
from trainers.clock import Spent
from trainers.cost import relative_flops
from trainers.errors import Diverged, TrainerError
from trainers.inputs.batches import Encoded
from trainers.loop import Epoch, Fit, Trained, predict
from trainers.masked_language_modelling import pretrain
from trainers.models import WEIGHTS, Checkpoint
from trainers.returned import check_examples, check_returned
from trainers.settings import Training
from trainers.tasks import Split
from trainers.tasks.paper.glue_server import server_files
from trainers.teacher import TeacherLogits


@dataclass(frozen=True)
class Progress:
    """How far a run has come.

    Attributes:
        key: of the run.
        share: done, in [0, 1].
        note: what to show beside it, for instance the score on dev.
        epoch: how many epochs are completed; 0 where there are none.
        dev: score on dev after that epoch.
    """

    key: str
    share: float
    note: str
    epoch: int = 0
    dev: float | None = None


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        key: of the run.
        status: "finished", "cached" (another process had finished it), or why it failed in a
            word: "diverged", "out of memory", "disk full", "unreadable", "interrupted", "pruned",
            "failed", "died", :data:`LOST`.
        message: the error in one line; of a finished run, what of the cache was made anew for it.
        scores: by "split/metric".
        seconds: spent.
        details: a traceback, for ``--debug``.
    """

    key: str
    status: str
    message: str = ""
    scores: Mapping[str, float] | None = None
    seconds: float = 0.0
    details: str = ""


Report = Callable[[Progress], None]

#: Status of a run whose record went out of reach: nothing else can be done until it is back.
LOST = "record lost"


@dataclass(frozen=True)
class Job:
    """A run to execute, and where.

    Attributes:
        run: what.
        outputs: what it must leave in the cache for others.
        store: where it is recorded.
        experiment: MLflow's id of the study's experiment.
        tags: provenance.
    """

    run: Run
    outputs: frozenset[Output]
    store: Store
    experiment: str
    tags: Mapping[str, str]


def execute(job: Job, report: Report) -> Ended:
    """Execute a run unless it is done; whatever goes wrong becomes how it ended.

    Only one process at a time executes a key: a second one waits, then finds it finished.
    """
    try:
        with job.store.cache.locked(job.run.key):
            return _execute_alone(job, report)
    except (RecordLost, StoreError) as error:
        return Ended(job.run.key, LOST, str(error), details=traceback.format_exc())
    except CacheError as error:
        return Ended(job.run.key, *reason(error), details=traceback.format_exc())


def _execute_alone(job: Job, report: Report) -> Ended:
    started = time.perf_counter()
    cache, key = job.store.cache, job.run.key

    def say(progress: Progress) -> None:
        _leave_unless(owner)
        with shielded():  # half a message would garble the next one
            report(progress)

    owner = os.getpid()
    connection = Connection(job.store, make=False)
    query, writer = Query(connection), Writer(connection)
    done = query.finished_run(key) if job.run.tracked else None
    if is_done(job.run, job.outputs, done, cache):
        return Ended(key, "cached", scores=done.scores if done else None)
    if job.run.tracked:
        close_run(writer, key, "KILLED", "interrupted")  # whoever held this key is gone
    # A finished run whose outputs were deleted is executed again but recorded once.
    fresh = job.run.tracked and not is_recorded(job.outputs, done)
    recorder = _Recorder(writer, job) if fresh else None
    inputs = Inputs(job, say)
    try:
        with interruptible():
            scores = _execute(job, inputs, recorder, say)
    except Interrupted as stopped:
        if recorder:
            recorder.end("KILLED", str(stopped))
        return Ended(key, str(stopped), seconds=time.perf_counter() - started)
    except (RecordLost, StoreError):
        raise
    except BaseException as error:
        # Every failure is a result, SystemExit of the user's code too; Ctrl-C reaches no worker.
        if isinstance(error, KeyboardInterrupt) and multiprocessing.parent_process() is None:
            raise
        _leave_unless(owner)
        status, message = reason(error)
        if recorder:
            recorder.end("FAILED", f"{status}: {message}")
        return Ended(key, status, message, details=traceback.format_exc())
    if recorder:
        recorder.end("FINISHED", "finished")
    mended = "; ".join(inputs.mended)
    return Ended(key, "finished", mended, scores, time.perf_counter() - started)


def is_done(run: Run, outputs: frozenset[Output], recorded: Recorded | None, cache: Cache) -> bool:
    """Whether a run is recorded, and everything that is wanted of it is there."""
    kept = all(cache.has(o, run.key) for o in outputs if o != "test")
    return kept and (not run.tracked or is_recorded(outputs, recorded))


def is_recorded(outputs: frozenset[Output], recorded: Recorded | None) -> bool:
    """Whether the record holds the scores that are wanted."""
    return recorded is not None and ("test" not in outputs or recorded.is_tested)


def _leave_unless(owner: int) -> None:
    """End a copy of this process that code of the study forked: a run has one record."""
    if os.getpid() != owner:
        os._exit(1)


def reason(error: BaseException) -> tuple[str, str]:
    """A failure in a word, and in a line."""
    said = masked(str(error).strip())
    message = said.splitlines()[0] if said else type(error).__name__
    if isinstance(error, Diverged):
        return "diverged", message
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return "out of memory", message
    cause = error.__cause__ if isinstance(error, CacheError) else error
    if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk full", f"{message}; free some space and run the same command again"
    if isinstance(cause, OSError):
        return "unreadable", f"{type(cause).__name__}: {message}"
    if isinstance(error, TrainerError | BenchmarkError):
        return "failed", message
    return "failed", blamed(error)


@dataclass
class Inputs:
    """The folders in the cache that a run reads, each looked at whenever it is opened.

    Attributes:
        job: whose they are.
        report: told of what takes time.
        mended: what was wrong with them, a sentence each.
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
            self.report(Progress(self.job.run.key, 0.0, f"{need.run.name}, once more"))

        ended = execute(replace(self.job, run=need.run, outputs=frozenset((need.output,))), say)
        if ended.status in ("interrupted", "pruned"):
            raise Interrupted(ended.status)
        if ended.status == LOST:
            raise RecordLost(ended.message)
        if ended.status not in ("finished", "cached"):
            raise CacheError(f"{flaw}; to make it again {ended.status}: {ended.message}")
        self.mended += [f"{flaw}: made again", *filter(None, [ended.message])]
        if isinstance(self.job.run, TrainRun | PretrainRun):
            _make_repeatable(self.job.run.training)


class _Recorder:
    """One MLflow run, from its start to its end."""

    def __init__(self, writer: Writer, job: Job) -> None:
        self.writer = writer
        run = job.run
        here = tags_here(run.device, run.packages)
        tags = {**run.tags(), "role": run.role, **job.tags, **here, "key": run.key}
        tags |= {"kind": run.kind}
        self.run_id = writer.start(job.experiment, run.name, tags, run.parameters())

    def log(self, metrics: Mapping[str, float], step: int = 0) -> None:
        with shielded():
            self.writer.log(self.run_id, metrics, step)

    def attach(self, path: Path) -> None:
        with shielded():
            self.writer.attach(self.run_id, path)

    def end(self, status: Any, why: str) -> None:
        self.writer.end(self.run_id, status, why)


def record_failure(writer: Writer, job: Job, why: str) -> None:
    """Record a run that is not worth starting as one that failed."""
    _Recorder(writer, job).end("FAILED", f"failed: {why}")


def _execute(
    job: Job, inputs: Inputs, recorder: _Recorder | None, report: Report
) -> Mapping[str, float]:
    run, cache = job.run, job.store.cache
    match run:
        case DataRun():
            with cache.making("data", run.key) as folder:
                run.task.prepare(folder)
            return {}
        case PretrainRun():
            return _pretrain(run, cache, inputs, recorder, report)
        case TrainRun():
            return _train(run, job.outputs, cache, inputs, recorder, report)
    raise TypeError(f"no way to execute a {type(run).__name__}")


def _pretrain(
    run: PretrainRun, cache: Cache, inputs: Inputs, recorder: _Recorder | None, report: Report
) -> Mapping[str, float]:
    _make_repeatable(run.training)
    folder = inputs.open("data")

    def on_progress(step: int, loss: float) -> None:
        report(Progress(run.key, step / run.pretraining.steps, f"loss {loss:.2f}"))
        if recorder:
            recorder.log({"epoch/loss": loss}, step)

    done = pretrain(run.model, run.pretraining, run.task, folder, run.training, on_progress)
    with cache.making("weights", run.key) as target:
        save_model(done.model, str(target / WEIGHTS))
    metrics = {
        "held_out/loss": done.loss,
        "tokens": done.tokens,
        "peak_memory_mb": peak_memory_mb(run.training.device),
        **spent(done.spent),
    }
    if recorder:
        recorder.log(metrics)
    return metrics


def _train(
    run: TrainRun,
    outputs: frozenset[Output],
    cache: Cache,
    inputs: Inputs,
    recorder: _Recorder | None,
    report: Report,
) -> Mapping[str, float]:
    _make_repeatable(run.training)
    fit, encode = _set_up(run, inputs)
    phases = run.method.phases(run.training)
    epochs = sum(phase.epochs for phase in phases)
    cost = relative_flops(fit)

    def on_epoch(epoch: Epoch) -> None:
        dev = epoch.dev[run.metric]
        note = f"dev {run.metric} {dev:.1f}"
        report(Progress(run.key, epoch.number / epochs, note, epoch.number, dev))
        if recorder:
            curve = {f"epoch/{name}": value for name, value in epoch.dev.items()}
            recorder.log({"epoch/loss": epoch.loss, **curve}, epoch.number)

    trained = fit.run((lambda: encode("test")) if "test" in outputs else None, on_epoch)
    _leave_outputs(run, outputs, cache, fit, trained)
    if "hidden" in outputs:
        _leave_hidden(run, cache, inputs.open("data"), trained)
    metrics = {
        f"{split}/{name}": value
        for split, scores in trained.scores.items()
        for name, value in scores.items()
    } | {
        "best_epoch": trained.best_epoch,
        "steps": trained.steps,
        "relative_flops": cost,
        "peak_memory_mb": peak_memory_mb(run.training.device),
        **spent(trained.spent),
    }
    if recorder:
        recorder.log(metrics)
        if "test" in outputs:
            _attach_predictions(recorder, trained, fit.dev_set, encode("test"))
    return metrics


def _make_repeatable(training: Training) -> None:
    """Fix what changes bits: the number of threads, and the choice of kernels on an accelerator."""
    torch.set_num_threads(training.threads)
    if training.device == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)


def _set_up(run: TrainRun, inputs: Inputs) -> tuple[Fit, Callable[[Split], Encoded]]:
    """A run at its start, and how to read a split as its model does."""
    opened = {role: inputs.open(role) for role in run.needs}

    def encode(split: Split) -> Encoded:
        folder = inputs.open("data")
        examples = run.task.load(split, folder, run.seed)
        check_examples(run.task, split, examples)
        encoded = run.model.encode(examples, folder, run.training.max_length)
        check_returned(run.model, "encode", encoded, Encoded)
        return encoded

    start = run.checkpoint
    if "body" in run.needs:
        start = Checkpoint(opened["body"])
    model = run.model.build(run.task, opened["data"], run.seed, start)
    check_returned(run.model, "build", model, nn.Module)
    teacher = TeacherLogits.open(opened["teacher"]) if "teacher" in run.needs else None
    fit = Fit(
        model=model,
        method=run.method,
        train_set=encode("train"),
        dev_set=encode("dev"),
        training=run.training,
        seed=run.seed,
        metric=run.metric,
        teacher=teacher,
    )
    return fit, encode


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
    recorder: _Recorder, trained: Trained, dev_set: Encoded, test_set: Encoded
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


def peak_memory_mb(device: str) -> float:
    """Most memory used so far, in megabytes: of the accelerator, or of this process."""
    if device == "cuda":
        return torch.cuda.max_memory_allocated() / 1e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3
