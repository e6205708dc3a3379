"""One batch during training, as a method sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import SimpleNamespace
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainers.errors import MethodError

#: Weights to run a model with in place of its own, by the names of its parameters.
Weights = Mapping[str, Tensor]


class Teaching(Protocol):
    """What a step asks of the method that takes it, or of one part of it."""

    @property
    def name(self) -> str:
        """Which tells it from the other parts."""
        ...

    def loss(self, step: Step) -> Tensor:
        """What compares the logits with the labels."""
        ...

    def objective(self, step: Step) -> Tensor:
        """What is differentiated."""
        ...


@dataclass
class Step:
    """One batch during training, as a method sees it.

    Attributes:
        model: in training mode.
        inputs: the model's keyword arguments, each with b rows.
        labels: shape (b,), 0 … K−1. Where the model writes text, shape (m,): the tokens of all
            targets of the batch, one after the other, and K is the size of the vocabulary; what
            else is said here to have b rows of classes then has m.
        number: steps taken before this one, over all phases.
        phase: index into `method.phases`.
        epoch: epochs completed in this phase.
        epochs: epochs that this phase has.
        progress: share of this phase's steps that are done, in [0, 1).
        last: whether it is the last step of this phase.
        state: what the method keeps from step to step; empty at the start of a run. Every part of
            a composition has one of its own.
        method: the whole method of the run, a composition where the run has one.
        batch: the step of the whole batch, where this one is of a micro-batch.
        rows: which rows of the whole batch this step has.
        counts: how many labels each of the b examples has; None is one.
    """

    model: nn.Module
    inputs: Mapping[str, Tensor]
    labels: Tensor
    number: int
    phase: int
    epoch: int
    epochs: int
    progress: float
    state: SimpleNamespace
    method: Teaching
    run_model: Callable[[Weights | None], Tensor] = field(repr=False)
    restart_dropout: Callable[[], None] = field(repr=False)
    make_generator: Callable[[str, torch.device], torch.Generator] = field(repr=False)
    look_up_teacher: Callable[[], Tensor] | None = field(repr=False, default=None)
    run_in_float32: Callable[[Weights | None], Tensor] | None = field(repr=False, default=None)
    last: bool = False
    repeats: bool = False
    part: Teaching | None = None
    whole: Step | None = field(repr=False, default=None)
    batch: Step | None = field(repr=False, default=None)
    rows: slice = field(default_factory=lambda: slice(None))
    counts: NDArray[np.int64] | None = None
    look_up_tokens: Callable[[], Tensor | None] | None = field(repr=False, default=None)

    @property
    def size(self) -> int:
        """b, the number of examples."""
        return len(self.labels) if self.counts is None else len(self.counts)

    def labels_of(self, rows: slice) -> slice:
        """Which of the labels are those of some examples."""
        if self.counts is None:
            return rows
        ends = np.cumsum(self.counts)
        return slice(int(ends[rows.start] - self.counts[rows.start]), int(ends[rows.stop - 1]))

    @cached_property
    def logits(self) -> Tensor:
        """Shape (b, K), float32: the pass that every method shares, with the seed's dropout."""
        if self.whole is not None:
            return self.whole.logits
        return self.forward(same_dropout=self.repeats)

    def forward(self, same_dropout: bool = False, weights: Weights | None = None) -> Tensor:
        """A further pass, which leaves the running statistics of batch normalisation alone.

        Args:
            same_dropout: repeat the masks of :attr:`logits` instead of drawing new ones.
            weights: run the model with these in place of its own.
        """
        if same_dropout:
            self.restart_dropout()
        return self.run_model(weights)

    @cached_property
    def teacher_logits(self) -> Tensor:
        """Shape (b, K), float32: what the teacher said of these examples, in evaluation mode.

        Raises:
            MethodError: the run has no teacher.
        """
        if self.whole is not None:
            return self.whole.teacher_logits
        if self.look_up_teacher is None:
            raise MethodError(
                "this run has no teacher: let the method's teacher_for() return a Teacher."
            )
        return self.look_up_teacher()

    @cached_property
    def teacher_tokens(self) -> Tensor | None:
        """Shape (m, k): of which tokens the first k of :attr:`teacher_logits` are, of text alone.

        The last of them is then that of all other tokens together. None where the teacher says
        something of each class.
        """
        if self.whole is not None:
            return self.whole.teacher_tokens
        return self.look_up_tokens() if self.look_up_tokens else None

    @cached_property
    def generator(self) -> torch.Generator:
        """A stream of the method's own at the start of this step; other arms never notice.

        It lives on the CPU, so that a seed draws the same numbers on every device. Micro-batches
        of a step have streams of their own; :meth:`draw` is for what must not depend on how a
        batch is split, and for what is too much to be drawn there for a GPU.
        """
        return self.make_generator(self._stream, torch.device("cpu"))

    def draw(self, sample: Callable[..., Tensor], shape: Sequence[int]) -> Tensor:
        """Numbers of the method's own stream for each row; the same however the batch is split.

        They are drawn where the model is: a batch of them from the CPU would take longer than the
        rest of a step on a GPU. A GPU draws other numbers than a CPU.

        Args:
            sample: `torch.rand` or another that takes a shape, a generator and a device.
            shape: (b, ...), with b the number of examples; in `before_step`, which knows of no
                micro-batches, any.
        """
        device = self.labels.device
        if self.batch is None:
            return sample(shape, generator=self._drawing, device=device)
        whole = (self.batch.size, *shape[1:])
        return sample(whole, generator=self._drawing, device=device)[self.rows]

    @cached_property
    def _drawing(self) -> torch.Generator:
        """The stream of the whole batch, where the model is."""
        of = self if self.batch is None else self.batch
        if of is self and self.labels.device.type == "cpu":
            return self.generator
        return of.make_generator(self._stream, self.labels.device)

    @property
    def _stream(self) -> str:
        return (self.part or self.method).name

    def label_loss(self, logits: Tensor) -> Tensor:
        """What the run compares logits with the labels by, for the logits of a further pass."""
        other = copy(self.whole or self)
        other.logits = logits
        return self.method.loss(other)

    def objective(self) -> Tensor:
        """The whole loss of this step, every part's penalty with it: what is differentiated."""
        return self.method.objective(self.whole or self)

    def repeated(self) -> Step:
        """The same step once more, its pass not yet run; the dropout masks will be the same."""
        other = copy(self.whole or self)
        vars(other).pop("logits", None)
        other.repeats = True
        return other

    def in_float32(self) -> Step:
        """The same step with its passes in float32; its logits have the same dropout masks.

        For passes whose difference is what counts: bfloat16 rounds logits by 1e-3 of their size,
        which hides or makes up whatever is less. Itself where the run computes in float32 anyway;
        elsewhere :attr:`logits` take a pass of their own.
        """
        if self.run_in_float32 is None:
            return self
        other = self.repeated()
        other.run_model = self.run_in_float32
        return other.seen_by(self.part) if self.part else other

    def seen_by(self, part: Teaching) -> Step:
        """The same step with the state and the random stream of one part of a composition."""
        whole = self.whole or self
        return replace(whole, state=state_of(part, whole.state), part=part, whole=whole)


def state_of(part: Teaching, state: SimpleNamespace) -> SimpleNamespace:
    """Where one part of a composition keeps what it keeps."""
    own: SimpleNamespace = vars(state).setdefault(part.name, SimpleNamespace())
    return own
