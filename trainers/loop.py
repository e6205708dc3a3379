"""The training loop: one run from its first step to its scores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainers import metrics
from trainers.errors import Diverged, MethodError
from trainers.inputs.batches import Batch, Encoded, training_order
from trainers.machine.clock import Spent, Stopwatch
from trainers.methods import Method, Phase, Step
from trainers.methods.step import Weights
from trainers.resume.checkpoints import Keeper, without
from trainers.resume.position import Epoch, Position
from trainers.resume.trail import Trail
from trainers.seeding import method_stream, numpy_stream, seed_dropout, seed_preparation
from trainers.settings import Training
from trainers.steps.accumulation import GradientOfMean, micro_batches
from trainers.steps.checkpointing import checkpoint_layers
from trainers.steps.learner import Learner
from trainers.steps.passes import Passes, forward
from trainers.steps.placing import move
from trainers.steps.predicting import predict
from trainers.teacher import LiveTeacher, TeacherLogits, TeacherTokens

#: Raised when the same run would end with other weights.
REVISION = 3


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        model: an ordinary one with the selected checkpoint's weights.
        scores: by split ("dev", and "test" where it was opened) and metric; as "overfitting" what
            :meth:`Fit.overfitting` says.
        logits: by split, shape (n, K), float32, in the order of the split's examples.
        best_epoch: the epoch whose checkpoint was selected.
        steps: optimiser steps taken.
        spent: in training, evaluation on dev included.
    """

    model: nn.Module
    scores: Mapping[str, Mapping[str, float]]
    logits: Mapping[str, NDArray[np.float32]]
    best_epoch: int
    steps: int
    spent: Spent


@dataclass
class Fit:
    """A model on its way through training.

    Attributes:
        model: at the start of its run; changed in place.
        method: how each step's gradient is made.
        train_set: what is learned from.
        dev_set: selects the checkpoint.
        training: resolved settings.
        seed: the replicate's seed.
        metric: one of `metrics.SELECTS`; selects the checkpoint on dev, the earlier on a tie.
        teacher: logits on the training set or a model, for methods that need them.
        at: how far it has come.
        state: what the method keeps from step to step.
    """

    model: nn.Module
    method: Method
    train_set: Encoded
    dev_set: Encoded
    training: Training
    seed: int
    metric: str = "accuracy"
    teacher: TeacherLogits | TeacherTokens | LiveTeacher | None = None
    at: Position = field(default_factory=Position)
    state: SimpleNamespace = field(default_factory=SimpleNamespace)

    def run(
        self,
        open_test_set: Callable[[], Encoded] | None,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
        checkpoints: Keeper | None = None,
    ) -> Trained:
        """Train phase after phase, then score the selected checkpoint.

        Args:
            open_test_set: gives the test split; called once, when training is over. Without it
                the run is scored on dev alone.
            on_epoch: told of every epoch as it ends; first of those of an earlier attempt.
            checkpoints: where it is written down, and gone on from; None is nowhere.

        Raises:
            Diverged: the loss stopped being finite.
        """
        watch = Stopwatch(self.training.device)
        seed_preparation(self.seed)
        self.prepare()
        trail = Trail(self.model, self.state, watch, checkpoints or without())
        self.at = trail.at
        for report in self.at.reports:
            on_epoch(report)
        phases = self.method.phases(self.training)
        while self.at.phase < len(phases):
            self.train_phase(phases[self.at.phase], on_epoch, trail)
        spent = watch.stop()
        model = self.method.finish(self.model, self.state)
        return self.score(model, open_test_set() if open_test_set else None, spent, trail.offer)

    def prepare(self) -> None:
        """What is done to the model before its first step; then it goes where it is trained."""
        if isinstance(self.teacher, LiveTeacher):
            self.teacher.model.to(self.device)
            self.method.meet_teacher(self.model, self.teacher.model, self.state)
        self.method.prepare(self.model, self.state)
        if self.training.gradient_checkpointing:
            checkpoint_layers(self.model)
        self.model.to(self.device)
        move(self.state, self.device)

    def train_phase(self, phase: Phase, on_epoch: Callable[[Epoch], None], trail: Trail) -> None:
        """Train with a fresh optimiser and schedule; end at the phase's selected checkpoint."""
        groups = self.method.parameter_groups(self.model, self.training)
        an_epoch = -(-len(self.train_set) // self.training.batch_size)
        learner = Learner.of(self.model, groups, self.training, phase.epochs * an_epoch, an_epoch)
        trail.learn_with(learner)
        while self.at.epoch < phase.epochs:
            self.train_epoch(learner, trail)
            report = self.end_epoch(trail.offer)
            on_epoch(report)
            self.at.end_epoch(report)
            worth = self.worth(report)
            better = self.training.select == "last" or worth > learner.best
            if better and self.method.is_selectable(self.state):
                learner.select(worth)
                self.at.best_epoch = self.at.epochs
            trail.offer(at_end=True)
        learner.end()
        self.at.end_phase()
        trail.learn_with(None)

    def train_epoch(self, learner: Learner, trail: Trail) -> None:
        """Take the steps of an epoch that are still to be taken."""
        if not self.at.batch:
            self.model.train()
        order = numpy_stream(self.seed, "order", self.at.epochs)
        batches = [*training_order(self.train_set.lengths, self.training.batch_size, order)]
        for rows in batches[self.at.batch :]:
            step = self.step(rows, self.at.phase, self.at.epoch, learner.progress)
            self.method.before_step(step)
            loss = self.gradient(step)
            learner.step(self.training.clip)
            self.method.after_step(step)
            self.at.take_step(loss, len(step.labels))
            trail.offer()

    def step(self, rows: NDArray[np.int64], phase: int, epoch: int, progress: float) -> Step:
        """One batch, and what a method may ask of it."""
        batch, number = self.seen(rows), self.at.steps
        split = min(self.training.accumulate, len(rows)) > 1
        passes, in_float32 = self.passes(batch.inputs)
        epochs = self.method.phases(self.training)[phase].epochs
        an_epoch = -(-len(self.train_set) // self.training.batch_size)
        return Step(
            model=self.model,
            inputs=batch.inputs,
            labels=batch.labels,
            number=number,
            phase=phase,
            epoch=epoch,
            epochs=epochs,
            progress=progress,
            last=(epoch + 1, self.at.batch + 1) == (epochs, an_epoch),
            state=self.state,
            method=self.method,
            run_model=self.refuse_pass if split else passes,
            run_in_float32=None if split else in_float32,
            restart_dropout=lambda: seed_dropout(self.seed, number),
            make_generator=lambda name, device: method_stream(
                self.seed, name, number, device=device
            ),
            look_up_teacher=self.answers(batch),
            look_up_tokens=self.tokens_answered(batch),
            counts=batch.counts,
        )

    def gradient(self, step: Step) -> Tensor:
        """Leave the gradient of a step's batch in the parameters, and return its loss.

        Each micro-batch weighs what it has of the labels. What several said of theirs are the
        step's logits after it, detached.
        """
        size = len(step.labels)
        gradient, losses, logits = GradientOfMean(self.model, size), [], []
        for part in self.micro_batches(step):
            self.method.before_micro_batch(part)
            part.restart_dropout()
            gradient.before(len(part.labels))
            losses.append(self.method.backward(part) * (len(part.labels) / size))
            if part is not step and "logits" in vars(part):
                logits.append(part.logits.detach())
        gradient.done()
        if sum(map(len, logits)) == size:
            step.logits = torch.cat(logits)
        return torch.stack(losses).sum()

    def micro_batches(self, step: Step) -> Iterator[Step]:
        """The parts of a batch that are computed one after the other; itself if it is not split."""
        parts = micro_batches(step.size, self.training.accumulate)
        if len(parts) == 1:
            yield step
            return
        for i, rows in enumerate(parts):
            yield self.micro_batch(step, i, rows)

    def micro_batch(self, step: Step, i: int, rows: slice) -> Step:
        """Some rows of a batch, padded as all of it is."""
        inputs = {name: values[rows] for name, values in step.inputs.items()}
        labels = step.labels_of(rows)
        passes, in_float32 = self.passes(inputs)
        return replace(
            step,
            inputs=inputs,
            labels=step.labels[labels],
            counts=None if step.counts is None else step.counts[rows],
            run_model=passes,
            run_in_float32=in_float32,
            restart_dropout=lambda: seed_dropout(self.seed, step.number, i),
            make_generator=lambda name, device: method_stream(
                self.seed, name, step.number, i, device
            ),
            look_up_teacher=self.answers_of_micro_batch(step, inputs, labels),
            look_up_tokens=lambda: _some(step.teacher_tokens, labels),
            batch=step,
            rows=rows,
        )

    def answers(self, batch: Batch) -> Callable[[], Tensor] | None:
        """What the teacher says of a batch, once it is asked."""
        match self.teacher:
            case TeacherLogits() | TeacherTokens() as logits:
                return lambda: logits.look_up(batch.ids, self.device)
            case LiveTeacher() as live:
                return lambda: self.ask(live.model, batch.inputs)
        return None

    def tokens_answered(self, batch: Batch) -> Callable[[], Tensor | None] | None:
        """Of which tokens a teacher of text says something, where it does not say it of all."""
        match self.teacher:
            case TeacherTokens() as teacher:
                return lambda: teacher.look_up_tokens(batch.ids, self.device)
        return None

    def answers_of_micro_batch(
        self, step: Step, inputs: Mapping[str, Tensor], labels: slice
    ) -> Callable[[], Tensor] | None:
        """What the teacher says of a part of a batch; a model is asked about that part alone."""
        if isinstance(self.teacher, LiveTeacher):
            live = self.teacher.model
            return lambda: self.ask(live, inputs)
        return (lambda: step.teacher_logits[labels]) if self.teacher else None

    @torch.no_grad()
    def ask(self, teacher: nn.Module, inputs: Mapping[str, Tensor]) -> Tensor:
        """Logits of a teacher that is a model."""
        return forward(teacher, inputs, self.training)

    def passes(self, inputs: Mapping[str, Tensor]) -> tuple[Passes, Passes | None]:
        """Those of some inputs, and those in float32 of a run that computes in less."""
        in_float32 = Passes.in_float32(self.model, inputs, self.training)
        return Passes(self.model, inputs, self.training), in_float32

    def refuse_pass(self, weights: Weights | None) -> Tensor:
        """In place of a pass over all of a batch that is split."""
        raise MethodError(
            f"{self.method.name} runs the model on the whole batch, and accumulate="
            f"{self.training.accumulate} is there to avoid that: train it with accumulate=1, and "
            "let its whole_batch() say so."
        )

    def seen(self, rows: NDArray[np.int64]) -> Batch:
        """A batch as it is trained on at this step: its images augmented, if they are to be."""
        batch = self.train_set.batch(rows, self.device)
        if self.training.augmentation is None:
            return batch
        black = self.train_set.padding.get("pixel_values", 0)
        pixels = batch.inputs["pixel_values"]
        changed = self.training.augmentation.apply(pixels, black, self.seed, self.at.steps)
        return replace(batch, inputs={**batch.inputs, "pixel_values": changed})

    def end_epoch(self, offer: Callable[[], None]) -> Epoch:
        """Score dev, and stop a run whose loss is no longer a number."""
        loss = self.mean_loss()
        return self.report(loss, predict(self.model, self.dev_set, self.training, offer))

    def mean_loss(self) -> float:
        """Of an example in the epoch that ends.

        Raises:
            Diverged: it is no number.
        """
        number, losses = self.at.epochs + 1, torch.stack(self.at.losses).cpu().numpy()
        loss = float(np.average(losses, weights=self.at.sizes))
        if not np.isfinite(loss):
            raise Diverged(
                f"the loss was {loss} in epoch {number}; a learning rate below "
                f"{self.training.lr:g} may help."
            )
        return loss

    def report(self, loss: float, logits: NDArray[np.float32]) -> Epoch:
        """What is known of the epoch that ends, from its loss and the logits on dev."""
        dev = {
            name: metrics.score(name, logits, self.dev_set.labels)
            for name in dict.fromkeys(["accuracy", "nll", self.metric])
        }
        return Epoch(self.at.epochs + 1, loss, dev)

    @property
    def selects_by(self) -> str:
        """The metric on dev that selects a checkpoint."""
        return self.metric

    def worth(self, report: Epoch) -> float:
        """What selects an epoch: the higher the better."""
        return report.dev[self.metric] * (1 if metrics.SELECTS[self.metric] else -1)

    def score(
        self,
        model: nn.Module,
        test_set: Encoded | None,
        spent: Spent,
        offer: Callable[[], None],
    ) -> Trained:
        """All metrics of a finished model on dev, and on test if there is one."""
        sets = {"dev": self.dev_set} | ({"test": test_set} if test_set else {})
        said = {split: (s, predict(model, s, self.training, offer)) for split, s in sets.items()}
        on_train = predict(model, self.train_set, self.training, offer, self.some_of_train())
        return self.scored(model, said, on_train, spent)

    def scored(
        self,
        model: nn.Module,
        said: Mapping[str, tuple[Encoded, NDArray[np.float32]]],
        on_train: NDArray[np.float32],
        spent: Spent,
    ) -> Trained:
        """The finished run, from the logits of its model.

        Args:
            model: it.
            said: by split, its examples and the logits on them.
            on_train: logits on some of train, see :meth:`some_of_train`.
            spent: in training.
        """
        logits = {split: of_split for split, (_, of_split) in said.items()}
        temperature = metrics.temperature(logits["dev"], self.dev_set.labels)
        scores = {
            split: metrics.all_scores(of_split, examples.labels, temperature)
            for split, (examples, of_split) in said.items()
        }
        scores["overfitting"] = self.overfitting(on_train, logits["dev"])
        return Trained(model, scores, logits, self.at.best_epoch, self.at.steps, spent)

    def some_of_train(self) -> NDArray[np.int64]:
        """Rows of as many examples of train as dev has, evenly spaced in it."""
        size = len(self.train_set)
        return np.unique(np.linspace(0, size - 1, min(size, len(self.dev_set))).round().astype(int))

    def overfitting(
        self, on_train: NDArray[np.float32], on_dev: NDArray[np.float32]
    ) -> dict[str, float]:
        """How much better a finished model does on what it was trained on, in units of the metric.

        `…_gap` is train minus dev, with the sign by which more is worse, over as many examples of
        train as dev has, evenly spaced in it. `…_lost` is what dev lost from the selected epoch to
        the last.
        """
        train, dev = self.train_set.labels[self.some_of_train()], self.dev_set.labels
        names = dict.fromkeys([self.metric, "nll"])
        found = {f"{n}_gap": metrics.gap(n, (on_train, train), (on_dev, dev)) for n in names}
        curve = [self.worth(report) for report in self.at.reports]
        lost = curve[self.at.best_epoch - 1] - curve[-1] if self.at.best_epoch else 0.0
        return {**found, f"{self.metric}_lost": lost}

    @property
    def device(self) -> torch.device:
        """Where the model is trained."""
        return torch.device(self.training.device)


def _some(values: Tensor | None, rows: slice) -> Tensor | None:
    return None if values is None else values[rows]
