"""Sequence-level knowledge distillation (Kim and Rush 2016): the teacher writes the targets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from trainers.errors import MethodError
from trainers.methods.targets.distillation import Taught

if TYPE_CHECKING:
    from trainers.models import Model
    from trainers.tasks import Task


@dataclass(frozen=True)
class SequenceKD(Taught):
    """Cross-entropy with what the teacher writes in place of the targets (arXiv 1606.07947).

    The teacher writes the training set once, as the task's :class:`~trainers.tasks.Decoding` says:
    the paper takes its beam search (of 5) for the mode of the teacher's distribution over texts. A
    teacher that draws gives its first draw. Dev and test stay as they are. It may have another
    vocabulary than its student. Cost 1 once the texts are there.

    Attributes:
        teacher: a model, or a :class:`Teacher` that says how it is trained.
    """

    name: ClassVar[str] = "sequence_kd"

    def needs_from_teacher(self) -> Literal["logits", "weights", "texts"]:
        """What it writes."""
        return "texts"

    def check(self, model: Model, task: Task) -> None:
        """Refuse a task of classes.

        Raises:
            MethodError: nothing is written there.
        """
        if task.writes != "text":
            raise MethodError(
                f"SequenceKD has its teacher write the targets, and {task.name} has classes: take "
                "KD."
            )
