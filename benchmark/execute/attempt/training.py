"""A training run: its start, what is said of its epochs, what it leaves, its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
from safetensors.torch import load_model, save_model
from torch import nn

from benchmark.execute.attempt.conditions import memory, spent
from benchmark.execute.attempt.encoding import encoded
from benchmark.execute.attempt.recorder import Recorder
from benchmark.execute.attempt.writing import (
    about_writing,
    attach_written,
    is_told_texts,
    leave_texts,
    retold,
)
from benchmark.execute.job import Job, Progress, Report
from benchmark.execute.short_of_memory import training_of
from benchmark.runs.kinds import Output, TrainRun
from benchmark.store.cache import Cache
from trainers.cost import relative_flops
from trainers.generation.fit import TrainedWriter, WritingFit
from trainers.generation.teaching import token_distributions
from trainers.inputs.batches import Encoded
from trainers.loop import Fit, Trained
from trainers.models import WEIGHTS, Checkpoint
from trainers.resume.position import Epoch
from trainers.returned import check_examples, check_returned
from trainers.sizes import Size
from trainers.steps.predicting import predict
from trainers.tasks import Split
from trainers.tasks.paper.glue_server import server_files
from trainers.teacher import LiveTeacher, TeacherLogits, TeacherTokens

#: The folder that another run left, by the role it has in this one.
Opened = Callable[[str], Path]
#: Reads a split as a run's model does.
Encode = Callable[[Split], Encoded]


@dataclass
class TrainingAttempt:
    """A training run that is executed.

    Attributes:
        run: what is trained.
        job: what it leaves for others.
        opened: the folder that another run left, by the role it has in this one.
        report: told how far it has come.
        fit: the run at its start.
        encode: reads a split as its model does.
        relative_flops: of a step.
    """

    run: TrainRun
    job: Job
    opened: Opened
    report: Report
    fit: Fit
    encode: Encode
    relative_flops: float

    @classmethod
    def begin(cls, run: TrainRun, job: Job, opened: Opened, report: Report) -> TrainingAttempt:
        """Make its model and read its data; what they cost is counted, where nobody has."""
        fit, encode = _set_up(run, job, opened, report)
        counted = relative_flops(fit) if job.relative_flops is None else job.relative_flops
        return cls(run, job, opened, report, fit, encode, counted)

    def end_epoch(self, epoch: Epoch) -> Mapping[str, float]:
        """Say how far the run has come, and return what is recorded of that."""
        name, metric = self.fit.selects_by, self.run.metric
        dev = epoch.dev[name]
        note = f"dev {name} {dev:.{1 if name == metric else 2}f}"
        if name != metric:  # a search looks at it in the direction of what it searches by
            dev = self.fit.worth(epoch) * (1 if self.run.task.metrics[metric] else -1)
        self.report(Progress(self.run.key, epoch.number / self._epochs, note, epoch.number, dev))
        curve = {f"epoch/{name}": value for name, value in epoch.dev.items()}
        return {"epoch/loss": epoch.loss, **curve}

    @property
    def opens_test_set(self) -> Callable[[], Encoded] | None:
        """Gives the test split, to a run that is to be scored on it."""
        return (lambda: self._test_set) if "test" in self.job.outputs else None

    def share_test_set(self, known: dict[str, Encoded], key: str) -> None:
        """Have it open the test split only where none of its key is known."""
        own = self.encode

        def opened(split: Split) -> Encoded:
            if key not in known:
                known[key] = own(split)
            return known[key]

        self.encode = opened

    def end(
        self, trained: Trained, recorder: Recorder | None, stacked: int = 1
    ) -> dict[str, float]:
        """Leave what others need, and return the metrics.

        Args:
            trained: how it ended.
            recorder: of the run, if it is recorded.
            stacked: runs that were trained as one model, of which none knows its own memory.
        """
        run, outputs, cache = self.run, self.job.outputs, self.job.store.cache
        _leave_outputs(run, outputs, cache, self.fit, trained)
        if "hidden" in outputs:
            _leave_hidden(run, cache, self.opened("data"), trained)
        metrics = {
            f"{split}/{name}": value
            for split, scores in trained.scores.items()
            for name, value in scores.items()
        } | {
            "best_epoch": trained.best_epoch,
            "steps": trained.steps,
            "relative_flops": self.relative_flops,
            **Size.of(trained.model).metrics(),
            **(memory(run.training.device) if stacked == 1 else {}),
            **spent(trained.spent),
        }
        if recorder and "test" in outputs:
            if isinstance(trained, TrainedWriter):
                attach_written(recorder, trained)
            else:
                _attach_predictions(recorder, trained, self.fit.dev_set, self._test_set)
        return metrics

    @cached_property
    def _test_set(self) -> Encoded:
        return self.encode("test")

    @property
    def _epochs(self) -> int:
        return sum(phase.epochs for phase in self.run.method.phases(self.run.training))


def _set_up(
    run: TrainRun, job: Job, opened: Opened, report: Report
) -> tuple[Fit, Callable[[Split], Encoded]]:
    """A run at its start, and how to read a split as its model does."""
    folders = {role: opened(role) for role in run.needs}

    def say(notice: str) -> None:
        report(Progress(run.key, 0.0, "begins", notice=notice))

    def encode(split: Split) -> Encoded:
        if split == "train" and is_told_texts(run):
            return anew(split)
        return encoded(run, split, job.store.cache, partial(anew, split), say)

    def anew(split: Split) -> Encoded:
        folder = opened("data")
        examples = run.task.load(split, folder, run.seed)
        check_examples(run.task, split, examples)
        if split == "train" and is_told_texts(run):
            examples = retold(examples, folders["teacher"])
        read = run.model.encode(examples, folder, run.training.max_length)
        check_returned(run.model, "encode", read, Encoded)
        return read

    start = run.checkpoint
    if "body" in run.needs:
        start = Checkpoint(folders["body"])
    model = run.model.build(run.task, folders["data"], run.seed, start)
    check_returned(run.model, "build", model, nn.Module)
    made: Callable[..., Fit] = Fit
    if run.task.writes == "text":
        made = partial(WritingFit, **about_writing(run, folders["data"]))
    fit = made(
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


def _teacher(
    run: TrainRun, folders: Mapping[str, Path]
) -> TeacherLogits | TeacherTokens | LiveTeacher | None:
    """Whom a run learns from: what that run left."""
    need = run.needs.get("teacher")
    if need is None or need.output == "texts":
        return None
    if need.output == "logits" and run.task.writes == "text":
        return TeacherTokens.open(folders["teacher"])
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
    if "texts" in outputs:
        assert isinstance(fit, WritingFit)
        leave_texts(run, cache, fit, trained.model)
    if "logits" in outputs and run.task.writes == "text":
        said = token_distributions(trained.model, fit.train_set, run.training)
        with cache.making("logits", run.key) as folder:
            said.save(folder)
    elif "logits" in outputs:
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
