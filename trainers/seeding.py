"""One seed, separate random streams: initialisation, order, dropout, split, and a method's own.

Streams are derived by hashing, so that drawing more from one of them never shifts another. Dropout
is keyed by step: whatever a method drew during step t, step t + 1 starts where it always starts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch

#: Raised when the same seed would give other numbers.
REVISION = 1


def stream_seed(seed: int, stream: str, *counters: int) -> int:
    """The 63-bit seed of a named stream.

    Args:
        seed: the replicate's seed.
        stream: "initialisation", "order", "dropout", "split", "method", …
        counters: position within the stream, for instance the epoch or the step.

    >>> stream_seed(42, "order", 0) == stream_seed(42, "order", 0)
    True
    >>> stream_seed(42, "order", 0) == stream_seed(42, "dropout", 0)
    False
    """
    text = "/".join([str(seed), stream, *map(str, counters)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def torch_stream(
    seed: int, stream: str, *counters: int, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A generator at the start of a stream; its numbers are those of a kind of device."""
    return torch.Generator(device).manual_seed(stream_seed(seed, stream, *counters))


def numpy_stream(seed: int, stream: str, *counters: int) -> np.random.Generator:
    """A NumPy generator at the start of a stream."""
    return np.random.default_rng(stream_seed(seed, stream, *counters))


def seed_dropout(seed: int, step: int, micro_batch: int = 0) -> None:
    """Put torch's global generators, from which dropout draws, to the start of a step.

    The first micro-batch of a step starts where a step does that has no other.
    """
    _seed_everywhere(stream_seed(seed, "dropout", *_place(step, micro_batch)))


def method_stream(
    seed: int, name: str, step: int, micro_batch: int = 0, device: torch.device | str = "cpu"
) -> torch.Generator:
    """A method's own generator at the start of a step, or of one of its micro-batches."""
    return torch_stream(seed, f"method/{name}", *_place(step, micro_batch), device=device)


def _place(step: int, micro_batch: int) -> tuple[int, ...]:
    return (step, micro_batch) if micro_batch else (step,)


def seed_preparation(seed: int) -> None:
    """Put torch's global generators to where a method starts that prepares a model."""
    _seed_everywhere(stream_seed(seed, "preparation"))


def _seed_everywhere(seed: int) -> None:
    """As `torch.manual_seed` does, which takes a hundred times as long where no GPU is in use."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)
    if torch.backends.mps.is_available():
        torch.mps.manual_seed(seed)


@contextmanager
def initialising(seed: int) -> Iterator[None]:
    """Draw weights from the initialisation stream; the caller's generator stays as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed(seed, "initialisation"))
        yield
