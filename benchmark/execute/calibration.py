"""How long a step takes and what it costs, measured on made-up examples in a process for it."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn

from benchmark.user_code.blame import blamed
from trainers.cost import relative_flops, step_flops
from trainers.generation.teaching import token_distributions
from trainers.inputs.batches import Encoded
from trainers.loop import Fit
from trainers.masked_language_modelling import masked_loss
from trainers.methods import Base, Method
from trainers.models import HubModel, Model
from trainers.settings import Training
from trainers.steps.checkpointing import checkpoint_layers
from trainers.steps.optimiser import make_optimiser
from trainers.tasks import Task
from trainers.teacher import LiveTeacher, TeacherLogits, TeacherTokens

#: Steps that are timed, after two on few examples to warm up.
_STEPS = 6
#: Examples that a large model is timed on, and the seconds from which on it is one.
_FEW, _SLOW = 2, 0.5
#: Seconds that a step of a method may take: so many, and so many times what one of base takes.
_LIMIT, _TIMES = 15.0, 30.0
#: The model last counted on.
_rehearsed: dict[Any, tuple[nn.Module, Encoded]] = {}


class StepTooLong(BaseException):
    """A step of a method does not come to its end; no handler of errors may catch it."""


class StepFails(Exception):  # noqa: N818 - reads as the verdict on a method
    """A step of a method cannot be taken, on examples that one of base is taken on.

    Attributes:
        endless: whether it did not come to its end.
    """

    def __init__(self, message: str, endless: bool) -> None:
        super().__init__(message)
        self.endless = endless


@dataclass(frozen=True)
class StepTime:
    """Median seconds of a step of base, or of pre-training by masked words, on made-up examples.

    Attributes:
        model: what is trained.
        task: gives classes and vocabulary, or the shape of an image.
        training: gives optimiser, device, precision and threads.
        batch_size: rows a step.
        tokens: length of each text.
        masked: share of the tokens that are predicted; None predicts classes.
    """

    model: Model
    task: Task
    training: Training
    batch_size: int
    tokens: int
    masked: float | None = None

    @property
    def place(self) -> Any:
        """What decides on the answer.

        A large model is timed once for all tasks of one number of classes, whatever its rate.
        """
        training = replace(self.training, lr=1e-5, epochs=1)
        sizes = self.batch_size, self.tokens, self.masked
        return self.model, _kind(self.model, self.task), training, sizes

    @property
    def declared(self) -> tuple[object, ...]:
        """Whose code is executed."""
        return self.model, self.task

    def answer(self) -> float:
        """Measured here and now."""
        torch.set_num_threads(self.training.threads)
        module, passes = self._masked(self.masked) if self.masked else self._classified()
        return _time_steps(module, passes, self.training, self.batch_size)

    def _classified(self) -> tuple[nn.Module, Callable[[int], object]]:
        """A classifier, and its passes on so many examples."""
        module, examples = self.model.rehearsal(self.task, self.batch_size, self.tokens)
        fit = Fit(module, Base(), examples, examples, self.training, seed=0)
        fit.prepare()
        fit.model.train()
        return module, lambda rows: fit.gradient(fit.step(np.arange(rows), 0, 0, 0.0))

    def _masked(self, share: float) -> tuple[nn.Module, Callable[[int], object]]:
        """A model of masked words, and its passes on so many blocks."""
        from transformers import BertForMaskedLM

        config: Any = self.model.rehearsal(self.task, 1, 8)[0].config
        module: Any = BertForMaskedLM(config)
        module.to(self.training.device).train()
        if self.training.gradient_checkpointing:
            checkpoint_layers(module)
        draws, shape = np.random.default_rng(0), (self.batch_size, self.tokens)
        blocks = draws.integers(0, config.vocab_size, shape)
        chosen = draws.random(shape) < share

        def passes(rows: int) -> None:
            some = blocks[:rows], chosen[:rows], blocks[:rows]
            torch.autograd.backward(masked_loss(module, *some, self.training))

        return module, passes


@dataclass(frozen=True)
class Flops:
    """FLOPs of a step of a method relative to base, counted on made-up examples."""

    method: Method
    model: Model
    task: Task
    training: Training

    @property
    def place(self) -> Any:
        """What decides on the answer."""
        savings = tuple(self.training.savings().items())
        return self.method, self.model, _kind(self.model, self.task), self.training.epochs, savings

    @property
    def declared(self) -> tuple[object, ...]:
        """Whose code is executed."""
        return self.method, self.model, self.task

    def answer(self) -> float:
        """Counted here and now.

        Raises:
            StepFails: it raises, or takes far longer than a step of base.
        """
        module, examples = _rehearsal(self.model, self.task)
        teacher: TeacherLogits | TeacherTokens | LiveTeacher | None
        if self.method.needs_from_teacher() == "weights":
            teacher = LiveTeacher(deepcopy(module))
        elif self.task.writes == "text":
            teacher = None
            if self.method.teacher_for(self.training) is not None:
                teacher = token_distributions(
                    module, examples, replace(self.training, device="cpu")
                )
        else:
            logits = np.zeros((len(examples), len(self.task.classes)), np.float32)
            teacher = TeacherLogits(examples.ids, logits)
        fit = Fit(module, self.method, examples, examples, self.training, seed=0, teacher=teacher)
        started = time.perf_counter()
        step_flops(replace(fit, method=Base()), phase=0)
        try:
            with _at_most(_LIMIT + _TIMES * (time.perf_counter() - started)):
                return relative_flops(fit)
        except BaseException as error:
            raise StepFails(blamed(error), isinstance(error, StepTooLong)) from error


Question = StepTime | Flops


def _kind(model: Model, task: Task) -> Any:
    """What of a task decides on the size of a model."""
    asked = len(task.classes) if task.writes == "classes" else "text"
    return (asked, task.reads) if isinstance(model, HubModel) else task


def _rehearsal(model: Model, task: Task) -> tuple[nn.Module, Encoded]:
    """A model and made-up examples; models may be large, and only the last one is kept."""
    place = model, _kind(model, task)
    if place not in _rehearsed:
        _rehearsed.clear()
        _rehearsed[place] = model.rehearsal(task, 2, 8)
    return _rehearsed[place]


@contextmanager
def _at_most(seconds: float) -> Iterator[None]:
    """Raise StepTooLong in code that goes on for longer, and again if that is caught."""

    def stop(signum: int, frame: object) -> None:
        raise StepTooLong(f"it goes on for more than {seconds:.0f} s, with two examples")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _time_steps(
    module: nn.Module, passes: Callable[[int], object], training: Training, batch_size: int
) -> float:
    optimiser = make_optimiser([{"params": list(module.parameters())}], training)

    def step(rows: int) -> tuple[float, float]:
        """Seconds of the passes on so many examples, and of the update after them."""
        began = time.perf_counter()
        passes(rows)
        _wait_for(training.device)
        passed = time.perf_counter()
        optimiser.step()
        optimiser.zero_grad()
        _wait_for(training.device)
        return passed - began, time.perf_counter() - passed

    few = min(_FEW, batch_size)
    step(few)
    taken, update = step(few)
    if taken > _SLOW:  # whole batches of a large model would take minutes
        return taken * batch_size / few + update
    return median(sum(step(batch_size)) for _ in range(_STEPS))


def _wait_for(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
