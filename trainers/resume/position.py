"""How far a run has come."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor


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


@dataclass
class Position:
    """A run between two steps.

    Attributes:
        phase: phases completed.
        epoch: epochs completed of the phase under way.
        batch: batches taken of the epoch under way.
        steps: optimiser steps taken, over all phases.
        best_epoch: the epoch whose checkpoint is selected so far.
        reports: of the epochs completed, over all phases.
        losses: of the batches taken of the epoch under way.
        sizes: examples that each of these has.
    """

    phase: int = 0
    epoch: int = 0
    batch: int = 0
    steps: int = 0
    best_epoch: int = 0
    reports: list[Epoch] = field(default_factory=list)
    losses: list[Tensor] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)

    @property
    def epochs(self) -> int:
        """Epochs completed, over all phases."""
        return len(self.reports)

    def take_step(self, loss: Tensor, size: int) -> None:
        """A batch is behind it."""
        self.losses.append(loss)
        self.sizes.append(size)
        self.batch += 1
        self.steps += 1

    def end_epoch(self, report: Epoch) -> None:
        """An epoch is behind it."""
        self.reports.append(report)
        self.losses, self.sizes = [], []
        self.epoch, self.batch = self.epoch + 1, 0

    def end_phase(self) -> None:
        """A phase is behind it."""
        self.phase, self.epoch = self.phase + 1, 0

    def __str__(self) -> str:
        return f"step {self.steps} in epoch {self.epochs + 1}"

    def written(self) -> dict[str, Any]:
        """As plain values and one tensor."""
        losses = torch.stack(self.losses) if self.losses else None
        return {**vars(self), "losses": losses, "reports": [asdict(r) for r in self.reports]}

    @classmethod
    def read(cls, written: Mapping[str, Any]) -> Position:
        """From what it was written as."""
        losses = written["losses"]
        parts = [] if losses is None else [*losses.unbind()]
        reports = [Epoch(**report) for report in written["reports"]]
        return cls(**{**written, "losses": parts, "reports": reports})
