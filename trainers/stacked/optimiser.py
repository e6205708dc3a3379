"""Optimisers of S models in one: each with its own rate, decay, momentum and clipping."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from trainers.schedules import Factor, factor_of
from trainers.settings import Training
from trainers.stacked.weights import Table

#: Of AdamW, as torch has them.
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8
#: Added to a norm before something is divided by it, as in torch.
_TINY = 1e-6


@dataclass
class _Stretch:
    """A phase of one model: steps taken of it, and the factor of the peak rate at each."""

    factor: Factor
    steps: int
    taken: int = 0


class StackedOptimiser:
    """AdamW, or SGD with momentum, over the tables of a stacked model.

    Args:
        tables: of its weights.
        trainings: of the models, with one kind of optimiser.
    """

    def __init__(self, tables: Sequence[Table], trainings: Sequence[Training]) -> None:
        self._tables, self._trainings = tables, trainings
        self._device = tables[0].values.device
        self._adam = trainings[0].optimiser == "adamw"
        self._means = [torch.zeros_like(table.values) for table in tables]
        self._squares = [torch.zeros_like(table.values) for table in tables] if self._adam else []
        self._stretches: list[_Stretch | None] = [None] * len(trainings)
        self._clips = None
        if any(training.clip is not None for training in trainings):
            clips = [float("inf") if t.clip is None else t.clip for t in trainings]
            self._clips = self._column(clips)

    def begin(self, model: int, steps: int, an_epoch: int) -> None:
        """Have a model begin a phase, with nothing remembered.

        Args:
            model: its number.
            steps: of the phase.
            an_epoch: steps of each of its epochs.
        """
        training = self._trainings[model]
        factor = factor_of(training.schedule, training.warmup, steps, an_epoch)
        self._stretches[model] = _Stretch(factor, steps)
        for table in (*self._means, *self._squares):
            table[model].zero_()

    def progress(self, model: int) -> float:
        """Share of the phase's steps that are done, in [0, 1)."""
        stretch = self._stretch(model)
        return stretch.taken / stretch.steps

    def next_steps(self, number: int) -> Iterator[Callable[[], None]]:
        """So many steps, each of which moves the weights along their gradient.

        What they take of each model's schedule goes to the device at once: a copy in every step
        would have a GPU waited for.
        """
        told = [self._told(i, number) for i in range(len(self._trainings))]
        columns = torch.tensor(told).permute(1, 2, 0)[..., None].to(self._device)
        for each in columns:
            yield partial(self._step, *each)

    def _told(self, model: int, number: int) -> list[tuple[float, float, float]]:
        """Of each step: the size of the step, what is left of decaying weights, the square root of
        the share that the second moment has seen."""
        training, stretch = self._trainings[model], self._stretch(model)
        found = []
        for taken in range(stretch.taken, stretch.taken + number):
            rate = training.lr * stretch.factor(taken)
            if self._adam:
                size = rate / (1 - _BETA1 ** (taken + 1))
                seen = (1 - _BETA2 ** (taken + 1)) ** 0.5
                found.append((size, 1 - rate * training.weight_decay, seen))
            else:
                found.append((rate, training.weight_decay, training.momentum))
        return found

    @torch.no_grad()
    def _step(self, first: Tensor, second: Tensor, third: Tensor) -> None:
        if self._clips is not None:
            self._clip(self._clips)
        for i in range(len(self._tables)):
            if self._adam:
                self._adamw(i, first, second, third)
            else:
                self._sgd(i, first, second, third)
        for stretch in self._stretches:
            assert stretch
            stretch.taken += 1

    def _clip(self, most: Tensor) -> None:
        """Shorten gradients that are too long, each model's by its own length."""
        norms = [torch.linalg.vector_norm(t.gradient, dim=1, keepdim=True) for t in self._tables]
        norm = torch.linalg.vector_norm(torch.cat(norms, 1), dim=1, keepdim=True)
        factor = (most / (norm + _TINY)).clamp_(max=1.0)
        for table in self._tables:
            table.gradient.mul_(factor)

    def _adamw(self, i: int, size: Tensor, left: Tensor, seen: Tensor) -> None:
        """Loshchilov and Hutter 2019, in the order in which torch computes it."""
        table, mean, square = self._tables[i], self._means[i], self._squares[i]
        table.values[:, : table.decaying].mul_(left)
        mean.lerp_(table.gradient, 1 - _BETA1)
        square.mul_(_BETA2).addcmul_(table.gradient, table.gradient, value=1 - _BETA2)
        scale = square.sqrt().div_(seen).add_(_EPSILON)
        table.values.sub_((mean * size).div_(scale))

    def _sgd(self, i: int, rate: Tensor, decay: Tensor, momentum: Tensor) -> None:
        table, mean = self._tables[i], self._means[i]
        decaying = table.gradient[:, : table.decaying]
        decaying.addcmul_(table.values[:, : table.decaying], decay)
        mean.mul_(momentum).add_(table.gradient)
        table.values.sub_(mean * rate)

    def _stretch(self, model: int) -> _Stretch:
        stretch = self._stretches[model]
        assert stretch is not None, "begin() comes first"
        return stretch

    def _column(self, numbers: Sequence[float]) -> Tensor:
        return torch.tensor(numbers, device=self._device)[:, None]
