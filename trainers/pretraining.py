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

    #: What tables call it.
    called: ClassVar[str] = "masked language modelling"
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
        _check(self)

    @property
    def name(self) -> str:
        """Short name for tables and tags."""
        return f"mlm-{self.steps}"

    def specification(self) -> dict[str, Any]:
        """All fields, for the key of a run."""
        return {"revision": self.revision, **{f.name: getattr(self, f.name) for f in fields(self)}}


@dataclass(frozen=True)
class Denoising:
    """BART's pre-training of an encoder with a decoder on the task's corpus (Lewis et al. 2020).

    Documents are packed end to end into blocks of one length. Spans of a block, of lengths from a
    Poisson distribution, are each replaced by one [MASK] until the share asked for is gone (text
    infilling); the decoder writes the block as it was. Sentences keep their order.

    Attributes:
        steps: optimiser steps.
        batch_size: blocks a step.
        length: tokens a block.
        lr: peak learning rate.
        warmup: share of the steps in which it rises.
        weight_decay: decoupled, of matrices.
        probability: share of the tokens that are hidden.
        span: mean length of the spans.
        seed: one pre-trained body serves all seeds of a study.
    """

    #: What tables call it.
    called: ClassVar[str] = "denoising"
    #: Raised when the same fields would give other weights.
    revision: ClassVar[int] = 1

    steps: int = 1000
    batch_size: int = 32
    length: int = 64
    lr: float = 1e-3
    warmup: float = 0.06
    weight_decay: float = 0.01
    probability: float = 0.3
    span: float = 3.0
    seed: int = 0

    def __post_init__(self) -> None:
        _check(self)
        if not 0 < self.span <= self.length / 4:
            raise SettingsError(
                f"span={self.span!r} must lie above 0 and be a quarter of length={self.length} at "
                "most."
            )

    @property
    def name(self) -> str:
        """Short name for tables and tags."""
        return f"denoising-{self.steps}"

    def specification(self) -> dict[str, Any]:
        """All fields, for the key of a run."""
        return {"revision": self.revision, **{f.name: getattr(self, f.name) for f in fields(self)}}


def _check(declared: MaskedLanguageModelling | Denoising) -> None:
    """Refuse numbers that are out of range.

    Raises:
        SettingsError: with the first of them.
    """
    for name in ("steps", "batch_size"):
        if getattr(declared, name) < 1:
            raise SettingsError(f"{name} must be at least 1, not {getattr(declared, name)!r}.")
    if declared.steps * declared.batch_size > _MOST_BLOCKS:
        raise SettingsError(
            f"steps={declared.steps} of batch_size={declared.batch_size} are more than "
            f"{_MOST_BLOCKS:,} blocks; lower one of them."
        )
    if declared.length < 8:
        raise SettingsError(f"blocks of {declared.length} tokens are too short; take at least 8.")
    if not 0 < declared.probability < 1:
        raise SettingsError(f"probability={declared.probability!r} must lie between 0 and 1.")
    if not declared.lr > 0:
        raise SettingsError(f"lr={declared.lr!r} must be positive.")
