"""Which frozen encoders of a study are probed, and on which tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from benchmark.errors import StudyError

if TYPE_CHECKING:
    from trainers.tasks import Task

At = Literal["end", "every link"]
#: In place of tasks: the one that comes next in the chain.
NEXT = "next"


@dataclass(frozen=True)
class Probes:
    """Linear probes: a logistic regression on what the frozen encoder of a run says.

    Beside the arms two anchors are probed: the untouched encoder that they start from, and one of
    random weights.

    Attributes:
        tasks: what is probed; "next" is at each link the task that is trained on after it, before
            it is.
        at: the encoders: at the "end" of an arm's training, or at "every link" of its chain, from
            the untouched one (link 0) on.
    """

    tasks: tuple[Task, ...] | Literal["next"]
    at: At = "end"

    def __init__(self, tasks: Task | Sequence[Task] | Literal["next"], at: At = "end") -> None:
        given = list(tasks) if isinstance(tasks, Sequence) and tasks != NEXT else [tasks]
        object.__setattr__(self, "tasks", NEXT if tasks == NEXT else tuple(given))
        object.__setattr__(self, "at", at)
        if at not in ("end", "every link"):
            raise StudyError(f'Probes: at must be "end" or "every link", not {at!r}.')
        if tasks == NEXT and at == "end":
            raise StudyError(
                'Probes: at the end no task comes next; give tasks="next" with at="every link".'
            )
        if not self.tasks:
            raise StudyError('Probes: tasks is empty; name what is probed, or take "next".')
        for task in self.tasks if self.tasks != NEXT else ():
            if not hasattr(task, "prepare") or isinstance(task, type):
                raise StudyError(f"Probes: tasks must hold tasks such as Digits(), not {task!r}.")
        names = [task.name for task in self.named]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise StudyError(
                f'Probes: two tasks are called "{twice[0]}", and tables could not tell them apart.'
            )

    @property
    def named(self) -> tuple[Task, ...]:
        """The tasks that are named here; none where they are those of the chain."""
        return self.tasks if isinstance(self.tasks, tuple) else ()

    def after(self, trained: Sequence[Task]) -> Iterator[tuple[int, Task]]:
        """What is probed of an arm: the number of a link, and a task.

        Args:
            trained: the tasks that the arm is trained on, one after the other; link 0 is the
                encoder before the first of them.
        """
        last = len(trained)
        if not isinstance(self.tasks, tuple):
            yield from enumerate(trained)
            return
        for link in range(last + 1) if self.at == "every link" else (last,):
            yield from ((link, task) for task in self.tasks)
