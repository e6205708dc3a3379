"""The training loop of several runs at once, from their first step to their scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trainers.errors import Diverged
from trainers.inputs.batches import Encoded
from trainers.loop import Fit, Trained
from trainers.machine.clock import Spent, Stopwatch
from trainers.methods import Phase
from trainers.resume.position import Epoch
from trainers.stacked.losses import Losses, Moment, TeachersLogits
from trainers.stacked.model import StackedModel
from trainers.stacked.optimiser import StackedOptimiser
from trainers.stacked.orders import Order
from trainers.stacked.streams import Streams
from trainers.stacked.texts import StackedTexts, distinct
from trainers.teacher import TeacherLogits

#: Rows of all models together, and most of each, in a batch of which nothing is learned.
_EVALUATION_ROWS, _OF_EACH = 2048, 256


class Stack:
    """Runs that are trained as one model; each ends as it would alone.

    Args:
        fits: at their start; `misfit` says nothing against them. Their models are changed in place
            at the end.
    """

    def __init__(self, fits: Sequence[Fit]) -> None:
        first = fits[0]
        self.fits, self._device, self._training = fits, first.device, first.training
        self._sets = [fit.train_set for fit in fits]
        pairs = [*zip([fit.seed for fit in fits], distinct(self._sets), strict=True)]
        firsts = [pairs.index(pair) for pair in pairs]
        self._streams = [*dict.fromkeys(firsts)]
        self._of = [self._streams.index(i) for i in firsts]
        of = torch.tensor(self._of, device=self._device)
        self._dropout = Streams([fits[i].seed for i in self._streams], of)
        self._model = StackedModel([fit.model for fit in fits], self._dropout, first.training)
        self._optimiser = StackedOptimiser(self._model.tables, [fit.training for fit in fits])
        self._texts = StackedTexts.of(self._sets, self._device)
        teachers = [f.teacher if isinstance(f.teacher, TeacherLogits) else None for f in fits]
        taught = TeachersLogits.of(teachers, self._sets, self._device)
        self._losses = Losses([fit.method for fit in fits], taught)
        self._phases = [fit.method.phases(fit.training) for fit in fits]
        self._best = [-inf] * len(fits)
        self._best_weights = [table.values.clone() for table in self._model.tables]
        self._ends: dict[int, Diverged] = {}

    def run(
        self,
        open_test_sets: Sequence[Callable[[], Encoded] | None],
        on_epoch: Callable[[int, Epoch], None] = lambda *_: None,
    ) -> list[Trained | Diverged]:
        """Train epoch after epoch, then score the selected checkpoints.

        Args:
            open_test_sets: by run, gives its test split; called once, when training is over.
                Without it the run is scored on dev alone.
            on_epoch: told the number of a run, and of each of its epochs as it ends.

        Returns:
            By run, how it ended. What it took is its share of what all took.
        """
        watch = Stopwatch(self._training.device)
        for i in range(len(self.fits)):
            self._begin_phase(i)
        for _ in range(sum(phase.epochs for phase in self._phases[0])):
            self._train_epoch()
            self._end_epoch(on_epoch)
            if not self._going:
                break
        spent = watch.stop().shared(len(self.fits))
        return self._score(open_test_sets, spent)

    def _score(
        self, open_test_sets: Sequence[Callable[[], Encoded] | None], spent: Spent
    ) -> list[Trained | Diverged]:
        """Of all at once; what is said of those that have diverged is left out."""
        fits, going = self.fits, self._going
        tests = {i: opened() for i in going if (opened := open_test_sets[i])}
        splits = {"dev": [fit.dev_set for fit in fits]}
        if tests:
            any_ = next(iter(tests.values()))
            splits["test"] = [tests.get(i, any_) for i in range(len(fits))]
        said = {split: self._logits(sets) for split, sets in splits.items()}
        on_train = self._logits(self._sets, [fit.some_of_train() for fit in fits])
        ends: list[Trained | Diverged] = []
        for i, fit in enumerate(fits):
            if i in self._ends:
                ends.append(self._ends[i])
                continue
            model = fit.model.to(self._device)
            self._model.put_into(model, i)
            own = {
                split: (sets[i], said[split][i])
                for split, sets in splits.items()
                if split == "dev" or i in tests
            }
            ends.append(fit.scored(model, own, on_train[i], spent))
        return ends

    @property
    def _going(self) -> list[int]:
        """Runs whose loss is a number."""
        return [i for i in range(len(self.fits)) if i not in self._ends]

    def _train_epoch(self) -> None:
        """Take the steps of an epoch, each for all models."""
        fits, streams = self.fits, self._streams
        order = Order.of_training(
            [fits[i].seed for i in streams],
            [self._sets[i] for i in streams],
            self._training.batch_size,
            fits[0].at.epochs,
            self._dropout.of,
        )
        widths, losses = order.widths(), []
        for step, move in enumerate(self._optimiser.next_steps(len(order.rows))):
            sizes = order.sizes[step]
            inputs, labels = self._texts.batch(order.rows[step], widths[step])
            self._dropout.begin(fits[0].at.steps, sizes)
            logits = self._model.logits(inputs, learns=True)
            moments = [self._moment(i, sizes[self._of[i]][0]) for i in range(len(fits))]
            found = self._losses(moments, logits, order.rows[step], labels)
            self._model.backward(found)
            move()
            losses.append(found.detach())
            for i, fit in enumerate(fits):
                fit.at.sizes.append(moments[i].rows)
                fit.at.steps += 1
        for fit, own in zip(fits, torch.stack(losses, 1).cpu(), strict=True):
            fit.at.losses = [*own]

    def _moment(self, i: int, rows: int) -> Moment:
        at, phase = self.fits[i].at, self._phase(i)
        return Moment(
            rows=rows,
            number=at.steps,
            phase=at.phase,
            epoch=at.epoch,
            epochs=phase.epochs,
            progress=self._optimiser.progress(i),
        )

    def _end_epoch(self, on_epoch: Callable[[int, Epoch], None]) -> None:
        """Score dev, keep what is best, and let those be whose loss is no longer a number."""
        logits = self._logits([fit.dev_set for fit in self.fits])
        for i in self._going:
            fit = self.fits[i]
            try:
                report = fit.report(fit.mean_loss(), logits[i])
            except Diverged as error:
                self._ends[i] = error
                continue
            on_epoch(i, report)
            self._select(i, report)
        for i, fit in enumerate(self.fits):
            if i in self._ends:  # of an epoch that nobody is told of
                fit.at.end_epoch(Epoch(fit.at.epochs + 1, inf, {}))
            if fit.at.epoch == self._phase(i).epochs:
                self._end_phase(i)

    def _select(self, i: int, report: Epoch) -> None:
        """Keep the weights as they are now, if they are to be kept."""
        fit = self.fits[i]
        fit.at.end_epoch(report)
        worth = fit.worth(report)
        if fit.training.select == "last" or worth > self._best[i]:
            self._best[i], fit.at.best_epoch = worth, fit.at.epochs
            for best, table in zip(self._best_weights, self._model.tables, strict=True):
                best[i].copy_(table.values[i])

    def _begin_phase(self, i: int) -> None:
        """With a fresh optimiser and schedule."""
        self._best[i] = -inf
        an_epoch = -(-len(self._sets[i]) // self._training.batch_size)
        self._optimiser.begin(i, self._phase(i).epochs * an_epoch, an_epoch)

    def _end_phase(self, i: int) -> None:
        """Go on, or end, with the phase's selected checkpoint."""
        if self._best[i] > -inf:
            for best, table in zip(self._best_weights, self._model.tables, strict=True):
                table.values[i].copy_(best[i])
        self.fits[i].at.end_phase()
        if self.fits[i].at.phase < len(self._phases[i]):
            self._begin_phase(i)

    def _phase(self, i: int) -> Phase:
        return self._phases[i][self.fits[i].at.phase]

    @torch.inference_mode()
    def _logits(
        self, sets: Sequence[Encoded], asked: Sequence[NDArray[np.int64]] | None = None
    ) -> list[NDArray[np.float32]]:
        """In evaluation mode, by model, shape (n, K).

        Args:
            sets: by model.
            asked: by model, n rows, in whose order the logits are; None is all of them.
        """
        firsts = distinct(sets) if asked is None else [*range(len(sets))]
        each_once = [*dict.fromkeys(firsts)]
        texts = StackedTexts.of(sets, self._device)
        of = torch.tensor([each_once.index(i) for i in firsts], device=self._device)
        batch_size = min(_OF_EACH, max(1, _EVALUATION_ROWS // len(sets)))
        wanted = asked or [np.arange(len(own)) for own in sets]
        own_sets, own_rows = [sets[i] for i in each_once], [wanted[i] for i in each_once]
        order = Order.of_evaluation(own_sets, own_rows, batch_size, of)
        found: list[Tensor] = []
        for places, width in zip(order.rows, order.widths(), strict=True):
            inputs, _ = texts.batch(places, width)
            found.append(self._model.logits(inputs, learns=False))
        seen = order.rows.transpose(0, 1).flatten(1).cpu().numpy()
        logits = torch.cat(found, 1).cpu().numpy()
        ordered = []
        for i, own in enumerate(sets):
            table = np.empty((len(own), logits.shape[2]), np.float32)
            table[seen[i]] = logits[i]  # rows that fill up say the same once more
            ordered.append(table[wanted[i]])
        return ordered
