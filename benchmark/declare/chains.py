"""Chains of tasks: a model starts from what another run of the same seed has ended with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from benchmark.errors import StudyError

if TYPE_CHECKING:
    from pathlib import Path

    from trainers.methods import Method
    from trainers.models import EverySecondLayer
    from trainers.pretraining import Denoising, MaskedLanguageModelling, Supervised
    from trainers.settings import Training
    from trainers.tasks import Task

    Init = str | Path | EverySecondLayer | MaskedLanguageModelling | Denoising | Supervised


@dataclass(frozen=True)
class After:
    """Weights of a run on another task: that of the same model and seed, its head left out.

    The run is one like any other: planned, recorded, and shared with whatever arm trains the same.
    It goes on with its checkpoint that is best on dev. What its method learns from, say a teacher,
    it has of its own.

    Attributes:
        task: what it was trained on.
        method: how; None is the method of the arm, so that a chain is trained by one method all
            the way.
        training: its settings; None takes those that the arm would have on that task.
        init: what it started from; another `After` makes a chain.
    """

    task: Task
    method: Method | None = None
    training: Training | None = None
    init: Init | After = "pretrained"

    def __post_init__(self) -> None:
        if not hasattr(self.task, "prepare") or isinstance(self.task, type):
            raise StudyError(f"After: task must be a task such as Digits(), not {self.task!r}.")
        given = isinstance(getattr(self.method, "name", None), str)
        if self.method is not None and (not given or isinstance(self.method, type)):
            raise StudyError(
                "After: method must be an instance of a method such as Base(), or None for that "
                f"of the arm, not {self.method!r}."
            )
        if self.training is not None and not hasattr(self.training, "resolved"):
            raise StudyError(f"After: training must be a Training(...), not {self.training!r}.")

    @property
    def links(self) -> tuple[After, ...]:
        """Every run of the chain from the first to this one."""
        before = self.init.links if isinstance(self.init, After) else ()
        return (*before, self)

    @property
    def start(self) -> Init:
        """What the first of them starts from."""
        first = self.links[0].init
        assert not isinstance(first, After)
        return first

    @property
    def name(self) -> str:
        """Short name for tables and tags: "after SST-2 → QNLI", of cycles "after 2 × (a → b)"."""
        start = self.start if isinstance(self.start, str) else self.start.name
        before = "" if start == "pretrained" else f"{start}, "
        return f"{before}after {_in_cycles([link._called for link in self.links])}"

    @property
    def _called(self) -> str:
        return f"{self.task.name} by {self.method.name}" if self.method else self.task.name


def chain(
    tasks: Sequence[Task],
    init: Init = "pretrained",
    method: Method | None = None,
    training: Training | None = None,
) -> After:
    """An init that has been through some tasks, one after the other.

    >>> from trainers.tasks import Docstrings
    >>> package, kind = Docstrings(label="package"), Docstrings(label="kind")
    >>> chain([package, kind]).name
    'after docstrings/package → docstrings/kind'
    >>> chain(2 * [package, kind] + [package]).name
    'after 2 × (docstrings/package → docstrings/kind) → docstrings/package'

    Args:
        tasks: in their order; one may come again, as in `3 * [a, b]`.
        init: what the first of them starts from.
        method: how each of them is trained; None is the method of the arm.
        training: the settings of each; None takes those that the arm would have on it.

    Raises:
        StudyError: there is no task.
    """
    made: Init | After = init
    for task in tasks:
        made = After(task, method, training, made)
    if not isinstance(made, After):
        raise StudyError('chain: it has no task; an init without one is "pretrained".')
    return made


def links_of(init: object) -> tuple[After, ...]:
    """The runs before an arm's own that an init stands for, the first one first."""
    return init.links if isinstance(init, After) else ()


def start_of(init: object) -> object:
    """What the first run of an arm starts from."""
    return init.start if isinstance(init, After) else init


def starting_from(start: Init, init: object) -> Init | After:
    """The same init, with something else before its first run."""
    if not isinstance(init, After):
        return start
    return replace(init, init=starting_from(start, init.init))


def shortened(init: Init | After, most: int) -> Init | After:
    """The same init after the first few of its links."""
    links = links_of(init)
    return links[most - 1] if len(links) > most else init


def _in_cycles(names: Sequence[str]) -> str:
    """Names with an arrow between them; where they come again in turn, each once."""
    for length in range(1, len(names) // 2 + 1):
        if all(names[i] == names[i % length] for i in range(len(names))):
            times, rest = divmod(len(names), length)
            cycle = " → ".join(names[:length])
            shown = f"{times} × ({cycle})" if length > 1 else f"{times} × {cycle}"
            return " → ".join([shown, *names[:rest]])
    return " → ".join(names)
