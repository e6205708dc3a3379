"""How many models of an architecture are worth being one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from trainers.settings import Training

#: FLOPs of a step of all models of a stack, at most: with as many a GPU is no longer kept waiting.
#: A guess, not measured: some ten milliseconds of one that does 200 TFLOP/s, which is about what
#: it takes to start the kernels of a step.
_ENOUGH = 2e12
#: Models of a stack, at most.
_MOST = 64
#: Bytes for each weight: itself, its gradient, two moments, the selected checkpoint, and what a
#: step needs of them beside.
_PER_WEIGHT = 32
#: Numbers that a layer keeps for the backward pass: for each of a token's, and for each token and
#: head of each other one. Rough, on the safe side.
_PER_NUMBER, _PER_PAIR = 40, 6


@dataclass(frozen=True)
class StepLoad:
    """What one of the models of a stack takes.

    Attributes:
        flops: of a step on texts of the greatest length.
        megabytes: of memory.
    """

    flops: float
    megabytes: float

    @classmethod
    def of(cls, model: nn.Module, training: Training) -> StepLoad:
        """Of an encoder of text, which need have no weights yet."""
        config: Any = model.config
        length = min(training.max_length, config.max_position_embeddings)
        tokens = training.batch_size * length
        embeddings = [part for part in model.modules() if isinstance(part, nn.Embedding)]
        weights = sum(weight.numel() for weight in model.parameters())
        dense = weights - sum(part.weight.numel() for part in embeddings)
        kept = _PER_NUMBER * config.hidden_size + _PER_PAIR * config.num_attention_heads * length
        numbers = config.num_hidden_layers * tokens * kept
        return cls(6.0 * dense * tokens, (_PER_WEIGHT * weights + 4 * numbers) / 1e6)

    def most(self, memory_mb: float) -> int:
        """How many are worth being one with so many megabytes for all; 1 is none."""
        return max(1, int(min(_MOST, _ENOUGH / self.flops, memory_mb / self.megabytes)))
