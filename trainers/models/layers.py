"""An init: a shallower model made of layers of a deeper one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from trainers.models.stored.repository import Repository
from trainers.resolve.folders import settled


@dataclass(frozen=True)
class EverySecondLayer:
    """See :func:`every_second_layer`."""

    source: str | Path
    first: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "source", settled(self.source))

    @property
    def name(self) -> str:
        """Short name for tables and tags."""
        start = f" from {self.first}" if self.first else ""
        return f"every second layer of {self.repository.name}{start}"

    @property
    def repository(self) -> Repository:
        """The deeper model's files."""
        return Repository(self.source)


def every_second_layer(source: str | Path, first: int = 0) -> EverySecondLayer:
    """Start from the embeddings and every second layer of a deeper model of the same kind.

    So DistilBERT starts from BERT (Sanh et al. 2019). The student's hidden size must be the
    teacher's, and its number of layers half of theirs::

        Arm(HubModel("bert-base", layers=6), every_second_layer("bert-base"), Base())

    Args:
        source: the deeper model, a hub name or a folder in the hub's layout.
        first: 0 takes layers 0, 2, 4, …; 1 takes 1, 3, 5, …
    """
    return EverySecondLayer(source, first)
