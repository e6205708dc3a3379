"""A run on its way, and the checkpoints that it leaves and goes on from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from types import SimpleNamespace
from typing import Any, Protocol

from torch import Tensor, nn

from trainers.machine.clock import Spent, Stopwatch
from trainers.resume.checkpoints import Keeper
from trainers.resume.known import tensors
from trainers.resume.position import Position
from trainers.resume.snapshot import Snapshot, Subject
from trainers.resume.streams import put_back

#: Of the weights in what is written down: those of now and of the best epoch, and two of AdamW.
COPIES = 4


class Learns(Protocol):
    """What a run learns with: an optimiser, its schedule, the best weights so far."""

    best_weights: Mapping[str, Tensor] | None

    def written(self) -> dict[str, Any]:
        """All but the best weights."""
        ...

    def go_on(self, written: Mapping[str, Any], best: Mapping[str, Tensor] | None) -> None:
        """Learn on from there."""
        ...


class Trail:
    """Where a run stands, from its first step or from where an earlier attempt left it.

    Attributes:
        at: how far it has come.

    Args:
        model: prepared; it is put to where the earlier attempt was.
        state: what the method keeps, prepared; it is filled again.
        watch: of this attempt; what the earlier ones took is added.
        checkpoints: where the run is written down.
        in_words: how far it has come, for people.
    """

    def __init__(
        self,
        model: nn.Module,
        state: SimpleNamespace,
        watch: Stopwatch,
        checkpoints: Keeper,
        in_words: Callable[[Position], str] = str,
    ) -> None:
        self.at = Position()
        self._subject, self._watch = Subject(model, state), watch
        self._checkpoints, self._in_words = checkpoints, in_words
        self._learner: Learns | None = None
        self._learned = self._subject.learning()
        self._left: dict[str, Any] = {}
        self._best: Mapping[str, Tensor] | None = None
        if checkpoints.found:
            self._go_on_from(checkpoints.found)
            checkpoints.found = None  # it is as large as the run
        size = COPIES * sum(each.nbytes for _, each in tensors(model))
        checkpoints.begin(watch.earlier.seconds if watch.earlier else 0.0, size)

    def learn_with(self, learner: Learns | None) -> None:
        """What the steps from here on are taken with; None where there are no more."""
        self._learner = learner
        if learner and self._left.get("learner"):
            learner.go_on(self._left["learner"], self._best)
            self._subject.let_learn(self._left["learning"])
            put_back(self._left["streams"])
        else:
            self._learned = self._subject.learning()
        self._left, self._best = {}, None

    def offer(self, at_end: bool = False) -> None:
        """Between two steps, or two batches of an evaluation: the run may be written down here.

        Args:
            at_end: whether an epoch has ended.
        """
        self._checkpoints.offer(self._take, at_end)

    def _take(self) -> Snapshot:
        learner = self._learner
        return self._subject.written(
            self._in_words(self.at),
            learner.best_weights if learner else None,
            at=self.at.written(),
            learner=learner.written() if learner else None,
            learned=self._learned,
            learning=self._subject.learning(),
            spent=asdict(self._watch.stop()),
        )

    def _go_on_from(self, snapshot: Snapshot) -> None:
        self._best, self._left = self._subject.fill(snapshot)
        self.at = Position.read(self._left["at"])
        self._watch.earlier = Spent(**self._left["spent"])
        # The optimiser is made for what learned when the steps began; some may be frozen since.
        self._learned = self._left["learned"]
        self._subject.let_learn(self._learned)
