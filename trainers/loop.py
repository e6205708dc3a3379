"""The training loop: one run from its first step to its scores."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from trainers import metrics
from trainers.clock import Spent, Stopwatch
from trainers.errors import Diverged, MethodError
from trainers.inputs.batches import Batch, Encoded, evaluation_order, training_order
from trainers.methods import Method, Step
from trainers.methods.step import Weights
from trainers.schedules import factor_of
from trainers.seeding import method_stream, numpy_stream, seed_dropout, seed_preparation
from trainers.settings import Training
from trainers.steps.accumulation import GradientOfMean, micro_batches
from trainers.steps.checkpointing import checkpoint_layers
from trainers.steps.optimiser import make_optimiser
from trainers.steps.passes import Passes, forward
from trainers.teacher import TeacherLogits

#: Raised when the same run would end with other weights.
REVISION = 2

_EVALUATION_BATCH = 256


@dataclass(frozen=True)
class Epoch:
    """What is known when an epoch ends.

    Attributes:
        number: epochs completed, over all phases.
        loss: mean training loss of an example.
        dev: scores on dev by metric.
    """

    number: int
    loss: float
    dev: Mapping[str, float]


@dataclass(frozen=True)
class Trained:
    """A finished run.

    Attributes:
        model: with the selected checkpoint's weights.
        scores: by split ("dev", and "test" where it was opened) and metric.
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
        metric: one of ``metrics.SELECTS``; selects the checkpoint on dev, the earlier on a tie.
        teacher: logits on the training set, for methods that need them.
        steps: optimiser steps taken so far.
        epochs: epochs completed so far.
        best_epoch: the epoch whose checkpoint is selected so far.
    """

    model: nn.Module
    method: Method
    train_set: Encoded
    dev_set: Encoded
    training: Training
    seed: int
    metric: str = "accuracy"
    teacher: TeacherLogits | None = None
    steps: int = 0
    epochs: int = 0
    best_epoch: int = 0
    state: SimpleNamespace = field(default_factory=SimpleNamespace)

    def run(
        self,
        open_test_set: Callable[[], Encoded] | None,
        on_epoch: Callable[[Epoch], None] = lambda _: None,
    ) -> Trained:
        """Train phase after phase, then score the selected checkpoint.

        Args:
            open_test_set: gives the test split; called once, when training is over. Without it
                the run is scored on dev alone.
            on_epoch: told of every epoch as it ends.

        Raises:
            Diverged: the loss stopped being finite.
        """
        watch = Stopwatch(self.training.device)
        self.model.to(self.device)
        seed_preparation(self.seed)
        self.prepare()
        for phase in range(len(self.method.phases(self.training))):
            self.train_phase(phase, on_epoch)
        spent = watch.stop()
        return self.score(open_test_set() if open_test_set else None, spent)

    def prepare(self) -> None:
        """What is done to the model before its first step."""
        self.method.prepare(self.model, self.state)
        if self.training.gradient_checkpointing:
            checkpoint_layers(self.model)

    def train_phase(self, phase: int, on_epoch: Callable[[Epoch], None]) -> None:
        """Train with a fresh optimiser and schedule; end at the phase's selected checkpoint."""
        epochs = self.method.phases(self.training)[phase].epochs
        groups = self.method.parameter_groups(self.model, self.training)
        optimiser = make_optimiser(groups, self.training)
        an_epoch = -(-len(self.train_set) // self.training.batch_size)
        total = epochs * an_epoch
        factor = factor_of(self.training.schedule, self.training.warmup, total, an_epoch)
        schedule = LambdaLR(optimiser, factor)
        best, best_weights = -float("inf"), self.model.state_dict()
        for epoch in range(epochs):
            self.model.train()
            losses, sizes = [], []
            order = numpy_stream(self.seed, "order", self.epochs)
            for rows in training_order(self.train_set.lengths, self.training.batch_size, order):
                step = self.step(rows, phase, epoch, schedule.last_epoch / total)
                self.method.before_step(step)
                losses.append(self.gradient(step))
                sizes.append(len(rows))
                if self.training.clip is not None:
                    nn.utils.clip_grad_norm_(self.model.parameters(), self.training.clip)
                optimiser.step()
                schedule.step()
                optimiser.zero_grad()
                self.method.after_step(step)
                self.steps += 1
            self.epochs += 1
            report = self.end_epoch(losses, sizes)
            on_epoch(report)
            worth = report.dev[self.metric] * (1 if metrics.SELECTS[self.metric] else -1)
            if self.training.select == "last" or worth > best:
                best, self.best_epoch = worth, self.epochs
                best_weights = deepcopy(self.model.state_dict())
        self.model.load_state_dict(best_weights)

    def step(self, rows: NDArray[np.int64], phase: int, epoch: int, progress: float) -> Step:
        """One batch, and what a method may ask of it."""
        batch, number, teacher = self.seen(rows), self.steps, self.teacher
        split = min(self.training.accumulate, len(rows)) > 1
        passes, in_float32 = self.passes(batch.inputs)
        return Step(
            model=self.model,
            inputs=batch.inputs,
            labels=batch.labels,
            number=number,
            phase=phase,
            epoch=epoch,
            epochs=self.method.phases(self.training)[phase].epochs,
            progress=progress,
            state=self.state,
            method=self.method,
            run_model=self.refuse_pass if split else passes,
            run_in_float32=None if split else in_float32,
            restart_dropout=lambda: seed_dropout(self.seed, number),
            make_generator=lambda name: method_stream(self.seed, name, number),
            look_up_teacher=(lambda: teacher.look_up(batch.ids, self.device)) if teacher else None,
        )

    def gradient(self, step: Step) -> Tensor:
        """Leave the gradient of a step's batch in the parameters, and return its loss.

        Each micro-batch weighs what it has of the examples. What several said of theirs are the
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
        parts = micro_batches(len(step.labels), self.training.accumulate)
        if len(parts) == 1:
            yield step
            return
        for i, rows in enumerate(parts):
            yield self.micro_batch(step, i, rows)

    def micro_batch(self, step: Step, i: int, rows: slice) -> Step:
        """Some rows of a batch, padded as all of it is."""
        inputs = {name: values[rows] for name, values in step.inputs.items()}
        passes, in_float32 = self.passes(inputs)
        return replace(
            step,
            inputs=inputs,
            labels=step.labels[rows],
            run_model=passes,
            run_in_float32=in_float32,
            restart_dropout=lambda: seed_dropout(self.seed, step.number, i),
            make_generator=lambda name: method_stream(self.seed, name, step.number, i),
            look_up_teacher=(lambda: step.teacher_logits[rows]) if self.teacher else None,
            batch=step,
            rows=rows,
        )

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
        changed = self.training.augmentation.apply(pixels, black, self.seed, self.steps)
        return replace(batch, inputs={**batch.inputs, "pixel_values": changed})

    def end_epoch(self, losses: list[Tensor], sizes: list[int]) -> Epoch:
        """Score dev, and stop a run whose loss is no longer a number."""
        loss = float(np.average(torch.stack(losses).cpu().numpy(), weights=sizes))
        if not np.isfinite(loss):
            raise Diverged(
                f"the loss was {loss} in epoch {self.epochs}; a learning rate below "
                f"{self.training.lr:g} may help."
            )
        logits = predict(self.model, self.dev_set, self.training)
        dev = {
            name: metrics.score(name, logits, self.dev_set.labels)
            for name in dict.fromkeys(["accuracy", "nll", self.metric])
        }
        return Epoch(self.epochs, loss, dev)

    def score(self, test_set: Encoded | None, spent: Spent) -> Trained:
        """All metrics of the selected checkpoint on dev, and on test if there is one."""
        sets = {"dev": self.dev_set} | ({"test": test_set} if test_set else {})
        logits = {split: predict(self.model, s, self.training) for split, s in sets.items()}
        temperature = metrics.temperature(logits["dev"], self.dev_set.labels)
        scores = {
            split: metrics.all_scores(logits[split], s.labels, temperature)
            for split, s in sets.items()
        }
        return Trained(self.model, scores, logits, self.best_epoch, self.steps, spent)

    @property
    def device(self) -> torch.device:
        """Where the model is trained."""
        return torch.device(self.training.device)


@torch.inference_mode()
def predict(model: nn.Module, examples: Encoded, training: Training) -> NDArray[np.float32]:
    """Logits in evaluation mode, shape (n, K), in the order of the examples."""
    model.eval()
    device = torch.device(training.device)
    order = list(evaluation_order(examples.lengths, _EVALUATION_BATCH))
    logits = [forward(model, examples.batch(rows, device).inputs, training).cpu() for rows in order]
    ordered = np.empty((len(examples), logits[0].shape[1]), np.float32)
    ordered[np.concatenate(order)] = torch.cat(logits).numpy()
    return ordered
