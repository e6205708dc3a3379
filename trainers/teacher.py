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
        rows = np.searchsorted(self.ids, ids)
        known = rows < len(self.ids)
        known[known] = self.ids[rows[known]] == ids[known]
        if not known.all():
            raise MethodError(
                f"the teacher's logits lack example {int(ids[~known][0])}: they were computed on "
                "other data."
            )
        return placed(self.logits[rows], device)


@dataclass(frozen=True)
class LiveTeacher:
    """A model that is asked in every step, for methods that look inside it.

    Attributes:
        model: of one run alone, which may borrow its parts; frozen and in evaluation mode.
    """

    model: nn.Module

    def __post_init__(self) -> None:
        self.model.requires_grad_(False).eval()
