"""What methods share that give up more and more weights."""

from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING

from trainers.errors import MethodError
from trainers.methods.method import Method
from trainers.methods.pruning.masks import check_matrices, sparsity_at
from trainers.methods.step import Step
from trainers.settings import is_number

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task

_CONFLICTS = {
    "bitfit": "bitfit freezes the matrices, and what is left of them could not learn",
    "mixout": "mixout would bring back the weights that are pruned",
    "reinit": "reinit draws weights of the layers anew, from which masks keep it away",
}


@dataclass(frozen=True)
class Gradual(Method):
    """Masks on the matrices of the layers, in events on the way.

    Attributes:
        sparsity: s, the share of each matrix that is zero at the end, in [0, 1).
        events: n, how often weights are given up.
        until: share of the training by which all are, in (0, 1), of its first phase where another
            method divides it; the rest learns with the last masks. Only epochs that end behind it
            are selected.
    """

    sparsity: float = 0.9
    events: int = 11
    until: float = 0.5

    def __post_init__(self) -> None:
        called = type(self).__name__
        if not is_number(self.sparsity) or not 0 <= self.sparsity < 1:
            raise MethodError(
                f"{called}(sparsity={self.sparsity!r}): the share of weights that go must lie in "
                "[0, 1)."
            )
        whole = isinstance(self.events, int) and not isinstance(self.events, bool)
        if not whole or self.events < 1:
            raise MethodError(f"{called}(events={self.events!r}): a whole number of at least 1.")
        if not is_number(self.until) or not 0 < self.until < 1:
            raise MethodError(
                f"{called}(until={self.until!r}): the share of the training by which all weights "
                "are given up must lie in (0, 1)."
            )

    def check(self, model: Model, task: Task) -> None:
        """Refuse a model in whose layers there is nothing to prune.

        Raises:
            MethodError: with the model's name.
        """
        check_matrices(type(self).__name__, model, task)

    def conflict(self, other: Method) -> str:
        """Nothing that freezes matrices or brings weights back, nor a second way to prune."""
        if isinstance(other, Gradual):
            return "each prunes the same matrices"
        return _CONFLICTS.get(other.name, "")

    def event(self, step: Step) -> int:
        """How many events are behind a step that begins; all of them in the last one."""
        if step.phase or step.last:
            return self.events
        return min(self.events, int(step.progress / self.until * self.events))

    def share(self, event: int) -> float:
        """The sparsity after an event."""
        return sparsity_at(event, self.events, self.sparsity)

    def is_selectable(self, state: SimpleNamespace) -> bool:
        """Once every weight is given up that has to be."""
        return not self.sparsity or bool(state.event == self.events)
