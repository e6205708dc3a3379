"""Teachers: logits, computed once and memory-mapped afterwards, or a model that is asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from trainers.errors import MethodError
from trainers.inputs.batches import placed


@dataclass(frozen=True)
class TeacherLogits:
    """Logits that are looked up by example.

    Attributes:
        ids: shape (n,), sorted.
        logits: shape (n, K), float32; usually a memory map.
    """

    ids: NDArray[np.int64]
    logits: NDArray[np.float32]

    @classmethod
    def open(cls, folder: Path) -> TeacherLogits:
        """Map the files that :meth:`save` wrote; nothing is read until it is looked up."""
        ids, logits = (
            np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
            for name in ("ids", "logits")
        )
        return cls(ids, logits)

    def save(self, folder: Path) -> None:
        """Write `ids.npy` and `logits.npy`, without pickle."""
        order = np.argsort(self.ids, kind="stable")
        np.save(folder / "ids.npy", self.ids[order], allow_pickle=False)
        np.save(folder / "logits.npy", self.logits[order].astype(np.float32), allow_pickle=False)

    def look_up(self, ids: NDArray[np.int64], device: torch.device) -> Tensor:
        """The logits of some examples, shape (b, K).

        Raises:
            MethodError: the teacher has not seen one of them.
        """
        return placed(self.logits[_places(self.ids, ids)], device)


@dataclass(frozen=True)
class TeacherTokens:
    """What a teacher says of each token of the targets that a student learns to write.

    Of every token of a target there are the k most likely ones and all others together, so that a
    vocabulary of fifty thousand takes what k + 1 numbers take.

    Attributes:
        ids: shape (n,), of the examples, sorted.
        offsets: shape (n + 1,); example i has the rows `offsets[i]` to `offsets[i + 1]`.
        tokens: shape (total, k), int32, the most likely ones.
        logits: shape (total, k + 1), float32: the logarithms of their probabilities, and that of
            what is left to all others; usually a memory map, as the tokens.
    """

    ids: NDArray[np.int64]
    offsets: NDArray[np.int64]
    tokens: NDArray[np.int32]
    logits: NDArray[np.float32]

    @classmethod
    def open(cls, folder: Path) -> TeacherTokens:
        """Map the files that :meth:`save` wrote."""
        return cls(
            *(
                np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
                for name in ("ids", "offsets", "tokens", "logits")
            )
        )

    def save(self, folder: Path) -> None:
        """Write each array, without pickle."""
        for name, values in vars(self).items():
            np.save(folder / f"{name}.npy", values, allow_pickle=False)

    def look_up(self, ids: NDArray[np.int64], device: torch.device) -> Tensor:
        """The logits of all tokens of some examples, one after the other: shape (m, k + 1).

        Raises:
            MethodError: the teacher has not seen one of the examples.
        """
        return placed(self.logits[self._rows(ids)], device)

    def look_up_tokens(self, ids: NDArray[np.int64], device: torch.device) -> Tensor:
        """Of which tokens these logits are: shape (m, k)."""
        return placed(self.tokens[self._rows(ids)].astype(np.int64), device)

    def _rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        places = _places(self.ids, ids)
        spans = zip(self.offsets[places].tolist(), self.offsets[places + 1].tolist(), strict=True)
        return np.concatenate([np.arange(start, end) for start, end in spans])


@dataclass(frozen=True)
class LiveTeacher:
    """A model that is asked in every step, for methods that look inside it.

    Attributes:
        model: of one run alone, which may borrow its parts; frozen and in evaluation mode.
    """

    model: nn.Module

    def __post_init__(self) -> None:
        self.model.requires_grad_(False).eval()


def _places(known: NDArray[np.int64], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each example is among those that a teacher has seen, which are sorted."""
    rows = np.searchsorted(known, ids)
    there = rows < len(known)
    there[there] = known[rows[there]] == ids[there]
    if not there.all():
        raise MethodError(
            f"the teacher's logits lack example {int(ids[~there][0])}: they were computed on "
            "other data."
        )
    return rows
