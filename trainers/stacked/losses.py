"""What each of S models minimises; those that minimise the same, by one computation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import vmap

from trainers.errors import MethodError
from trainers.inputs.batches import Encoded
from trainers.methods import Method, Step
from trainers.stacked.texts import distinct
from trainers.teacher import TeacherLogits


class Moment(NamedTuple):
    """Where a model stands, and on how many rows it learns at this step.

    Attributes:
        rows: of its batch.
        number: steps taken before this one, over all phases.
        phase: index into the method's phases.
        epoch: epochs completed in this phase.
        epochs: epochs that this phase has.
        progress: share of this phase's steps that are done.
    """

    rows: int
    number: int
    phase: int
    epoch: int
    epochs: int
    progress: float


@dataclass(frozen=True)
class TeachersLogits:
    """Teachers' logits of training sets, each once.

    Attributes:
        logits: shape (n, K), of all sets one behind the other; None where nobody has a teacher.
        starts: by model, where those of its set begin; None where it has no teacher.
    """

    logits: Tensor | None
    starts: Sequence[int | None]

    @classmethod
    def of(
        cls,
        teachers: Sequence[TeacherLogits | None],
        sets: Sequence[Encoded],
        device: torch.device,
    ) -> TeachersLogits:
        """Look them up for whole sets.

        Raises:
            MethodError: a teacher has not seen an example.
        """
        begins: dict[tuple[int, int], int] = {}
        tables: list[Tensor] = []
        starts: list[int | None] = []
        pairs = zip(teachers, sets, distinct(teachers), distinct(sets), strict=True)
        for teacher, texts, *pair in pairs:
            if teacher is None:
                starts.append(None)
                continue
            if (both := (pair[0], pair[1])) not in begins:
                begins[both] = sum(map(len, tables))
                tables.append(teacher.look_up(np.asarray(texts.ids), device))
            starts.append(begins[both])
        return cls(torch.cat(tables) if tables else None, starts)


class Losses:
    """Computes the losses of S models.

    Args:
        methods: of the models.
        taught: what their teachers said.
    """

    def __init__(self, methods: Sequence[Method], taught: TeachersLogits) -> None:
        self._methods, self._taught = methods, taught
        self._alike = [methods.index(method) for method in methods]
        self._places: dict[tuple[int, ...], Tensor] = {}

    def __call__(
        self, moments: Sequence[Moment], logits: Tensor, rows: Tensor, labels: Tensor
    ) -> Tensor:
        """Shape (S,); what is no number in one of them reaches no other's gradient.

        Args:
            moments: of the models.
            logits: shape (S, B, K).
            rows: shape (S, B), of each model's own training set.
            labels: shape (S, B).
        """
        groups: dict[tuple[int, bool, Moment], list[int]] = {}
        for i, moment in enumerate(moments):
            key = self._alike[i], self._taught.starts[i] is None, moment
            groups.setdefault(key, []).append(i)
        found, order = [], []
        for (method, _, moment), models in groups.items():
            places = self._on_device(models, labels.device)
            batch = [each[places, : moment.rows] for each in (logits, labels)]
            if (teacher := self._teacher(models, rows[places, : moment.rows])) is not None:
                batch.append(teacher)
            found.append(vmap(_Loss(self._methods[method], moment))(*batch))
            order += models
        if order == [*range(len(moments))]:
            return torch.cat(found)
        back = sorted(range(len(order)), key=order.__getitem__)
        return torch.cat(found)[self._on_device(back, labels.device)]

    def _teacher(self, models: Sequence[int], rows: Tensor) -> Tensor | None:
        """Shape (S', B, K), of models that all have a teacher, or None of those that have none."""
        starts = [start for i in models if (start := self._taught.starts[i]) is not None]
        if not starts:
            return None
        assert self._taught.logits is not None
        return self._taught.logits[rows + self._on_device(starts, rows.device)[:, None]]

    def _on_device(self, numbers: Sequence[int], device: torch.device) -> Tensor:
        """Whole numbers as a tensor, which is sent to the device once."""
        key = tuple(numbers)
        if key not in self._places:
            self._places[key] = torch.tensor(key, device=device)
        return self._places[key]


@dataclass(frozen=True)
class _Loss:
    """What a method of logits and labels alone says of one batch."""

    method: Method
    moment: Moment

    def __call__(self, logits: Tensor, labels: Tensor, teacher: Tensor | None = None) -> Tensor:
        moment = self.moment
        step = Step(
            model=nn.Identity(),
            inputs={},
            labels=labels,
            number=moment.number,
            phase=moment.phase,
            epoch=moment.epoch,
            epochs=moment.epochs,
            progress=moment.progress,
            state=SimpleNamespace(),
            method=self.method,
            run_model=self._refuse,
            restart_dropout=self._refuse,
            make_generator=self._refuse,
            look_up_teacher=None if teacher is None else lambda: teacher,
        )
        step.logits = logits
        return torch.as_tensor(self.method.objective(step))

    def _refuse(self, *_: Any) -> Any:
        raise MethodError(
            f"{self.method.name} takes more of a step than logits, labels and a teacher's logits: "
            "let its apart() say so, and its runs are trained apart."
        )
