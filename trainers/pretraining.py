"""What a pre-training is declared as."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from trainers.errors import SettingsError
from trainers.settings import Training
from trainers.tasks import Task

#: Their order is drawn at once, and takes 8 bytes for each.
_MOST_BLOCKS = 1_000_000_000


@dataclass(frozen=True)
class Supervised:
    """Pre-training on the labels of another task.

    Attributes:
        task: what is learned first.
        training: how.
        seed: of that run; one pre-trained body serves all seeds of a study.
    """

    task: Task
    training: Training = field(default_factory=Training)
    seed: int = 0

    @property
    def name(self) -> str:
        """Short name for tables and tags."""
        return f"on {self.task.name}"


@dataclass(frozen=True)
class MaskedLanguageModelling:
    """BERT's pre-training on the task's unlabelled corpus (Devlin et al. 2019).

    Documents are packed end to end into blocks of one length, so that nothing is padding. Of the
    positions chosen, 80 % become [MASK], 10 % another token, 10 % stay.

    Attributes:
        steps: optimiser steps.
        batch_size: blocks a step.
        length: tokens a block.
        lr: peak learning rate.
        warmup: share of the steps in which it rises.
        weight_decay: decoupled, of matrices.
        probability: share of positions that are predicted.
        seed: one pre-trained body serves all seeds of a study.
    """

    #: Raised when the same fields would give other weights.
    revision: ClassVar[int] = 2

    steps: int = 1000
    batch_size: int = 32
    length: int = 64
    lr: float = 1e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    probability: float = 0.15
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name} must be at least 1, not {getattr(self, name)!r}.")
        if self.steps * self.batch_size > _MOST_BLOCKS:
            raise SettingsError(
                f"steps={self.steps} of batch_size={self.batch_size} are more than "
                f"{_MOST_BLOCKS:,} blocks; lower one of them."
            )
        if self.length < 8:
            raise SettingsError(f"blocks of {self.length} tokens are too short; take at least 8.")
        if not 0 < self.probability < 1:
            raise SettingsError(f"probability={self.probability!r} must lie between 0 and 1.")
        if not self.lr > 0:
            raise SettingsError(f"lr={self.lr!r} must be positive.")

    @property
    def name(self) -> str:
        """Short name for tables and tags."""
        return f"mlm-{self.steps}"

    def specification(self) -> dict[str, Any]:
        """All fields, for the key of a run."""
        return {"revision": self.revision, **{f.name: getattr(self, f.name) for f in fields(self)}}
